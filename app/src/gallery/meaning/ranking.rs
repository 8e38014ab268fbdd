//! What a search lists: pictures that have the words, then pictures that mean them.

use std::collections::{HashMap, HashSet};

use limn_engine::embedding::dot;
use limn_engine::protocol::Vocabulary;

use super::matrix::{Matrix, Score};
use crate::gallery::PictureId;
use crate::gallery::index::Entry;

/// Texts that are asked along to learn how near texts and pictures of this encoder lie, at most.
pub const MAX_CONTRASTS: usize = 28;
/// What any picture may show, for an encoder that reads anything.
const PLAIN_CONTRASTS: [&str; 16] = [
    "a person",
    "a portrait",
    "an animal",
    "a bird",
    "a building",
    "a street in a city",
    "a landscape with mountains",
    "the sea",
    "a plant with flowers",
    "food on a plate",
    "a vehicle",
    "a room with furniture",
    "a machine",
    "text on paper",
    "an abstract pattern",
    "the sky at night",
];
/// Pictures that are measured with the contrasts.
const SAMPLE: usize = 512;
/// From what is unlike to the best match: less is not shown. In Doodle's gallery half keeps four in five pictures of
/// one attribute ("sunset") and every one of one object, with next to nothing else.
const SHARE_OF_BEST: f32 = 0.5;
/// From what is unlike to a common match: below, there is no match at all.
const SHARE_OF_COMMON: f32 = 0.3;
/// Of a picture's likeness to itself, for "more like this".
const SHARE_OF_SAME: f32 = 0.4;
/// So many of the most alike are shown in any case, and so many at most.
const LIKE_AT_LEAST: usize = 24;
const LIKE_AT_MOST: usize = 500;

/// How near the texts and pictures of an encoder lie: each has its own scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The cosine of any text and any picture.
    pub unlike: f32,
    /// That of a picture and the text that fits it best.
    pub like: f32,
}

impl Calibration {
    /// Measures the pictures of a gallery, evenly picked, with texts. `None` without either.
    pub fn measure(matrix: &Matrix, contrasts: &[Vec<f32>]) -> Option<Self> {
        let pictures = matrix.sample(SAMPLE);
        let mut sum = 0.0;
        let mut sum_of_best = 0.0;
        for picture in &pictures {
            let cosines = contrasts.iter().map(|contrast| dot(picture, contrast));
            let mut best = f32::NEG_INFINITY;
            for cosine in cosines {
                sum += cosine;
                best = best.max(cosine);
            }
            sum_of_best += best;
        }
        let n_pictures = pictures.len() as f32;
        let calibration = Self {
            unlike: sum / (n_pictures * contrasts.len() as f32),
            like: sum_of_best / n_pictures,
        };
        calibration.like.is_finite().then_some(calibration)
    }

    /// The cosine from which on a picture shows what a text says, where the best has `best`.
    fn threshold(self, best: f32) -> f32 {
        let from_unlike = |to: f32, share: f32| self.unlike + share * (to - self.unlike);
        let of_best = from_unlike(best, SHARE_OF_BEST);
        of_best.max(from_unlike(self.like, SHARE_OF_COMMON))
    }
}

/// Short texts, each of which fits some pictures and few of them all.
pub fn contrasts(vocabulary: Option<&Vocabulary>) -> Vec<String> {
    let Some(vocabulary) = vocabulary else {
        return PLAIN_CONTRASTS.map(str::to_owned).to_vec();
    };
    let kinds = [
        &vocabulary.objects,
        &vocabulary.places,
        &vocabulary.colours,
        &vocabulary.times,
        &vocabulary.styles,
    ];
    let n_rounds = kinds.map(Vec::len).into_iter().max().unwrap_or(0);
    let in_turn = (0..n_rounds).flat_map(|i| kinds.iter().filter_map(move |kind| kind.get(i)));
    in_turn.take(MAX_CONTRASTS).cloned().collect()
}

/// Pictures that show what a text says, best first.
pub fn that_mean(scores: Vec<Score>, calibration: Calibration) -> Vec<Score> {
    let best = scores
        .iter()
        .map(|score| score.cosine)
        .fold(f32::MIN, f32::max);
    let threshold = calibration.threshold(best);
    let mut found = scores;
    found.retain(|score| score.cosine >= threshold);
    sort(&mut found);
    found
}

/// Pictures that are like one picture, best first.
pub fn that_are_like(mut scores: Vec<Score>) -> Vec<Score> {
    let mean = scores.iter().map(|score| score.cosine).sum::<f32>() / scores.len().max(1) as f32;
    let threshold = mean + SHARE_OF_SAME * (1.0 - mean);
    sort(&mut scores);
    let n_alike = scores.partition_point(|score| score.cosine >= threshold);
    scores.truncate(n_alike.clamp(LIKE_AT_LEAST, LIKE_AT_MOST));
    scores
}

/// Among equals the newest first, so that a list never jumps.
fn sort(scores: &mut [Score]) {
    scores.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(b.id.cmp(&a.id)));
}

/// The pictures of a search, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// How like each of them is; `None` for one that has the words.
    pub cosines: Vec<Option<f32>>,
}

impl Found {
    /// What has the words, and nothing else.
    pub fn by_words(entries: Vec<Entry>) -> Self {
        Self {
            cosines: vec![None; entries.len()],
            entries,
        }
    }

    /// How many have the words.
    pub fn n_exact(&self) -> usize {
        self.cosines
            .iter()
            .filter(|cosine| cosine.is_none())
            .count()
    }

    /// Only those without the words.
    #[must_use]
    pub fn by_meaning_alone(self) -> Self {
        let found = self.entries.into_iter().zip(self.cosines);
        let (entries, cosines) = found.filter(|(_, cosine)| cosine.is_some()).unzip();
        Self { entries, cosines }
    }
}

/// What a search found: pictures that have the words, those among which the meant may be, and the meant, best
/// first. The first two are lists of the index, in its order.
pub struct Finds<'a> {
    pub exact: Vec<Entry>,
    pub allowed: &'a [Entry],
    pub meant: &'a [Score],
}

impl Finds<'_> {
    /// Those with the words first, then the others, best first. Nothing comes twice.
    pub fn by_likeness(self) -> Found {
        let known = ids(&self.exact);
        let allowed: HashMap<PictureId, &Entry> =
            self.allowed.iter().map(|entry| (entry.id, entry)).collect();
        let mut found = Found::by_words(self.exact);
        for score in self.meant.iter().filter(|score| !known.contains(&score.id)) {
            if let Some(entry) = allowed.get(&score.id) {
                found.entries.push(**entry);
                found.cosines.push(Some(score.cosine));
            }
        }
        found
    }

    /// All of them in the index's order.
    pub fn in_order(self) -> Found {
        let known = ids(&self.exact);
        let meant: HashMap<PictureId, f32> = self
            .meant
            .iter()
            .map(|score| (score.id, score.cosine))
            .collect();
        let mut found = Found::default();
        for entry in self.allowed {
            let has_words = known.contains(&entry.id);
            let cosine = meant.get(&entry.id).copied().filter(|_| !has_words);
            if has_words || cosine.is_some() {
                found.entries.push(*entry);
                found.cosines.push(cosine);
            }
        }
        found
    }
}

fn ids(entries: &[Entry]) -> HashSet<PictureId> {
    entries.iter().map(|entry| entry.id).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::embedding::to_half;

    use super::*;

    const DOODLE: Calibration = Calibration {
        unlike: 0.03,
        like: 0.61,
    };

    fn scores(cosines: &[f32]) -> Vec<Score> {
        let score = |cosine: &f32| Score {
            id: PictureId::new(),
            cosine: *cosine,
        };
        cosines.iter().map(score).collect()
    }

    fn cosines(found: &[Score]) -> Vec<f32> {
        found.iter().map(|score| score.cosine).collect()
    }

    #[test]
    fn what_is_shown_depends_on_the_best_match() {
        for (name, given, expected) in [
            ("nothing there", &[][..], &[][..]),
            ("a clear match", &[0.1, 0.78, 0.3, 0.5], &[0.78, 0.5]),
            (
                "weak words, such as night",
                &[0.45, 0.05, 0.26, 0.2],
                &[0.45, 0.26],
            ),
            ("nothing of the kind", &[0.15, -0.1, 0.2], &[]),
            ("all of one kind", &[0.6, 0.62, 0.61], &[0.62, 0.61, 0.6]),
            ("not a number", &[f32::NAN, 0.7], &[0.7]),
        ] {
            let found = that_mean(scores(given), DOODLE);
            assert_eq!(cosines(&found), expected, "{name}");
        }
    }

    #[test]
    fn the_most_alike_are_shown_and_not_the_whole_gallery() {
        let few = that_are_like(scores(&[0.1, 1.0, 0.4]));
        assert_eq!(cosines(&few), [1.0, 0.4, 0.1], "a few are all shown");
        let mut many = vec![0.0; 1000];
        many[..30].fill(0.9);
        assert_eq!(that_are_like(scores(&many)).len(), 30);
        assert_eq!(that_are_like(scores(&[1.0; 1000])).len(), LIKE_AT_MOST);
        assert_eq!(that_are_like(scores(&vec![0.2; 1000])).len(), LIKE_AT_LEAST);
    }

    #[test]
    fn words_come_first_unless_another_order_is_wished_and_nothing_comes_twice() {
        let ids: Vec<PictureId> = (0..6).map(|_| PictureId::new()).collect();
        let entry = |n: usize| Entry {
            id: ids[n],
            created_ms: 0,
            run: 0,
            is_starred: false,
        };
        let meant: Vec<Score> = [(4, 0.9), (1, 0.8), (5, 0.7), (0, 0.6)]
            .map(|(n, cosine)| Score { id: ids[n], cosine })
            .to_vec();
        let all: Vec<Entry> = (0..5).map(entry).collect();
        for (name, exact, allowed, by_likeness, in_order) in [
            (
                "both",
                &[2, 1][..],
                &all[..],
                &[2, 1, 4, 0][..],
                &[0, 1, 2, 4][..],
            ),
            ("only meaning", &[], &all[..2], &[1, 0], &[0, 1]),
            ("neither", &[], &[], &[], &[]),
        ] {
            let finds = || Finds {
                exact: exact.iter().map(|n| entry(*n)).collect(),
                allowed,
                meant: &meant,
            };
            for (found, expected) in [
                (finds().by_likeness(), by_likeness),
                (finds().in_order(), in_order),
            ] {
                let there: Vec<PictureId> = found.entries.iter().map(|entry| entry.id).collect();
                let expected: Vec<PictureId> = expected.iter().map(|n| ids[*n]).collect();
                assert_eq!((there, found.n_exact()), (expected, exact.len()), "{name}");
                assert_eq!(found.cosines.len(), found.entries.len());
                let meant = found.by_meaning_alone();
                assert_eq!(meant.n_exact(), 0, "{name}");
            }
        }
    }

    #[test]
    fn an_encoder_s_scale_is_measured_on_the_gallery() {
        let mut matrix = Matrix::new(2);
        assert_eq!(Calibration::measure(&matrix, &[vec![1.0, 0.0]]), None);
        for embed in [[1.0, 0.0], [0.0, 1.0]] {
            matrix.insert(PictureId::new(), &to_half(&embed));
        }
        assert_eq!(Calibration::measure(&matrix, &[]), None);
        let measured = Calibration::measure(&matrix, &[vec![0.6, 0.8], vec![0.8, 0.6]]).unwrap();
        assert!((measured.unlike - 0.7).abs() < 1e-6 && (measured.like - 0.8).abs() < 1e-6);
    }

    #[test]
    fn contrasts_are_of_all_kinds() {
        let words = |text: &str, n: usize| (0..n).map(|i| format!("{text}{i}")).collect();
        let vocabulary = Vocabulary {
            objects: words("object", 40),
            colours: words("colour", 2),
            times: words("time", 3),
            ..Vocabulary::default()
        };
        let contrasts = contrasts(Some(&vocabulary));
        assert_eq!(contrasts.len(), MAX_CONTRASTS);
        assert!(
            contrasts.contains(&"time2".to_owned()) && contrasts.contains(&"colour1".to_owned())
        );
        assert!(!super::contrasts(None).is_empty());
    }
}
