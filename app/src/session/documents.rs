//! The open documents, one tab each, with all that belongs to one: its prompt, what is shown over it, how
//! the next edit is to be done.

use std::cell::Cell;
use std::path::Path;

use limn_engine::PixelRect;

use super::mask_work::MaskQueue;
use super::{Draft, EditChoices, PictureId, PictureRef, RunId, Session};
use crate::document::{Document, DocumentId, StepName};

/// A document on its tab.
#[derive(Default)]
pub struct OpenDocument {
    pub document: Document,
    /// What stands in the prompt bar. Lent to the bar while the panels draw, see [`Session::lend_draft`].
    pub draft: Draft,
    pub choices: EditChoices,
    pub selected_run: Option<RunId>,
    /// What lies over the document: a result or a picture of the gallery that is only looked at.
    pub shown: Option<PictureRef>,
    /// The picture is seen as it was before this run: what was kept of it is hidden.
    pub sees_before: Option<RunId>,
    /// The canvas goes along with the newest run until the user picks something else.
    pub(super) follows: bool,
    /// The picture of the gallery that the base was.
    pub source: Option<PictureId>,
    /// A run of it has ended while another document was in front.
    pub has_news: bool,
    /// Pictures of the gallery beside the canvas.
    pub pinned: Vec<PictureId>,
    pub(super) mask_queue: MaskQueue,
    /// What the pictures of the document cover, and of which version.
    covered: Cell<Option<(u64, PixelRect)>>,
}

impl OpenDocument {
    pub fn new(document: Document, draft: Draft) -> Self {
        Self {
            document,
            draft,
            ..Self::default()
        }
    }

    /// Nothing was ever put into it: it can take a picture without a tab of its own.
    pub fn is_blank(&self) -> bool {
        let content = self.document.content();
        content.frame.is_empty() && content.layers.is_empty()
    }

    /// Blank, with nothing written, shown or asked for.
    fn is_untouched(&self) -> bool {
        let is_seen = self.shown.is_some() || self.selected_run.is_some();
        self.is_blank() && !self.draft.has_words() && !is_seen
    }

    /// The part of the frame that pictures and patches cover, roughly: the smallest rectangle round them.
    pub fn covered(&self) -> PixelRect {
        let version = self.document.version();
        if let Some((of, covered)) = self.covered.get()
            && of == version
        {
            return covered;
        }
        let content = self.document.content();
        let pictures = content.layers.iter();
        let pictures = pictures.filter(|layer| layer.shows() && !layer.is_sketch());
        let covered = pictures
            .map(|layer| {
                let plane = layer.pixels().bounds(|[_, _, _, alpha]| alpha > 0);
                plane.translate(layer.offset.0, layer.offset.1)
            })
            .fold(PixelRect::default(), |all, layer| all.union(&layer))
            .intersect(&content.frame);
        self.covered.set(Some((version, covered)));
        covered
    }

    /// Whether the frame was grown: a picture with transparent edges is whole as it is.
    pub fn is_extended(&self) -> bool {
        self.document.has_taken(StepName::Extend)
    }

    /// Whether the frame reaches beyond its pictures, as after growing it.
    pub fn has_empty_edge(&self) -> bool {
        let covered = self.covered();
        !covered.is_empty() && covered != self.document.content().frame
    }
}

/// At least one, and one of them in front.
pub struct Documents {
    open: Vec<OpenDocument>,
    current: usize,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            open: vec![OpenDocument::default()],
            current: 0,
        }
    }
}

impl Documents {
    pub fn current(&self) -> &OpenDocument {
        &self.open[self.current]
    }

    pub fn current_mut(&mut self) -> &mut OpenDocument {
        &mut self.open[self.current]
    }

    pub fn current_id(&self) -> DocumentId {
        self.current().document.id()
    }

    pub fn iter(&self) -> impl Iterator<Item = &OpenDocument> {
        self.open.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenDocument> {
        self.open.iter_mut()
    }

    pub fn get(&self, id: DocumentId) -> Option<&OpenDocument> {
        self.iter().find(|open| open.document.id() == id)
    }

    pub fn get_mut(&mut self, id: DocumentId) -> Option<&mut OpenDocument> {
        self.iter_mut().find(|open| open.document.id() == id)
    }

    /// The document that is kept in this project file.
    pub fn of_file(&self, path: &Path) -> Option<DocumentId> {
        let kept_there = self
            .iter()
            .find(|open| open.document.path() == Some(path))?;
        Some(kept_there.document.id())
    }

    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Never: there is always one.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Puts a document on a tab behind the current one, and in front.
    pub fn add(&mut self, document: OpenDocument) {
        self.current += 1;
        self.open.insert(self.current, document);
    }

    /// Whether there is such a document.
    pub fn select(&mut self, id: DocumentId) -> bool {
        let found = self.open.iter().position(|open| open.document.id() == id);
        self.current = found.unwrap_or(self.current);
        found.is_some()
    }

    /// The next tab (`1`) or the one before (`-1`), around the ends.
    pub fn step(&mut self, by: i32) {
        let n = self.open.len() as i32;
        self.current = (self.current as i32 + by).rem_euclid(n) as usize;
    }

    /// Takes a document off its tab; a new one takes the place of the last. The tab's place is for
    /// [`Self::put_back`].
    pub fn close(&mut self, id: DocumentId) -> Option<(usize, OpenDocument)> {
        let place = self.open.iter().position(|open| open.document.id() == id)?;
        if self.open.len() == 1 {
            let draft = self.open[0].draft.for_new_document();
            self.open.push(OpenDocument::new(Document::new(), draft));
        }
        let mut closed = self.open.remove(place);
        closed.stop_mask_work();
        if place < self.current || self.current == self.open.len() {
            self.current -= 1;
        }
        Some((place, closed))
    }

    /// Undoes [`Self::close`]. A blank document that has taken the place of the last one goes.
    pub fn put_back(&mut self, place: usize, document: OpenDocument) {
        self.current = place.min(self.open.len());
        self.open.insert(self.current, document);
        let other = 1 - self.current.min(1);
        let is_stand_in = self.open.len() == 2
            && self.open[other].is_blank()
            && !self.open[other].draft.has_words();
        if is_stand_in {
            self.open.remove(other);
            self.current = 0;
        }
    }

    /// Takes over what was open when Limn ended, `current` in front of it. A document that nobody has touched since
    /// goes; one in which the user has begun to work stays in front.
    pub fn restore(&mut self, documents: Vec<OpenDocument>, current: Option<DocumentId>) {
        if documents.is_empty() {
            return;
        }
        let in_work = Some(self.current()).filter(|open| !open.is_untouched());
        let front = in_work.map(|open| open.document.id()).or(current);
        self.open.retain(|open| !open.is_untouched());
        self.open.extend(documents);
        self.current = self.open.len() - 1;
        if let Some(front) = front {
            self.select(front);
        }
    }
}

impl Session {
    /// Hands the prompt to the bar that edits it while the panels draw; [`Self::return_draft`] takes it back.
    pub fn lend_draft(&mut self) -> Draft {
        std::mem::take(self.draft_mut())
    }

    pub fn return_draft(&mut self, draft: Draft) {
        *self.draft_mut() = draft;
    }

    /// A blank document with the settings of the current one.
    pub fn new_document(&mut self) {
        let draft = self.draft_mut().for_new_document();
        self.documents
            .add(OpenDocument::new(Document::new(), draft));
    }

    /// The document that a picture which is opened now becomes: the current one where it is blank, else a
    /// new tab, in which no prompt of another stands.
    pub(super) fn document_for_picture(&mut self) -> &mut OpenDocument {
        if !self.documents.current().is_blank() {
            let draft = self.documents.current().draft.for_new_document();
            self.documents
                .add(OpenDocument::new(Document::new(), draft));
        }
        self.documents.current_mut()
    }

    /// Puts a picture beside the canvas of the current document, or takes it away.
    pub fn pin(&mut self, picture: PictureId, pinned: bool) {
        let pins = &mut self.documents.current_mut().pinned;
        pins.retain(|other| *other != picture);
        if pinned {
            pins.push(picture);
        }
    }

    pub fn shown(&self) -> Option<PictureRef> {
        self.documents.current().shown
    }

    pub fn selected_run(&self) -> Option<RunId> {
        self.documents.current().selected_run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_open_comes_back_in_front_unless_the_user_has_begun() {
        let restored = || {
            let documents = [OpenDocument::default(), OpenDocument::default()];
            let first = documents[0].document.id();
            (Vec::from(documents), first)
        };
        let mut documents = Documents::default();
        documents.restore(Vec::new(), None);
        assert_eq!(documents.iter().count(), 1);
        let (others, first) = restored();
        documents.restore(others, Some(first));
        assert_eq!(
            (documents.iter().count(), documents.current_id()),
            (2, first)
        );

        let begun: [fn(&mut OpenDocument); 2] = [
            |open| open.draft.prompt = "a cat".to_owned(),
            |open| open.shown = Some(PictureRef::Gallery(PictureId::new())),
        ];
        for begin in begun {
            let mut documents = Documents::default();
            begin(documents.current_mut());
            let own = documents.current_id();
            let (others, first) = restored();
            documents.restore(others, Some(first));
            assert_eq!((documents.iter().count(), documents.current_id()), (3, own));
        }
    }

    #[test]
    fn a_file_that_is_open_is_found_on_its_tab() {
        let mut documents = Documents::default();
        let path = Path::new("boat.limn");
        assert_eq!(documents.of_file(path), None);
        documents.current_mut().document.saved(path, 0);
        let saved = documents.current_id();
        documents.add(OpenDocument::default());
        assert_eq!(documents.of_file(path), Some(saved));
        assert_eq!(documents.of_file(Path::new("other.limn")), None);
    }
}
