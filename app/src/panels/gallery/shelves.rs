//! The left side of the gallery: everything, what is starred, boards, tags, the trash.

use egui::{
    Align2, DragAndDrop, Id, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit,
    Ui, WidgetInfo, vec2,
};

use crate::command::{Command, GalleryCommand};
use crate::gallery::{Change, Mark, Query};
use crate::icons::{self, Icon};
use crate::panels::{Region, mark_region};
use crate::scene::DraggedPictures;
use crate::scene::Scene;
use crate::session::PictureId;
use crate::theme;
use crate::widgets;
use crate::widgets::Loudness;

const ROW_HEIGHT: f32 = 30.0;

/// What is being named.
#[derive(Debug, Default)]
pub struct Draft {
    naming: Option<Naming>,
}

#[derive(Debug)]
struct Naming {
    what: Named,
    text: String,
    is_new: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// A board that is not there yet, for these pictures.
    NewBoard(Vec<PictureId>),
    Board(String),
    Tag(String),
}

/// A line of the left side.
struct Shelf {
    icon: Option<Icon>,
    name: String,
    count: usize,
    is_on: bool,
    /// What a click lists.
    query: Query,
    /// What dropping pictures does to them.
    drop: Option<Drop>,
}

#[derive(Debug, Clone, PartialEq)]
enum Drop {
    Mark(Mark),
    Trash,
}

pub fn shelves_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft) {
    ui.spacing_mut().item_spacing.y = 2.0;
    ScrollArea::vertical()
        .id_salt("gallery shelves")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for (number, shelf) in fixed_shelves(scene).iter().enumerate() {
                let response = shelf_ui(ui, scene, shelf);
                if number == 0 {
                    mark_region(ui, Region::Side, &response);
                }
            }
            boards_ui(ui, scene, draft);
            tags_ui(ui, scene, draft);
            ui.add_space(8.0);
            let trash = trash_shelf(scene);
            let response = shelf_ui(ui, scene, &trash);
            response.context_menu(|ui| trash_menu_ui(ui, scene));
            ui.add_space(12.0);
            let import = GalleryCommand::AskImport;
            let width = ui.available_width();
            if widgets::button(ui, &import.label(), Loudness::Plain, Some(width))
                .on_hover_text("Or drop files and folders here")
                .clicked()
            {
                scene.send(Command::Gallery(import));
            }
        });
}

/// The list that a shelf stands for: search, filters and order stay.
fn on_shelf(scene: &Scene<'_>, shelf: impl FnOnce(&mut Query)) -> Query {
    let mut query = Query {
        is_starred: false,
        board: None,
        tag: None,
        in_trash: false,
        ..scene.gallery.query.clone()
    };
    shelf(&mut query);
    query
}

fn fixed_shelves(scene: &Scene<'_>) -> [Shelf; 2] {
    let query = &scene.gallery.query;
    let overview = &scene.gallery.overview;
    let is_plain = query.board.is_none() && query.tag.is_none() && !query.in_trash;
    [
        Shelf {
            icon: Some(Icon::Picture),
            name: "All pictures".to_owned(),
            count: overview.n_pictures,
            is_on: is_plain && !query.is_starred,
            query: on_shelf(scene, |_| ()),
            drop: None,
        },
        Shelf {
            icon: Some(Icon::Star),
            name: "Starred".to_owned(),
            count: overview.n_starred,
            is_on: is_plain && query.is_starred,
            query: on_shelf(scene, |query| query.is_starred = true),
            drop: Some(Drop::Mark(Mark::Star(true))),
        },
    ]
}

fn trash_shelf(scene: &Scene<'_>) -> Shelf {
    Shelf {
        icon: Some(Icon::Trash),
        name: "Trash".to_owned(),
        count: scene.gallery.overview.n_trashed,
        is_on: scene.gallery.query.in_trash,
        query: on_shelf(scene, |query| query.in_trash = true),
        drop: Some(Drop::Trash),
    }
}

fn boards_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft) {
    title_ui(ui, "Boards", |ui| {
        let plus = widgets::icon_button(ui, Icon::Plus, "New board", 22.0);
        if plus.clicked() {
            draft.name(Named::NewBoard(Vec::new()), String::new());
        }
        // Pictures dropped on the sign get a board of their own.
        if let Some(dropped) = plus.dnd_release_payload::<DraggedPictures>() {
            let ids = dropped.saved(scene);
            draft.name(Named::NewBoard(ids), String::new());
        }
    });
    if draft.is_new_board() {
        naming_ui(ui, scene, draft);
    }
    let boards = scene.gallery.overview.boards.clone();
    for board in &boards {
        let named = Named::Board(board.name.clone());
        if draft.is_naming(&named) {
            naming_ui(ui, scene, draft);
            continue;
        }
        let name = board.name.clone();
        let mark = Mark::Board {
            name: name.clone(),
            on: true,
        };
        let shelf = Shelf {
            icon: None,
            count: board.n_pictures,
            is_on: scene.gallery.query.board.as_ref() == Some(&name),
            query: on_shelf(scene, |query| query.board = Some(name.clone())),
            drop: Some(Drop::Mark(mark)),
            name: name.clone(),
        };
        let response = shelf_ui(ui, scene, &shelf);
        if response.double_clicked() {
            draft.name(named.clone(), name.clone());
        }
        let delete = Change::DeleteBoard { name };
        response.context_menu(|ui| naming_menu_ui(ui, scene, draft, named, delete));
    }
    if boards.is_empty() && draft.naming.is_none() {
        let hint = "Gather pictures on boards: press + or B.";
        widgets::remark(ui, hint);
    }
}

fn tags_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft) {
    let tags = scene.gallery.overview.tags.clone();
    if tags.is_empty() {
        return;
    }
    title_ui(ui, "Tags", |_| ());
    for tag in &tags {
        let named = Named::Tag(tag.name.clone());
        if draft.is_naming(&named) {
            naming_ui(ui, scene, draft);
            continue;
        }
        let name = tag.name.clone();
        let mark = Mark::Tag {
            name: name.clone(),
            on: true,
        };
        let shelf = Shelf {
            icon: None,
            count: tag.n_pictures,
            is_on: scene.gallery.query.tag.as_ref() == Some(&name),
            query: on_shelf(scene, |query| query.tag = Some(name.clone())),
            drop: Some(Drop::Mark(mark)),
            name: name.clone(),
        };
        let response = shelf_ui(ui, scene, &shelf);
        let delete = Change::DeleteTag { name };
        response.context_menu(|ui| naming_menu_ui(ui, scene, draft, named, delete));
    }
}

fn title_ui(ui: &mut Ui, title: &str, at_right: impl FnOnce(&mut Ui)) {
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        ui.add_space(8.0);
        let text = egui::RichText::new(title).font(theme::label_semibold());
        ui.label(text.color(theme::of(ui).text2));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), at_right);
    });
}

fn shelf_ui(ui: &mut Ui, scene: &mut Scene<'_>, shelf: &Shelf) -> Response {
    let theme = theme::of(ui);
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let count = widgets::count(shelf.count);
    response.widget_info(|| {
        let label = format!("{}, {count}", widgets::shown(&shelf.name));
        WidgetInfo::selected(Role::Tab, true, shelf.is_on, label)
    });
    let takes =
        shelf.drop.is_some() && DragAndDrop::has_payload_of_type::<DraggedPictures>(ui.ctx());
    let is_over = takes && response.contains_pointer();
    let (fill, colour) = if shelf.is_on {
        (theme.bg3, theme.text)
    } else if response.hovered() || is_over {
        (theme.bg2, theme.text)
    } else {
        (egui::Color32::TRANSPARENT, theme.text2)
    };
    ui.painter().rect_filled(rect, theme::RADIUS, fill);
    if is_over {
        let ring = Stroke::new(2.0, theme.accent);
        ui.painter()
            .rect_stroke(rect, theme::RADIUS, ring, StrokeKind::Inside);
    }
    let mut left = rect.left() + 10.0;
    if let Some(icon) = shelf.icon {
        let at = Rect::from_center_size(rect.left_center() + vec2(17.0, 0.0), vec2(16.0, 16.0));
        icons::paint(ui.painter(), at, 16.0, icon, colour);
        left += 24.0;
    }
    let count = ui
        .painter()
        .layout_no_wrap(count, theme::label(), theme.text3);
    let room = rect.right() - left - count.size().x - 18.0;
    let name = widgets::clipped(&shelf.name, theme::body(), colour, room);
    let name = ui.painter().layout_job(name);
    for (galley, anchor, at) in [
        (name, Align2::LEFT_CENTER, egui::pos2(left, rect.center().y)),
        (
            count,
            Align2::RIGHT_CENTER,
            rect.right_center() - vec2(10.0, 0.0),
        ),
    ] {
        let min = anchor.anchor_size(at, galley.size()).min;
        ui.painter().galley(min, galley, colour);
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    if response.clicked() {
        let query = Box::new(shelf.query.clone());
        scene.send(Command::Gallery(GalleryCommand::List(query)));
    }
    if let Some(drop) = &shelf.drop
        && let Some(dropped) = response.dnd_release_payload::<DraggedPictures>()
    {
        drop_on(scene, drop, dropped.saved(scene));
    }
    response
}

fn drop_on(scene: &mut Scene<'_>, drop: &Drop, pictures: Vec<PictureId>) {
    if pictures.is_empty() {
        return;
    }
    scene.send(Command::Gallery(match drop {
        Drop::Mark(mark) => GalleryCommand::Mark {
            pictures,
            mark: mark.clone(),
        },
        Drop::Trash => GalleryCommand::Trash(pictures),
    }));
}

fn naming_menu_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    draft: &mut Draft,
    named: Named,
    delete: Change,
) {
    ui.spacing_mut().item_spacing.y = 2.0;
    if widgets::menu_row_ui(ui, "Rename", None, false, 220.0).clicked() {
        let (Named::Board(name) | Named::Tag(name)) = &named else {
            return;
        };
        let name = name.clone();
        draft.name(named, name);
        ui.close();
    }
    let delete = Command::Gallery(GalleryCommand::Change(delete));
    let row = widgets::menu_row_ui(ui, &delete.label(), None, false, 300.0);
    if row
        .on_hover_text("The pictures stay. Can be undone")
        .clicked()
    {
        scene.send(delete);
        ui.close();
    }
}

fn trash_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if widgets::menu_row_ui(ui, "Empty the trash…", None, false, 220.0).clicked() {
        scene.send(Command::Gallery(GalleryCommand::AskEmptyTrash));
        ui.close();
    }
}

/// A field in the place of the row: Enter takes the name, Esc and a click elsewhere leave the old one.
fn naming_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft) {
    let Some(naming) = &mut draft.naming else {
        return;
    };
    let field = TextEdit::singleline(&mut naming.text)
        .id(Id::unique("gallery naming"))
        .hint_text("Name")
        .margin(egui::Margin::symmetric(8, 6))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Name", &naming.text);
    if std::mem::take(&mut naming.is_new) {
        response.request_focus();
        return;
    }
    if !response.lost_focus() {
        return;
    }
    let is_taken = ui.input(|input| input.key_pressed(egui::Key::Enter));
    let Some(naming) = draft.naming.take() else {
        return;
    };
    let name = naming.text.trim().to_owned();
    if !is_taken || name.is_empty() {
        return;
    }
    let change = match naming.what {
        Named::NewBoard(pictures) if !pictures.is_empty() => {
            let mark = Mark::Board { name, on: true };
            scene.send(Command::Gallery(GalleryCommand::Mark { pictures, mark }));
            return;
        }
        Named::NewBoard(_) => Change::MakeBoard { name },
        Named::Board(from) | Named::Tag(from) if from == name => return,
        Named::Board(from) => Change::RenameBoard { from, to: name },
        Named::Tag(from) => Change::RenameTag { from, to: name },
    };
    scene.send(Command::Gallery(GalleryCommand::Change(change)));
}

impl Draft {
    fn name(&mut self, what: Named, text: String) {
        self.naming = Some(Naming {
            what,
            text,
            is_new: true,
        });
    }

    fn is_naming(&self, what: &Named) -> bool {
        self.naming
            .as_ref()
            .is_some_and(|naming| naming.what == *what)
    }

    fn is_new_board(&self) -> bool {
        let what = self.naming.as_ref().map(|naming| &naming.what);
        matches!(what, Some(Named::NewBoard(_)))
    }
}
