use burn::tensor::{DType, Tensor};

use crate::{
    Result,
    components::priors::{Prior, PriorConditioning},
    guidance,
    image::read_back,
    noise::Generator,
    samplers::{self, AncestralSchedule, ModelOutput},
};

/// How a prior draws image embeddings of a text.
pub(super) struct PriorDrawing<'a> {
    pub prior: &'a Prior,
    /// With guidance the unconditional half first.
    pub conditioning: &'a PriorConditioning,
    pub n_embeds: usize,
    pub is_guided: bool,
    pub guidance_scale: f32,
    pub schedule: &'a AncestralSchedule,
    /// The prior's.
    pub dtype: DType,
}

impl PriorDrawing<'_> {
    /// With the next numbers of a picture's generator. `on_step` is told how many steps are done.
    ///
    /// # Shapes: `[n_embeds, embedding width]`, in f32
    ///
    /// # Errors
    /// When the device fails; what `on_step` returns.
    pub fn draw(
        &self,
        generator: &mut Generator,
        mut on_step: impl FnMut(usize) -> Result<()>,
    ) -> Result<Tensor<2>> {
        let Self {
            prior,
            conditioning,
            n_embeds,
            is_guided,
            guidance_scale,
            schedule,
            dtype,
        } = *self;
        let device = conditioning.text_embeds.device();
        let noise = generator.randn_tensor([n_embeds, prior.config().embedding_dim], &device);
        let latents = samplers::ddpm(
            |latents: Tensor<2>, timestep| {
                let input = guidance::doubled(latents, is_guided);
                let output = prior.forward(input.cast(dtype), timestep, conditioning);
                let output = output.cast(DType::F32);
                let prediction = if is_guided {
                    guidance::guide(output, guidance_scale)
                } else {
                    output
                };
                Ok(ModelOutput {
                    prediction,
                    variance: None,
                })
            },
            noise,
            schedule,
            generator,
            |step| {
                // Reading one number back makes a device do the step before it is called done.
                read_back(step.denoised.clone().slice([0..1, 0..1]))?;
                on_step(step.index + 1)
            },
        )?;
        let latents = latents.cast(dtype);
        Ok(prior.post_process_latents(latents).cast(DType::F32))
    }
}
