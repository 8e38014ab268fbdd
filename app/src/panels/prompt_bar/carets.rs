//! Where the caret stands in words that run from right to left.
//!
//! egui counts a caret's place in glyphs, one for each character in the order of typing. Of a word from right to left it
//! has the glyphs from left to right, and then some of no width for all characters but one: every caret after it is off.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use egui::Galley;
use egui::epaint::text::{Glyph, Row};

use crate::display_order::{has_right_to_left, is_in_word};

/// `galley` of `text` with a glyph for each character, in the order of typing, whose place is that of the caret before it.
/// What is painted stays as it is.
pub(super) fn mended(galley: Arc<Galley>, text: &str) -> Arc<Galley> {
    if !has_right_to_left(text) {
        return galley;
    }
    let mut galley = Arc::unwrap_or_clone(galley);
    let mut chars = text.chars().peekable();
    for placed in &mut galley.rows {
        mend_row(Arc::make_mut(&mut placed.row), &mut chars);
        if placed.ends_with_newline {
            chars.next();
        }
    }
    Arc::new(galley)
}

fn mend_row(row: &mut Row, chars: &mut Peekable<Chars<'_>>) {
    let mut glyphs = std::mem::take(&mut row.glyphs).into_iter().peekable();
    while let Some(glyph) = glyphs.next() {
        if !is_in_word(glyph.chr) {
            chars.next();
            row.glyphs.push(glyph);
            continue;
        }
        let mut word = vec![glyph];
        word.extend(std::iter::from_fn(|| {
            glyphs.next_if(|glyph| is_in_word(glyph.chr))
        }));
        let mut letters = String::new();
        letters.extend(std::iter::from_fn(|| chars.next_if(|c| is_in_word(*c))));
        if !has_right_to_left(&letters) {
            // A joiner between emoji.
            row.glyphs.append(&mut word);
            continue;
        }
        let left = in_order_of_typing(&mut word, &letters);
        row.glyphs.append(&mut word);
        if glyphs.peek().is_none() {
            // Where the next letter will stand.
            row.size.x = left;
        }
    }
}

/// One glyph for each letter, the first one at the right. Returns where the word ends, which is its left edge.
fn in_order_of_typing(word: &mut Vec<Glyph>, letters: &str) -> f32 {
    let is_drawn = |glyph: &Glyph| glyph.advance_width > 0.0 || !glyph.uv_rect.is_nothing();
    let left = word.iter().map(|glyph| glyph.pos.x);
    let left = left.fold(f32::INFINITY, f32::min);
    let filler = word.last().copied();
    word.retain(is_drawn);
    word.reverse();
    for glyph in word.iter_mut() {
        glyph.pos.x += glyph.advance_width;
    }
    // Two letters may be drawn as one.
    let n_letters = letters.chars().count();
    word.truncate(n_letters);
    let missing = letters.chars().skip(word.len());
    word.extend(missing.filter_map(|chr| {
        let mut glyph = filler?;
        (glyph.chr, glyph.advance_width, glyph.pos.x) = (chr, 0.0, left);
        Some(glyph)
    }));
    left
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Context, RawInput};

    use super::*;
    use crate::theme;

    /// The caret's places before each character and at the end of a line.
    fn carets(text: &str) -> Vec<f32> {
        let ctx = Context::default();
        theme::install(&ctx);
        let mut carets = Vec::new();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            let galley = ui.fonts_mut(|fonts| {
                fonts.layout_no_wrap(text.to_owned(), theme::prompt(), Color32::WHITE)
            });
            let galley = mended(galley, text);
            let row = &galley.rows[0].row;
            carets = row.glyphs.iter().map(|glyph| glyph.pos.x).collect();
            carets.push(row.size.x);
        });
        output.textures_delta.clear();
        carets
    }

    #[test]
    fn the_caret_goes_by_characters_in_any_direction() {
        for text in [
            "a red house",
            "a בית b",
            "בית אדום",
            "👩\u{200d}🚀 בית",
            "שָׁלוֹם",
        ] {
            let carets = carets(text);
            assert_eq!(carets.len(), text.chars().count() + 1, "{text}");
        }
        let word = carets("בית");
        assert!(word.is_sorted_by(|a, b| a > b), "{word:?}");
        // After a word from right to left all else stands where it did.
        let mixed = carets("a בית b");
        assert!(mixed[6] > mixed[2] && mixed[7] > mixed[6], "{mixed:?}");
    }
}
