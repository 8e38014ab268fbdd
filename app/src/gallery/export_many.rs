//! Copies of many pictures at once, and contact sheets of them.
//!
//! One damaged picture does not keep back the others; a folder that takes no more files ends the export,
//! and says which are there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use image::{DynamicImage, RgbImage};

use super::contact_sheet::{self, SheetLayout};
use super::error::Error;
use super::export::{self, ExportOptions, Format};
use super::flattened::Flattened;
use super::layout::{PictureId, is_among_pictures};
use super::naming::{NameFacts, NamePattern};
use super::picture_file::{self, Header};
use super::store::Gallery;
use crate::files::{Existing, Fs, sweep, write_atomically};
use crate::marking;

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
        if is_among_pictures(&order.folder.join("any")) {
            let path = order.folder.clone();
            return ExportReport {
                failure: Some(Error::AmongPictures { path }.to_string()),
                ..ExportReport::default()
            };
        }
        // What a killed export left half written there.
        sweep(&*self.fs, &order.folder);
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
        let drawn = DynamicImage::from(drawn).into_rgba8();
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
        self.pictures.push((
            Flattened::over(&small, [255; 3]).to_image(),
            name.to_owned(),
        ));
        self.has_mark |= export::xmp_for(header)
            .is_some_and(|xmp| marking::source_type(&xmp).is_some_and(marking::is_of_ai));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::recipe::tests::recipe;
    use super::*;

    struct Home {
        folder: tempfile::TempDir,
        gallery: Gallery,
        pictures: Vec<PictureId>,
    }

    /// A gallery with so many pictures of one prompt and seed.
    fn home(n_pictures: usize) -> Home {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let mut gallery =
            Gallery::open(&place("Limn"), &place("indexes"), &place("thumbnails")).unwrap();
        let pixels = RgbImage::from_pixel(48, 32, image::Rgb([200, 30, 30]));
        let pictures = (0..n_pictures)
            .map(|_| {
                gallery
                    .save(&pixels, &recipe("a boat", 7, (48, 32)))
                    .unwrap()
                    .id
            })
            .collect();
        std::fs::create_dir(place("out")).unwrap();
        Home {
            folder,
            gallery,
            pictures,
        }
    }

    impl Home {
        fn export(&self, choices: ExportChoices) -> ExportReport {
            let order = ExportOrder {
                pictures: self.pictures.clone(),
                folder: self.folder.path().join("out"),
                choices,
            };
            self.gallery
                .export_many(&order, &AtomicBool::new(false), |_| {})
        }

        fn names(&self) -> Vec<String> {
            let out = std::fs::read_dir(self.folder.path().join("out")).unwrap();
            let mut names: Vec<String> = out
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort_unstable();
            names
        }
    }

    fn sheet(with_pictures: bool) -> ExportChoices {
        ExportChoices {
            with_pictures,
            sheet: Some(SheetLayout {
                n_columns: 2,
                n_rows: 1,
                cell_px: 64,
            }),
            ..ExportChoices::default()
        }
    }

    #[test]
    fn copies_of_one_name_are_numbered_and_nothing_is_replaced() {
        let home = home(2);
        for _ in 0..2 {
            let report = home.export(ExportChoices::default());
            assert_eq!((report.written.len(), report.failure), (2, None));
        }
        let expected = [
            "a-boat-7-2.png",
            "a-boat-7-3.png",
            "a-boat-7-4.png",
            "a-boat-7.png",
        ];
        assert_eq!(home.names(), expected);
    }

    #[test]
    fn a_contact_sheet_has_pages_and_the_mark() {
        let home = home(3);
        let report = home.export(sheet(false));
        assert_eq!(report.written.len(), 2);
        assert_eq!(home.names(), ["contact-sheet-2.png", "contact-sheet.png"]);
        for path in &report.written {
            let file = std::fs::read(path).unwrap();
            let header = picture_file::read_header(&file).unwrap();
            let xmp = header.xmp.unwrap();
            assert!(marking::source_type(&xmp).unwrap().contains("composite"));
        }
        let file = std::fs::read(home.folder.path().join("out/contact-sheet.png")).unwrap();
        let page = picture_file::decode(&file).unwrap();
        assert_eq!(page.get_pixel(32 + 32, 32 + 32).0, [200, 30, 30, 255]);
    }

    #[test]
    fn a_damaged_picture_keeps_nothing_back() {
        let home = home(3);
        std::fs::write(home.gallery.path(home.pictures[1]), b"no picture").unwrap();
        let report = home.export(sheet(true));
        assert_eq!(report.unreadable.len(), 1);
        assert_eq!(report.unreadable[0].0, home.pictures[1]);
        assert_eq!(
            home.names(),
            ["a-boat-7-2.png", "a-boat-7.png", "contact-sheet.png"]
        );
    }

    #[test]
    fn a_folder_that_takes_nothing_ends_the_export_and_a_cancel_too() {
        let home = home(2);
        std::fs::remove_dir(home.folder.path().join("out")).unwrap();
        let report = home.export(ExportChoices::default());
        assert!(report.failure.unwrap().starts_with("cannot write there"));
        assert!(report.written.is_empty() && report.unreadable.is_empty());
        let order = ExportOrder {
            pictures: home.pictures.clone(),
            folder: home.folder.path().to_owned(),
            choices: ExportChoices::default(),
        };
        let report = home
            .gallery
            .export_many(&order, &AtomicBool::new(true), |_| {});
        assert!(report.was_cancelled && report.written.is_empty());
    }
}
