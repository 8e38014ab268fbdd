//! The canvas before the first picture: what to do, six prompts to try, one honest line.

use egui::{Align, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, vec2};

use crate::command::Command;
use crate::scene::Scene;
use crate::session::EngineState;
use crate::theme;
use crate::widgets;
use crate::widgets::Loudness;

const N_EXAMPLES: usize = 6;
const WIDTH: f32 = 560.0;

pub fn empty_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let canvas = ui.max_rect();
    let width = WIDTH.min(canvas.width() - 48.0);
    let height = 332.0_f32.min(canvas.height());
    let area = Rect::from_center_size(canvas.center() - vec2(0.0, 8.0), vec2(width, height));
    ui.scope_builder(
        UiBuilder::new()
            .max_rect(area)
            .layout(Layout::top_down(Align::Center)),
        |ui| {
            let theme = theme::of(ui);
            ui.spacing_mut().item_spacing.y = 8.0;
            ui.label(
                egui::RichText::new("Type a sentence, get pictures")
                    .font(theme::heading())
                    .color(theme.text),
            );
            ui.label(
                egui::RichText::new(widgets::shown_message(&honest_line(scene)))
                    .font(theme::body())
                    .color(theme.text2),
            );
            ui.add_space(16.0);
            let examples: Vec<String> = scene
                .session
                .current_model()
                .map(|model| model.examples.iter().take(N_EXAMPLES).cloned().collect())
                .unwrap_or_default();
            examples_ui(ui, scene, &examples, width);
            ui.add_space(8.0);
            other_ways_ui(ui, scene, !examples.is_empty());
            ui.add_space(8.0);
            if let EngineState::Restarting(reason) = &scene.session.engine {
                let reason = widgets::shown_message(reason);
                let text = format!("The engine stopped and starts again: {reason}");
                ui.label(
                    egui::RichText::new(text)
                        .font(theme::label())
                        .color(theme.error),
                );
            }
        },
    );
}

/// Beginnings without a sentence of one's own.
fn other_ways_ui(ui: &mut Ui, scene: &mut Scene<'_>, can_surprise: bool) {
    let surprise = can_surprise.then_some(Command::SurprisePrompt);
    let ways = [Command::OpenFile, Command::AskBlankCanvas];
    let ways: Vec<Command> = ways.into_iter().chain(surprise).collect();
    let labels: Vec<String> = ways.iter().map(Command::label).collect();
    let widths: Vec<f32> = labels
        .iter()
        .map(|label| widgets::button_width(ui, label))
        .collect();
    let width = widths.iter().sum::<f32>() + 8.0 * (ways.len() - 1) as f32;
    ui.allocate_ui(vec2(width, 31.0), |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            for ((command, label), width) in ways.into_iter().zip(labels).zip(widths) {
                let loudness = match command {
                    Command::SurprisePrompt => Loudness::Quiet,
                    _ => Loudness::Plain,
                };
                let tip = widgets::command_tooltip(ui, &command);
                let button = widgets::button(ui, &label, loudness, Some(width));
                if button.on_hover_text(tip).clicked() {
                    scene.send(command);
                }
            }
        });
    });
    let or = egui::RichText::new("or drop a picture here").font(theme::label());
    ui.label(or.color(theme::of(ui).text3));
}

/// What the model draws, in its own words.
fn honest_line(scene: &Scene<'_>) -> String {
    match scene.session.current_model() {
        Some(model) if !model.description.is_empty() => model.description.clone(),
        Some(model) => format!("{} is ready.", model.name),
        None if scene.session.models_are_listed => "No model is installed: see Models.".to_owned(),
        None => match &scene.session.engine {
            EngineState::Starting => "The engine starts; you can already write.".to_owned(),
            _ => "Looking for models…".to_owned(),
        },
    }
}

fn examples_ui(ui: &mut Ui, scene: &mut Scene<'_>, examples: &[String], width: f32) {
    let column = (width - 8.0) / 2.0;
    for pair in examples.chunks(2) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            for example in pair {
                if example_ui(ui, example, column) {
                    scene.send(Command::SetPrompt(example.clone()));
                }
            }
        });
    }
}

fn example_ui(ui: &mut Ui, example: &str, width: f32) -> bool {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 40.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, widgets::shown(example)));
    let (fill, outline, colour) = if response.hovered() {
        (theme.bg3, theme.border, theme.text)
    } else {
        (theme.bg1, theme.line, theme.text2)
    };
    ui.painter().rect(
        rect,
        10,
        fill,
        Stroke::new(1.0, outline),
        StrokeKind::Inside,
    );
    let job = widgets::clipped(example, theme::body(), colour, width - 28.0);
    let galley = ui.painter().layout_job(job);
    let at = egui::Align2::LEFT_CENTER
        .anchor_size(rect.left_center() + vec2(14.0, 0.0), galley.size())
        .min;
    ui.painter().galley(at, galley, colour);
    widgets::focus_ring(ui, &response, rect, 10);
    response.clicked()
}
