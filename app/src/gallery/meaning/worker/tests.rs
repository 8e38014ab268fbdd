//! The worker, with an encoder that the test speaks for.
#![allow(clippy::unwrap_used)]

use limn_engine::protocol::Failure;

use super::*;
use crate::engine_link::EngineCommand;
use crate::gallery::meaning::EncoderChoice;
use crate::gallery::recipe::tests::recipe;
use crate::paths::Folders;

/// A worker that never runs an encoder: the test speaks for it.
struct Played {
    worker: Worker,
    _home: tempfile::TempDir,
}

impl Played {
    fn new(n_pictures: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let open =
            move || Gallery::open(&folders.pictures, &folders.indexes, &folders.thumbnails());
        let mut gallery = open().unwrap();
        for seed in 0..n_pictures {
            let pixels = image::RgbImage::from_pixel(8, 8, image::Rgb([seed as u8; 3]));
            gallery
                .save(&pixels, &recipe("a boat", seed, (8, 8)))
                .unwrap();
        }
        let mut worker = Worker::new(Box::new(open), Box::new(|_| {}), Arc::new(|| {}));
        worker.process = Some(EncoderProcess::new(
            EncoderChoice {
                engine: EngineCommand::local("/nowhere/limn"),
                model: None,
            },
            Arc::new(|| {}),
        ));
        worker.look().unwrap();
        let index = &mut worker.gallery.as_mut().unwrap().index;
        let encoder = index.use_encoder("aa", "doodle", 2).unwrap();
        worker.searcher.use_encoder(Some(encoder));
        Self {
            worker,
            _home: home,
        }
    }

    fn left(&self) -> Vec<FileState> {
        let index = &self.worker.gallery.as_ref().unwrap().index;
        index
            .without_embedding(self.worker.searcher.encoder(), 99)
            .unwrap()
    }

    fn doing(&mut self, files: &[FileState]) {
        self.worker.doing = Some(Doing::Pictures(files.to_vec(), Instant::now()));
    }

    fn embed(&mut self, files: &[FileState]) {
        self.doing(files);
        let embeddings = Embeddings {
            encoder: "aa".to_owned(),
            dim: 2,
            pictures: vec![vec![0.6, 0.8]; files.len()],
            texts: Vec::new(),
        };
        self.worker.embedded(embeddings).unwrap();
    }

    fn refuse(&mut self, kind: limn_engine::error::ErrorKind) {
        let message = "no".to_owned();
        self.worker.refused(&Failure { kind, message }).unwrap();
    }
}

#[test]
fn a_picture_that_kills_the_encoder_is_found_out_and_left_alone() {
    let mut played = Played::new(3);
    let files = played.left();
    played.doing(&files);
    played.worker.died("killed").unwrap();
    assert_eq!(played.worker.suspects, files, "each goes alone");
    for n_deaths in 1..=2 {
        let poison = played.worker.suspects.pop_front().unwrap();
        assert_eq!(poison, files[0]);
        played.doing(&[poison]);
        played.worker.died("killed").unwrap();
        assert_eq!(played.worker.suspects.contains(&poison), n_deaths < 2);
        // Others come between its tries.
        played
            .worker
            .suspects
            .rotate_right(usize::from(n_deaths < 2));
    }
    for file in &files[1..] {
        played.embed(&[*file]);
    }
    assert_eq!(played.left(), []);
    assert_eq!(played.worker.n_left, 0);
    assert_eq!(played.worker.activity(), Activity::Idle);
}

#[test]
fn a_refusal_is_blamed_on_the_picture_or_on_the_model() {
    use limn_engine::error::ErrorKind;
    let mut played = Played::new(2);
    let files = played.left();
    played.doing(&files);
    played.refuse(ErrorKind::BadRequest);
    assert_eq!(played.worker.suspects, files);
    played.worker.suspects.clear();
    played.doing(&files[..1]);
    played.refuse(ErrorKind::BadRequest);
    assert_eq!(played.left(), files[1..], "at once: it would say so again");
    played.doing(&files[1..]);
    played.refuse(ErrorKind::OutOfMemory);
    assert_eq!(played.left(), files[1..], "the picture is not to blame");
    assert_eq!(played.worker.activity(), Activity::Failed("no".to_owned()));
    let process = played.worker.process.as_ref().unwrap();
    assert!(process.rests_until(Instant::now()).is_some());
    played.embed(&files[1..]);
    assert_eq!(
        played.worker.activity(),
        Activity::Idle,
        "the trouble is over"
    );
}

#[test]
fn a_model_trained_anew_embeds_everything_again() {
    let mut played = Played::new(2);
    let files = played.left();
    played.embed(&files);
    assert_eq!(played.worker.n_left, 0);
    played.worker.doing = Some(Doing::Text("boat".to_owned()));
    let embeddings = Embeddings {
        encoder: "bb".to_owned(),
        dim: 2,
        pictures: Vec::new(),
        texts: vec![vec![1.0, 0.0]],
    };
    played.worker.embedded(embeddings).unwrap();
    assert!(
        !played.worker.searcher.is_confirmed(),
        "its scale is asked for again"
    );
    played.worker.look().unwrap();
    assert_eq!((played.worker.n_left, played.left()), (2, files));
}
