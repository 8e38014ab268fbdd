//! `stack.xml`: how the layers lie over each other.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::blend_mode::BlendMode;
use crate::import::error::Error;
use crate::import::note::Note;

/// As many as anyone ever made; each is a file of its own.
const LIMIT_LAYERS: usize = 1000;
/// Groups within groups.
const LIMIT_DEPTH: usize = 100;
const LIMIT_NAME_CHARS: usize = 200;

#[derive(Debug, PartialEq)]
pub struct Stack {
    pub size: (u32, u32),
    /// Top first, as in the file.
    pub layers: Vec<LayerEntry>,
    has_groups: bool,
    /// Modes that Limn has not, or modes of groups.
    has_modes: bool,
    n_without_pixels: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LayerEntry {
    pub name: String,
    /// Its file in the archive.
    pub source: String,
    pub offset: (i32, i32),
    /// From 0 to 1, with that of its groups.
    pub opacity: f32,
    pub blend: BlendMode,
    pub is_visible: bool,
}

/// What a group says for all layers in it.
#[derive(Clone, Copy)]
struct Group {
    opacity: f32,
    is_visible: bool,
}

impl Stack {
    /// # Errors
    /// For what is no description of layers, or one of far too many.
    pub fn read(xml: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::from_reader(xml);
        let mut stack = Self {
            size: (0, 0),
            layers: Vec::new(),
            has_groups: false,
            has_modes: false,
            n_without_pixels: 0,
        };
        let mut groups: Vec<Group> = Vec::new();
        // Elements that are open, whatever they are.
        let mut depth = 0;
        loop {
            match reader.read_event().map_err(damaged)? {
                Event::Start(element) => {
                    depth += 1;
                    if depth > LIMIT_DEPTH {
                        return Err(Error::Bomb);
                    }
                    stack.open(&element, &mut groups)?;
                }
                Event::Empty(element) if element.name().as_ref() != "stack" => {
                    stack.open(&element, &mut groups)?;
                }
                Event::End(element) => {
                    depth -= 1;
                    if element.name().as_ref() == "stack" {
                        groups.pop();
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if depth > 0 {
            return Err(Error::CutOff);
        }
        Ok(stack)
    }

    fn open(&mut self, element: &BytesStart, groups: &mut Vec<Group>) -> Result<(), Error> {
        match element.name().as_ref() {
            "image" => {
                let side = |name| attribute(element, name).and_then(|value| value.parse().ok());
                let size = side("w").zip(side("h"));
                self.size = size.ok_or_else(|| Error::damaged("its layers have no size"))?;
            }
            "stack" => {
                let outer = groups.last().copied();
                self.has_groups |= outer.is_some();
                // What is in the group would mix with the picture, and not only with each other.
                self.has_modes |= mode(element) != Some(BlendMode::Normal);
                groups.push(Group {
                    opacity: opacity(element) * outer.map_or(1.0, |outer| outer.opacity),
                    is_visible: is_visible(element) && outer.is_none_or(|outer| outer.is_visible),
                });
            }
            "layer" => {
                if self.layers.len() >= LIMIT_LAYERS {
                    return Err(Error::Bomb);
                }
                let group = groups.last().copied();
                let side = |name| -> i32 {
                    let value = attribute(element, name).and_then(|value| value.parse().ok());
                    value.unwrap_or(0)
                };
                // One without a file is a filter, or a fill.
                let Some(source) = attribute(element, "src").filter(|source| !source.is_empty())
                else {
                    self.n_without_pixels += 1;
                    return Ok(());
                };
                let blend = mode(element);
                self.has_modes |= blend.is_none();
                let name = attribute(element, "name").unwrap_or_default();
                self.layers.push(LayerEntry {
                    name: named(&name, self.layers.len() + 1),
                    source,
                    offset: (side("x"), side("y")),
                    opacity: opacity(element) * group.map_or(1.0, |group| group.opacity),
                    blend: blend.unwrap_or_default(),
                    is_visible: is_visible(element) && group.is_none_or(|group| group.is_visible),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// What is in the file and not in Limn's layers.
    pub fn notes(&self) -> Vec<Note> {
        let missing = [
            (self.has_groups, "groups"),
            (self.has_modes, "blend modes"),
            (self.n_without_pixels > 0, "layers without pixels"),
        ];
        let missing: Vec<&str> = missing
            .iter()
            .filter_map(|(is_there, what)| is_there.then_some(*what))
            .collect();
        let what = missing.join(", ");
        let note = (!what.is_empty()).then_some(Note::LayersSimplified { what });
        Vec::from_iter(note)
    }
}

/// Control characters are none of a name; one that is empty gets a number.
fn named(name: &str, number: usize) -> String {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(LIMIT_NAME_CHARS)
        .collect();
    match name.trim() {
        "" => format!("Layer {number}"),
        name => name.to_owned(),
    }
}

fn opacity(element: &BytesStart) -> f32 {
    let opacity: Option<f32> =
        attribute(element, "opacity").and_then(|value| value.trim().parse().ok());
    opacity
        .filter(|opacity| opacity.is_finite())
        .map_or(1.0, |opacity| opacity.clamp(0.0, 1.0))
}

/// `None` where Limn has not what it says.
fn mode(element: &BytesStart) -> Option<BlendMode> {
    let mode = attribute(element, "composite-op");
    mode.map_or(Some(BlendMode::Normal), |mode| {
        BlendMode::of_composite_op(&mode)
    })
}

fn is_visible(element: &BytesStart) -> bool {
    attribute(element, "visibility").is_none_or(|value| value != "hidden")
}

/// The value of an attribute, its entities resolved: none but XML's own five are known.
fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

fn damaged(error: quick_xml::Error) -> Error {
    Error::damaged(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn layers_are_read_with_what_their_groups_say() {
        let xml = br#"<?xml version='1.0' encoding='UTF-8'?>
<image version="0.0.6" w="300" h="177" xres="72" yres="72"><stack>
  <layer name="Ink &amp; &lt;line&gt;" src="data/0.png" x="-5" y="7" opacity="0.5"/>
  <stack name="Sky" opacity="0.5" visibility="hidden">
    <layer src="data/1.png" composite-op="svg:multiply"></layer>
    <layer src="data/9.png" composite-op="svg:color-dodge"/>
    <filter name="ignored"/><stack/>
  </stack>
  <layer name="Paper" src="data/2.png" visibility="visible" opacity="7"/>
  <layer name="Fill"/>
</stack></image>"#;
        let stack = Stack::read(xml).unwrap();
        assert_eq!(stack.size, (300, 177));
        let layer = |name: &str, source: &str, offset, opacity, blend, is_visible| LayerEntry {
            name: name.to_owned(),
            source: source.to_owned(),
            offset,
            opacity,
            blend,
            is_visible,
        };
        let (normal, multiply) = (BlendMode::Normal, BlendMode::Multiply);
        assert_eq!(
            stack.layers,
            [
                layer("Ink & <line>", "data/0.png", (-5, 7), 0.5, normal, true),
                layer("Layer 2", "data/1.png", (0, 0), 0.5, multiply, false),
                layer("Layer 3", "data/9.png", (0, 0), 0.5, normal, false),
                layer("Paper", "data/2.png", (0, 0), 1.0, normal, true),
            ]
        );
        let what = "groups, blend modes, layers without pixels".to_owned();
        assert_eq!(stack.notes(), [Note::LayersSimplified { what }]);
    }

    #[test]
    fn what_is_no_stack_is_refused() {
        let deep = "<stack>".repeat(100_000);
        let many = format!(
            "<image w='1' h='1'><stack>{}</stack></image>",
            "<layer src='a'/>".repeat(LIMIT_LAYERS + 1)
        );
        let entity = r#"<!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b "lol">]>
            <image w="1" h="1"><stack><layer src="&a;" name="&a;"/></stack></image>"#;
        for (xml, expected) in [
            (deep.as_str(), "far too much"),
            (&many, "far too much"),
            ("<image w='1'/>", "no size"),
            ("<image w='-1' h='99999999999'/>", "no size"),
            ("<image w='1' h='1'><stack>", "cut off"),
            ("<image w='1' h='1'></stack>", "damaged"),
        ] {
            let message = Stack::read(xml.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        // An entity that is not XML's own has no value, so that none ever grows.
        assert!(Stack::read(entity.as_bytes()).unwrap().layers.is_empty());
    }
}
