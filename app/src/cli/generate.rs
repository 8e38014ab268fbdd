use anyhow::Context;
use image::RgbImage;

use super::{
    conversation::Conversation,
    making::{Maker, MakingArguments, PromptArgument},
};
use crate::gallery::recipe::Recipe;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    words: PromptArgument,
    #[command(flatten)]
    making: MakingArguments,
}

pub fn run(Arguments { words, making }: &Arguments) -> anyhow::Result<()> {
    let mut maker = Maker::new(making, making.count, &[])?;
    let mut conversation = Conversation::start(making.model.engine_command()?)?;
    let model = conversation.model_or_first(making.model.model_id()?)?;
    let (request, latents) = making.request(model, &words.prompt)?;
    let result = conversation.generate(request.clone(), latents, |event| {
        maker.take(event, |plan, made| {
            let picture = &made.picture;
            let pixels = RgbImage::from_raw(picture.width, picture.height, made.pixels)
                .context("the engine sent a picture of another size than it said")?;
            Ok((pixels.into(), Recipe::new(plan, &request, picture)))
        })
    });
    maker.end(result)
}
