//! Characters that Inter lacks, in fonts of the system.
//!
//! To look for a font is to read many files: a thread of its own does it, and only once there is a character to look
//! for. Until a font is found, and for good where there is none, a box stands for the character. Files are mapped,
//! not copied, so that a font of 20 MB costs no more memory than the parts that were read.

mod drawing;
mod system;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use egui::epaint::text::{
    FallbackRequest, FontData, FontFamily, FontInsert, FontPriority, FontProvider, GlyphRasterizer,
    GlyphRasterizerRequest, InsertFontFamily, RasterizedGlyph,
};

/// Each is asked for every character that those before it lack.
const MAX_FACES: usize = 32;

/// A font of the system.
#[derive(Clone)]
struct Face {
    /// Unique among faces.
    name: String,
    data: FontData,
}

/// Finds the font for a character. Slow.
type Search = Box<dyn FnMut(char) -> Option<Face>>;
/// Opens the list of fonts. Slow.
type OpenSearch = Box<dyn FnOnce() -> Search + Send>;

/// Draws what Inter lacks in fonts of the system, emoji as pictures, and a box for what no font has.
pub fn install(ctx: &egui::Context) {
    install_searching(ctx, Box::new(system::search));
}

fn install_searching(ctx: &egui::Context, open: OpenSearch) {
    let (wanted, inbox) = channel();
    let fallback = Arc::new(Fallback {
        state: Mutex::new(State {
            faces: Vec::new(),
            asked: HashSet::new(),
            // The context and this hold each other; both live as long as the window.
            to_start: Some((ctx.clone(), open, inbox)),
        }),
        wanted,
    });
    let drawing = Arc::clone(&fallback);
    ctx.add_glyph_rasterizer(GlyphRasterizer::new(
        "limn::theme::fallback",
        move |request: &GlyphRasterizerRequest<'_>| drawing.rasterize(request),
    ));
    fallback.give_to(ctx);
}

struct Fallback {
    state: Mutex<State>,
    wanted: Sender<char>,
}

struct State {
    faces: Vec<Face>,
    /// What was looked for, found or not.
    asked: HashSet<char>,
    /// What the thread needs, until it is started.
    to_start: Option<(egui::Context, OpenSearch, Receiver<char>)>,
}

impl Fallback {
    /// egui asks again for every character from now on.
    fn give_to(self: &Arc<Self>, ctx: &egui::Context) {
        ctx.set_font_providers(vec![Arc::new(Provider(Arc::clone(self)))]);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The face whose outline of `c` is drawn in the colour of the text.
    fn outlined(&self, c: char) -> Option<Face> {
        let state = self.state();
        let mut faces = state.faces.iter();
        faces
            .find(|face| drawing::has_outline(&face.data, c))
            .cloned()
    }

    /// The face that has a picture for `c`.
    fn pictured(&self, c: char) -> Option<Face> {
        let state = self.state();
        let mut faces = state.faces.iter();
        faces
            .find(|face| drawing::has_picture(&face.data, c))
            .cloned()
    }

    /// Has the thread look for `c`, once.
    fn want(self: &Arc<Self>, c: char) {
        let mut state = self.state();
        if !state.asked.insert(c) {
            return;
        }
        if let Some((ctx, open, inbox)) = state.to_start.take() {
            let fallback = Arc::clone(self);
            let thread = std::thread::Builder::new().name("system fonts".to_owned());
            let started = thread.spawn(move || look(&ctx, &fallback, open, &inbox));
            if let Err(error) = started {
                tracing::warn!("fonts of the system are not looked for: {error}");
            }
        }
        // Without the thread, boxes stay.
        let _ = self.wanted.send(c);
    }

    /// Keeps a face; whether it is new.
    fn add(&self, face: Face) -> bool {
        let mut state = self.state();
        let is_known = state.faces.iter().any(|known| known.name == face.name);
        if is_known || state.faces.len() == MAX_FACES {
            return false;
        }
        tracing::info!(
            "font {}, {} MB mapped",
            face.name,
            face.data.bytes().len() / 1_000_000
        );
        state.faces.push(face);
        true
    }

    fn rasterize(&self, request: &GlyphRasterizerRequest<'_>) -> Option<RasterizedGlyph> {
        let c = request.cluster.chars().next()?;
        if c.is_control() {
            return None;
        }
        let face = self.pictured(c);
        let picture = face.and_then(|face| drawing::picture(&face.data, c, request.font_size_px));
        Some(picture.unwrap_or_else(|| drawing::replacement(request.font_size_px)))
    }
}

/// The thread's work: fonts for characters as they come.
fn look(ctx: &egui::Context, fallback: &Arc<Fallback>, open: OpenSearch, inbox: &Receiver<char>) {
    let start = Instant::now();
    let mut search = open();
    tracing::info!("fonts of the system listed in {:?}", start.elapsed());
    while let Ok(first) = inbox.recv() {
        let mut has_found = false;
        for c in std::iter::once(first).chain(inbox.try_iter()) {
            if fallback.outlined(c).is_some() || fallback.pictured(c).is_some() {
                // With the face of a character before it, after egui had asked for both.
                has_found = true;
                continue;
            }
            // A font is a stranger's file: what it breaks, it breaks for its own characters.
            let found = catch_unwind(AssertUnwindSafe(|| search(c)));
            has_found |= found.ok().flatten().is_some_and(|face| fallback.add(face));
        }
        if has_found {
            fallback.give_to(ctx);
        }
    }
}

/// What egui asks for fonts, under its own lock: nothing here may wait or call the context.
struct Provider(Arc<Fallback>);

impl FontProvider for Provider {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let c = request.cluster.chars().next()?;
        let Some(face) = self.0.outlined(c) else {
            self.0.want(c);
            return None;
        };
        Some(FontInsert::new(
            &face.name,
            face.data,
            vec![InsertFontFamily {
                family: FontFamily::clone(request.family),
                priority: FontPriority::Lowest,
            }],
        ))
    }
}
