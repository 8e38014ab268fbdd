//! PyTorch's CPU generator, bit for bit where arithmetic allows: a seed means the same noise here and there.
//!
//! Noise is always drawn in f32 on the CPU and uploaded, so that it does not depend on the device.

use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

/// What `torch.Generator("cpu").manual_seed(seed)` is: the stream of one picture's random numbers.
#[derive(Debug, Clone)]
pub struct Generator {
    twister: MersenneTwister,
    /// The second number of a Box–Muller pair, kept by small draws for the next small draw.
    cached_normal: Option<f64>,
}

impl Generator {
    /// Only the low 32 bits of the seed count, as in PyTorch.
    pub fn new(seed: u64) -> Self {
        Self {
            twister: MersenneTwister::new(seed as u32),
            cached_normal: None,
        }
    }

    /// `torch.randn(n_numbers, generator=self)`: standard normal numbers.
    ///
    /// Sixteen numbers or more are made in blocks from 24-bit uniforms, fewer one by one in f64: these are
    /// two different streams in PyTorch too.
    pub fn randn(&mut self, n_numbers: usize) -> Vec<f32> {
        if n_numbers < BLOCK {
            return (0..n_numbers).map(|_| self.normal() as f32).collect();
        }
        let mut numbers: Vec<f32> = (0..n_numbers).map(|_| self.uniform_f32()).collect();
        for block in numbers.chunks_exact_mut(BLOCK) {
            box_muller(block);
        }
        if !n_numbers.is_multiple_of(BLOCK) {
            let last_block = &mut numbers[n_numbers - BLOCK..];
            last_block.fill_with(|| self.uniform_f32());
            box_muller(last_block);
        }
        numbers
    }

    /// `torch.randn(shape, generator=self)` in f32 on `device`.
    pub fn randn_tensor<const D: usize>(
        &mut self,
        shape: [usize; D],
        device: &Device,
    ) -> Tensor<D> {
        let numbers = self.randn(shape.iter().product());
        Tensor::from_data(
            TensorData::new(numbers, Shape::from(shape)),
            (device, DType::F32),
        )
    }

    /// Uniform in [0, 1) with 24 bits.
    fn uniform_f32(&mut self) -> f32 {
        const BITS: u32 = 24;
        let fraction = self.twister.next_u32() & ((1 << BITS) - 1);
        fraction as f32 / (1 << BITS) as f32
    }

    /// Uniform in [0, 1) with 53 bits.
    fn uniform_f64(&mut self) -> f64 {
        const BITS: u32 = 53;
        let high = u64::from(self.twister.next_u32());
        let low = u64::from(self.twister.next_u32());
        let fraction = (high << 32 | low) & ((1 << BITS) - 1);
        fraction as f64 / (1u64 << BITS) as f64
    }

    fn normal(&mut self) -> f64 {
        if let Some(cached) = self.cached_normal.take() {
            return cached;
        }
        let angle = 2.0 * std::f64::consts::PI * self.uniform_f64();
        let radius = (-2.0 * (-self.uniform_f64()).ln_1p()).sqrt();
        self.cached_normal = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

/// Numbers that PyTorch transforms together.
const BLOCK: usize = 16;

/// Turns sixteen uniform numbers into normal ones: the first half gives radii, the second angles.
fn box_muller(block: &mut [f32]) {
    let (radii, angles) = block.split_at_mut(BLOCK / 2);
    for (first, second) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * (1.0 - *first).ln()).sqrt();
        let angle = 2.0 * std::f32::consts::PI * *second;
        *first = radius * angle.cos();
        *second = radius * angle.sin();
    }
}

/// MT19937, Matsumoto and Nishimura 1998.
#[derive(Debug, Clone)]
struct MersenneTwister {
    state: [u32; Self::LENGTH],
    next: usize,
}

impl MersenneTwister {
    const LENGTH: usize = 624;
    const MIDDLE: usize = 397;

    fn new(seed: u32) -> Self {
        let mut state = [0; Self::LENGTH];
        state[0] = seed;
        for i in 1..Self::LENGTH {
            let previous = state[i - 1];
            state[i] = (previous ^ (previous >> 30))
                .wrapping_mul(1_812_433_253)
                .wrapping_add(i as u32);
        }
        Self {
            state,
            next: Self::LENGTH,
        }
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == Self::LENGTH {
            self.refill();
        }
        let mut number = self.state[self.next];
        self.next += 1;
        number ^= number >> 11;
        number ^= (number << 7) & 0x9d2c_5680;
        number ^= (number << 15) & 0xefc6_0000;
        number ^ (number >> 18)
    }

    fn refill(&mut self) {
        for i in 0..Self::LENGTH {
            let joined =
                (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % Self::LENGTH] & 0x7fff_ffff);
            let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + Self::MIDDLE) % Self::LENGTH] ^ (joined >> 1) ^ twist;
        }
        self.next = 0;
    }
}
