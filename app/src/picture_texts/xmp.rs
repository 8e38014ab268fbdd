//! Texts in XMP packets (ISO 16684-1): properties whose values are one text, plain or in languages.

use roxmltree::{Document, Node, ParsingOptions};

use super::Texts;

/// Elements and texts of one packet.
const LIMIT_NODES: u32 = 100_000;
/// Of a creator or of a notice of rights, and how many of them.
const LIMIT_NAME_BYTES: usize = 2000;
const LIMIT_NAMES: usize = 20;
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
        let packet = packet.trim_start_matches('\u{feff}').trim_matches('\0');
        let Ok(document) = Document::parse_with_options(packet, options()) else {
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

/// Who made a picture, and whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorship {
    pub creators: Vec<String>,
    pub rights: Option<String>,
}

/// What a packet says in Dublin Core's `creator` and `rights`.
pub fn authorship(packet: &str) -> Authorship {
    let packet = packet.trim_start_matches('\u{feff}').trim_matches('\0');
    let Ok(document) = Document::parse_with_options(packet, options()) else {
        return Authorship::default();
    };
    let texts = |name: &str| -> Vec<String> {
        let mut texts = Vec::new();
        for node in document.descendants() {
            if node.is_element() && node.tag_name().name() == name {
                let items = node.descendants().filter(is_item);
                texts.extend(items.map(text_of));
                texts.push(text_of(node));
            }
            let attributes = node.attributes().filter(|a| a.name() == name);
            texts.extend(attributes.map(|attribute| attribute.value().to_owned()));
        }
        texts.retain(|text| !text.is_empty() && text.len() <= LIMIT_NAME_BYTES);
        texts.truncate(LIMIT_NAMES);
        let mut seen = std::collections::HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        texts
    };
    Authorship {
        creators: texts("creator"),
        rights: texts("rights").into_iter().next(),
    }
}

/// No DTD: so no entity multiplies.
fn options<'a>() -> ParsingOptions<'a> {
    ParsingOptions {
        allow_dtd: false,
        nodes_limit: LIMIT_NODES,
        ..ParsingOptions::default()
    }
}

fn is_item(node: &Node<'_, '_>) -> bool {
    node.is_element() && node.tag_name().name() == "li"
}

/// The property's own text, or that of its first language.
fn text_of(property: Node<'_, '_>) -> String {
    let node = property.descendants().find(is_item).unwrap_or(property);
    let texts = node.children().filter_map(|child| child.text());
    texts.collect::<String>().trim().to_owned()
}
