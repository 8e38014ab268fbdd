//! Opens the window.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use eframe::{NativeOptions, egui_wgpu};
use egui::ViewportBuilder;
use limn_engine::foreign_text;

use crate::app::App;
use crate::engine_link::EngineCommand;
use crate::paths::Folders;
use crate::running_window;
use crate::theme;

/// Opens the window, with these files in it, and returns when it is closed; or at once where a window of the same home
/// is open already and takes them.
///
/// # Errors
/// If the system gives no window or no way to draw in one.
pub fn open(files: Vec<PathBuf>) -> anyhow::Result<()> {
    let folders = Folders::find()?;
    if running_window::hand_over(&folders, &files) {
        return Ok(());
    }
    let engine = EngineCommand::from_environment()?;
    let encoder = EngineCommand::in_background(&folders.models)?;
    let options = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Limn")
            .with_app_id("limn")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size(crate::theme::LEAST_WINDOW),
        wgpu_options: WgpuConfiguration {
            surface: egui_wgpu::SurfaceConfig::LOW_LATENCY,
            wgpu_setup: WgpuSetup::CreateNew(WgpuSetupCreateNew {
                // The engine has the strong GPU to itself where there are two.
                power_preference: wgpu_power_preference(),
                ..WgpuSetupCreateNew::without_display_handle()
            }),
            ..WgpuConfiguration::default()
        },
        centered: true,
        // egui would search on the window's own thread.
        system_font_fallback: false,
        ..NativeOptions::default()
    };
    eframe::run_native(
        "Limn",
        options,
        Box::new(|creation| {
            if let Some(state) = &creation.wgpu_render_state {
                survive_faults(&state.device, &creation.egui_ctx);
                if state.adapter.get_info().device_type == egui_wgpu::wgpu::DeviceType::Cpu {
                    theme::draw_sparingly(&creation.egui_ctx);
                }
            }
            let mut app = App::new(&creation.egui_ctx, folders, Some(engine));
            theme::install_fallback_fonts(&creation.egui_ctx);
            app.open_files(files);
            app.listen_at_door();
            app.look_at_pictures_with(encoder);
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| match error {
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => {
            tracing::error!("{error}");
            anyhow::anyhow!(
                "there is no desktop here to open a window on: start Limn within a desktop session, or use it without a window (`limn --help`)"
            )
        }
        error => anyhow::anyhow!(
            "the window cannot be opened ({}): update the graphics driver, or use Limn without a window (`limn --help`)",
            foreign_text::message(error.to_string())
        ),
    })
}

fn wgpu_power_preference() -> egui_wgpu::wgpu::PowerPreference {
    egui_wgpu::wgpu::PowerPreference::from_env()
        .unwrap_or(egui_wgpu::wgpu::PowerPreference::LowPower)
}

/// Without these handlers an error of the graphics driver ends the whole program, prompts and queue with it.
fn survive_faults(device: &egui_wgpu::wgpu::Device, ctx: &egui::Context) {
    let repaint = ctx.clone();
    device.on_uncaptured_error(Arc::new(move |error| {
        tracing::error!("drawing the window: {error}");
        repaint.request_repaint();
    }));
    let repaint = ctx.clone();
    device.set_device_lost_callback(move |reason, message| {
        tracing::error!("the window's graphics device is lost ({reason:?}): {message}");
        repaint.request_repaint();
    });
}
