use burn::tensor::{DType, Tensor, TensorData};

use super::super::latent_diffusion::{PictureSteering, SeenPictures, Sight};
use crate::{
    Error, Result,
    components::{
        denoisers::{UNetConfig, VectorInput},
        layers::TimestepEmbedding,
        vision_encoders::{ClipVisionConfig, ClipVisionEncoder, EmbeddingNormalizer},
    },
    families::embeddings::embedding_of,
    image::RgbPicture,
    image_preprocessor::ImagePreprocessor,
    model::{ComponentFiles, Loader, Slots, read_scheduler},
    noise::Generator,
    progress::OnEvent,
    schedules::NoiseLevels,
    weights::ModelFolder,
};

pub(super) const IMAGE_ENCODER: &str = "image_encoder";
pub(super) const NORMALIZER: &str = "image_normalizer";
/// diffusers' default: next to no noise in the embedding, and so the nearest variations.
const NOISE_LEVEL: usize = 0;

pub(super) fn components(root: &ModelFolder) -> Vec<ComponentFiles> {
    [Some(image_encoder(root)), normalizer(root)]
        .into_iter()
        .flatten()
        .collect()
}

fn image_encoder(root: &ModelFolder) -> ComponentFiles {
    ComponentFiles::in_folder(root, IMAGE_ENCODER, 0, ClipVisionEncoder::inspect)
}

/// A single file need not have one.
fn normalizer(root: &ModelFolder) -> Option<ComponentFiles> {
    let is_file = matches!(root, ModelFolder::Seen { .. });
    let is_there = !is_file || root.subfolder(NORMALIZER).has("config.json");
    is_there.then(|| ComponentFiles::in_folder(root, NORMALIZER, 0, EmbeddingNormalizer::inspect))
}

/// A vision encoder, and noise on what it sees.
struct NoisySight {
    image_encoder: ComponentFiles,
    /// `None`: embeddings are taken as they are.
    normalizer: Option<ComponentFiles>,
    preprocessor: ImagePreprocessor,
    width: usize,
    /// ᾱ of [`NOISE_LEVEL`].
    alpha_prod: f32,
}

/// # Errors
/// [`Error::NotAModel`] for an encoder that does not fit the U-Net; those of reading the configs.
pub(super) fn open(root: &ModelFolder, unet: &UNetConfig) -> Result<Box<dyn Sight>> {
    let (image_encoder, normalizer) = (image_encoder(root), normalizer(root));
    let config = ClipVisionConfig::read(&image_encoder.folder)?;
    let preprocessor = ImagePreprocessor::load(&root.subfolder("feature_extractor"))?;
    let width = config.projection_dim;
    let faults = [
        (
            // The embedding, and the noise level as sinusoids of as many numbers.
            unet.vector_input != Some(VectorInput::Projection { width: 2 * width }),
            "the image encoder's embeddings are not as wide as those that the U-Net takes",
        ),
        (
            preprocessor.crop() != [config.image_size as u32; 2],
            "the image processor makes pictures of another size than the image encoder sees",
        ),
    ];
    if let Some((_, reason)) = faults.into_iter().find(|(is_fault, _)| *is_fault) {
        return Err(Error::NotAModel {
            path: image_encoder.folder.path("config.json"),
            reason: format!("its components are from different models: {reason}"),
        });
    }
    let noising = read_scheduler(&root.subfolder("image_noising_scheduler"))?;
    Ok(Box::new(NoisySight {
        image_encoder,
        normalizer,
        preprocessor,
        width,
        alpha_prod: NoiseLevels::new(&noising).alphas_cumprod[NOISE_LEVEL],
    }))
}

impl Sight for NoisySight {
    fn look(
        &self,
        slots: &mut Slots,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        embedding_of(
            picture,
            &self.preprocessor,
            &self.image_encoder,
            slots,
            on_event,
        )
    }

    fn looks_at_surroundings(&self) -> bool {
        true
    }

    /// The embedding with noise on it and, behind it, the level of the noise; on the unconditional side zeros.
    fn steering(
        &self,
        slots: &mut Slots,
        pictures: &SeenPictures,
        generator: Option<&mut Generator>,
        on_event: &mut OnEvent,
    ) -> Result<PictureSteering> {
        let device = slots.runtime().device.clone();
        let nothing = Tensor::<2>::zeros([1, 2 * self.width], (&device, DType::F32));
        let by_vectors = |vectors| PictureSteering {
            vectors: Some(vectors),
            contexts: Vec::new(),
        };
        let Some(embed) = pictures.mixed() else {
            return Ok(by_vectors([nothing.clone(), nothing]));
        };
        let shape = [1, self.width];
        let embed = TensorData::new(embed, shape);
        let embed = Tensor::from_data(embed, (&device, DType::F32));
        let noise = match generator {
            Some(generator) => generator.randn_tensor(shape, &device),
            None => Tensor::zeros(shape, (&device, DType::F32)),
        };
        let (signal, sigma) = (self.alpha_prod.sqrt(), (1.0 - self.alpha_prod).sqrt());
        let noised = |embed: Tensor<2>| embed * signal + noise * sigma;
        let noised = match &self.normalizer {
            Some(files) => {
                let loader = Loader::whole(files, &EmbeddingNormalizer::load);
                slots.get(&loader, on_event)?.normalised(embed, noised)
            }
            None => noised(embed),
        };
        let level = TimestepEmbedding::new(self.width).forward(&[NOISE_LEVEL as f32], &device);
        Ok(by_vectors([Tensor::cat(vec![noised, level], 1), nothing]))
    }
}
