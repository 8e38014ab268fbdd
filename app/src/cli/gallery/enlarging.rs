//! Copies that are larger than their pictures, as the window's sheet makes them.

use std::path::Path;

use anyhow::{Context, bail};
use limn_engine::protocol::Compute;

use crate::cli::conversation::Conversation;
use crate::cli::progress::Reporter;
use crate::cli::upscale::{Order, Origin};
use crate::engine_link::EngineCommand;
use crate::export::{Facts, LARGEST_PX, encode_picture};
use crate::gallery::export::ExportOptions;
use crate::gallery::{Gallery, PictureId};

/// An engine for as many copies as there are to make.
pub(super) struct Enlarging {
    conversation: Conversation,
    scale: u32,
    compute: Compute,
    json: bool,
}

impl Enlarging {
    pub fn new(scale: u32, compute: Compute, json: bool) -> anyhow::Result<Self> {
        Ok(Self {
            conversation: Conversation::start(EngineCommand::from_environment()?)?,
            scale,
            compute,
            json,
        })
    }

    /// Writes a larger copy of a picture.
    pub fn export(
        &mut self,
        gallery: &Gallery,
        id: PictureId,
        path: &Path,
        options: ExportOptions,
    ) -> anyhow::Result<()> {
        let source = gallery.pixels(id)?;
        let longer = source.width().max(source.height());
        if longer.saturating_mul(self.scale) > LARGEST_PX {
            bail!(
                "copies have up to {LARGEST_PX} pixels a side: take a smaller --scale: {}",
                gallery.path(id).display()
            );
        }
        let order = Order {
            source: &source,
            origin: Origin::of(&gallery.path(id)),
            scale: self.scale,
            upscaler: None,
            compute: self.compute.clone(),
        };
        let mut reporter = Reporter::new(self.json, 1);
        let mut copy = None;
        let result = order.run(
            &mut self.conversation,
            |event| reporter.tell(event),
            |larger| {
                let facts = Facts {
                    recipe: Some(larger.recipe),
                    source_type: None,
                };
                let encoded = encode_picture(&larger.pixels.into_rgba8(), &facts, options);
                copy = Some(encoded.map_err(anyhow::Error::msg)?);
                Ok(())
            },
        );
        reporter.finish();
        if result?.was_cancelled {
            bail!("cancelled");
        }
        let copy = copy.context("the engine sent no picture")?;
        Ok(gallery.export_bytes(path, &copy, options.existing)?)
    }
}
