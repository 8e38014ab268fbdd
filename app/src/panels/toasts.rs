//! Short messages over the canvas, some with one thing to do about them.

use std::time::{Duration, Instant};

use egui::{Align, Area, Id, Layout, Order, Stroke, Ui, vec2};

use crate::command::Command;
use crate::icons::{self, Icon};
use crate::scene::Scene;
use crate::session::Place;
use crate::theme;
use crate::widgets::{self, Loudness};

const LIFE: Duration = Duration::from_secs(6);
const LIFE_WITH_ACTION: Duration = Duration::from_secs(12);
const MAX_SHOWN: usize = 3;
/// Of the canvas's lowest row, with the air under it.
const HINTS_HEIGHT: f32 = 34.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
}

#[derive(Debug, Clone)]
pub struct Toast {
    pub id: u64,
    pub text: String,
    pub tone: Tone,
    /// What the button says, and does.
    pub action: Option<(String, Command)>,
    until: Instant,
}

#[derive(Debug, Default)]
pub struct Toasts {
    shown: Vec<Toast>,
    n_made: u64,
}

impl Toasts {
    pub fn say(&mut self, tone: Tone, text: impl Into<String>, now: Instant) {
        self.push(tone, &text.into(), None, now);
    }

    pub fn offer(
        &mut self,
        tone: Tone,
        text: impl Into<String>,
        label: &str,
        command: Command,
        now: Instant,
    ) {
        self.push(tone, &text.into(), Some((label.to_owned(), command)), now);
    }

    fn push(&mut self, tone: Tone, text: &str, action: Option<(String, Command)>, now: Instant) {
        let text = widgets::shown_message(text);
        // The same message twice is one message, unless there are two things to do.
        self.shown
            .retain(|toast| toast.text != text || toast.action != action);
        self.n_made += 1;
        let life = if action.is_some() {
            LIFE_WITH_ACTION
        } else {
            LIFE
        };
        self.shown.push(Toast {
            id: self.n_made,
            text,
            tone,
            action,
            until: now + life,
        });
        if self.shown.len() > MAX_SHOWN {
            self.shown.remove(0);
        }
    }

    /// Drops those that offer what can no longer be done.
    pub fn retain_possible(&mut self, is_possible: impl Fn(&Command) -> bool) {
        self.shown.retain(|toast| {
            let action = toast.action.as_ref();
            action.is_none_or(|(_, command)| is_possible(command))
        });
    }

    /// Takes back what is no longer so.
    pub fn withdraw(&mut self, text: &str) {
        self.shown.retain(|toast| toast.text != text);
    }

    pub fn dismiss(&mut self, id: u64) {
        self.shown.retain(|toast| toast.id != id);
    }

    /// Drops what has been read long enough; when to look again.
    pub fn expire(&mut self, now: Instant) -> Option<Duration> {
        self.shown.retain(|toast| toast.until > now);
        self.shown.iter().map(|toast| toast.until - now).min()
    }

    pub fn shown(&self) -> &[Toast] {
        &self.shown
    }
}

/// Over what is in the middle of the window, and above the row of hints and the zoom where it has one.
pub fn toasts_ui(ui: &Ui, scene: &mut Scene<'_>, toasts: &Toasts, over: egui::Rect) {
    let theme = theme::of(ui);
    let above = match scene.session.place {
        Place::Canvas => HINTS_HEIGHT,
        Place::Gallery | Place::Models => 0.0,
    };
    let mut bottom = over.bottom() - 16.0 - above;
    for toast in toasts.shown().iter().rev() {
        let area = Area::new(Id::unique(("toast", toast.id)))
            .order(Order::Foreground)
            .pivot(egui::Align2::CENTER_BOTTOM)
            .fixed_pos(egui::pos2(over.center().x, bottom))
            .constrain_to(over);
        let shown = area.show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style())
                .fill(theme.bg2)
                .stroke(Stroke::new(1.0, theme.line))
                .inner_margin(egui::Margin::symmetric(12, 8))
                .show(ui, |ui| {
                    ui.set_max_width((over.width() - 80.0).min(520.0));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        toast_ui(ui, scene, toast);
                    });
                });
        });
        bottom = shown.response.rect.top() - 8.0;
    }
}

fn toast_ui(ui: &mut Ui, scene: &mut Scene<'_>, toast: &Toast) {
    let theme = theme::of(ui);
    let (icon, colour) = match toast.tone {
        Tone::Plain => (Icon::Info, theme.text2),
        Tone::Good => (Icon::Check, theme.ok),
        Tone::Bad => (Icon::Warning, theme.error),
    };
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), egui::Sense::hover());
    icons::paint(ui.painter(), rect, 17.0, icon, colour);
    ui.add(
        egui::Label::new(
            egui::RichText::new(&toast.text)
                .font(theme::label())
                .color(theme.text),
        )
        .wrap_mode(egui::TextWrapMode::Wrap),
    );
    if let Some((label, command)) = &toast.action
        && widgets::button(ui, label, Loudness::Plain, None).clicked()
    {
        scene.send(command.clone());
        scene.send(Command::DismissToast(toast.id));
    }
    let close = Command::DismissToast(toast.id).label();
    if widgets::icon_button(ui, Icon::Close, &close, 22.0).clicked() {
        scene.send(Command::DismissToast(toast.id));
    }
}
