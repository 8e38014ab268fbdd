//! Foreign text and numbers as labels show them.

use limn_engine::foreign_text;

use crate::display_order::in_display_order;

/// A name or title by others, as a label shows it: one short line in which nothing is hidden.
pub fn shown(text: &str) -> String {
    in_display_order(&foreign_text::name(Spaced(text)).to_string()).into_owned()
}

/// A message with foreign words in it, or a long title.
pub fn shown_message(text: &str) -> String {
    foreign_text::message(Spaced(text)).to_string()
}

/// Foreign text with line breaks of its own, as a prompt has them.
pub fn shown_lines(text: &str) -> String {
    foreign_text::lines(text).to_string()
}

/// Line breaks and tabs as spaces.
struct Spaced<'a>(&'a str);

impl std::fmt::Display for Spaced<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, part) in self.0.split(['\n', '\t']).enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(formatter, "{space}{part}")?;
        }
        Ok(())
    }
}

/// A time as people say it: "3 s", "2 min", "1 h 5 min".
pub fn duration(seconds: f32) -> String {
    let seconds = seconds.max(0.0).ceil() as u64;
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

pub fn bytes(bytes: u64) -> String {
    const MB: f64 = 1_000_000.0;
    let megabytes = bytes as f64 / MB;
    if megabytes >= 1000.0 {
        format!("{:.1} GB", megabytes / 1000.0)
    } else if megabytes < 1.0 {
        format!("{:.0} KB", megabytes * 1000.0)
    } else {
        format!("{megabytes:.0} MB")
    }
}

/// 1284 as "1,284".
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 picture", "1,284 pictures".
pub fn pictures(n: usize) -> String {
    match n {
        1 => "1 picture".to_owned(),
        n => format!("{} pictures", count(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_say_them() {
        assert_eq!(
            [0, 999, 1284, 100_000].map(count),
            ["0", "999", "1,284", "100,000"]
        );
        assert_eq!(
            [0.0, 13.2, 90.0, 91.0, 3600.0, 5_401.0].map(duration),
            ["0 s", "14 s", "90 s", "2 min", "60 min", "1 h 30 min"]
        );
        assert_eq!(
            [340_000, 57_000_000, 9_800_000_000].map(bytes),
            ["340 KB", "57 MB", "9.8 GB"]
        );
    }
}
