//! LoRAs that are named within a prompt, as `<lora:watercolour:0.8>`.

use crate::protocol::{GenerateRequest, LoraChoice};

/// Moves them out of the words into the request's list.
pub(super) fn take(request: &mut GenerateRequest) {
    let (words, loras) = split(&request.prompt);
    if !loras.is_empty() {
        request.prompt = words;
        request.loras.extend(loras);
    }
}

/// The words without the names of LoRAs, and those. A weight that is missing or no number is 1; what stands behind it is
/// for other programs.
fn split(prompt: &str) -> (String, Vec<LoraChoice>) {
    const SIGN: &str = "<lora:";
    let mut words = String::new();
    let mut loras = Vec::new();
    let mut rest = prompt;
    while let Some((before, behind)) = rest.split_once(SIGN) {
        let Some((inner, behind)) = behind.split_once('>') else {
            break;
        };
        let mut parts = inner.split(':');
        let name = parts.next().unwrap_or_default().trim();
        let weight = parts.next().and_then(|weight| weight.trim().parse().ok());
        let weight = weight.filter(|weight: &f32| weight.is_finite());
        if name.is_empty() {
            words += before;
            words += SIGN;
            rest = &rest[before.len() + SIGN.len()..];
            continue;
        }
        words += before;
        loras.push(LoraChoice {
            name: name.to_owned(),
            weight: weight.unwrap_or(1.0),
        });
        rest = behind;
    }
    words += rest;
    (words.trim().to_owned(), loras)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loras_are_taken_out_of_the_words() {
        for (prompt, words, expected) in [
            ("a boat", "a boat", &[][..]),
            ("a boat <lora:ink:0.8>", "a boat", &[("ink", 0.8)]),
            (
                "<lora:ink>a boat<lora:old paper:-1:lbw=1,0>",
                "a boat",
                &[("ink", 1.0), ("old paper", -1.0)],
            ),
            ("<lora::1> a", "<lora::1> a", &[]),
            ("a <lora:ink", "a <lora:ink", &[]),
            ("<lora:ink:much>", "", &[("ink", 1.0)]),
        ] {
            let (actual, loras) = split(prompt);
            let loras: Vec<(&str, f32)> = loras
                .iter()
                .map(|lora| (lora.name.as_str(), lora.weight))
                .collect();
            assert_eq!((actual.as_str(), &loras[..]), (words, expected), "{prompt}");
        }
    }
}
