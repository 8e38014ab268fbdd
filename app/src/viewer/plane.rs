//! Where pictures of any size lie, so that one view shows the same place of each.

use egui::{Pos2, Rect, Vec2, vec2};

use crate::scene::Scene;
use crate::session::PictureRef;
use crate::textures::Detail;

/// Until a picture is there its place has this size, in pixels.
const UNKNOWN_SIZE: Vec2 = vec2(1024.0, 1024.0);

/// Its unit is a pixel of the first picture.
pub struct Plane {
    pub size: Vec2,
}

impl Plane {
    pub fn of(scene: &mut Scene<'_>, pictures: &[PictureRef]) -> Self {
        let first = pictures.first().and_then(|first| size_of(scene, *first));
        Self {
            size: first.unwrap_or(UNKNOWN_SIZE),
        }
    }

    pub fn rect(&self) -> Rect {
        Rect::from_min_size(Pos2::ZERO, self.size)
    }

    /// Where a picture of `size` pixels lies: as large as it fits, in the middle.
    pub fn place(&self, size: Vec2) -> Rect {
        let size = size.max(vec2(1.0, 1.0));
        let scale = (self.size / size).min_elem();
        Rect::from_center_size(self.rect().center(), size * scale)
    }
}

/// In pixels; `None` until anything of the picture is known.
pub fn size_of(scene: &mut Scene<'_>, picture: PictureRef) -> Option<Vec2> {
    // Asks for it, too.
    let _ = scene.textures.get((picture, Detail::Full));
    if let Some(size) = scene.textures.full_size(picture) {
        return Some(size);
    }
    match picture {
        PictureRef::Result { run, .. } => {
            let (width, height) = scene.session.run(run)?.size;
            Some(vec2(width as f32, height as f32))
        }
        PictureRef::Gallery(id) => {
            let recipe = scene.gallery.record(id)?.recipe.as_ref()?;
            Some(vec2(recipe.width as f32, recipe.height as f32))
        }
    }
}
