//! A file seen under other names: parts of tensors, and tensors turned round.

use super::*;

/// Numbers from `first` on.
fn numbers(first: usize, n: usize) -> Vec<f32> {
    (first..first + n).map(|number| number as f32).collect()
}

/// What a component reads that asks for one tensor.
fn read_one<const D: usize>(
    file: &[u8],
    remap: &dyn Fn(&str) -> Vec<Target>,
    (name, shape): (&str, [usize; D]),
) -> Result<Vec<f32>> {
    let files = open(file).seen_as(|name, _| remap(name))?;
    let device = Device::flex();
    let options = LoadOptions::new(&device, DType::F32);
    let (tensor, report) = load_component(&files, &NameRules::EXACT, &options, |parameters| {
        parameters.tensor(name, shape)
    })?;
    assert!(report.fits());
    Ok(tensor.try_into_vec_as::<f32>().unwrap())
}

fn open(bytes: &[u8]) -> TensorFiles {
    TensorFiles::open(&[TensorFile::Embedded {
        name: "model.safetensors".to_owned(),
        bytes: bytes.to_vec().leak(),
    }])
    .unwrap()
}

#[test]
fn tensors_are_parted_transposed_squeezed_and_swapped() {
    let file = file_of(&[
        ("attn.in_proj_weight", &[6, 2], &numbers(0, 12)),
        ("text_projection", &[2, 3], &numbers(0, 6)),
        ("attn_1.q.weight", &[2, 2, 1, 1], &numbers(0, 4)),
        ("final.adaLN.weight", &[4], &numbers(0, 4)),
    ]);
    let view = |wanted: &'static str, view: View| {
        move |name: &str| -> Vec<Target> {
            // All others belong to other components.
            (name == wanted)
                .then(|| Target::seen("seen", view))
                .into_iter()
                .collect()
        }
    };
    let part = |index| View::Part { index, of: 3 };
    let matrix = |name, seen, shape| read_one(&file, &view(name, seen), ("seen", shape));
    for (index, expected) in [(0, [0., 1., 2., 3.]), (2, [8., 9., 10., 11.])] {
        let read = matrix("attn.in_proj_weight", part(index), [2, 2]).unwrap();
        assert_eq!(read, expected);
    }
    let read = matrix("text_projection", View::Transposed, [3, 2]).unwrap();
    assert_eq!(read, [0., 3., 1., 4., 2., 5.]);
    let read = matrix("attn_1.q.weight", View::Squeezed, [2, 2]).unwrap();
    assert_eq!(read, numbers(0, 4));
    let swapped = view("final.adaLN.weight", View::SwappedHalves);
    let read = read_one(&file, &swapped, ("seen", [4])).unwrap();
    assert_eq!(read, [2., 3., 0., 1.]);

    for (name, seen, shape, why) in [
        ("attn.in_proj_weight", View::Whole, [2, 2], "should be"),
        ("attn.in_proj_weight", part(3), [2, 2], "parted"),
        ("attn_1.q.weight", View::Transposed, [2, 2], "transposed"),
    ] {
        let message = matrix(name, seen, shape).unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn one_tensor_may_be_three_and_two_never_one() {
    let fused = file_of(&[("qkv.bias", &[6], &numbers(0, 6))]);
    let thirds = |name: &str| -> Vec<Target> {
        let third = |(index, letter)| {
            let part = View::Part { index, of: 3 };
            Target::seen(name.replace("qkv", letter), part)
        };
        ["q", "k", "v"].into_iter().enumerate().map(third).collect()
    };
    let files = open(&fused).seen_as(|name, _| thirds(name)).unwrap();
    let rules = NameRules::EXACT;
    let init = |parameters: &Parameters| {
        let biases = ["q.bias", "k.bias", "v.bias"];
        biases
            .into_iter()
            .map(|name| parameters.tensor(name, [2]))
            .collect::<Result<Vec<Tensor<1>>>>()
    };
    let device = Device::flex();
    let options = LoadOptions::new(&device, DType::F32);
    let (biases, report) = load_component(&files, &rules, &options, init).unwrap();
    let all = Tensor::cat(biases, 0).try_into_vec_as::<f32>().unwrap();
    assert_eq!(all, numbers(0, 6));
    assert_eq!((report.n_tensors, report.n_parameters), (3, 6));

    // A part that nobody asks for is a tensor that nobody asks for.
    let only_q = |parameters: &Parameters| parameters.tensor::<1>("q.bias", [2]);
    let message = load_component(&files, &rules, &options, only_q).map(drop);
    let message = message.unwrap_err().to_string();
    assert!(message.contains("k.bias"), "{message}");

    let both = file_of(&[("a.bias", &[2], &[0.; 2]), ("b.bias", &[2], &[0.; 2])]);
    let to_one = |_: &str| vec![Target::whole("bias")];
    let message = read_one(&both, &to_one, ("bias", [2])).unwrap_err();
    assert!(message.to_string().contains("the same tensor"), "{message}");
}

#[test]
fn what_a_file_says_of_itself_is_kept_within_bounds() {
    let tensor = r#""weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let long = "x".repeat(100_000);
    for (metadata, expected) in [
        (r#"{"modelspec.architecture":"x","n":1,"deep":{"a":[]}}"#, 1),
        (
            &format!(r#"{{"ss_tag_frequency":"{long}","format":"pt"}}"#),
            1,
        ),
        (r#""words""#, 0),
        ("null", 0),
        ("{}", 0),
    ] {
        let header = format!(r#"{{"__metadata__":{metadata},{tensor}}}"#);
        let files = open(&file_with(&header, &[0; 4]));
        assert_eq!(files.metadata().len(), expected, "{header:.60}");
    }
    let header = format!(r#"{{"__metadata__":{{"format":"pt"}},{tensor}}}"#);
    let files = open(&file_with(&header, &[0; 4]));
    assert_eq!(files.metadata()["format"], "pt");
}
