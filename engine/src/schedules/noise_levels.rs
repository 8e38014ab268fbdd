use super::{SchedulerConfig, config::BetaSchedule};

/// How much noise training added at each of its timesteps: ᾱ of Ho et al. 2020 and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseLevels {
    /// β of each timestep.
    pub betas: Vec<f32>,
    /// ᾱ of each timestep: the part of the picture's variance that is left.
    pub alphas_cumprod: Vec<f32>,
}

impl NoiseLevels {
    pub fn new(config: &SchedulerConfig) -> Self {
        let mut betas = trained_betas(config);
        if config.rescale_betas_zero_snr {
            rescale_zero_terminal_snr(&mut betas);
        }
        let alphas_cumprod = cumprod(&betas);
        Self {
            betas,
            alphas_cumprod,
        }
    }

    /// ᾱ of the timestep that a step leads to; none is the finished picture.
    pub fn alpha_prod_before(&self, previous: Option<usize>) -> f32 {
        previous.map_or(1.0, |previous| self.alphas_cumprod[previous])
    }

    /// √((1−ᾱ)/ᾱ) of each timestep: the noise beside a picture of variance one.
    ///
    /// With a zero terminal signal the last ᾱ counts as 2⁻²⁴, so that no sigma is infinite.
    pub fn sigmas(&self, config: &SchedulerConfig) -> Vec<f32> {
        let n_timesteps = self.alphas_cumprod.len();
        self.alphas_cumprod
            .iter()
            .enumerate()
            .map(|(timestep, &alpha)| {
                let is_terminal = config.rescale_betas_zero_snr && timestep + 1 == n_timesteps;
                let alpha = if is_terminal { 2f32.powi(-24) } else { alpha };
                ((1.0 - alpha) / alpha).sqrt()
            })
            .collect()
    }
}

fn trained_betas(config: &SchedulerConfig) -> Vec<f32> {
    if let Some(betas) = &config.trained_betas {
        return betas.clone();
    }
    let n_timesteps = config.n_train_timesteps;
    match config.beta_schedule() {
        BetaSchedule::Linear => linspace(config.beta_start, config.beta_end, n_timesteps),
        BetaSchedule::ScaledLinear => linspace(
            config.beta_start.sqrt(),
            config.beta_end.sqrt(),
            n_timesteps,
        )
        .into_iter()
        .map(|root| root * root)
        .collect(),
        BetaSchedule::SquaredCosine => squared_cosine(n_timesteps),
    }
}

/// `torch.linspace` in f32, which counts from both ends to the middle.
fn linspace(start: f64, end: f64, n_numbers: usize) -> Vec<f32> {
    let (start, end) = (start as f32, end as f32);
    let step = (end - start) / (n_numbers - 1) as f32;
    (0..n_numbers)
        .map(|i| {
            if i < n_numbers / 2 {
                step.mul_add(i as f32, start)
            } else {
                (-step).mul_add((n_numbers - i - 1) as f32, end)
            }
        })
        .collect()
}

/// The cosine schedule of Nichol and Dhariwal 2021.
fn squared_cosine(n_timesteps: usize) -> Vec<f32> {
    const MAX_BETA: f64 = 0.999;
    let alpha_bar = |time: f64| {
        ((time + 0.008) / 1.008 * std::f64::consts::PI / 2.0)
            .cos()
            .powi(2)
    };
    let n = n_timesteps as f64;
    (0..n_timesteps)
        .map(|i| {
            let kept = alpha_bar((i + 1) as f64 / n) / alpha_bar(i as f64 / n);
            (1.0 - kept).min(MAX_BETA) as f32
        })
        .collect()
}

/// ᾱ from β. PyTorch multiplies up in f64 and stores f32.
fn cumprod(betas: &[f32]) -> Vec<f32> {
    betas
        .iter()
        .scan(1f64, |product, beta| {
            *product *= f64::from(1.0 - beta);
            Some(*product as f32)
        })
        .collect()
}

/// Makes the last timestep pure noise: Lin et al. 2023, algorithm 1.
fn rescale_zero_terminal_snr(betas: &mut [f32]) {
    let mut roots: Vec<f32> = cumprod(betas).iter().map(|alpha| alpha.sqrt()).collect();
    let (first, last) = (roots[0], roots[roots.len() - 1]);
    let scale = first / (first - last);
    for root in &mut roots {
        *root = (*root - last) * scale;
    }
    let alphas_cumprod: Vec<f32> = roots.iter().map(|root| root * root).collect();
    betas[0] = 1.0 - alphas_cumprod[0];
    for (beta, pair) in betas[1..].iter_mut().zip(alphas_cumprod.windows(2)) {
        *beta = 1.0 - pair[1] / pair[0];
    }
}
