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
            given: HashSet::new(),
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
    let hollow = Arc::clone(&fallback);
    let hollow = GlyphRasterizer::new(
        "limn::theme::fallback::hollow",
        move |request: &GlyphRasterizerRequest<'_>| hollow.fill_hollow(request),
    );
    ctx.add_glyph_rasterizer(hollow.with_priority(FontPriority::Highest));
    fallback.give_to(ctx);
}

struct Fallback {
    state: Mutex<State>,
    wanted: Sender<char>,
}

struct State {
    faces: Vec<Face>,
    /// Those of them, by name, that egui draws with: it takes every character from them that they claim to have.
    given: HashSet<String>,
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

    /// What no font has lines for: the picture of the whole cluster, as of joined emoji; where no font has that, of the first
    /// of its characters that has one, so that something is seen; else a box.
    fn rasterize(
        self: &Arc<Self>,
        request: &GlyphRasterizerRequest<'_>,
    ) -> Option<RasterizedGlyph> {
        let first = request.cluster.chars().next()?;
        if first.is_control() {
            return None;
        }
        let mut picture = self.joined(request);
        for c in request.cluster.chars().filter(|c| !is_invisible(*c)) {
            let Some(face) = self.pictured(c) else {
                self.want(c);
                continue;
            };
            picture = picture.or_else(|| drawing::picture(&face.data, c, request.font_size_px));
        }
        Some(picture.unwrap_or_else(|| drawing::replacement(request.font_size_px)))
    }

    /// The one picture of several characters, from a face that has it.
    fn joined(&self, request: &GlyphRasterizerRequest<'_>) -> Option<RasterizedGlyph> {
        let mut visible = request.cluster.chars().filter(|c| !is_invisible(*c));
        let first = visible.next()?;
        visible.next()?;
        let faces = self.state().faces.clone();
        let mut faces = faces
            .iter()
            .filter(|face| drawing::claims(&face.data, first));
        faces.find_map(|face| drawing::joined(&face.data, request.cluster, request.font_size_px))
    }

    /// A picture or a box in place of a glyph that a font claims to have and leaves empty.
    fn fill_hollow(
        self: &Arc<Self>,
        request: &GlyphRasterizerRequest<'_>,
    ) -> Option<RasterizedGlyph> {
        let c = request.cluster.chars().next()?;
        // Inter's own scripts are whole.
        if c < '\u{500}' || is_invisible(c) || !self.is_hollow(c) {
            return None;
        }
        self.rasterize(request)
    }

    /// Whether the font that egui draws `c` in has nothing to draw.
    fn is_hollow(&self, c: char) -> bool {
        let state = self.state();
        let mut given = state
            .faces
            .iter()
            .filter(|face| state.given.contains(&face.name));
        let first = given.find(|face| drawing::claims(&face.data, c));
        first.is_some_and(|face| !drawing::has_outline(&face.data, c))
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

/// What is never seen: spaces, joiners, selectors (Unicode's `Default_Ignorable_Code_Point`).
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
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
        self.0.state().given.insert(face.name.clone());
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
