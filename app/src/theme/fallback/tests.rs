#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use egui::epaint::text::Glyph;
use egui::{Color32, Context, RawInput};

use super::*;
use crate::theme;

const IDEOGRAPH: &[u8] = include_bytes!("../../../../tests/fixtures/fonts/ideograph.ttf");
const ROCKET: &[u8] =
    include_bytes!("../../../../tests/fixtures/fonts/noto_color_emoji_rocket.ttf");

const ASTRONAUT: &[u8] =
    include_bytes!("../../../../tests/fixtures/fonts/noto_color_emoji_astronaut.ttf");

/// A window on a system with the fonts above, which finds a broken one for Hangul and a hollow one for a snowman.
/// The second value counts the searches.
fn window() -> (Context, Arc<AtomicUsize>) {
    let n_searches = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&n_searches);
    let ctx = Context::default();
    theme::install(&ctx);
    let search = move |c: char| {
        count.fetch_add(1, Ordering::SeqCst);
        let (name, bytes): (&str, &[u8]) = match c {
            '日' | 'ا' | '☃' => ("ideograph", IDEOGRAPH),
            '🚀' => ("rocket", ROCKET),
            '한' => ("broken", &IDEOGRAPH[..90]),
            '글' => panic!("a font that its parser cannot bear"),
            _ => return None,
        };
        Some(Face {
            name: name.to_owned(),
            data: FontData::from_owned(bytes.to_vec()),
        })
    };
    install_searching(&ctx, Box::new(move || Box::new(search)));
    (ctx, n_searches)
}

/// One frame with `text`.
fn draw(ctx: &Context, text: &str) -> Vec<Glyph> {
    let mut glyphs = Vec::new();
    let mut output = ctx.run_ui(RawInput::default(), |ui| {
        let galley = ui.fonts_mut(|fonts| {
            fonts.layout_no_wrap(text.to_owned(), theme::prompt(), Color32::WHITE)
        });
        glyphs = galley.rows[0].row.glyphs.clone();
    });
    output.textures_delta.clear();
    glyphs
}

/// Draws frames until one is as expected.
fn draw_until(ctx: &Context, text: &str, is_done: impl Fn(&[Glyph]) -> bool) -> Vec<Glyph> {
    let start = Instant::now();
    loop {
        let glyphs = draw(ctx, text);
        if is_done(&glyphs) {
            return glyphs;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{text} stays as it was"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_visible(glyph: &Glyph) -> bool {
    !glyph.uv_rect.is_nothing()
}

#[test]
fn nothing_is_searched_for_what_inter_has() {
    let (ctx, n_searches) = window();
    let glyphs = draw(&ctx, "a naïve café");
    assert!(
        glyphs
            .iter()
            .all(|glyph| glyph.chr == ' ' || is_visible(glyph))
    );
    assert_eq!(n_searches.load(Ordering::SeqCst), 0);
}

#[test]
fn what_inter_lacks_is_a_box_until_a_font_of_the_system_is_found() {
    let (ctx, n_searches) = window();
    let first = draw(&ctx, "日");
    assert!(is_visible(&first[0]));
    // The fixture's glyph is as wide as it is high, the box is not.
    let found = draw_until(&ctx, "日", |glyphs| glyphs[0].advance_width > 14.0);
    assert!(is_visible(&found[0]) && !found[0].is_color);
    // Another character of the same font needs no second search; nor does one that egui asks for again.
    draw(&ctx, "ا日");
    draw(&ctx, "日日");
    assert_eq!(n_searches.load(Ordering::SeqCst), 1);
}

#[test]
fn emoji_are_pictures() {
    let (ctx, _) = window();
    assert!(is_visible(&draw(&ctx, "🚀")[0]));
    let found = draw_until(&ctx, "a 🚀", |glyphs| glyphs[2].is_color);
    assert!(is_visible(&found[2]) && !found[0].is_color);
    let picture = drawing::picture(&FontData::from_static(ROCKET), '🚀', 15.0).unwrap();
    let pixels = &picture.bitmap.image.pixels;
    assert!(
        pixels
            .iter()
            .any(|pixel| pixel.a() == 255 && pixel.r() != pixel.g())
    );
    assert!((14.0..24.0).contains(&picture.advance_px));
}

/// No font, a hollow glyph, a broken file, a parser that panics: a box, and the search goes on.
#[test]
fn what_no_font_has_is_a_box() {
    let (ctx, n_searches) = window();
    let text = "𓀀☃한글";
    draw(&ctx, text);
    let start = Instant::now();
    while n_searches.load(Ordering::SeqCst) < 4 {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    let glyphs = draw_until(&ctx, "日", |glyphs| glyphs[0].advance_width > 14.0);
    assert!(is_visible(&glyphs[0]));
    let glyphs = draw(&ctx, text);
    assert_eq!(glyphs.len(), 4);
    let drawn = text.chars().zip(&glyphs);
    let hidden = drawn.filter(|(_, glyph)| !is_visible(glyph));
    let hidden: Vec<char> = hidden.map(|(c, _)| c).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// What a font has one picture for is that picture, and not one of its parts.
#[test]
fn joined_emoji_are_one_picture_where_a_font_has_it() {
    let font = FontData::from_static(ASTRONAUT);
    let pixels = |drawn: RasterizedGlyph| drawn.bitmap.image.pixels;
    let picture = |c| pixels(drawing::picture(&font, c, 20.0).unwrap());
    let joined = |cluster: &str| drawing::joined(&font, cluster, 20.0).map(pixels);
    let astronaut = joined("👩\u{200d}🚀").unwrap();
    assert_ne!(astronaut, picture('👩'));
    assert_ne!(astronaut, picture('🚀'));
    assert_eq!(joined("👩🚀"), None, "two, side by side");
    let rocket = FontData::from_static(ROCKET);
    assert!(drawing::joined(&rocket, "👩\u{200d}🔥", 20.0).is_none());
    let broken = FontData::from_static(&ASTRONAUT[..90]);
    assert!(drawing::joined(&broken, "👩\u{200d}🚀", 20.0).is_none());
}

/// Whatever parts of joined emoji a font has: something is seen, and no part of the rest is.
#[test]
fn joined_emoji_are_seen_as_one_of_them() {
    let (ctx, _) = window();
    draw_until(&ctx, "🚀", |glyphs| glyphs[0].is_color);
    for text in ["🚀\u{200d}🔥", "👩\u{200d}🚀", "🚀\u{fe0f}"] {
        let is_seen = |glyphs: &[Glyph]| glyphs.iter().any(|glyph| glyph.is_color);
        let glyphs = draw_until(&ctx, text, is_seen);
        let seen: Vec<_> = glyphs.iter().filter(|glyph| is_visible(glyph)).collect();
        assert_eq!(seen.len(), 1, "{text}");
        // A caret stands between any two characters.
        assert_eq!(glyphs.len(), text.chars().count(), "{text}");
    }
    // Of two that no font has there is a box.
    let glyphs = draw(&ctx, "👩\u{200d}🔥");
    assert!(glyphs.iter().any(is_visible));
}
