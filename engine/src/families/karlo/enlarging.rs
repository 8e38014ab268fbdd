//! From small pixels to large ones: Karlo's super-resolution.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::folder::{ENLARGER, FINISHER, KarloFolder};
use crate::{
    Result,
    components::denoisers::UNet,
    model::{Loader, Slots},
    noise::Generator,
    progress::OnEvent,
    resample::{Resampling, weights},
    samplers::{self, AncestralSchedule, ModelOutput},
};

/// diffusers' default, the last of them by a network of its own.
const N_STEPS: usize = 7;

/// Draws the picture at its full size under its small self.
///
/// # Shapes: `[1, 3, rows, columns]` in [-1, 1] → `[1, 3, height, width]`
///
/// # Errors
/// Those of reading the networks' weights; when the device fails.
pub(super) fn enlarged(
    folder: &KarloFolder,
    slots: &mut Slots,
    small: &Tensor<4>,
    generator: &mut Generator,
    on_event: &mut OnEvent,
) -> Result<Tensor<4>> {
    let schedule = AncestralSchedule::unclip(&folder.enlarging_scheduler, N_STEPS)?;
    let guide = enlarged_smoothly(small, folder.scale as usize);
    let noise = generator.randn_tensor(guide.dims(), &guide.device());
    let n_steps = schedule.timesteps.len();
    let mut index = 0;
    samplers::ddpm(
        |latents: Tensor<4>, timestep| {
            index += 1;
            let name = if index == n_steps { FINISHER } else { ENLARGER };
            let files = folder.part(name);
            let unet = slots.get(&Loader::whole(&files, &UNet::load), on_event)?;
            let input = Tensor::cat(vec![latents, guide.clone()], 1);
            Ok(ModelOutput {
                prediction: unet.forward(input, &[timestep], &unet.unconditioned()),
                variance: None,
            })
        },
        noise,
        &schedule,
        generator,
        |_| Ok(()),
    )
}

/// PyTorch's `interpolate` by `bicubic` with `antialias`, which weighs as Pillow does.
fn enlarged_smoothly(small: &Tensor<4>, scale: usize) -> Tensor<4> {
    let [_, channels, rows, columns] = small.dims();
    let device = small.device();
    let down = matrix(rows, scale, &device);
    let across = matrix(columns, scale, &device).transpose();
    let down = down.unsqueeze::<4>().repeat_dim(1, channels);
    let across = across.unsqueeze::<4>().repeat_dim(1, channels);
    down.matmul(small.clone()).matmul(across)
}

/// # Shapes: `[scale · side, side]`
fn matrix(side: usize, scale: usize, device: &Device) -> Tensor<2> {
    let rows = weights(side as u32, (side * scale) as u32, Resampling::Bicubic);
    let data = TensorData::new(rows.concat(), [side * scale, side]);
    Tensor::from_data(data, (device, DType::F32))
}
