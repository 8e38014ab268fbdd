//! What a button opens beside itself.

use egui::{Context, Id, Popup, PopupCloseBehavior, RectAlign, Response, Ui};

/// Which popover is open, and the pass in which it was last drawn.
///
/// egui remembers one popup, and a list within a popover is one: remembered there, the popover would close as its list
/// opens.
#[derive(Clone, Copy)]
struct OpenPopover {
    button: Id,
    pass: u64,
}

fn open_popover_id() -> Id {
    Id::unique("open popover")
}

/// The button whose popover is open.
fn open_popover(ctx: &Context) -> Option<Id> {
    let open: OpenPopover = ctx.data(|data| data.get_temp(open_popover_id()))?;
    // With its button it is gone.
    let is_drawn = ctx.cumulative_pass_nr() <= open.pass + 2;
    is_drawn.then_some(open.button)
}

pub fn is_popover_open(ctx: &Context) -> bool {
    open_popover(ctx).is_some()
}

pub fn close_popover(ctx: &Context) {
    ctx.data_mut(|data| data.remove::<OpenPopover>(open_popover_id()));
}

/// What a button opens, until a click outside it and its lists.
pub fn popover(button: &Response, align: RectAlign, width: f32, contents: impl FnOnce(&mut Ui)) {
    let ctx = &button.ctx;
    let was_open = open_popover(ctx) == Some(button.id);
    let mut is_open = was_open != button.clicked();
    let close_behavior = if Popup::is_any_open(ctx) {
        PopupCloseBehavior::IgnoreClicks
    } else {
        PopupCloseBehavior::CloseOnClickOutside
    };
    Popup::from_response(button)
        .open_bool(&mut is_open)
        .close_behavior(close_behavior)
        .align(align)
        .gap(6.0)
        .show(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 4.0;
            contents(ui);
        });
    if is_open {
        let open = OpenPopover {
            button: button.id,
            pass: ctx.cumulative_pass_nr(),
        };
        ctx.data_mut(|data| data.insert_temp(open_popover_id(), open));
    } else if was_open {
        close_popover(ctx);
    }
}
