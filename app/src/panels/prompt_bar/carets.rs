//! Where the caret stands in words that run from right to left.
//!
//! egui counts a caret's place in glyphs, one for each character in the order of typing. Of a word from right to left it
//! has the glyphs from left to right, and then some of no width for all characters but one: every caret after it is off.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use egui::Galley;
use egui::epaint::text::{Glyph, Row};

use crate::display_order::{
    PlacedChar, PlacedLine, has_right_to_left, is_in_word, lines_in_display_order, placed_lines,
};

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

/// `galley` of `text` as it is read, line by line, with carets in the order of typing. `lay_out` makes mended galleys.
/// What cannot be matched with the lines that were laid out stays as it is, and so does what one font has words and gaps
/// of: egui draws that as it is read.
pub(super) fn in_reading_order(
    galley: Arc<Galley>,
    text: &str,
    lay_out: impl Fn(&str) -> Arc<Galley>,
) -> Arc<Galley> {
    if !has_right_to_left(text) {
        return galley;
    }
    let line_chars = || {
        let rows = galley.rows.iter();
        rows.map(|row| row.char_count_including_newline().0)
    };
    let mut visual = Arc::unwrap_or_clone(lay_out(&lines_in_display_order(text, line_chars())));
    let lines = placed_lines(text, line_chars());
    if visual.rows.len() != galley.rows.len() || lines.len() != galley.rows.len() {
        return galley;
    }
    for ((placed, logical), line) in visual.rows.iter_mut().zip(&galley.rows).zip(&lines) {
        let n_chars = logical.char_count_excluding_newline().0;
        let row = Arc::make_mut(&mut placed.row);
        let Some((glyphs, end)) = in_typing_order(&row.glyphs, line, n_chars) else {
            return galley;
        };
        row.glyphs = glyphs;
        row.size.x = end;
        placed.ends_with_newline = logical.ends_with_newline;
    }
    visual.job = Arc::clone(&galley.job);
    Arc::new(visual)
}

/// A glyph for each of a line's characters in the order of typing, at the caret before it; and where the line goes on.
fn in_typing_order(
    drawn: &[Glyph],
    line: &PlacedLine<'_>,
    n_chars: usize,
) -> Option<(Vec<Glyph>, f32)> {
    let n_placed = line.chars.len();
    if are_drawn_in_one_go(drawn, &line.chars) {
        return None;
    }
    let mut glyphs: Vec<Option<Glyph>> = vec![None; n_placed];
    let mut end = drawn.first().map_or(0.0, |glyph| glyph.pos.x);
    for (glyph, placed) in drawn.iter().zip(&line.chars) {
        let mut glyph = *glyph;
        if placed.is_right_to_left && !is_in_word(placed.chr) {
            glyph.pos.x += glyph.advance_width;
        }
        if placed.index + 1 == n_placed {
            end = if placed.is_right_to_left {
                glyph.pos.x - glyph.advance_width
            } else {
                glyph.pos.x + glyph.advance_width
            };
        }
        *glyphs.get_mut(placed.index)? = Some(glyph);
    }
    let mut glyphs = glyphs.into_iter().collect::<Option<Vec<Glyph>>>()?;
    let goes_left = line
        .chars
        .iter()
        .any(|placed| placed.index + 1 == n_placed && placed.is_right_to_left);
    let gap = drawn.iter().skip(n_placed).copied().map(Some);
    for glyph in gap.chain(std::iter::repeat(None)) {
        if glyphs.len() >= n_chars {
            break;
        }
        let mut glyph = glyph.or(glyphs.last().copied())?;
        let advance = if goes_left { 0.0 } else { glyph.advance_width };
        (glyph.pos.x, glyph.advance_width) = (end, advance);
        end += advance;
        glyphs.push(glyph);
    }
    (glyphs.len() == n_chars).then_some((glyphs, end))
}

/// Whether words from right to left that stand beside each other are drawn in the opposite order.
fn are_drawn_in_one_go(drawn: &[Glyph], chars: &[PlacedChar]) -> bool {
    let mut before: Option<usize> = None;
    let mut word_left = f32::NEG_INFINITY;
    for (glyph, placed) in drawn.iter().zip(chars) {
        if !placed.is_right_to_left {
            (before, word_left) = (None, f32::NEG_INFINITY);
            continue;
        }
        if !is_in_word(placed.chr) {
            before = None;
            continue;
        }
        let goes_on = before.is_some_and(|last| last + 1 == placed.index);
        if !goes_on {
            if glyph.pos.x < word_left {
                return true;
            }
            word_left = glyph.pos.x;
        }
        before = Some(placed.index);
    }
    false
}

fn mend_row(row: &mut Row, chars: &mut Peekable<Chars<'_>>) {
    let glyphs = std::mem::take(&mut row.glyphs);
    let mut glyphs: VecDeque<Glyph> = glyphs
        .into_iter()
        .filter(|glyph| is_drawn(glyph) || !(is_in_word(glyph.chr) || glyph.chr == ' '))
        .collect();
    let mut left = None;
    while let Some(first) = glyphs.front().copied() {
        let run = run_of(&glyphs, chars.clone());
        if run.is_empty() {
            chars.next();
            glyphs.pop_front();
            row.glyphs.push(first);
            left = None;
            continue;
        }
        let n_chars = run.chars().count();
        chars.by_ref().take(n_chars).for_each(drop);
        // Two letters may be drawn as one.
        let n_drawn = glyphs.iter().take_while(|glyph| run.contains(glyph.chr));
        let n_drawn = n_drawn.take(n_chars).count();
        let drawn = glyphs.drain(..n_drawn).collect();
        let (run_left, run) = in_order_of_typing(drawn, &run, first);
        row.glyphs.extend(run);
        left = Some(run_left);
    }
    if let Some(left) = left {
        // Where the next letter will stand.
        row.size.x = left;
    }
}

fn is_drawn(glyph: &Glyph) -> bool {
    glyph.advance_width > 0.0 || !glyph.uv_rect.is_nothing()
}

/// What of the text runs from right to left here and was drawn in one go: words with all between them where one font has
/// both, else one word. Empty where the text runs from left to right.
fn run_of(glyphs: &VecDeque<Glyph>, chars: Peekable<Chars<'_>>) -> String {
    let is_letter = |c: &char| has_right_to_left(c.encode_utf8(&mut [0; 4]));
    let rest: Vec<char> = chars.collect();
    if !rest.first().is_some_and(is_letter) {
        return String::new();
    }
    let is_part = |c: &char| is_in_word(*c) || *c == ' ' || c.is_ascii_punctuation();
    let longest = rest.iter().take_while(|c| is_part(c)).count();
    let is_drawn_backwards = |n: &usize| {
        let drawn = glyphs.iter().take(*n).rev().map(|glyph| glyph.chr);
        is_in_word(rest[*n - 1]) && drawn.eq(rest[..*n].iter().copied())
    };
    let word = rest.iter().take_while(|c| is_in_word(**c)).count();
    let n = (word..=longest).rev().find(is_drawn_backwards);
    rest[..n.unwrap_or(word)].iter().collect()
}

/// One glyph for each character of a run, the first one at the right; and where the run ends, which is its left edge.
fn in_order_of_typing(drawn: Vec<Glyph>, run: &str, filler: Glyph) -> (f32, Vec<Glyph>) {
    let left = drawn.iter().map(|glyph| glyph.pos.x);
    let left = left.fold(filler.pos.x, f32::min);
    let mut glyphs = drawn;
    glyphs.reverse();
    for glyph in &mut glyphs {
        glyph.pos.x += glyph.advance_width;
    }
    let missing = run.chars().skip(glyphs.len());
    glyphs.extend(missing.map(|chr| {
        let mut glyph = filler;
        (glyph.chr, glyph.advance_width, glyph.pos.x) = (chr, 0.0, left);
        glyph
    }));
    (left, glyphs)
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

    /// The caret's places in a line that is read from right to left where its words are so.
    fn read(text: &str) -> Vec<f32> {
        let ctx = Context::default();
        theme::install(&ctx);
        let mut carets = Vec::new();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            let lay_out = |text: &str| {
                let galley = ui.fonts_mut(|fonts| {
                    fonts.layout(text.to_owned(), theme::prompt(), Color32::WHITE, 120.0)
                });
                mended(galley, text)
            };
            let galley = in_reading_order(lay_out(text), text, lay_out);
            assert_eq!(galley.text(), text);
            for row in &galley.rows {
                carets.extend(row.glyphs.iter().map(|glyph| glyph.pos.x));
                carets.push(row.size.x);
            }
        });
        output.textures_delta.clear();
        carets
    }

    #[test]
    fn what_is_typed_is_read_in_its_own_direction_and_the_caret_is_never_lost() {
        let words = read("בית אדום");
        assert_eq!(words.len(), 9);
        assert!(words.is_sorted_by(|a, b| a >= b), "{words:?}");
        // Between words from left to right: the first of the two at the right.
        let mixed = read("a בית אדום b");
        assert_eq!(mixed.len(), 13);
        assert!(mixed[2] > mixed[6] && mixed[6] > mixed[0], "{mixed:?}");
        assert!(mixed[12] > mixed[2], "{mixed:?}");
        // A space at the end stands where the next word will.
        let open = read("בית ");
        assert!(open[4] <= open[2] && open[4] >= 0.0, "{open:?}");
        for text in [
            "בית אדום גדול מאוד (כמו) שלום שלום",
            "a\nבית\n",
            "שָׁלוֹם 12, בית",
        ] {
            let n_rows = read(text).len() - text.chars().filter(|c| *c != '\n').count();
            assert!(n_rows >= 1, "{text}");
        }
    }

    /// Two words that are drawn each by itself, as with a font that has no space: "בית אדום" from its left end.
    #[test]
    fn carets_of_words_that_are_drawn_one_by_one_go_through_the_line() {
        let ctx = Context::default();
        theme::install(&ctx);
        let mut line = Vec::new();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            let galley = ui.fonts_mut(|fonts| {
                fonts.layout_no_wrap("eight!!!".to_owned(), theme::prompt(), Color32::WHITE)
            });
            line.clone_from(&galley.rows[0].row.glyphs);
        });
        output.textures_delta.clear();
        let text = "בית אדום";
        let placed = placed_lines(text, std::iter::once(8)).remove(0);
        let visual: String = placed.chars.iter().map(|placed| placed.chr).collect();
        assert_eq!(visual, "אדום בית");
        // At the right edges of the letters, at the left one of the space; each is 10 wide, the space 4.
        let edges = [40.0, 30.0, 20.0, 10.0, 40.0, 74.0, 64.0, 54.0];
        for (glyph, (x, placed)) in line.iter_mut().zip(edges.into_iter().zip(&placed.chars)) {
            let is_space = placed.chr == ' ';
            (glyph.pos.x, glyph.advance_width) = (x, if is_space { 4.0 } else { 10.0 });
        }
        let (glyphs, end) = in_typing_order(&line, &placed, 8).unwrap_or_default();
        let carets: Vec<i32> = glyphs.iter().map(|glyph| glyph.pos.x as i32).collect();
        assert_eq!(carets, [74, 64, 54, 44, 40, 30, 20, 10]);
        assert_eq!(end as i32, 0);
    }

    #[test]
    fn the_caret_goes_by_characters_in_any_direction() {
        for text in ["a red house", "a בית b", "בית אדום", "שָׁלוֹם"] {
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
