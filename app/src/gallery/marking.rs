//! The mark that a picture was made by AI: IPTC's `DigitalSourceType` in an XMP packet.
//!
//! IPTC Photo Metadata Standard 2025.1, property "Digital Source Type"; its values are the URIs of the
//! news codes at <http://cv.iptc.org/newscodes/digitalsourcetype/>. Every file that leaves the gallery's
//! hands carries it. A mark that a picture from elsewhere already has stays as it is.

/// Made from nothing by a trained model.
pub const TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// Partly made by a trained model: the rest is another picture.
pub const COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

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
            (is_markup && from < 100 && value.contains("cv.iptc.org/newscodes/digitalsourcetype/"))
                .then_some(value)
        })
}

#[cfg(test)]
mod tests {
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
