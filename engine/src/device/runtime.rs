//! Settings of burn and of this process that must be made before the first tensor.

use std::num::NonZero;
use std::sync::{Once, OnceLock};

use cubecl_runtime::config::{
    CubeClRuntimeConfig, RuntimeConfig, cache::CacheConfig, compilation::CompilationLogLevel,
};

use super::{Rung, adapters::Adapter, cache_dir, tuning};
use crate::{Error, Result, regular_file::has_only_own_files};

/// A third of the share that the window gets where both want a core; not starved by other programs.
#[cfg(unix)]
const NICENESS: i32 = 5;

/// Whether this process fuses kernels; decided by the first GPU it opens.
static IS_FUSED: OnceLock<bool> = OnceLock::new();

/// Prepares burn for a GPU of these on this rung.
///
/// # Errors
/// [`Error::Device`] when the process already runs on a rung that fuses differently: burn cannot change.
pub(super) fn configure(adapters: &[Adapter], rung: Rung) -> Result<()> {
    let is_fused = *IS_FUSED.get_or_init(|| {
        configure_kernels(tuning::environment_name(adapters, rung));
        configure_fusion(rung.is_fused());
        rung.is_fused()
    });
    if is_fused == rung.is_fused() {
        Ok(())
    } else {
        Err(Error::Device(
            "another GPU is in use with other kernels: stop the engine and try again".to_owned(),
        ))
    }
}

/// Kernels and their tuning are kept in the cache folder, and logged: see the worker's log.
///
/// Set as a whole, so that no `cubecl.toml` of the folder we happen to run in has a say.
#[allow(
    clippy::default_trait_access,
    reason = "the type of the level is not exported"
)]
fn configure_kernels(environment: String) {
    let mut config = CubeClRuntimeConfig::default();
    if let Some(dir) = cache_dir().map(|dir| dir.join("kernels")) {
        if has_only_own_files(&dir) {
            config.environment.path = CacheConfig::Directory(dir);
            config.environment.name = environment;
            config.compilation.cache = true;
        } else {
            tracing::warn!("kernels are not kept: remove {}", dir.display());
        }
    }
    tuning::configure(&mut config.autotune);
    config.compilation.logger.level = CompilationLogLevel::Basic;
    // At level `info`, the default.
    config.compilation.logger.log = Some(Default::default());
    config.autotune.logger.log = Some(Default::default());
    if !CubeClRuntimeConfig::try_set(config) {
        tracing::warn!("the kernel compiler was in use before it was configured");
    }
}

/// Where fusion is not trusted, burn explores nothing, and so runs every operation on its own.
fn configure_fusion(is_fused: bool) {
    let json = if is_fused {
        "{}"
    } else {
        r#"{"fusion": {"beam_search": {"max_explorations": 0}}}"#
    };
    match serde_json::from_str::<burn::BurnConfig>(json) {
        Ok(config) if burn::BurnConfig::try_set(config.clone()) => {}
        Ok(_) => tracing::warn!("burn was in use before it was configured"),
        Err(error) => tracing::error!("burn's configuration has changed its form: {error}"),
    }
}

/// Leaves the processor to everything else that wants it, and never takes more than half of its cores.
///
/// To be called before anything computes.
pub fn work_in_background() {
    const LOWEST_PRIORITY: i32 = 19;
    #[cfg(unix)]
    if let Err(error) = rustix::process::nice(LOWEST_PRIORITY) {
        tracing::warn!("the priority cannot be lowered: {error}");
    }
    let n_cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(n_cores.div_ceil(2));
    if let Err(error) = threads.build_global() {
        tracing::warn!("the number of threads cannot be set: {error}");
    }
}

/// Lets the window stay fluid while every core computes. Threads started later inherit it.
pub(super) fn lower_own_priority() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(unix)]
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::warn!("the priority cannot be lowered: {error}");
        }
    });
}
