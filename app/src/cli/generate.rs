use anyhow::Context;
use image::RgbImage;

use super::{
    conversation::Conversation,
    making::{Maker, MakingArguments},
};
use crate::gallery::recipe::Recipe;

pub fn run(arguments: &MakingArguments) -> anyhow::Result<()> {
    let mut maker = Maker::new(arguments, arguments.target()?);
    let mut conversation = Conversation::start(arguments.model.engine_command()?)?;
    let model = conversation.model_or_first(arguments.model.model_id()?)?;
    let (request, latents) = arguments.request(model)?;
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
