use burn::tensor::{DType, Device, Tensor, TensorData};

/// How a network takes its timesteps: sinusoids of falling frequency (Ho et al. 2020).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimestepEmbedding {
    pub width: usize,
    pub cosines_first: bool,
    /// Taken from the number of frequencies that the falling is spread over.
    pub freq_shift: f32,
}

impl TimestepEmbedding {
    /// As nearly every network has it: cosines first, no shift.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            cosines_first: true,
            freq_shift: 0.0,
        }
    }

    /// Always in f32, as the reference computes them: the angles reach 1,000.
    ///
    /// # Shapes: `[timesteps, width]`
    pub fn forward(&self, timesteps: &[f32], device: &Device) -> Tensor<2> {
        const MAX_PERIOD: f32 = 10_000.0;
        let half_width = self.width / 2;
        let spread = half_width as f32 - self.freq_shift;
        let frequencies: Vec<f32> = (0..half_width)
            .map(|i| (-MAX_PERIOD.ln() * i as f32 / spread).exp())
            .collect();
        let values = timesteps
            .iter()
            .flat_map(|timestep| {
                let angles = frequencies
                    .iter()
                    .map(move |frequency| timestep * frequency);
                let cosines = angles.clone().map(f32::cos);
                let sines = angles.map(f32::sin);
                if self.cosines_first {
                    cosines.chain(sines).collect::<Vec<_>>()
                } else {
                    sines.chain(cosines).collect()
                }
            })
            .collect::<Vec<_>>();
        Tensor::from_data(
            TensorData::new(values, [timesteps.len(), 2 * half_width]),
            (device, DType::F32),
        )
    }
}
