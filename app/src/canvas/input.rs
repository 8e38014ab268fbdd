//! From what the pointer, the pen and the fingers do to views and [`PointerEvent`]s.
//!
//! A paint tool paints with whatever touches the canvas first; nothing but Space, the middle button and a
//! second finger pans. What one gesture has begun, no other takes over before it ends.

use std::collections::BTreeSet;

use egui::{
    Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, Rect, Response, TouchDeviceId,
    TouchId, TouchPhase, Ui, Vec2,
};

use super::{Projection, View};
use crate::command::Command;
use crate::scene::Scene;
use crate::tools::{PointerEvent, PointerKind, PointerModifiers, Tool};

/// Two presses within this time and distance are a double click.
const DOUBLE_CLICK_SECS: f64 = 0.3;
const DOUBLE_CLICK_POINTS: f32 = 6.0;
/// Points of scrolling that zoom by *e*.
const SCROLL_POINTS: f32 = 240.0;

/// What the hands are at, from frame to frame.
#[derive(Debug, Default)]
pub struct Hands {
    gesture: Gesture,
    fingers: BTreeSet<(TouchDeviceId, TouchId)>,
    /// Of the pen or the finger, where it is reported.
    pressure: Option<f32>,
    last_press: Option<(Pos2, f64)>,
    last_position: Option<Pos2>,
    /// Whether the last wheel was a touchpad's: two fingers on it pan.
    scrolls_by_points: bool,
    /// The tools know of a pointer over the canvas.
    is_over: bool,
    /// Where they know it on the screen and in the document, and at which zoom.
    told: Option<(Pos2, (f32, f32), f32)>,
    last_frame_secs: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Gesture {
    #[default]
    None,
    /// The chosen tool has the pointer.
    Tool,
    Pan,
    Turn {
        /// The view's rotation less the pointer's direction from the middle, at the start.
        offset_radians: f32,
    },
    /// The right button: sideways the brush's size, up and down its hardness.
    AdjustBrush,
    /// Two fingers pan and zoom, until the last one is lifted.
    Fingers,
}

/// The canvas in this frame.
pub struct Place<'a> {
    pub canvas: Rect,
    pub pixels_per_point: f32,
    pub response: &'a Response,
    /// The tools may work: what is seen is the document.
    pub takes_tools: bool,
}

impl Place<'_> {
    fn projection(&self, view: &View) -> Projection {
        view.projection(self.canvas, self.pixels_per_point)
    }
}

impl Hands {
    /// A gesture is on its way, wherever the pointer is.
    pub fn is_busy(&self) -> bool {
        self.gesture != Gesture::None
    }

    pub fn gesture(&self) -> Gesture {
        self.gesture
    }

    /// Takes in what has happened since the last frame.
    pub fn take(&mut self, ui: &Ui, scene: &mut Scene<'_>, view: &mut View, place: &Place<'_>) {
        let (events, modifiers, now) =
            ui.input(|input| (input.events.clone(), input.modifiers, input.time));
        let space = !ui.ctx().text_edit_focused() && ui.input(|input| input.key_down(Key::Space));
        let n_events = events.len();
        for (i, event) in events.iter().enumerate() {
            // Events have no time of their own: they are spread over the frame that they came in.
            let part = (i + 1) as f64 / n_events as f64;
            let seconds = self.last_frame_secs + (now - self.last_frame_secs) * part;
            let mut hand = Hand {
                scene: &mut *scene,
                view: &mut *view,
                place,
                modifiers,
                space,
                seconds,
            };
            self.event(event, &mut hand);
        }
        self.last_frame_secs = now;
        self.leave_if_gone(scene, view, place, modifiers);
        self.scroll(ui, view, place);
        self.follow_view(scene, view, place, modifiers);
        if self.gesture == Gesture::Fingers
            && let Some(touch) = ui.ctx().multi_touch()
        {
            view.pan(touch.translation_delta, place.pixels_per_point);
            view.zoom_at(
                touch.center_pos,
                touch.zoom_delta,
                place.canvas,
                place.pixels_per_point,
            );
        }
    }

    fn event(&mut self, event: &Event, hand: &mut Hand<'_, '_>) {
        match *event {
            Event::Touch {
                device_id,
                id,
                phase,
                force,
                ..
            } => self.touch((device_id, id), phase, force, hand),
            Event::PointerMoved(at) => self.moved(at, hand),
            Event::PointerButton {
                pos,
                button,
                pressed,
                modifiers,
            } => {
                hand.modifiers = modifiers;
                if pressed {
                    self.pressed(pos, button, hand);
                } else {
                    self.released(pos, button, hand);
                }
            }
            Event::MouseWheel { unit, .. } => {
                self.scrolls_by_points = unit == MouseWheelUnit::Point;
            }
            // The release may go to another window; what is painted stays.
            Event::WindowFocused(false) => {
                if let Some(at) = self.last_position {
                    self.released(at, PointerButton::Primary, hand);
                }
                self.gesture = Gesture::None;
            }
            _ => {}
        }
    }

    fn touch(
        &mut self,
        finger: (TouchDeviceId, TouchId),
        phase: TouchPhase,
        force: Option<f32>,
        hand: &mut Hand<'_, '_>,
    ) {
        match phase {
            TouchPhase::Start => {
                self.fingers.insert(finger);
                self.pressure = force;
            }
            TouchPhase::Move => self.pressure = force.or(self.pressure),
            TouchPhase::End | TouchPhase::Cancel => {
                self.fingers.remove(&finger);
                if phase == TouchPhase::Cancel {
                    self.stop(hand);
                }
            }
        }
        if self.fingers.len() > 1 && self.gesture != Gesture::Fingers {
            // The stroke that the first finger began was none.
            self.stop(hand);
            self.gesture = Gesture::Fingers;
        }
        if self.fingers.is_empty() && self.gesture == Gesture::Fingers {
            self.gesture = Gesture::None;
            self.pressure = None;
        }
    }

    fn moved(&mut self, at: Pos2, hand: &mut Hand<'_, '_>) {
        let delta = self.last_position.map_or(Vec2::ZERO, |last| at - last);
        self.last_position = Some(at);
        let pixels_per_point = hand.place.pixels_per_point;
        match self.gesture {
            Gesture::Tool => self.tell(PointerKind::Moved, at, hand),
            Gesture::Pan => hand.view.pan(delta, pixels_per_point),
            Gesture::Turn { offset_radians } => {
                let direction = (at - hand.place.canvas.center()).angle();
                let snaps = hand.modifiers.shift;
                hand.view.rotate_to(offset_radians + direction, snaps);
            }
            Gesture::AdjustBrush => {
                if delta != Vec2::ZERO {
                    let (dx, dy) = delta.into();
                    hand.scene.send(Command::AdjustBrush { dx, dy });
                }
            }
            Gesture::Fingers => {}
            Gesture::None => {
                if hand.place.response.hovered() && hand.tool_takes() {
                    self.tell(PointerKind::Moved, at, hand);
                }
            }
        }
    }

    fn pressed(&mut self, at: Pos2, button: PointerButton, hand: &mut Hand<'_, '_>) {
        self.last_position = Some(at);
        let response = hand.place.response;
        let is_here = response.hovered() || response.is_pointer_button_down_on();
        if self.gesture != Gesture::None || !is_here {
            return;
        }
        let tool = hand.scene.session.toolbox.tool();
        match button {
            PointerButton::Middle => self.gesture = Gesture::Pan,
            PointerButton::Secondary if tool.is_brush() && hand.place.takes_tools => {
                self.gesture = Gesture::AdjustBrush;
            }
            PointerButton::Primary => self.primary(at, tool, hand),
            _ => {}
        }
    }

    fn primary(&mut self, at: Pos2, tool: Tool, hand: &mut Hand<'_, '_>) {
        let is_double = self.last_press.is_some_and(|(place, seconds)| {
            hand.seconds - seconds < DOUBLE_CLICK_SECS && place.distance(at) < DOUBLE_CLICK_POINTS
        });
        self.last_press = (!is_double).then_some((at, hand.seconds));
        if hand.space || tool == Tool::Pan {
            self.gesture = Gesture::Pan;
            if is_double && !hand.space {
                hand.view.fit();
            }
        } else if tool == Tool::RotateView {
            if is_double {
                let nearest = hand.view.rotation_radians();
                hand.view.rotate_to(nearest, true);
            }
            let direction = (at - hand.place.canvas.center()).angle();
            self.gesture = Gesture::Turn {
                offset_radians: hand.view.rotation_radians() - direction,
            };
        } else if tool == Tool::Zoom {
            let factor = if hand.modifiers.alt { 0.5 } else { 2.0 };
            let (canvas, pixels_per_point) = (hand.place.canvas, hand.place.pixels_per_point);
            hand.view.zoom_at(at, factor, canvas, pixels_per_point);
        } else if hand.place.takes_tools {
            self.gesture = Gesture::Tool;
            self.tell(PointerKind::Down, at, hand);
            if is_double {
                self.tell(PointerKind::DoubleClick, at, hand);
            }
        } else {
            self.gesture = Gesture::Pan;
        }
    }

    fn released(&mut self, at: Pos2, button: PointerButton, hand: &mut Hand<'_, '_>) {
        self.last_position = Some(at);
        match (self.gesture, button) {
            (Gesture::Tool, PointerButton::Primary) => {
                self.tell(PointerKind::Up, at, hand);
                self.gesture = Gesture::None;
                self.pressure = None;
            }
            (Gesture::Pan, PointerButton::Primary | PointerButton::Middle)
            | (Gesture::Turn { .. }, PointerButton::Primary)
            | (Gesture::AdjustBrush, PointerButton::Secondary) => self.gesture = Gesture::None,
            _ => {}
        }
    }

    /// The pointer was taken away: what it was at is undone.
    fn stop(&mut self, hand: &mut Hand<'_, '_>) {
        if self.gesture == Gesture::Tool
            && let Some(at) = self.last_position
        {
            self.tell(PointerKind::Cancelled, at, hand);
        }
        self.gesture = Gesture::None;
        self.pressure = None;
    }

    fn leave_if_gone(
        &mut self,
        scene: &mut Scene<'_>,
        view: &View,
        place: &Place<'_>,
        modifiers: Modifiers,
    ) {
        let is_busy = self.gesture != Gesture::None;
        let is_gone = !place.response.hovered() || !place.takes_tools;
        if self.is_over && is_gone && !is_busy {
            self.is_over = false;
            let event = PointerEvent {
                kind: PointerKind::Left,
                ..self.pointer_event(self.last_position, view, place, modifiers)
            };
            scene.send(Command::Pointer(event));
        }
    }

    /// Zooming moves the picture under a pointer that stands still: the tool hears where it is now.
    fn follow_view(
        &mut self,
        scene: &mut Scene<'_>,
        view: &View,
        place: &Place<'_>,
        modifiers: Modifiers,
    ) {
        let is_idle = self.is_over && self.gesture == Gesture::None;
        let Some((at, position, zoom)) = self.told.filter(|_| is_idle) else {
            return;
        };
        let event = self.pointer_event(Some(at), view, place, modifiers);
        if (event.position, event.zoom) != (position, zoom) {
            self.told = Some((at, event.position, event.zoom));
            scene.send(Command::Pointer(event));
        }
    }

    fn tell(&mut self, kind: PointerKind, at: Pos2, hand: &mut Hand<'_, '_>) {
        self.is_over = true;
        let event = PointerEvent {
            kind,
            seconds: hand.seconds,
            ..self.pointer_event(Some(at), hand.view, hand.place, hand.modifiers)
        };
        self.told = Some((at, event.position, event.zoom));
        hand.scene.send(Command::Pointer(event));
    }

    fn pointer_event(
        &self,
        at: Option<Pos2>,
        view: &View,
        place: &Place<'_>,
        modifiers: Modifiers,
    ) -> PointerEvent {
        let at = place
            .projection(view)
            .image_from_screen(at.unwrap_or(place.canvas.center()));
        PointerEvent {
            position: (at.x, at.y),
            kind: PointerKind::Moved,
            pressure: self.pressure,
            modifiers: PointerModifiers {
                shift: modifiers.shift,
                alt: modifiers.alt,
                command: modifiers.command,
            },
            seconds: self.last_frame_secs,
            zoom: view.zoom() / place.pixels_per_point,
        }
    }

    /// The wheel and the pinch zoom at the pointer; two fingers on a touchpad pan.
    fn scroll(&self, ui: &Ui, view: &mut View, place: &Place<'_>) {
        let response = place.response;
        // Not under a popover that hangs over the canvas.
        let Some(pointer) = response.hover_pos().filter(|_| response.hovered()) else {
            return;
        };
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
        let is_touched = self.gesture == Gesture::Fingers;
        let mut factor = if is_touched { 1.0 } else { pinch };
        if self.scrolls_by_points {
            view.pan(scroll, place.pixels_per_point);
        } else {
            factor *= (scroll.y / SCROLL_POINTS).exp();
        }
        if (factor - 1.0).abs() > 1e-4 {
            view.zoom_at(pointer, factor, place.canvas, place.pixels_per_point);
        }
    }
}

/// What an event meets.
struct Hand<'a, 's> {
    scene: &'a mut Scene<'s>,
    view: &'a mut View,
    place: &'a Place<'a>,
    modifiers: Modifiers,
    space: bool,
    seconds: f64,
}

impl Hand<'_, '_> {
    fn tool_takes(&self) -> bool {
        self.place.takes_tools && !self.scene.session.toolbox.tool().is_of_view()
    }
}
