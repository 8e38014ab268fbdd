//! Which pictures are listed: chips for each filter that holds, a menu to add one, and how the list looks.

use std::ops::{Range, RangeInclusive};

use egui::{Popup, Response, Ui, vec2};
use jiff::{Timestamp, ToSpan, ZonedDateTime};

use crate::command::{Command, GalleryCommand};
use crate::gallery::{Query, Sort};
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::{GalleryView, Grouping};
use crate::widgets;

/// Sizes by the longer side, in pixels, as people say them.
const SIZES: [(&str, RangeInclusive<u32>); 4] = [
    ("Small, up to 300 px", 0..=300),
    ("Medium, up to 800 px", 301..=800),
    ("Large, up to 1,600 px", 801..=1_600),
    ("Very large", 1_601..=u32::MAX),
];
const MOST_MODELS: usize = 12;
const MENU_WIDTH: f32 = 300.0;
const CHOICE_WIDTH: f32 = 290.0;

/// A line of the menu: its words, whether it holds, and the query with it, or without.
type Row = (String, bool, Query);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Today,
    Week,
    Month,
    Year,
}

impl Period {
    const ALL: [Self; 4] = [Self::Today, Self::Week, Self::Month, Self::Year];

    fn label(self) -> &'static str {
        match self {
            Self::Today => "Made today",
            Self::Week => "Made in the last 7 days",
            Self::Month => "Made in the last 30 days",
            Self::Year => "Made this year",
        }
    }

    /// Whole days where the user is, up to the end of today.
    fn range(self, now: &ZonedDateTime) -> Option<Range<Timestamp>> {
        let today = now.start_of_day().ok()?;
        let start = match self {
            Self::Today => today.clone(),
            Self::Week => today.checked_sub(6.days()).ok()?,
            Self::Month => today.checked_sub(29.days()).ok()?,
            Self::Year => today.first_of_year().ok()?,
        };
        let end = today.checked_add(1.day()).ok()?;
        Some(start.timestamp()..end.timestamp())
    }
}

/// Whether something beside the shelf, the words and the order narrows the list.
pub fn has_filters(query: &Query) -> bool {
    without_filters(query) != *query
}

pub fn without_filters(query: &Query) -> Query {
    Query {
        model: None,
        longer_side_px: None,
        made: None,
        is_untagged: false,
        is_unboarded: false,
        like: None,
        ..query.clone()
    }
}

fn list(scene: &mut Scene<'_>, query: Query) {
    scene.send(Command::Gallery(GalleryCommand::List(Box::new(query))));
}

/// A chip for each filter; a click takes it away.
pub fn chips_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let query = scene.gallery.query.clone();
    let mut chips: Vec<(String, Query)> = Vec::new();
    if let Some(id) = query.like {
        let without = Query {
            like: None,
            ..query.clone()
        };
        let record = scene.gallery.record(id);
        let name = record.map(|record| record.name()).unwrap_or_default();
        chips.push((format!("Like {}", shortened(&name)), without));
    }
    if let Some(model) = &query.model {
        let without = Query {
            model: None,
            ..query.clone()
        };
        chips.push((format!("Model: {model}"), without));
    }
    if let Some(sides) = &query.longer_side_px {
        let known = SIZES.iter().find(|(_, range)| range == sides);
        let words = known.map_or("Size", |(words, _)| *words).to_owned();
        let without = Query {
            longer_side_px: None,
            ..query.clone()
        };
        chips.push((words, without));
    }
    if let Some(made) = &query.made {
        let without = Query {
            made: None,
            ..query.clone()
        };
        chips.push((period_words(made), without));
    }
    if query.is_untagged {
        let without = Query {
            is_untagged: false,
            ..query.clone()
        };
        chips.push(("Without tags".to_owned(), without));
    }
    if query.is_unboarded {
        let without = Query {
            is_unboarded: false,
            ..query.clone()
        };
        chips.push(("On no board".to_owned(), without));
    }
    if chips.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (words, without) in chips {
            let label = format!("Take the filter away: {words}");
            if widgets::pill_with_icon(ui, &words, &label, true, Icon::Close).clicked() {
                list(scene, without);
            }
        }
    });
}

/// Enough of a prompt to know the picture by.
fn shortened(name: &str) -> String {
    const MOST_CHARS: usize = 32;
    match name.char_indices().nth(MOST_CHARS) {
        Some((at, _)) => format!("“{}…”", name[..at].trim_end()),
        None if name.is_empty() => "one picture".to_owned(),
        None => format!("“{name}”"),
    }
}

fn period_words(made: &Range<Timestamp>) -> String {
    let now = ZonedDateTime::now();
    let known = Period::ALL
        .into_iter()
        .find(|period| period.range(&now).as_ref() == Some(made));
    known.map_or_else(
        || {
            let from = made.start.to_zoned_datetime(now.time_zone().clone());
            format!("Made from {} on", from.strftime("%-d %B %Y"))
        },
        |period| period.label().to_owned(),
    )
}

/// Opens the menu of filters.
pub fn filter_button_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let is_on = has_filters(&scene.gallery.query);
    let button = drop_down(ui, "Filter", "Filter the pictures", is_on);
    Popup::menu(&button)
        .gap(6.0)
        .show(|ui| filter_menu_ui(ui, scene));
}

fn filter_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let query = scene.gallery.query.clone();
    ui.set_width(MENU_WIDTH);
    ui.spacing_mut().item_spacing.y = 2.0;
    let now = ZonedDateTime::now();
    let mut rows: Vec<(&str, Vec<Row>)> = Vec::new();
    let periods = Period::ALL.into_iter().map(|period| {
        let made = period.range(&now);
        let is_on = query.made == made;
        let made = made.filter(|_| !is_on);
        let with = Query {
            made,
            ..query.clone()
        };
        (period.label().to_owned(), is_on, with)
    });
    rows.push(("Date", periods.collect()));
    let sizes = SIZES.into_iter().map(|(words, sides)| {
        let is_on = query.longer_side_px.as_ref() == Some(&sides);
        let with = Query {
            longer_side_px: (!is_on).then_some(sides),
            ..query.clone()
        };
        (words.to_owned(), is_on, with)
    });
    rows.push(("Size", sizes.collect()));
    let models = scene.gallery.overview.models.iter().take(MOST_MODELS);
    let models = models.map(|model| {
        let is_on = query.model.as_ref() == Some(&model.name);
        let with = Query {
            model: (!is_on).then(|| model.name.clone()),
            ..query.clone()
        };
        (model.name.clone(), is_on, with)
    });
    rows.push(("Model", models.collect()));
    let untagged = Query {
        is_untagged: !query.is_untagged,
        ..query.clone()
    };
    let unboarded = Query {
        is_unboarded: !query.is_unboarded,
        ..query.clone()
    };
    let unsorted = vec![
        ("Without tags".to_owned(), query.is_untagged, untagged),
        ("On no board".to_owned(), query.is_unboarded, unboarded),
    ];
    rows.push(("Not sorted yet", unsorted));
    for (title, rows) in rows.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        widgets::section(ui, title, "");
        for (words, is_on, with) in rows {
            if widgets::menu_row_ui(ui, &words, is_on.then_some("✓"), is_on, MENU_WIDTH).clicked()
            {
                list(scene, with);
                ui.close();
            }
        }
    }
}

/// Order, groups, size of the tiles, details: from right to left.
pub fn look_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let details = GalleryCommand::ToggleDetails;
    let is_on = scene.settings.gallery.shows_details;
    if widgets::icon_toggle(ui, Icon::Info, &details.label(), 31.0, is_on).clicked() {
        scene.send(Command::Gallery(details));
    }
    tile_side_ui(ui, scene);
    let grouping = scene.gallery.grouping;
    let groups = drop_down(ui, grouping.label(), "Group the pictures", false);
    Popup::menu(&groups)
        .gap(6.0)
        .show(|ui| grouping_menu_ui(ui, scene));
    let order = drop_down(ui, order_words(scene.gallery), "Sort the pictures", false);
    Popup::menu(&order)
        .gap(6.0)
        .show(|ui| order_menu_ui(ui, scene));
}

/// The same behind one button, where the bar has no room.
pub fn folded_look_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let button = widgets::icon_button(ui, Icon::Settings, "How the pictures are listed", 31.0);
    widgets::popover(&button, egui::RectAlign::BOTTOM_END, CHOICE_WIDTH, |ui| {
        widgets::section(ui, "Order", "");
        order_menu_ui(ui, scene);
        widgets::section(ui, "Groups", "");
        grouping_menu_ui(ui, scene);
        widgets::section(ui, "Size", "");
        tile_side_ui(ui, scene);
    });
}

fn tile_side_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let mut side = scene.settings.gallery.tile_side;
    let range = crate::settings::Gallery::TILE_SIDES;
    if widgets::slider(ui, "Size of the pictures", &mut side, range, true).changed() {
        scene.send(Command::Gallery(GalleryCommand::TileSide(side)));
    }
}

fn grouping_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let grouping = scene.gallery.grouping;
    for choice in Grouping::ALL {
        let is_on = choice == grouping;
        if choice_ui(ui, choice.label(), is_on) {
            scene.send(Command::Gallery(GalleryCommand::Group(choice)));
        }
    }
    if scene.gallery.effective_grouping() != grouping {
        ui.set_max_width(CHOICE_WIDTH);
        widgets::remark(ui, "Groups need the order by time.");
    }
}

/// What is chosen holds for the list, or for the search while there is one.
fn order_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let query = scene.gallery.query.clone();
    let is_by_likeness = scene.gallery.is_by_likeness();
    if query.is_search() {
        let words = likeness_words(&query);
        if choice_ui(ui, words, is_by_likeness) {
            let sort_found = None;
            list(
                scene,
                Query {
                    sort_found,
                    ..query.clone()
                },
            );
        }
    }
    for choice in Sort::ALL {
        let is_on = choice == query.order() && !is_by_likeness;
        if choice_ui(ui, sort_words(choice), is_on) {
            list(scene, sorted(&query, choice));
        }
    }
    if query.is_search() {
        let what = if query.like.is_some() {
            "Another order holds until this search ends."
        } else {
            "Pictures with the words come before those that only show them. Another order mixes both, until this \
             search ends."
        };
        ui.set_max_width(CHOICE_WIDTH);
        ui.add_space(6.0);
        widgets::remark(ui, what);
    }
}

/// A search has an order of its own.
fn sorted(query: &Query, sort: Sort) -> Query {
    let query = query.clone();
    if query.is_search() {
        Query {
            sort_found: Some(sort),
            ..query
        }
    } else {
        Query { sort, ..query }
    }
}

/// In which order the list is.
fn order_words(gallery: &GalleryView) -> &'static str {
    if gallery.is_by_likeness() {
        likeness_words(&gallery.query)
    } else {
        sort_words(gallery.query.order())
    }
}

fn likeness_words(query: &Query) -> &'static str {
    match query.like {
        Some(_) => "Most alike first",
        None => "Closest first",
    }
}

fn drop_down(ui: &mut Ui, text: &str, label: &str, is_on: bool) -> Response {
    widgets::pill_with_icon(ui, text, label, is_on, Icon::ChevronDown)
}

fn choice_ui(ui: &mut Ui, words: &str, is_on: bool) -> bool {
    ui.spacing_mut().item_spacing.y = 2.0;
    let clicked =
        widgets::menu_row_ui(ui, words, is_on.then_some("✓"), is_on, CHOICE_WIDTH).clicked();
    if clicked {
        ui.close();
    }
    clicked
}

fn sort_words(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "Newest first",
        Sort::Oldest => "Oldest first",
        Sort::Name => "By name",
        Sort::Score => "Best match with the prompt",
        Sort::Largest => "Largest first",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_period_is_whole_days_up_to_the_end_of_today() {
        let now: ZonedDateTime = "2026-03-03T15:00:00[UTC]".parse().unwrap();
        let cases = [
            (Period::Today, "2026-03-03T00:00:00Z"),
            (Period::Week, "2026-02-25T00:00:00Z"),
            (Period::Month, "2026-02-02T00:00:00Z"),
            (Period::Year, "2026-01-01T00:00:00Z"),
        ];
        for (period, start) in cases {
            let range = period.range(&now).unwrap();
            assert_eq!(range.start.to_string(), start, "{period:?}");
            assert_eq!(range.end.to_string(), "2026-03-04T00:00:00Z");
        }
    }

    #[test]
    fn sizes_leave_no_side_out() {
        for (before, after) in SIZES.iter().zip(&SIZES[1..]) {
            assert_eq!(before.1.end() + 1, *after.1.start());
        }
    }

    #[test]
    fn a_board_is_no_filter_but_a_model_is() {
        let board = Query {
            board: Some("posters".to_owned()),
            sort: Sort::Name,
            ..Query::default()
        };
        assert!(!has_filters(&board));
        let model = Query {
            model: Some("Doodle".to_owned()),
            ..board.clone()
        };
        assert!(has_filters(&model));
        assert_eq!(without_filters(&model), board);
    }

    #[test]
    fn a_search_says_its_own_order_and_leaves_that_of_the_list_alone() {
        let entry = || crate::gallery::Entry {
            id: crate::session::PictureId::new(),
            created_ms: 0,
            run: 0,
            is_starred: false,
        };
        let plain = Query {
            sort: Sort::Name,
            ..Query::default()
        };
        let words = Query {
            words: "boats".to_owned(),
            ..plain.clone()
        };
        let like = Query {
            like: Some(crate::session::PictureId::new()),
            ..plain.clone()
        };
        for (query, n_exact, choice, expected) in [
            (&plain, 2, None, "By name"),
            (&words, 1, None, "Closest first"),
            (&words, 2, None, "By name"),
            (&words, 1, Some(Sort::Oldest), "Oldest first"),
            (&like, 0, None, "Most alike first"),
            (&like, 0, Some(Sort::Largest), "Largest first"),
        ] {
            let query = choice.map_or(query.clone(), |choice| sorted(query, choice));
            assert_eq!(query.sort, Sort::Name);
            let mut gallery = GalleryView::default();
            (gallery.query, gallery.grouping) = (query, Grouping::Day);
            gallery.found(std::sync::Arc::new([entry(), entry()]), n_exact);
            assert_eq!(order_words(&gallery), expected);
            let is_by_time = expected == "Oldest first";
            assert_eq!(gallery.effective_grouping() == Grouping::Day, is_by_time);
        }
        assert_eq!(sorted(&plain, Sort::Oldest).sort, Sort::Oldest);
    }
}
