//! Where pictures are asked for: the prompt, its few settings, the button, and how far the queue is.

use std::fmt::Write as _;
use std::sync::Arc;

use egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use egui::{
    Align, Frame, Galley, Id, Layout, Margin, Popup, PopupCloseBehavior, Rect, Response, Role,
    Sense, Stroke, StrokeKind, TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use limn_engine::protocol::ModelInfo;
use limn_engine::samplers::Sampler;

use super::widgets::{self, Loudness};
use super::{Region, Scene};
use crate::command::Command;
use crate::icons::Icon;
use crate::session::{Draft, MAX_PROMPT_CHARS, RunState, UnknownWord, size_choices, unknown_words};
use crate::theme;

const BUTTON_WIDTH: f32 = 150.0;
const ROW_HEIGHT: f32 = 21.0;
const MAX_ROWS: f32 = 4.0;
const COUNTS: [u32; 6] = [1, 2, 4, 6, 8, 9];

/// What the prompt bar keeps between frames.
#[derive(Default)]
pub struct PromptBar {
    pub draft: Draft,
    /// Put the keyboard focus into the prompt at the next frame, with everything selected or not.
    pub focus: Option<Selection>,
    /// For the words at hand, so that they are looked up once and not every frame.
    unknown: (String, usize, Vec<UnknownWord>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    All,
    End,
}

impl PromptBar {
    pub fn text_id() -> Id {
        Id::unique("prompt text")
    }

    fn look_up(&mut self, model: Option<&ModelInfo>) {
        let vocabulary = model.and_then(|model| model.vocabulary.as_ref());
        let size = vocabulary.map_or(0, |vocabulary| {
            1 + vocabulary.objects.len() + vocabulary.words.len() + vocabulary.synonyms.len()
        });
        if self.unknown.0 == self.draft.prompt && self.unknown.1 == size {
            return;
        }
        let found = vocabulary.map_or_else(Vec::new, |vocabulary| {
            unknown_words(&self.draft.prompt, vocabulary)
        });
        self.unknown = (self.draft.prompt.clone(), size, found);
    }
}

pub fn prompt_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>, bar: &mut PromptBar) {
    bar.look_up(scene.session.current_model());
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let width = ui.available_width() - BUTTON_WIDTH - 12.0;
        let height = box_ui(ui, scene, bar, width);
        deed_ui(ui, scene, height);
    });
}

fn box_ui(ui: &mut Ui, scene: &mut Scene<'_>, bar: &mut PromptBar, width: f32) -> f32 {
    let theme = theme::of(ui);
    let has_focus = ui.memory(|memory| memory.has_focus(PromptBar::text_id()));
    let outline = if bar.draft.problem.is_some() {
        theme.error
    } else if has_focus {
        theme.accent
    } else {
        theme.line
    };
    let frame = Frame::new()
        .fill(theme.bg2)
        .stroke(Stroke::new(1.5, outline))
        .corner_radius(theme::RADIUS_CARD)
        .inner_margin(Margin {
            left: 14,
            right: 14,
            top: 13,
            bottom: 11,
        });
    let inner = frame.show(ui, |ui| {
        ui.set_width(width - 31.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 9.0;
            text_ui(ui, bar);
            notes_ui(ui, scene, bar);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                pills_ui(ui, scene, bar);
            });
        });
    });
    inner.response.rect.height()
}

fn text_ui(ui: &mut Ui, bar: &mut PromptBar) {
    let theme = theme::of(ui);
    let id = PromptBar::text_id();
    // A note under the prompt takes the place of its second line, so that the bar does not jump.
    let has_note = bar.draft.problem.is_some() || !bar.unknown.2.is_empty();
    let n_rows = if has_note { 1 } else { 2 };
    let unknown = std::mem::take(&mut bar.unknown.2);
    let unread_from = bar.unknown.0.len();
    let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, wrap_width: f32| -> Arc<Galley> {
        // Typing this very frame moves the words: underline only what still stands where it was.
        let is_current = text.as_str().len() == unread_from;
        let mut job = prompt_job(ui, text.as_str(), if is_current { &unknown } else { &[] });
        job.wrap.max_width = wrap_width;
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    };
    let scroll = egui::ScrollArea::vertical()
        .max_height(ROW_HEIGHT * MAX_ROWS)
        .min_scrolled_height(ROW_HEIGHT * MAX_ROWS)
        .auto_shrink([false, true]);
    let hint = "Describe a picture";
    let output = scroll
        .show(ui, |ui| {
            TextEdit::multiline(&mut bar.draft.prompt)
                .id(id)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .font(theme::prompt())
                .text_color(theme.text)
                .hint_text(
                    egui::RichText::new(hint)
                        .font(theme::prompt())
                        .color(theme.text3),
                )
                .desired_width(f32::INFINITY)
                .desired_rows(n_rows)
                .char_limit(MAX_PROMPT_CHARS)
                .layouter(&mut layouter)
                .show(ui)
        })
        .inner;
    bar.unknown.2 = unknown;
    let response: &Response = &output.response.response;
    name_text_field(response, "Prompt", &bar.draft.prompt);
    super::mark_region(ui, Region::Prompt, response);
    if response.changed() {
        bar.draft.edited();
    }
    if let Some(selection) = bar.focus.take() {
        response.request_focus();
        let end = CCursor::new(bar.draft.prompt.chars().count());
        let range = match selection {
            Selection::All => CCursorRange::two(CCursor::new(0), end),
            Selection::End => CCursorRange::one(end),
        };
        let mut state = output.state;
        state.cursor.set_char_range(Some(range));
        state.store(ui.ctx(), id);
    }
}

/// A text field's name for screen readers; its text is its value.
pub fn name_text_field(response: &Response, name: &str, text: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| {
        node.set_label(name.to_owned());
        node.set_value(text.to_owned());
    });
}

fn prompt_job(ui: &Ui, text: &str, unknown: &[UnknownWord]) -> LayoutJob {
    let theme = theme::of(ui);
    let plain = TextFormat {
        line_height: Some(ROW_HEIGHT),
        ..TextFormat::simple(theme::prompt(), theme.text)
    };
    let underlined = TextFormat {
        underline: Stroke::new(1.5, theme.warn),
        ..plain.clone()
    };
    let mut job = LayoutJob::default();
    let mut done = 0;
    for word in unknown {
        if word.range.start < done
            || !text.is_char_boundary(word.range.start)
            || !text.is_char_boundary(word.range.end)
        {
            continue;
        }
        job.append(&text[done..word.range.start], 0.0, plain.clone());
        job.append(&text[word.range.clone()], 0.0, underlined.clone());
        done = word.range.end;
    }
    job.append(&text[done..], 0.0, plain);
    job
}

/// What is wrong or unknown, right under the prompt that it is about.
fn notes_ui(ui: &mut Ui, scene: &mut Scene<'_>, bar: &PromptBar) {
    let theme = theme::of(ui);
    if let Some(problem) = &bar.draft.problem {
        ui.label(
            egui::RichText::new(problem)
                .font(theme::label())
                .color(theme.error),
        );
        return;
    }
    let Some(first) = bar.unknown.2.first() else {
        return;
    };
    let model = scene
        .session
        .current_model()
        .map_or("The model", |model| model.name.as_str());
    let n_more = bar.unknown.2.len() - 1;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let mut text = format!("{model} does not know “{}”", first.word);
        if n_more > 0 {
            let _ = write!(text, " and {n_more} more");
        }
        text.push_str(if first.nearest.is_some() {
            "; nearest:"
        } else {
            "."
        });
        ui.label(
            egui::RichText::new(text)
                .font(theme::label())
                .color(theme.warn),
        );
        if let Some(nearest) = &first.nearest {
            let command = Command::ReplaceWord {
                from: first.word.clone(),
                to: nearest.clone(),
            };
            if widgets::pill(ui, nearest, &command.label(), false).clicked() {
                scene.send(command);
            }
        }
    });
}

fn pills_ui(ui: &mut Ui, scene: &mut Scene<'_>, bar: &mut PromptBar) {
    let draft = &mut bar.draft;
    count_pill_ui(ui, draft);
    let model = scene.session.current_model();
    if let Some(model) = model {
        size_pill_ui(ui, draft, model);
    }
    avoid_pill_ui(ui, draft);
    if let Some(model) = model {
        more_pill_ui(ui, draft, model);
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        seed_ui(ui, draft);
    });
}

fn pill_popover(pill: &Response, width: f32, contents: impl FnOnce(&mut Ui)) {
    Popup::from_toggle_button_response(pill)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .align(egui::RectAlign::TOP_START)
        .gap(6.0)
        .show(|ui| {
            ui.set_width(width);
            contents(ui);
        });
}

fn count_pill_ui(ui: &mut Ui, draft: &mut Draft) {
    let n = draft.n_pictures;
    let text = if n == 1 {
        "1 result".to_owned()
    } else {
        format!("{n} results")
    };
    let pill = widgets::pill(ui, &text, &format!("How many: {text}"), false);
    pill_popover(&pill, 240.0, |ui| {
        widgets::section(ui, "How many pictures", "");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for count in COUNTS {
                if widgets::tab(ui, &count.to_string(), count == n).clicked() {
                    draft.n_pictures = count;
                    ui.close();
                }
            }
        });
    });
}

fn size_pill_ui(ui: &mut Ui, draft: &mut Draft, model: &ModelInfo) {
    let (width, height) = draft.size.unwrap_or(model.default_size);
    let pill = widgets::pill(
        ui,
        &format!("{width} × {height}"),
        &format!("Size: {width} × {height} pixels"),
        false,
    );
    pill_popover(&pill, 260.0, |ui| {
        widgets::section(ui, "Size", &format!("in steps of {} px", model.stride));
        ui.spacing_mut().item_spacing.y = 2.0;
        for choice in size_choices(model) {
            let (w, h) = choice.size;
            let is_own = choice.size == model.default_size;
            let remark = if is_own {
                format!("{w} × {h}, what {} is best at", model.name)
            } else {
                format!("{w} × {h}")
            };
            if super::top_bar::choice_ui(ui, choice.label, &remark, (width, height) == choice.size)
                .clicked()
            {
                draft.size = (!is_own).then_some(choice.size);
                ui.close();
            }
        }
    });
}

fn avoid_pill_ui(ui: &mut Ui, draft: &mut Draft) {
    let is_set = !draft.negative_prompt.trim().is_empty();
    let text = if is_set {
        let short: String = draft.negative_prompt.chars().take(18).collect();
        format!("Avoid: {}", short.trim())
    } else {
        "Avoid…".to_owned()
    };
    let pill = widgets::pill(ui, &text, "Avoid: what not to draw", is_set);
    pill_popover(&pill, 320.0, |ui| {
        widgets::section(ui, "What to avoid", "negative prompt");
        let response = ui.add(
            TextEdit::multiline(&mut draft.negative_prompt)
                .id(Id::unique("negative prompt"))
                .hint_text("Nothing")
                .desired_rows(2)
                .desired_width(f32::INFINITY),
        );
        name_text_field(&response, "What to avoid", &draft.negative_prompt);
    });
}

fn more_pill_ui(ui: &mut Ui, draft: &mut Draft, model: &ModelInfo) {
    let is_set = draft.sampling != limn_engine::protocol::Sampling::default();
    let pill = widgets::pill(ui, "More", "More settings", is_set);
    pill_popover(&pill, 320.0, |ui| {
        let theme = theme::of(ui);
        widgets::section(
            ui,
            "Settings",
            if is_set { "changed" } else { "the model's own" },
        );
        let (own, chosen) = (&model.defaults, &mut draft.sampling);
        count_row(
            ui,
            "Steps",
            "More steps: finer, slower (num_inference_steps)",
            &mut chosen.n_steps,
            own.n_steps.unwrap_or(25),
            1..=150,
        );
        scale_row(
            ui,
            "Follow the prompt",
            "How strictly (guidance_scale)",
            &mut chosen.guidance_scale,
            own.guidance_scale.unwrap_or(4.0),
        );
        sampler_row(ui, &mut chosen.sampler, own.sampler);
        ui.add_space(4.0);
        ui.label(
            egui::RichText::new("From words to a picture's idea (prior)")
                .font(theme::caption())
                .color(theme.text3),
        );
        count_row(
            ui,
            "Idea steps",
            "Steps of the prior (prior_num_inference_steps)",
            &mut chosen.n_prior_steps,
            own.n_prior_steps.unwrap_or(25),
            2..=150,
        );
        scale_row(
            ui,
            "Idea follows words",
            "How strictly (prior_guidance_scale)",
            &mut chosen.prior_guidance_scale,
            own.prior_guidance_scale.unwrap_or(4.0),
        );
        if is_set && widgets::button(ui, "Back to the model's own", Loudness::Plain, None).clicked()
        {
            *chosen = limn_engine::protocol::Sampling::default();
        }
    });
}

fn setting_row(ui: &mut Ui, name: &str, tip: &str, contents: impl FnOnce(&mut Ui)) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        let label = ui.label(
            egui::RichText::new(name)
                .font(theme::label())
                .color(theme.text2),
        );
        label.on_hover_text(tip);
        ui.with_layout(Layout::right_to_left(Align::Center), contents);
    });
}

fn count_row(
    ui: &mut Ui,
    name: &str,
    tip: &str,
    value: &mut Option<u32>,
    own: u32,
    range: std::ops::RangeInclusive<u32>,
) {
    setting_row(ui, name, tip, |ui| {
        let mut now = value.unwrap_or(own);
        let slider = ui.add(egui::Slider::new(&mut now, range).logarithmic(true));
        let slider = slider.on_hover_text(tip).accessible_name(name);
        if slider.changed() {
            *value = (now != own).then_some(now);
        }
    });
}

fn scale_row(ui: &mut Ui, name: &str, tip: &str, value: &mut Option<f32>, own: f32) {
    setting_row(ui, name, tip, |ui| {
        let mut now = value.unwrap_or(own);
        let slider = ui.add(
            egui::Slider::new(&mut now, 1.0..=15.0)
                .step_by(0.1)
                .fixed_decimals(1),
        );
        let slider = slider.on_hover_text(tip).accessible_name(name);
        if slider.changed() {
            *value = ((now - own).abs() > 0.01).then_some(now);
        }
    });
}

const SAMPLERS: [(Sampler, &str); 6] = [
    (Sampler::Ddpm, "DDPM"),
    (Sampler::Ddim, "DDIM"),
    (Sampler::Euler, "Euler"),
    (Sampler::EulerAncestral, "Euler ancestral"),
    (Sampler::Dpmpp2m, "DPM++ 2M"),
    (Sampler::Dpmpp2mKarras, "DPM++ 2M Karras"),
];

pub fn sampler_name(sampler: Sampler) -> &'static str {
    SAMPLERS
        .iter()
        .find(|(known, _)| *known == sampler)
        .map_or("another", |(_, name)| name)
}

fn sampler_row(ui: &mut Ui, chosen: &mut Option<Sampler>, own: Option<Sampler>) {
    let own_name = own.map_or("the model's own".to_owned(), |sampler| {
        format!("{} (the model's)", sampler_name(sampler))
    });
    setting_row(ui, "Sampler", "The way from noise to picture", |ui| {
        let text = chosen.map_or(own_name.clone(), |sampler| sampler_name(sampler).to_owned());
        let combo = egui::ComboBox::from_id_salt("sampler")
            .selected_text(text)
            .width(180.0);
        let shown = combo.show_ui(ui, |ui| {
            ui.selectable_value(chosen, None, own_name);
            for (sampler, name) in SAMPLERS {
                ui.selectable_value(chosen, Some(sampler), name);
            }
        });
        let _ = shown.response.accessible_name("Sampler");
    });
}

fn seed_ui(ui: &mut Ui, draft: &mut Draft) {
    let theme = theme::of(ui);
    let (icon, tip) = if draft.seed_is_locked {
        (
            Icon::Locked,
            "The seed stays: the same settings make the same picture",
        )
    } else {
        (
            Icon::Unlocked,
            "Every run draws a new seed; click to keep this one",
        )
    };
    if widgets::icon_toggle(ui, icon, tip, 24.0, false).clicked() {
        draft.seed_is_locked = !draft.seed_is_locked;
    }
    if draft.seed_is_locked {
        let mut text = draft.seed.to_string();
        let field = TextEdit::singleline(&mut text)
            .id(Id::unique("seed"))
            .font(theme::label())
            .desired_width(88.0)
            .margin(Margin::symmetric(6, 3))
            .align(egui::Align2::RIGHT_CENTER);
        let response = ui.add(field);
        name_text_field(&response, "Seed", &text);
        if response.changed() {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            draft.seed = digits
                .parse()
                .unwrap_or(if digits.is_empty() { 0 } else { draft.seed });
        }
        ui.label(
            egui::RichText::new("seed")
                .font(theme::label())
                .color(theme.text3),
        );
    } else {
        ui.label(
            egui::RichText::new("seed random")
                .font(theme::label())
                .color(theme.text3),
        );
    }
}

/// The button, and under it how far the queue is.
fn deed_ui(ui: &mut Ui, scene: &mut Scene<'_>, height: f32) {
    let is_busy = scene.session.running().is_some();
    let size = vec2(BUTTON_WIDTH, height);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let button = if is_busy {
        Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - 38.0))
    } else {
        rect
    };
    deed_button_ui(ui, scene, button);
    if is_busy {
        let progress = Rect::from_min_max(pos2(rect.left(), button.bottom() + 8.0), rect.max);
        progress_ui(ui, scene, progress);
    }
}

fn deed_button_ui(ui: &Ui, scene: &mut Scene<'_>, rect: Rect) {
    let theme = theme::of(ui);
    let label = Command::NewPictures.label();
    let response = ui.interact(rect, Id::unique("new pictures"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    let fill = if response.is_pointer_button_down_on() {
        theme.accent_pressed
    } else if response.hovered() {
        theme.accent_hover
    } else {
        theme.accent
    };
    ui.painter().rect_filled(rect, theme::RADIUS_CARD, fill);
    let centre = rect.center();
    ui.painter().text(
        centre - vec2(0.0, 9.0),
        egui::Align2::CENTER_CENTER,
        &label,
        theme::title(),
        theme.on_accent,
    );
    let shortcut = Command::NewPictures
        .shortcut()
        .map_or(String::new(), |shortcut| {
            shortcut.text(ui.ctx().os() == egui::os::OperatingSystem::Mac)
        });
    ui.painter().text(
        centre + vec2(0.0, 11.0),
        egui::Align2::CENTER_CENTER,
        shortcut,
        theme::label(),
        theme.on_accent,
    );
    if response.has_focus() {
        let ring = Stroke::new(2.0, theme.text);
        ui.painter()
            .rect_stroke(rect.shrink(3.0), theme::RADIUS, ring, StrokeKind::Inside);
    }
    let tip = widgets::command_tooltip(ui, &Command::NewPictures);
    if response.on_hover_text(tip).clicked() {
        scene.send(Command::NewPictures);
    }
}

fn progress_ui(ui: &mut Ui, scene: &mut Scene<'_>, rect: Rect) {
    let theme = theme::of(ui);
    let Some(run) = scene.session.running() else {
        return;
    };
    let words = match run.seconds_left(scene.now) {
        Some(left) if run.state != RunState::Stopping => widgets::duration(left),
        _ => super::top_bar::run_state_words(run, scene),
    };
    let fraction = run.fraction();
    let builder = UiBuilder::new()
        .max_rect(rect)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if widgets::command_icon(ui, Icon::Close, &Command::CancelCurrent, 26.0, false).clicked() {
            scene.send(Command::CancelCurrent);
        }
        let words = widgets::clipped(&words, theme::label(), theme.text2, 70.0);
        ui.label(words);
        let (bar, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
        let percent = format!("{:.0} %", fraction * 100.0);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, "Progress");
            info.value = Some(f64::from(fraction));
            info.current_text_value = Some(percent.clone());
            info
        });
        widgets::progress_bar(ui, bar, fraction, theme.bg3, theme.accent);
    });
}
