//! The family tree of a picture: a row for each generation, lines from what a picture was made from.

use limn_engine::protocol::Operation;
use std::collections::HashMap;

use egui::{
    Pos2, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use crate::command::Command;
use crate::gallery::Origin;
use crate::gallery::family::{Family, Relative};
use crate::gallery::index::State;
use crate::icons::{self, Icon};
use crate::scene::Scene;
use crate::session::{PictureId, PictureRef};
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

const SIDE: f32 = 52.0;
const GAP: f32 = 8.0;
/// Between generations: room for the lines.
const ROW_GAP: f32 = 22.0;
/// What of a ghost is seen.
const GHOST_OPACITY: f32 = 0.35;

/// Draws the tree, if the picture has any relatives.
pub fn family_ui(ui: &mut Ui, scene: &mut Scene<'_>, family: &Family) {
    if family.members.len() < 2 {
        return;
    }
    let n_ghosts = family
        .members
        .iter()
        .filter(|member| is_ghost(member))
        .count();
    let remark = match n_ghosts {
        0 => String::new(),
        1 => "one was deleted".to_owned(),
        n => format!("{n} were deleted"),
    };
    widgets::section(ui, "Family", &remark);
    let rows = rows(family);
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(1);
    let size = vec2(
        n_columns as f32 * (SIDE + GAP) - GAP,
        rows.len() as f32 * (SIDE + ROW_GAP) - ROW_GAP,
    );
    let mut scroll = ScrollArea::horizontal().id_salt("family");
    if is_another(ui, family) {
        // Its own row is in the middle of the widest.
        scroll = scroll.horizontal_scroll_offset((size.x - ui.available_width()).max(0.0) / 2.0);
    }
    scroll.show(ui, |ui| {
        let (area, _) = ui.allocate_exact_size(size + Vec2::splat(4.0), Sense::hover());
        let places = places(&rows, area.shrink(2.0));
        lines_ui(ui, family, &places);
        for member in rows.into_iter().flatten() {
            member_ui(ui, scene, family, member, places[&member.id]);
        }
    });
    let n_shown = family.n_siblings_shown();
    if n_shown < family.n_siblings {
        let text = format!(
            "{n_shown} of {} others of its run are here: open one to see those next to it.",
            widgets::count(family.n_siblings)
        );
        widgets::remark(ui, &text);
    }
    if family.is_cut {
        widgets::remark(
            ui,
            "The tree goes on: open one of these pictures to see further.",
        );
    }
}

/// Whether the family that was drawn before was of another picture.
fn is_another(ui: &Ui, family: &Family) -> bool {
    let id = egui::Id::unique("family of");
    ui.data_mut(|data| {
        let before = data.get_temp::<PictureId>(id);
        data.insert_temp(id, family.of);
        before != Some(family.of)
    })
}

/// The generations, the oldest first. A generation of which nothing is left does not make a gap.
fn rows(family: &Family) -> Vec<Vec<&Relative>> {
    let mut rows: Vec<Vec<&Relative>> = Vec::new();
    for member in &family.members {
        match rows.last_mut() {
            Some(row) if row[0].generation == member.generation => row.push(member),
            _ => rows.push(vec![member]),
        }
    }
    rows
}

/// Each row in the middle of the area.
fn places(rows: &[Vec<&Relative>], area: Rect) -> HashMap<PictureId, Rect> {
    let mut places = HashMap::new();
    for (row, members) in (0_u16..).zip(rows) {
        let width = members.len() as f32 * (SIDE + GAP) - GAP;
        let left = area.left() + (area.width() - width).max(0.0) / 2.0;
        let top = area.top() + f32::from(row) * (SIDE + ROW_GAP);
        for (column, member) in (0_u16..).zip(members) {
            let min = pos2(left + f32::from(column) * (SIDE + GAP), top);
            places.insert(member.id, Rect::from_min_size(min, Vec2::splat(SIDE)));
        }
    }
    places
}

fn lines_ui(ui: &Ui, family: &Family, places: &HashMap<PictureId, Rect>) {
    let theme = theme::of(ui);
    for member in &family.members {
        let child = places[&member.id];
        for parent in member
            .parents
            .iter()
            .filter_map(|parent| places.get(parent))
        {
            let is_own = member.id == family.of || places[&family.of] == *parent;
            let colour = if is_own { theme.accent } else { theme.border };
            let [from, to] = [parent.center_bottom(), child.center_top()];
            // A child above its parent: a recipe that says so is not believed, but drawn.
            let bend = vec2(0.0, (to.y - from.y).abs().max(ROW_GAP) / 2.0);
            let points: [Pos2; 4] = [from, from + bend, to - bend, to];
            let stroke = Stroke::new(1.5, colour);
            ui.painter()
                .add(egui::epaint::CubicBezierShape::from_points_stroke(
                    points,
                    false,
                    egui::Color32::TRANSPARENT,
                    stroke,
                ));
        }
    }
}

fn member_ui(ui: &mut Ui, scene: &mut Scene<'_>, family: &Family, member: &Relative, rect: Rect) {
    let theme = theme::of(ui);
    let is_own = member.id == family.of;
    let picture = PictureRef::Gallery(member.id);
    let response = ui.interact(
        rect,
        ui.scope_id().with(("relative", member.id)),
        Sense::click(),
    );
    let label = label(member, family.is_sibling(member));
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, is_own, &label));
    ui.painter().rect_filled(rect, 6, theme.bg2);
    let key = (picture, Detail::Thumbnail);
    let opacity = if is_ghost(member) { GHOST_OPACITY } else { 1.0 };
    if let Some(texture) = scene.textures.get(key).cloned() {
        widgets::cover(ui, rect, 6, &texture, opacity);
    } else if scene.textures.broken(key).is_some() {
        icons::paint(ui.painter(), rect, 17.0, Icon::Picture, theme.text3);
    }
    if is_own {
        let ring = Stroke::new(2.0, theme.accent);
        ui.painter()
            .rect_stroke(rect.expand(2.0), 8, ring, StrokeKind::Inside);
    } else if is_ghost(member) {
        widgets::dashed_edge(ui, rect);
    } else if response.hovered() {
        let ring = Stroke::new(1.0, theme.border);
        ui.painter().rect_stroke(rect, 6, ring, StrokeKind::Inside);
    }
    widgets::focus_ring(ui, &response, rect, 6);
    clicked(scene, &response, member, is_own);
    response.on_hover_text(label);
}

fn clicked(scene: &mut Scene<'_>, response: &Response, member: &Relative, is_own: bool) {
    if response.clicked() && !is_own && !is_ghost(member) {
        scene.send(Command::Show(PictureRef::Gallery(member.id)));
    }
}

/// Its file is gone for good.
fn is_ghost(member: &Relative) -> bool {
    member.state == State::Missing
}

fn label(member: &Relative, is_sibling: bool) -> String {
    let name = match member.name.as_str() {
        "" => "a picture".to_owned(),
        name => widgets::shown(name),
    };
    let how = member.deed.map_or("", deed_words);
    let whereabouts = match member.state {
        State::Here => "",
        State::Trashed => " · in the trash",
        State::Missing => " · deleted",
    };
    let run = if is_sibling {
        " · of the same run"
    } else {
        ""
    };
    format!("{how}{name}{run}{whereabouts}")
}

fn deed_words(deed: Origin) -> &'static str {
    match deed {
        Origin::Made(Operation::Generate) | Origin::Other => "",
        Origin::Made(Operation::ImageToImage) => "Changed: ",
        Origin::Made(Operation::Inpaint) => "Filled: ",
        Origin::Made(Operation::Outpaint) => "Extended: ",
        Origin::Made(Operation::Variations) => "Variation: ",
        Origin::Made(Operation::Blend) => "Mix: ",
        Origin::Made(Operation::Shift) => "Turned: ",
        Origin::Made(Operation::Upscale) => "Larger: ",
        Origin::Import => "From elsewhere: ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(generation: i32, name: &str, state: State) -> Relative {
        Relative {
            id: PictureId::new(),
            generation,
            parents: Vec::new(),
            deed: Some(Operation::Variations.into()),
            name: name.to_owned(),
            state,
        }
    }

    #[test]
    fn every_generation_has_a_row_in_the_middle_and_nobody_lies_on_another() {
        let mut members = vec![relative(-2, "old", State::Missing)];
        members.push(relative(0, "own", State::Here));
        members.extend((0..5).map(|_| relative(1, "young", State::Here)));
        let family = Family {
            of: members[1].id,
            members,
            is_cut: false,
            n_siblings: 0,
        };
        let rows = rows(&family);
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 5]);
        let area = Rect::from_min_size(pos2(10.0, 10.0), vec2(400.0, 300.0));
        let places = places(&rows, area);
        assert_eq!(places.len(), 7);
        assert!((places[&family.of].center().x - area.center().x).abs() < 0.1);
        let all: Vec<Rect> = places.into_values().collect();
        for (index, rect) in all.iter().enumerate() {
            assert!(area.contains_rect(*rect));
            assert!(
                all[index + 1..]
                    .iter()
                    .all(|other| !rect.intersects(*other))
            );
        }
    }

    #[test]
    fn a_relative_says_what_it_is() {
        for (name, state, is_sibling, expected) in [
            ("a boat", State::Here, false, "Variation: a boat"),
            (
                "a boat",
                State::Here,
                true,
                "Variation: a boat · of the same run",
            ),
            (
                "a boat",
                State::Trashed,
                false,
                "Variation: a boat · in the trash",
            ),
            ("", State::Missing, false, "Variation: a picture · deleted"),
        ] {
            assert_eq!(label(&relative(1, name, state), is_sibling), expected);
        }
    }
}
