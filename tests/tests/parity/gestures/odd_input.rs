//! Requests that cannot be done are told from those that are only odd.

use limn_engine::{
    operations::{BlendPart, SourcePicture},
    protocol::{BlendRequest, ShiftRequest, VariationsRequest},
};

use super::{Gesture, cases, open_fixture};

/// What makes a good gesture a bad one.
type Spoil = fn(&mut Gesture);

pub fn vary(gesture: &mut Gesture) -> (&mut VariationsRequest, &mut SourcePicture) {
    match gesture {
        Gesture::Vary(request, source) => (request, source),
        other => panic!("{other:?}"),
    }
}

fn blended(gesture: &mut Gesture) -> (&mut BlendRequest, &mut Vec<BlendPart>) {
    match gesture {
        Gesture::Blend(request, parts) => (request, parts),
        other => panic!("{other:?}"),
    }
}

fn shifted(gesture: &mut Gesture) -> (&mut ShiftRequest, &mut SourcePicture) {
    match gesture {
        Gesture::Shift(request, source) => (request, source),
        other => panic!("{other:?}"),
    }
}

fn check_faults(table: &[(&str, Spoil, &str)]) {
    let mut model = open_fixture();
    for (name, spoil, mention) in table {
        let mut gesture = cases()[*name].gesture();
        spoil(&mut gesture);
        let (told, result) = gesture.told(&mut model);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(mention), "{name}, {mention}: {error}");
        assert!(told.plans.is_empty() && told.progress.is_empty(), "{error}");
    }
}

#[test]
fn faults_of_variations_are_told_before_anything_is_computed() {
    check_faults(&[
        ("vary_far", |g| vary(g).0.far = -0.1, "far must be 0 to 1"),
        (
            "vary_far",
            |g| vary(g).0.far = f32::NAN,
            "far must be 0 to 1",
        ),
        (
            "vary_far",
            |g| vary(g).1.rgba = [0; 3072].into(),
            "transparent",
        ),
        ("vary_far", |g| vary(g).1.rgba = [0; 3].into(), "not 24×32"),
        ("vary_far", |g| vary(g).1.height = 0, "no picture"),
        (
            "vary_far",
            |g| g.generate().size = Some((25, 32)),
            "use 24×32",
        ),
        (
            "vary_far",
            |g| g.generate().size = Some((8192, 8192)),
            "would fit",
        ),
        ("vary_far", |g| g.generate().n_pictures = 0, "count"),
        (
            "vary_near",
            |g| g.generate().sampling.n_steps = Some(0),
            "1 to 1000",
        ),
    ]);
}

#[test]
fn faults_of_a_blend_are_told_before_anything_is_computed() {
    check_faults(&[
        ("blend_slerp", |g| blended(g).1.truncate(1), "2 to 4"),
        (
            "blend_slerp",
            |g| blended(g).1.extend_from_within(..2),
            "2 to 4",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways.clear(),
            "number of ways",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways = vec![vec![1.0; 3]; 2],
            "number of ways",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways[0].truncate(2),
            "number of weights",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways[0][1] = -1.0,
            "a weight",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways[0][1] = f32::NAN,
            "a weight",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways[0][1] = f32::INFINITY,
            "a weight",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways[0].fill(0.0),
            "sum of the weights",
        ),
        (
            "blend_slerp",
            |g| blended(g).0.ways[0].fill(f32::MAX),
            "sum of the weights",
        ),
        (
            "blend_slerp",
            |g| blended(g).1[2] = BlendPart::Text(" \n".to_owned()),
            "empty",
        ),
    ]);
}

#[test]
fn faults_of_a_shift_are_told_before_anything_is_computed() {
    check_faults(&[
        ("shift_half", |g| shifted(g).0.from.clear(), "empty"),
        (
            "shift_half",
            |g| shifted(g).0.amounts.clear(),
            "number of amounts",
        ),
        (
            "shift_half",
            |g| shifted(g).0.amounts.push(1.5),
            "the amount",
        ),
        (
            "shift_half",
            |g| shifted(g).0.amounts[0] = f32::NAN,
            "the amount",
        ),
        (
            "shift_half",
            |g| shifted(g).1.rgba = [0; 3072].into(),
            "transparent",
        ),
    ]);
}

#[test]
fn texts_that_say_the_same_give_no_way_to_go() {
    let mut model = open_fixture();
    for (from, to) in [("the sea", "the sea"), ("A red  boat", "a RED boat")] {
        let mut gesture = cases()["shift_half"].gesture();
        let (request, _) = shifted(&mut gesture);
        (request.from, request.to) = (from.to_owned(), to.to_owned());
        let error = gesture.error(&mut model);
        assert!(error.contains("mean the same to this model"), "{error}");
    }
}

/// A picture with itself, of one pixel, as thin as a thread, half transparent: all have an answer.
#[test]
fn odd_pictures_have_an_answer() {
    let mut model = open_fixture();
    let sized = |width: u32, height: u32, alpha: u8| SourcePicture {
        width,
        height,
        rgba: (0..width * height)
            .flat_map(|i| [i as u8, 90, 200, alpha])
            .collect(),
    };
    let same = sized(24, 32, 255);
    for pictures in [
        [same.clone(), same.clone()],
        [sized(1, 1, 255), same.clone()],
        [sized(1, 300, 255), sized(301, 2, 255)],
        [sized(24, 32, 1), sized(3, 3, 128)],
    ] {
        for name in ["blend_inverted", "blend_linear"] {
            let mut gesture = cases()[name].gesture();
            *blended(&mut gesture).1 = pictures.clone().map(BlendPart::Picture).to_vec();
            let made = gesture.picture(&mut model);
            assert_eq!((made.width, made.height), (24, 32));
        }
        for name in ["vary_half", "shift_1"] {
            let mut gesture = cases()[name].gesture();
            match &mut gesture {
                Gesture::Vary(_, source) | Gesture::Shift(_, source) => {
                    source.clone_from(&pictures[0]);
                }
                Gesture::Blend(..) => unreachable!(),
            }
            assert_eq!(gesture.picture(&mut model).rgb.len(), 3 * 32 * 24);
        }
    }
    // With itself it is itself, whatever the weights.
    let mut gesture = cases()["blend_inverted"].gesture();
    *blended(&mut gesture).1 = vec![BlendPart::Picture(same.clone()), BlendPart::Picture(same)];
    let [half, all] = [[0.5, 0.5], [1.0, 0.0]].map(|way| {
        blended(&mut gesture).0.ways = vec![way.to_vec()];
        gesture.picture(&mut model).rgb
    });
    let differences = half.iter().zip(&all).map(|(a, b)| a.abs_diff(*b));
    assert!(differences.max() <= Some(1));
}
