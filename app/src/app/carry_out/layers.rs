//! Commands about layers.

use std::time::Instant;

use egui::Context;

use super::{DialogAnswer, ask};
use crate::app::App;
use crate::command::LayerCommand;
use crate::document::{Content, Layer, LayerId, StepName, encode_layer};
use crate::export::write_where_asked;
use crate::panels::toasts::Tone;

impl App {
    pub(super) fn change_layers(&mut self, ctx: &Context, command: LayerCommand, now: Instant) {
        // What lies over the document would hide what is done to it.
        self.session.documents.current_mut().look_at_document();
        let document = self.session.document_mut();
        let selected = document.content().selected;
        let was_done = match command {
            LayerCommand::Select(layer) => {
                document.select(Some(layer));
                self.session.toolbox.edits_patch_mask = false;
                true
            }
            LayerCommand::Show { layer, shown } => {
                let step = if shown {
                    StepName::ShowLayer
                } else {
                    StepName::HideLayer
                };
                document.change(step, |content| {
                    with_layer(content, layer, |layer| layer.is_visible = shown);
                })
            }
            LayerCommand::SetOpacity {
                layer,
                opacity,
                is_done,
            } => {
                if !document.is_in_gesture() {
                    document.begin(StepName::LayerOpacity);
                }
                with_layer(document.content_mut(), layer, |layer| {
                    layer.opacity = opacity;
                });
                if is_done {
                    document.commit();
                }
                true
            }
            LayerCommand::Rename { layer, name } => {
                document.change(StepName::RenameLayer, |content| {
                    with_layer(content, layer, |layer| layer.name = name);
                })
            }
            LayerCommand::Move { layer, to } => {
                document.change(StepName::ReorderLayers, |content| {
                    content.move_layer(layer, to);
                })
            }
            LayerCommand::Raise | LayerCommand::Lower => {
                let up = command == LayerCommand::Raise;
                document.change(StepName::ReorderLayers, |content| {
                    shift_layer(content, selected, up);
                })
            }
            LayerCommand::MergeDown => document.change(StepName::MergeDown, |content| {
                if let Some(layer) = selected {
                    content.merge_down(layer);
                }
            }),
            LayerCommand::MergeVisible => document.change(StepName::MergeVisible, |content| {
                content.merge_visible();
            }),
            LayerCommand::Delete(layer) => delete(document, Some(layer)),
            LayerCommand::DeleteSelected => delete(document, selected),
            LayerCommand::Duplicate => document.change(StepName::DuplicateLayer, |content| {
                if let Some(layer) = selected {
                    content.duplicate_layer(layer);
                }
            }),
            LayerCommand::SetBlend { layer, blend } => {
                document.change(StepName::LayerBlend, |content| {
                    with_layer(content, layer, |layer| layer.blend = blend);
                });
                true
            }
            LayerCommand::Export => return self.export_layer(ctx, selected, now),
            LayerCommand::AddSketch => document.change(StepName::AddLayer, |content| {
                let n = content
                    .layers
                    .iter()
                    .filter(|layer| layer.is_sketch())
                    .count();
                content.add_layer(Layer::sketch(format!("Sketch {}", n + 1)));
            }),
        };
        if !was_done {
            self.toasts.say(Tone::Plain, nothing_done(selected), now);
        }
    }
}

impl App {
    fn export_layer(&mut self, ctx: &Context, layer: Option<LayerId>, now: Instant) {
        let content = self.session.document().content();
        let frame = content.frame;
        let Some(layer) = layer.and_then(|id| content.layer(id)).cloned() else {
            return self.toasts.say(Tone::Plain, nothing_done(None), now);
        };
        self.in_dialog_thread(ctx, move || {
            let name: String = layer.name.replace(['/', '\\'], "-");
            let dialog = rfd::FileDialog::new()
                .set_title("Export the layer")
                .set_file_name(format!("{name}.png"))
                .add_filter("PNG", &["png"]);
            ask(
                || dialog.save_file(),
                |path| {
                    let png = encode_layer(&layer, frame).map_err(|error| error.to_string());
                    let written = png.and_then(|png| write_where_asked(&path, &png));
                    let error = written.err()?;
                    let text = format!("The layer is not exported ({error}): {}", path.display());
                    Some(DialogAnswer::Failed(text))
                },
            )
        });
    }
}

fn nothing_done(selected: Option<LayerId>) -> &'static str {
    if selected.is_none() {
        "No layer is selected."
    } else {
        "There is nothing to change: the layer is at the end, or the one beneath is hidden."
    }
}

fn with_layer(content: &mut Content, id: LayerId, change: impl FnOnce(&mut Layer)) {
    if let Some(layer) = content.layer_mut(id) {
        change(layer);
    }
}

fn shift_layer(content: &mut Content, layer: Option<LayerId>, up: bool) {
    let Some((layer, place)) = layer.and_then(|id| Some((id, content.position(id)?))) else {
        return;
    };
    let to = if up {
        place + 1
    } else {
        place.saturating_sub(1)
    };
    content.move_layer(layer, to);
}

fn delete(document: &mut crate::document::Document, layer: Option<LayerId>) -> bool {
    document.change(StepName::DeleteLayer, |content| {
        if let Some(layer) = layer {
            content.delete_layer(layer);
        }
    })
}
