//! Texts in XMP packets (ISO 16684-1): properties whose values are one text, plain or in languages.

use roxmltree::{Document, Node, ParsingOptions};

use super::Texts;

/// Elements and texts of one packet.
const LIMIT_NODES: u32 = 100_000;
/// Properties that programs put recipes into, or say who they are.
const PROPERTIES: [&str; 5] = [
    "UserComment",
    "description",
    "CreatorTool",
    "parameters",
    "ImageDescription",
];

impl Texts {
    /// Takes the properties that may hold a recipe, each under `xmp:` and its name.
    pub fn add_xmp(&mut self, packet: &str) {
        if !PROPERTIES.iter().any(|name| packet.contains(name)) {
            return;
        }
        // No DTD: so no entity multiplies.
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: LIMIT_NODES,
            ..ParsingOptions::default()
        };
        let packet = packet.trim_start_matches('\u{feff}').trim_matches('\0');
        let Ok(document) = Document::parse_with_options(packet, options) else {
            return;
        };
        for name in PROPERTIES {
            for node in document.descendants() {
                if node.is_element() && node.tag_name().name() == name {
                    self.add(&format!("xmp:{name}"), &text_of(node));
                }
                for attribute in node.attributes().filter(|a| a.name() == name) {
                    self.add(&format!("xmp:{name}"), attribute.value());
                }
            }
        }
    }
}

/// The property's own text, or that of its first language.
fn text_of(property: Node<'_, '_>) -> String {
    let is_item = |node: &Node<'_, '_>| node.is_element() && node.tag_name().name() == "li";
    let node = property.descendants().find(is_item).unwrap_or(property);
    let texts = node.children().filter_map(|child| child.text());
    texts.collect::<String>().trim().to_owned()
}
