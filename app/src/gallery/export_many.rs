//! Copies of many pictures at once, and contact sheets of them.
//!
//! One damaged picture does not keep back the others; a folder that takes no more files ends the export,
//! and says which are there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use image::{DynamicImage, RgbImage};

use super::contact_sheet::{self, SheetLayout};
use super::export::{self, ExportOptions, Format};
use super::layout::PictureId;
use super::marking;
use super::naming::{NameFacts, NamePattern};
use super::picture_file::{self, Header};
use super::store::Gallery;
use crate::files::{Existing, Fs, write_atomically};

/// A name that is taken gets a number, up to this one.
const LIMIT_SAME_NAMES: usize = 10_000;

/// What is to be exported, and where the copies go.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportOrder {
    pub pictures: Vec<PictureId>,
    pub folder: PathBuf,
    pub choices: ExportChoices,
}

/// How copies of many pictures are made.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportChoices {
    pub pattern: NamePattern,
    pub format: Format,
    /// Whether a PNG keeps the recipe.
    pub with_recipe: bool,
    /// Each picture by itself.
    pub with_pictures: bool,
    /// Pages of all of them.
    pub sheet: Option<SheetLayout>,
}

impl Default for ExportChoices {
    fn default() -> Self {
        Self {
            pattern: NamePattern::default(),
            format: Format::Png,
            with_recipe: true,
            with_pictures: true,
            sheet: None,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExportReport {
    pub written: Vec<PathBuf>,
    /// Pictures that could not be read, and why.
    pub unreadable: Vec<(PictureId, String)>,
    pub was_cancelled: bool,
    /// Why the folder takes no more.
    pub failure: Option<String>,
}

impl Gallery {
    /// Runs an order; `on_done` hears how many pictures are done.
    pub fn export_many(
        &self,
        order: &ExportOrder,
        is_cancelled: &AtomicBool,
        mut on_done: impl FnMut(usize),
    ) -> ExportReport {
        let mut exporting = Exporting {
            gallery: self,
            order,
            page: Page::default(),
            report: ExportReport::default(),
        };
        for (index, id) in order.pictures.iter().enumerate() {
            if is_cancelled.load(Ordering::Relaxed) {
                exporting.report.was_cancelled = true;
                break;
            }
            match exporting.export_one(*id, index + 1) {
                Ok(()) => on_done(index + 1),
                Err(reason) => {
                    exporting.report.failure = Some(reason);
                    break;
                }
            }
        }
        exporting.report
    }
}

struct Exporting<'a> {
    gallery: &'a Gallery,
    order: &'a ExportOrder,
    page: Page,
    report: ExportReport,
}

/// The contact sheet's page that is being filled.
#[derive(Default)]
struct Page {
    pictures: Vec<(RgbImage, String)>,
    /// One of them says that it was made by AI.
    has_mark: bool,
}

impl Exporting<'_> {
    /// The picture's file and, where it is the last of its page, the page.
    ///
    /// # Errors
    /// Of the folder: the next picture would meet it too.
    fn export_one(&mut self, id: PictureId, number: usize) -> Result<(), String> {
        match self.read(id, number) {
            Ok((name, copy)) => {
                if let Some(copy) = copy {
                    let path = self.write_beside(&name, &copy)?;
                    self.report.written.push(path);
                }
            }
            Err(reason) => self.report.unreadable.push((id, reason)),
        }
        let is_last = number == self.order.pictures.len();
        if let Some(layout) = self.order.choices.sheet
            && (is_last || self.page.pictures.len() == layout.pictures_per_page())
        {
            self.write_page(layout)?;
        }
        Ok(())
    }

    /// The copy's name and, where one is wanted, its bytes; puts the picture on the page.
    fn read(&mut self, id: PictureId, number: usize) -> Result<(String, Option<Vec<u8>>), String> {
        let source = self.gallery.file(id).map_err(|error| error.to_string())?;
        let header = picture_file::read_header(&source)?;
        let size = (header.width, header.height);
        let number = (number, self.order.pictures.len());
        let facts = NameFacts::new(id, header.recipe.as_ref(), size, number);
        let name = self.order.choices.pattern.name(&facts);
        if let Some(layout) = self.order.choices.sheet {
            let pixels = picture_file::pixels(&source)?;
            self.page.add(pixels, &header, &name, layout);
        }
        let choices = &self.order.choices;
        let options = ExportOptions {
            format: choices.format,
            with_recipe: choices.with_recipe,
            existing: Existing::Keep,
        };
        let copy = choices
            .with_pictures
            .then(|| export::convert(&source, options));
        Ok((name, copy.transpose()?))
    }

    fn write_page(&mut self, layout: SheetLayout) -> Result<(), String> {
        let page = std::mem::take(&mut self.page);
        if page.pictures.is_empty() {
            return Ok(());
        }
        let drawn = contact_sheet::draw_page(&page.pictures, layout);
        let source_type = marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA;
        let xmp = page.has_mark.then(|| marking::xmp_packet(source_type));
        let file = export::encode(&drawn, xmp, self.order.choices.format)?;
        let path = self.write_beside("contact-sheet", &file)?;
        self.report.written.push(path);
        Ok(())
    }

    /// Under the name, or the name with the next free number.
    fn write_beside(&self, name: &str, file: &[u8]) -> Result<PathBuf, String> {
        let folder = &self.order.folder;
        let ending = self.order.choices.format.extension();
        for n in 1..LIMIT_SAME_NAMES {
            let path = match n {
                1 => folder.join(format!("{name}.{ending}")),
                _ => folder.join(format!("{name}-{n}.{ending}")),
            };
            match write_new(&*self.gallery.fs, &path, file) {
                Ok(true) => return Ok(path),
                Ok(false) => {}
                Err(error) => {
                    return Err(format!("cannot write there ({error}): {}", path.display()));
                }
            }
        }
        Err(format!(
            "too many files are called “{name}”: put {{number}} into the pattern, or choose another folder: {}",
            folder.display()
        ))
    }
}

impl Page {
    fn add(&mut self, pixels: image::RgbaImage, header: &Header, name: &str, layout: SheetLayout) {
        let limit = 2 * layout.cell_px;
        let small = if pixels.width().max(pixels.height()) > limit {
            DynamicImage::from(pixels)
                .thumbnail(limit, limit)
                .into_rgba8()
        } else {
            pixels
        };
        self.pictures
            .push((export::flatten(&small, [255; 3]), name.to_owned()));
        self.has_mark |=
            export::xmp_for(header).is_some_and(|xmp| marking::source_type(&xmp).is_some());
    }
}

/// Whether the name was free.
fn write_new(fs: &dyn Fs, path: &Path, file: &[u8]) -> io::Result<bool> {
    match write_atomically(fs, path, file, Existing::Keep) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
