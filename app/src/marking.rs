//! The mark that a picture was made by AI: IPTC's `DigitalSourceType` in an XMP packet.
//!
//! IPTC Photo Metadata Standard 2025.1, property "Digital Source Type"; its values are the URIs of the
//! news codes at <http://cv.iptc.org/newscodes/digitalsourcetype/>. Every file that leaves the gallery's
//! hands carries it. A mark that a picture from elsewhere already has stays as it is.

use super::picture_texts::{self, Authorship};

/// Made from nothing by a trained model.
pub const TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// Partly made by a trained model: the rest is another picture.
pub const COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// Longer values are none of IPTC's.
const LIMIT_VALUE_BYTES: usize = 200;

/// The keyword of XMP in a PNG's `iTXt` chunk (XMP Specification Part 3, 1.1.5).
pub const PNG_KEYWORD: &str = "XML:com.adobe.xmp";
/// What an `APP1` segment with XMP starts with in a JPEG (XMP Specification Part 3, 1.1.3).
pub const JPEG_PREFIX: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// An XMP packet that says how a picture came to be, and by which program.
pub fn xmp_packet(source_type: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"<?xpacket begin="{bom}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <xmp:CreatorTool>Limn {version}</xmp:CreatorTool>
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"#,
        bom = '\u{feff}'
    )
}

/// An XMP packet that says no more of a picture from elsewhere than how it came to be, who made it and whose it is.
/// `None` where nothing of that is known.
pub fn packet_without_recipe(xmp: &str) -> Option<String> {
    let source_type = source_type(xmp);
    if let Some(source_type) = source_type
        && xmp == xmp_packet(source_type)
    {
        return Some(xmp.to_owned());
    }
    let Authorship { creators, rights } = picture_texts::authorship(xmp);
    let mut properties = String::new();
    if !creators.is_empty() {
        let items = creators.iter().map(|name| item("", name));
        let items: String = items.collect();
        properties += &format!("   <dc:creator><rdf:Seq>{items}</rdf:Seq></dc:creator>\n");
    }
    if let Some(rights) = &rights {
        let item = item(" xml:lang=\"x-default\"", rights);
        properties += &format!("   <dc:rights><rdf:Alt>{item}</rdf:Alt></dc:rights>\n");
    }
    if let Some(source_type) = source_type {
        let source_type = escaped(source_type);
        properties += &format!(
            "   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>\n"
        );
    }
    (!properties.is_empty()).then(|| {
        format!(
            r#"<?xpacket begin="{bom}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
{properties}  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"#,
            bom = '\u{feff}'
        )
    })
}

fn item(attributes: &str, text: &str) -> String {
    format!("<rdf:li{attributes}>{}</rdf:li>", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Whether a source type says that a trained model had a part in it.
pub fn is_of_ai(source_type: &str) -> bool {
    source_type.contains("rainedAlgorithmicMedia") || source_type.ends_with("/compositeSynthetic")
}

/// The source type of what lies in layers over each other, each with its own where that is known.
pub fn of_layers<'a>(layers: &[Option<&'a str>]) -> Option<&'a str> {
    match layers {
        [alone] => *alone,
        _ => {
            let mut known = layers.iter().flatten();
            let has_ai = known.any(|source_type| is_of_ai(source_type));
            has_ai.then_some(COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA)
        }
    }
}

/// The `DigitalSourceType` in an XMP packet, however it is spelt: as an element, an attribute or an
/// `rdf:resource`.
pub fn source_type(xmp: &str) -> Option<&str> {
    xmp.match_indices("DigitalSourceType")
        .find_map(|(at, name)| {
            let rest = &xmp[at + name.len()..];
            let from = rest.find("http")?;
            // Between the property's name and its value there is only markup.
            let is_markup = rest[..from].chars().all(|c| {
                c.is_ascii_whitespace() || c.is_ascii_alphabetic() || "=\"'>:<".contains(c)
            });
            let value = rest[from..].split(['"', '\'', '<', ' ', '\n']).next()?;
            (is_markup
                && from < 100
                && value.len() < LIMIT_VALUE_BYTES
                && value.contains("cv.iptc.org/newscodes/digitalsourcetype/"))
            .then_some(value)
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        let uri = TRAINED_ALGORITHMIC_MEDIA;
        for xmp in [
            xmp_packet(uri),
            format!("<rdf:Description Iptc4xmpExt:DigitalSourceType=\"{uri}\"/>"),
            format!("<Iptc4xmpExt:DigitalSourceType rdf:resource='{uri}'/>"),
            format!("<e:DigitalSourceType>\n  {uri}\n</e:DigitalSourceType>"),
        ] {
            assert_eq!(source_type(&xmp), Some(uri), "{xmp}");
        }
    }

    #[test]
    fn of_a_packet_only_the_mark_and_the_authors_stay() {
        let uri = TRAINED_ALGORITHMIC_MEDIA;
        let own = xmp_packet(uri);
        assert_eq!(packet_without_recipe(&own), Some(own.clone()));
        let foreign = format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='r'><rdf:Description xmlns:dc='d' xmlns:e='e' \
            xmlns:p='p' p:Headline='a secret'><dc:creator><rdf:Seq><rdf:li>Ada &amp; Bo</rdf:li><rdf:li>Cy</rdf:li>\
            </rdf:Seq></dc:creator><dc:rights><rdf:Alt><rdf:li>theirs &lt;all></rdf:li></rdf:Alt></dc:rights>\
            <dc:description><rdf:Alt><rdf:li>a secret</rdf:li></rdf:Alt></dc:description>\
            <e:DigitalSourceType>{uri}</e:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>"
        );
        let kept = packet_without_recipe(&foreign).unwrap();
        assert!(!kept.contains("secret"), "{kept}");
        assert_eq!(source_type(&kept), Some(uri));
        let authors = picture_texts::authorship(&kept);
        assert_eq!(authors.creators, ["Ada & Bo", "Cy"]);
        assert_eq!(authors.rights.as_deref(), Some("theirs <all>"));
        // The same again says the same.
        assert_eq!(packet_without_recipe(&kept), Some(kept));
        for nothing in ["", "<x/>", "<x dc:title='a secret'/>", "a secret"] {
            assert_eq!(packet_without_recipe(nothing), None);
        }
    }

    #[test]
    fn layers_are_of_ai_where_one_is_and_wholly_only_alone() {
        const ALL: Option<&str> = Some(TRAINED_ALGORITHMIC_MEDIA);
        const PARTLY: Option<&str> = Some(COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA);
        let photo = Some("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture");
        let synthetic = Some("http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic");
        for (layers, expected) in [
            (&[][..], None),
            (&[None], None),
            (&[ALL], ALL),
            (&[photo], photo),
            (&[photo, None], None),
            (&[photo, ALL], PARTLY),
            (&[ALL, None], PARTLY),
            (&[None, synthetic], PARTLY),
        ] {
            assert_eq!(of_layers(layers), expected, "{layers:?}");
        }
    }

    #[test]
    fn other_packets_carry_no_mark() {
        for xmp in [
            "",
            "DigitalSourceType",
            "<a:DigitalSourceType>painted by hand, see http://example.org</a:DigitalSourceType>",
            "<x xmlns:DigitalSourceType=\"http://example.org/\"/>",
            &xmp_packet("http://example.org/trainedAlgorithmicMedia"),
        ] {
            assert_eq!(source_type(xmp), None, "{xmp}");
        }
    }
}
