//! The sections of a grid and their headings, which stay in view while their pictures are.

use std::ops::Range;

use egui::{Align2, Rect, Ui, pos2, vec2};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};

use super::layout::{GridLayout, Section};
use crate::gallery::Entry;
use crate::scene::Scene;
use crate::session::{Grouping, PictureId};
use crate::theme;
use crate::widgets;

/// The height of a heading, in points.
pub fn height(grouping: Grouping) -> f32 {
    match grouping {
        Grouping::None => 0.0,
        Grouping::Day | Grouping::Run => 34.0,
    }
}

/// Divides a list, in which pictures of one day or run stand together.
pub fn sections(entries: &[Entry], grouping: Grouping) -> Vec<Section> {
    match grouping {
        Grouping::None if entries.is_empty() => Vec::new(),
        Grouping::None => {
            let pictures = 0..entries.len();
            vec![Section { pictures }]
        }
        Grouping::Day => days(entries, &TimeZone::system()),
        Grouping::Run => runs(entries),
    }
}

fn days(entries: &[Entry], zone: &TimeZone) -> Vec<Section> {
    let mut day: Range<Timestamp> = Timestamp::MIN..Timestamp::MIN;
    divide(entries, |entry| {
        let created = moment(entry);
        let goes_on = day.contains(&created);
        if !goes_on {
            // Looked up once a day of pictures, not once a picture.
            day = day_of(created, zone);
        }
        goes_on
    })
}

fn moment(entry: &Entry) -> Timestamp {
    Timestamp::from_millisecond(entry.created_ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn day_of(moment: Timestamp, zone: &TimeZone) -> Range<Timestamp> {
    let at = moment.to_zoned_datetime(zone.clone());
    let ends = || -> Result<Range<Timestamp>, jiff::Error> {
        let start = at.start_of_day()?;
        let end = start.checked_add(1.day())?;
        Ok(start.timestamp()..end.timestamp())
    };
    ends().unwrap_or(moment..moment)
}

/// Pictures that belong to no run, and stand beside each other, share a section.
fn runs(entries: &[Entry]) -> Vec<Section> {
    let mut run = None;
    divide(entries, |entry| run.replace(entry.run) == Some(entry.run))
}

fn divide(entries: &[Entry], mut goes_on: impl FnMut(&Entry) -> bool) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match sections.last_mut() {
            Some(last) if goes_on(entry) => last.pictures.end = index + 1,
            Some(_) => sections.push(Section {
                pictures: index..index + 1,
            }),
            None => {
                goes_on(entry);
                sections.push(Section { pictures: 0..1 });
            }
        }
    }
    sections
}

/// Draws the headings in view, the topmost one at the top edge. Returns the pictures of which a heading should
/// tell the prompt and nothing is known.
pub fn headings_ui(
    ui: &Ui,
    scene: &Scene<'_>,
    layout: &GridLayout,
    offset: f64,
    view: Rect,
) -> Vec<PictureId> {
    let grouping = scene.gallery.effective_grouping();
    let height = height(grouping);
    let mut unknown = Vec::new();
    if height == 0.0 {
        return unknown;
    }
    let bottom = offset + f64::from(view.height());
    let first = layout.section_at(offset).unwrap_or(0);
    for (number, section) in layout.sections().iter().enumerate().skip(first) {
        let top = layout.section_top(number);
        if top >= bottom {
            break;
        }
        // Pushed out by the next one.
        let next = layout.section_top(number + 1) - f64::from(height);
        let at = (top.max(offset).min(next.max(top)) - offset) as f32;
        let min = pos2(view.left(), view.top() + at);
        let rect = Rect::from_min_size(min, vec2(view.width(), height));
        let Some(entry) = scene.gallery.entries().get(section.pictures.start) else {
            break;
        };
        let record = scene.gallery.record(entry.id);
        if grouping == Grouping::Run && !scene.gallery.is_fresh(entry.id) {
            unknown.push(entry.id);
        }
        let prompt = record.map_or("", |record| record.prompt());
        let title = title(entry, grouping, prompt, &ZonedDateTime::now());
        heading_ui(ui, rect, &title, section.pictures.len());
    }
    unknown
}

fn heading_ui(ui: &Ui, rect: Rect, title: &str, n_pictures: usize) {
    let theme = theme::of(ui);
    let ground = rect.expand2(vec2(3.0, 0.0));
    ui.painter().rect_filled(ground, 0, ui.visuals().panel_fill);
    let count = widgets::pictures(n_pictures);
    let count = ui
        .painter()
        .layout_no_wrap(count, theme::label(), theme.text3);
    let width = rect.width() - count.size().x - 24.0;
    let title = widgets::clipped(title, theme::label_semibold(), theme.text, width);
    let galley = ui.painter().layout_job(title);
    for (galley, anchor, at) in [
        (galley, Align2::LEFT_CENTER, rect.left_center()),
        (
            count,
            Align2::RIGHT_CENTER,
            rect.right_center() - vec2(4.0, 0.0),
        ),
    ] {
        let min = anchor.anchor_size(at, galley.size()).min;
        ui.painter().galley(min, galley, theme.text);
    }
}

fn title(first: &Entry, grouping: Grouping, prompt: &str, now: &ZonedDateTime) -> String {
    let created = moment(first).to_zoned_datetime(now.time_zone().clone());
    let day = day_words(&created, now);
    match grouping {
        Grouping::Run if first.run == 0 => format!("{day}, other pictures"),
        Grouping::Run => {
            let at = created.strftime("%H:%M");
            if prompt.is_empty() {
                format!("{day}, {at}")
            } else {
                format!("{prompt} · {day}, {at}")
            }
        }
        Grouping::Day | Grouping::None => day,
    }
}

/// "Today", "Yesterday", "Tuesday 24 November", with the year where it is another.
fn day_words(day: &ZonedDateTime, now: &ZonedDateTime) -> String {
    let yesterday = now.date().yesterday().ok();
    if day.date() == now.date() {
        "Today".to_owned()
    } else if Some(day.date()) == yesterday {
        "Yesterday".to_owned()
    } else if day.year() == now.year() {
        day.strftime("%A %-d %B").to_string()
    } else {
        day.strftime("%-d %B %Y").to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A picture made at a time.
    fn made(at: &str, run: u32) -> Entry {
        Entry {
            id: PictureId::new(),
            created_ms: at.parse::<Timestamp>().unwrap().as_millisecond(),
            run,
            is_starred: false,
        }
    }

    fn lengths(sections: &[Section]) -> Vec<usize> {
        for (before, after) in sections.iter().zip(sections.iter().skip(1)) {
            assert_eq!(before.pictures.end, after.pictures.start);
        }
        sections
            .iter()
            .map(|section| section.pictures.len())
            .collect()
    }

    #[test]
    fn days_begin_at_midnight_where_the_user_is() {
        let entries = [
            made("2026-11-25T23:30:00Z", 0),
            made("2026-11-25T22:59:59Z", 0),
            made("2026-11-25T00:10:00Z", 0),
            made("2026-11-24T23:00:00Z", 0),
            made("2026-11-24T22:59:00Z", 0),
        ];
        let berlin = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::fixed(jiff::tz::offset(1)));
        assert_eq!(lengths(&days(&entries, &berlin)), [1, 3, 1]);
        assert_eq!(lengths(&days(&entries, &TimeZone::UTC)), [3, 2]);
        assert!(days(&[], &berlin).is_empty());
    }

    #[test]
    fn runs_stand_apart_and_lone_pictures_together() {
        let at = "2026-11-25T12:00:00Z";
        let entries = [1, 1, 2, 0, 0, 2].map(|run| made(at, run));
        assert_eq!(lengths(&runs(&entries)), [2, 1, 2, 1]);
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn a_heading_says_when_as_people_do() {
        let now = "2026-11-25T12:00:00[UTC]".parse::<ZonedDateTime>().unwrap();
        let cases = [
            ("2026-11-25T08:05:00Z", Grouping::Day, "Today"),
            ("2026-11-24T08:05:00Z", Grouping::Day, "Yesterday"),
            ("2026-11-02T08:05:00Z", Grouping::Day, "Monday 2 November"),
            ("2025-11-25T08:05:00Z", Grouping::Day, "25 November 2025"),
            (
                "2026-11-25T08:05:00Z",
                Grouping::Run,
                "a boat · Today, 08:05",
            ),
        ];
        for (at, grouping, expected) in cases {
            assert_eq!(title(&made(at, 7), grouping, "a boat", &now), expected);
        }
        let lone = made("2026-11-25T08:05:00Z", 0);
        assert_eq!(
            title(&lone, Grouping::Run, "", &now),
            "Today, other pictures"
        );
    }
}
