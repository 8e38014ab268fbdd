//! What is collected for a mix, in the place of the prompt.

use egui::{Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::Words;
use super::pills;
use super::text::words_field_ui;
use crate::command::{Command, GestureCommand};
use crate::icons::{self, Icon};
use crate::panels::{Region, mark_region};
use crate::scene::Scene;
use crate::session::{Draft, MixDraft, Part, PictureId, PictureRef, shares};
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

const SIDE: f32 = 46.0;
const TEXT_WIDTH: f32 = 150.0;
const WEIGHT_WIDTH: f32 = 100.0;
/// For what clears and closes the tray.
const BESIDE_PARTS: f32 = 92.0;

pub(super) fn mix_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft, words: &Words) {
    let mix = &mut draft.mix;
    let mut taken_out = None;
    let before = mix.clone();
    ui.horizontal_top(|ui| {
        let size = vec2(ui.available_width() - BESIDE_PARTS, SIDE);
        let rows = Layout::left_to_right(egui::Align::Min).with_main_wrap(true);
        ui.allocate_ui_with_layout(size, rows, |ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            taken_out = parts_ui(ui, scene, mix, words);
            add_ui(ui, mix);
        });
        ui.with_layout(Layout::right_to_left(egui::Align::Min), |ui| {
            leave_ui(ui, scene);
            if !mix.parts.is_empty() && widgets::pill(ui, "Clear", "Clear the mix", false).clicked()
            {
                *mix = MixDraft::default();
            }
        });
    });
    if let Some(index) = taken_out {
        mix.remove(index);
    }
    if *mix != before {
        draft.problem = None;
    }
}

/// In as many rows as they need. Which one is to be taken out.
fn parts_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    mix: &mut MixDraft,
    words: &Words,
) -> Option<usize> {
    let weights: Vec<f32> = mix.parts.iter().map(|(_, weight)| *weight).collect();
    let shares = shares(&weights);
    let is_weighed = mix.parts.len() > 2;
    let mut taken_out = None;
    for (index, (part, weight)) in mix.parts.iter_mut().enumerate() {
        let own_width = match part {
            Part::Text(_) => TEXT_WIDTH + 44.0,
            Part::Picture(_) | Part::Canvas => SIDE,
        };
        let weight_width = if is_weighed { WEIGHT_WIDTH } else { 0.0 };
        if ui.available_size_before_wrap().x < own_width + weight_width {
            ui.end_row();
        }
        let takes_out = ui.push_id(("part", index), |ui| {
            ui.horizontal(|ui| {
                let takes_out = part_ui(ui, scene, part, index, words);
                if is_weighed {
                    weight_ui(ui, index, weight, shares[index]);
                }
                takes_out
            })
            .inner
        });
        if takes_out.inner {
            taken_out = Some(index);
        }
    }
    taken_out
}

/// Puts the tray away.
pub(super) fn leave_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let command = Command::Gesture(GestureCommand::LeaveTray);
    if widgets::command_icon(ui, Icon::Close, &command, 24.0, false).clicked() {
        scene.send(command);
    }
}

/// The share of two, or how many pictures of one mixture.
pub(super) fn mix_pills_ui(ui: &mut Ui, mix: &mut MixDraft) {
    if mix.parts.len() != 2 {
        return;
    }
    if !mix.shows_way {
        let percent = (mix.share() * 100.0).round();
        let value = format!("{:.0} : {percent:.0}", 100.0 - percent);
        let tip = "How much of the first and how much of the second (slerp of the embeddings)";
        let mut now = percent;
        let slider = pills::slider_pill_ui(ui, "First ↔ second", &value, &mut now, 0.0..=100.0);
        if slider.on_hover_text(tip).changed() {
            mix.set_share(now / 100.0);
        }
    }
    let strip = widgets::pill(
        ui,
        "Strip of five",
        "Strip of five: shows the way from the first to the second",
        mix.shows_way,
    );
    if strip.clicked() {
        mix.shows_way = !mix.shows_way;
    }
}

fn words_field_id(index: usize) -> egui::Id {
    egui::Id::unique(("mixed words", index))
}

/// Whether it is to be taken out.
fn part_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    part: &mut Part,
    index: usize,
    words: &Words,
) -> bool {
    match part {
        Part::Text(text) => {
            let id = words_field_id(index);
            let label = format!("Words to mix in, part {}", index + 1);
            words_field_ui(ui, id, text, &label, "words", words.get(index), TEXT_WIDTH);
            let label = format!("Take part {} out", index + 1);
            widgets::icon_button(ui, Icon::Close, &label, 20.0).clicked()
        }
        Part::Picture(id) => {
            let picture = PictureRef::Gallery(*id);
            let label = format!("Part {}: {}", index + 1, picture_words(scene, *id));
            thumbnail_ui(ui, scene, Some(picture), &label, index)
        }
        Part::Canvas => {
            let label = format!("Part {}: the picture on the canvas", index + 1);
            thumbnail_ui(ui, scene, None, &label, index)
        }
    }
}

/// A picture of the tray; a canvas where there is none. Whether it is to be taken out.
fn thumbnail_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    picture: Option<PictureRef>,
    label: &str,
    index: usize,
) -> bool {
    let rect = picture_ui(ui, scene, picture, label);
    let corner = Rect::from_min_size(
        pos2(rect.right() - 17.0, rect.top() - 4.0),
        vec2(20.0, 20.0),
    );
    ui.painter().rect_filled(corner, 10, theme::of(ui).float);
    let mut corner_ui = ui.new_child(UiBuilder::new().max_rect(corner).id_salt("take out"));
    let label = format!("Take part {} out", index + 1);
    widgets::icon_button(&mut corner_ui, Icon::Close, &label, 20.0).clicked()
}

/// What a picture is called, and that it is gone where it is.
pub(super) fn picture_words(scene: &Scene<'_>, id: PictureId) -> String {
    let record = scene.gallery.record(id);
    let name = record.map(|record| record.name());
    let name = name.filter(|name| !name.is_empty());
    let name = name.map_or_else(|| "a picture".to_owned(), |name| widgets::shown(&name));
    if scene.gallery.is_gone(id) {
        format!("{name}, which was deleted")
    } else {
        name
    }
}

/// A small picture; one of the canvas where there is no other. One that is gone is a gap with a dashed edge.
pub(super) fn picture_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    picture: Option<PictureRef>,
    label: &str,
) -> Rect {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    mark_region(ui, Region::Prompt, &response);
    ui.painter().rect_filled(rect, theme::RADIUS, theme.bg3);
    let texture = picture.and_then(|picture| {
        let texture = scene.textures.get((picture, Detail::Thumbnail));
        texture.cloned()
    });
    let is_gap = matches!(picture, Some(PictureRef::Gallery(id)) if scene.gallery.is_gone(id));
    let opacity = if is_gap { 0.35 } else { 1.0 };
    match texture {
        Some(texture) => widgets::cover(ui, rect, theme::RADIUS, &texture, opacity),
        None => icons::paint(ui.painter(), rect, theme::ICON, Icon::Picture, theme.text2),
    }
    if is_gap {
        widgets::dashed_edge(ui, rect);
    } else if response.hovered() {
        let line = Stroke::new(1.0, theme.border);
        ui.painter()
            .rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    if response.on_hover_text(label).clicked()
        && let Some(picture) = picture.filter(|_| !is_gap)
    {
        scene.send(Command::Show(picture));
    }
    rect
}

fn weight_ui(ui: &mut Ui, index: usize, weight: &mut f32, share: f32) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let text = egui::RichText::new(format!("{:.0} %", share * 100.0));
        ui.label(text.font(theme::label_medium()).color(theme::of(ui).text));
        let mut percent = (*weight * 100.0).round();
        let name = format!("Weight of part {}", index + 1);
        if widgets::slider(ui, &name, &mut percent, 0.0..=100.0, false).changed() {
            *weight = percent / 100.0;
        }
    });
}

/// The ways to add a part.
fn add_ui(ui: &mut Ui, mix: &mut MixDraft) {
    if mix.parts.len() == MixDraft::MOST {
        return;
    }
    if widgets::pill(ui, "+ Words", "Add words to the mix", false).clicked() {
        let added = mix.add(Part::Text(String::new()));
        debug_assert!(added.is_ok(), "there is room");
        // What is typed next is meant for them.
        let field = words_field_id(mix.parts.len() - 1);
        ui.memory_mut(|memory| memory.request_focus(field));
    }
    if mix.parts.len() < 2 {
        let text = "Show another picture and press Shift B, or choose Mix… in its menu.";
        widgets::remark(ui, text);
    }
}
