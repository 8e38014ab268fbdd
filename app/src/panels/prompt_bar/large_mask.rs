//! What an edit of more pixels than the model draws comes to, said before it runs, with the choice of tiles.

use egui::{RichText, Ui};

use crate::command::Command;
use crate::scene::Scene;
use crate::session::{Deed, EditOutlook, too_large};
use crate::theme;
use crate::widgets;

/// What there is to say something about.
pub(super) fn outlook(scene: &Scene<'_>) -> Option<EditOutlook> {
    let outlook = scene.session.edit_outlook()?;
    (outlook.is_coarse() || outlook.is_too_large).then_some(outlook)
}

/// The note, and the choice of tiles where there is one.
pub(super) fn large_mask_ui(ui: &mut Ui, scene: &mut Scene<'_>, outlook: &EditOutlook) {
    let theme = theme::of(ui);
    let deed = scene.session.deed();
    let colour = if outlook.is_too_large {
        theme.error
    } else {
        theme.text2
    };
    let words = words(scene, outlook, deed);
    ui.label(RichText::new(words).font(theme::label()).color(colour));
    if outlook.tiles.len() > 1 {
        tiles_pill_ui(ui, scene, outlook);
    }
}

fn words(scene: &Scene<'_>, outlook: &EditOutlook, deed: Deed) -> String {
    if outlook.is_too_large {
        return too_large(deed).to_owned();
    }
    let model = scene.session.current_model();
    let model = model.map_or("The model", |model| model.name.as_str());
    if outlook.in_tiles {
        return format!(
            "{} tiles of {model}’s own size, one after the other, for each result.",
            widgets::count(outlook.tiles.len())
        );
    }
    let shown = outlook.plan.context.width.max(outlook.plan.context.height);
    let drawn = outlook.plan.work_size.0.max(outlook.plan.work_size.1);
    format!("{model} draws {shown} px at {drawn}: fine detail is lost.")
}

fn tiles_pill_ui(ui: &mut Ui, scene: &mut Scene<'_>, outlook: &EditOutlook) {
    let (text, label) = if outlook.in_tiles {
        (
            "Now".to_owned(),
            "Fill it now, in one piece, with less detail",
        )
    } else {
        (
            format!("In {} tiles", widgets::count(outlook.tiles.len())),
            "Fill it in tiles of the model's own size: as fine as the picture, and slower",
        )
    };
    if widgets::pill(ui, &text, label, outlook.in_tiles)
        .on_hover_text(label)
        .clicked()
    {
        let mut choices = scene.session.documents.current().choices.clone();
        choices.in_tiles = !outlook.in_tiles;
        scene.send(Command::SetChoices(choices));
    }
}
