//! The fonts that are installed, as the system itself would choose them for a script.

use egui::epaint::text::FontData;
use fontique::{
    Collection, CollectionOptions, FallbackKey, GenericFamily, Language, Query, QueryFamily,
    QueryFont, QueryStatus, Script, SourceCache, SourceCacheOptions,
};
use unicode_script::UnicodeScript;

use super::{Face, Search, drawing};

/// A larger file is no font that a system brings. Files are mapped, so that it is not memory that is limited here.
const MAX_FILE_BYTES: usize = 256 << 20;

/// Lists the fonts of the system, which takes a moment.
pub(super) fn search() -> Search {
    let mut fonts = Collection::new(CollectionOptions {
        shared: false,
        system_fonts: true,
    });
    let mut files = SourceCache::new(SourceCacheOptions::default());
    let locale = sys_locale::get_locale().and_then(|locale| Language::parse(&locale).ok());
    Box::new(move |c| find(&mut fonts, &mut files, locale, c))
}

fn find(
    fonts: &mut Collection,
    files: &mut SourceCache,
    locale: Option<Language>,
    c: char,
) -> Option<Face> {
    let by_script = script(c).and_then(|script| {
        let mut locales = locales(script, locale).into_iter();
        locales.find_map(|locale| {
            let mut query = fonts.query(files);
            query.set_families([QueryFamily::Generic(GenericFamily::SansSerif)]);
            query.set_fallbacks(FallbackKey::new(script, locale.as_ref()));
            first_with(&mut query, c)
        })
    });
    let font = by_script.or_else(|| {
        let mut query = fonts.query(files);
        query.set_families(families(c).map(QueryFamily::Generic));
        first_with(&mut query, c)
    })?;
    let family = fonts.family_name(font.family.0).unwrap_or("without a name");
    Some(Face {
        name: format!("{family}, {} of {}", font.index, font.family.1),
        data: data(&font),
    })
}

/// Where the fonts of a script differ by country, those of the other countries after those of the user's.
fn locales(script: Script, own: Option<Language>) -> Vec<Option<Language>> {
    const HAN: Script = Script::from_bytes(*b"Hani");
    let others: &[&str] = if script == HAN {
        &["zh-SG", "ja", "zh-TW", "ko"]
    } else {
        &[]
    };
    let others = others.iter().map(|name| Language::parse(name).ok());
    [own, None].into_iter().chain(others).collect()
}

/// Kinds of fonts for what belongs to no script, or to one that the system has no font for.
fn families(c: char) -> [GenericFamily; 6] {
    let mut families = [
        GenericFamily::SansSerif,
        GenericFamily::SystemUi,
        GenericFamily::Math,
        GenericFamily::Serif,
        GenericFamily::Monospace,
        GenericFamily::Emoji,
    ];
    // Miscellaneous symbols, dingbats and emoji: the picture first.
    if matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b50}'..='\u{2b55}' | '\u{1f000}'..='\u{1faff}') {
        families.rotate_right(1);
    }
    families
}

/// `None` for what several scripts share: punctuation, symbols, emoji.
fn script(c: char) -> Option<Script> {
    use unicode_script::Script::{Common, Inherited, Unknown};
    match c.script() {
        Common | Inherited | Unknown => None,
        script => Script::parse(script.short_name()).ok(),
    }
}

/// The first font that can draw `c`.
fn first_with(query: &mut Query<'_>, c: char) -> Option<QueryFont> {
    let mut found = None;
    query.matches_with(|font| {
        let data = data(font);
        let is_right = data.bytes().len() <= MAX_FILE_BYTES
            && (drawing::has_outline(&data, c) || drawing::has_picture(&data, c));
        if !is_right {
            return QueryStatus::Continue;
        }
        found = Some(font.clone());
        QueryStatus::Stop
    });
    found
}

fn data(font: &QueryFont) -> FontData {
    let (bytes, _) = font.blob.clone().into_raw_parts();
    FontData::from_blob(bytes, font.index)
}
