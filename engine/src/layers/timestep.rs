use burn::tensor::{DType, Device, Tensor, TensorData};

/// Sinusoids of timesteps, cosines first (Ho et al. 2020), as the U-Nets and the prior take them.
///
/// Always in f32, as the reference computes them: the angles reach 1,000.
///
/// # Shapes: `[timesteps, width]`
pub fn timestep_embedding(timesteps: &[f32], width: usize, device: &Device) -> Tensor<2> {
    const MAX_PERIOD: f32 = 10_000.0;
    let half_width = width / 2;
    let frequencies: Vec<f32> = (0..half_width)
        .map(|i| (-MAX_PERIOD.ln() * i as f32 / half_width as f32).exp())
        .collect();
    let values = timesteps
        .iter()
        .flat_map(|timestep| {
            let angles = frequencies
                .iter()
                .map(move |frequency| timestep * frequency);
            angles.clone().map(f32::cos).chain(angles.map(f32::sin))
        })
        .collect::<Vec<_>>();
    Tensor::from_data(
        TensorData::new(values, [timesteps.len(), 2 * half_width]),
        (device, DType::F32),
    )
}
