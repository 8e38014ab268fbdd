use std::{collections::HashMap, sync::Arc};

use super::lora_words;
use crate::{
    Error, Result,
    operations::{BlendPart, EditInput, SourcePicture},
    protocol::{
        BlendInput, BlendNoise, BlendRequest, BlobHash, DtypeChoice, EditRequest, EmbedRequest,
        GenerateRequest, PictureInput, ShiftRequest, UpscaleRequest, Upscaler, VariationsRequest,
        chunks::Joiner,
    },
};

/// What a job is to do, with all the bytes that it needs.
#[derive(Debug)]
pub(super) enum JobInput {
    Generate(DrawInput),
    Edit(DrawInput, EditInput),
    Vary(DrawInput, VariationsRequest, SourcePicture),
    Blend(DrawInput, BlendRequest, Vec<BlendPart>),
    Shift(DrawInput, ShiftRequest, SourcePicture),
    Upscale(UpscaleRequest, SourcePicture),
    Embed(EmbedRequest, Vec<SourcePicture>),
}

/// What every job has that draws.
#[derive(Debug)]
pub(super) struct DrawInput {
    pub request: GenerateRequest,
    /// The request's; but full precision where the way back to a picture's noise has to be exact.
    pub dtype: DtypeChoice,
    pub latents: Option<LatentsFile>,
}

impl DrawInput {
    fn in_full_precision(self) -> Self {
        let dtype = match self.dtype {
            DtypeChoice::Auto => DtypeChoice::F32,
            chosen => chosen,
        };
        Self { dtype, ..self }
    }
}

/// Safetensors.
pub(super) type LatentsFile = Arc<[u8]>;

/// Takes what a request names out of the blobs that came before it.
///
/// All are taken, even if one is missing: what is left behind would fill the memory for blobs.
pub(super) struct Gatherer<'a> {
    blobs: &'a mut Joiner,
    /// What the same request has named before, as a blend of a picture with itself does.
    taken: HashMap<BlobHash, Arc<[u8]>>,
}

impl<'a> Gatherer<'a> {
    pub fn new(blobs: &'a mut Joiner) -> Self {
        Self {
            blobs,
            taken: HashMap::new(),
        }
    }

    pub fn generate(mut self, mut request: GenerateRequest) -> Result<JobInput> {
        lora_words::take(&mut request);
        self.draw_input(request).map(JobInput::Generate)
    }

    pub fn edit(mut self, mut request: EditRequest) -> Result<JobInput> {
        lora_words::take(&mut request.generate);
        let draw_input = self.draw_input(request.generate);
        let image = self.blob("picture", request.image);
        let mask = request.mask.map(|blob| self.blob("mask", blob));
        let edit = EditInput {
            settings: request.settings,
            plan: request.plan,
            steering: request.steering,
            image: image?.to_vec(),
            mask: mask.transpose()?.map(|mask| mask.to_vec()),
        };
        Ok(JobInput::Edit(draw_input?, edit))
    }

    pub fn vary(mut self, mut request: VariationsRequest) -> Result<JobInput> {
        lora_words::take(&mut request.generate);
        let draw_input = self.draw_input(request.generate.clone());
        let source = self.picture(request.source);
        Ok(JobInput::Vary(draw_input?, request, source?))
    }

    pub fn blend(mut self, mut request: BlendRequest) -> Result<JobInput> {
        lora_words::take(&mut request.generate);
        let draw_input = self.draw_input(request.generate.clone());
        let parts: Vec<Result<BlendPart>> = request
            .inputs
            .iter()
            .map(|input| match input {
                BlendInput::Picture(picture) => self.picture(*picture).map(BlendPart::Picture),
                BlendInput::Text(text) => Ok(BlendPart::Text(text.clone())),
            })
            .collect();
        let parts = parts.into_iter().collect::<Result<_>>()?;
        let draw_input = match request.noise {
            BlendNoise::Inverted => draw_input?.in_full_precision(),
            BlendNoise::Seed => draw_input?,
        };
        Ok(JobInput::Blend(draw_input, request, parts))
    }

    pub fn shift(mut self, mut request: ShiftRequest) -> Result<JobInput> {
        lora_words::take(&mut request.generate);
        let draw_input = self.draw_input(request.generate.clone());
        let source = self.picture(request.source);
        Ok(JobInput::Shift(
            draw_input?.in_full_precision(),
            request,
            source?,
        ))
    }

    pub fn upscale(mut self, mut request: UpscaleRequest) -> Result<JobInput> {
        if let Some(Upscaler::Diffusion { generate, .. }) = &mut request.upscaler {
            lora_words::take(generate);
        }
        if let Some(Upscaler::Diffusion { generate, .. }) = &request.upscaler
            && let Some(latents) = generate.latents
        {
            // Not read, and not to stay behind either.
            self.blobs.take(latents);
        }
        let source = self.picture(request.source)?;
        Ok(JobInput::Upscale(request, source))
    }

    pub fn embed(mut self, request: EmbedRequest) -> Result<JobInput> {
        let pictures: Vec<_> = request
            .pictures
            .iter()
            .map(|picture| self.picture(*picture))
            .collect();
        let pictures = pictures.into_iter().collect::<Result<_>>()?;
        Ok(JobInput::Embed(request, pictures))
    }

    fn draw_input(&mut self, request: GenerateRequest) -> Result<DrawInput> {
        let latents = request.latents.map(|blob| self.blob("latents", blob));
        Ok(DrawInput {
            latents: latents.transpose()?,
            dtype: request.compute.dtype,
            request,
        })
    }

    fn picture(&mut self, picture: PictureInput) -> Result<SourcePicture> {
        Ok(SourcePicture {
            width: picture.width,
            height: picture.height,
            rgba: self.blob("picture", picture.pixels)?,
        })
    }

    fn blob(&mut self, what: &str, blob: BlobHash) -> Result<Arc<[u8]>> {
        if let Some(bytes) = self.taken.get(&blob) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = self.blobs.take(blob);
        let bytes: Arc<[u8]> = bytes
            .ok_or_else(|| Error::Protocol(format!("the {what} {blob} was not sent")))?
            .into();
        self.taken.insert(blob, Arc::clone(&bytes));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::protocol::{Compute, ModelId, chunks};

    fn sent(blobs: &[&[u8]]) -> Joiner {
        let mut joiner = Joiner::default();
        for chunk in blobs.iter().flat_map(|blob| chunks::split(blob)) {
            joiner.accept(chunk).unwrap();
        }
        joiner
    }

    fn embed(pictures: &[&[u8]]) -> EmbedRequest {
        EmbedRequest {
            model: ModelId("doodle".to_owned()),
            compute: Compute::default(),
            pictures: pictures
                .iter()
                .map(|rgba| PictureInput {
                    pixels: BlobHash::of(rgba),
                    width: rgba.len() as u32 / 4,
                    height: 1,
                })
                .collect(),
            texts: Vec::new(),
        }
    }

    #[test]
    fn a_request_may_name_a_picture_twice_that_came_once() {
        let (red, blue) = ([255, 0, 0, 255], [0, 0, 255, 255]);
        let mut blobs = sent(&[&red, &blue]);
        let input = Gatherer::new(&mut blobs).embed(embed(&[&red, &blue, &red]));
        let Ok(JobInput::Embed(_, pictures)) = input else {
            panic!("{input:?}");
        };
        let rgba: Vec<&[u8]> = pictures.iter().map(|picture| &*picture.rgba).collect();
        assert_eq!(rgba, [&red, &blue, &red]);
    }

    #[test]
    fn a_missing_picture_leaves_none_of_the_others_behind() {
        let (red, blue) = ([255, 0, 0, 255], [0, 0, 255, 255]);
        let mut blobs = sent(&[&blue]);
        let error = Gatherer::new(&mut blobs)
            .embed(embed(&[&red, &blue]))
            .unwrap_err();
        assert!(error.to_string().contains("was not sent"), "{error}");
        assert!(blobs.take(BlobHash::of(&blue)).is_none());
    }
}
