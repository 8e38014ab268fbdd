//! Nothing overprints and no text leaves its place, at every size of the window and every scale.
//!
//! What is looked at is what egui was told to paint and to react to: the ink of every text, the strokes of icons, and the
//! rectangles of everything that can be clicked or dragged.

use egui::epaint::ClippedShape;
use egui::{Color32, Key, LayerId, Modifiers, Rect, Shape, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use limn::command::{Command, GalleryCommand, GestureCommand, LayerCommand, ViewCommand};
use limn::document::BlendMode;
use limn::session::{Deed, PictureRef, Place};
use limn::tools::{MaskAction, Tool};
use limn_engine::protocol::{DeviceInfo, Event, ModelId, ModelInfo, SelfTest};

use super::{Window, model};

/// Of the window, in pixels.
const SIZES: [(f32, f32); 5] = [
    (900.0, 600.0),
    (1120.0, 700.0),
    (1440.0, 900.0),
    (1920.0, 1080.0),
    (2560.0, 1440.0),
];
const SCALES: [f32; 3] = [1.0, 1.5, 2.0];
/// The smallest window there can be, in points.
const LEAST: (f32, f32) = (900.0, 600.0);
/// Roundings of pixels are no faults.
const SLACK: f32 = 1.0;
/// Below this the gallery leaves its details out.
const NARROW: f32 = 1120.0;
/// Of a field among the details.
const LEAST_DETAILS: f32 = 240.0;
/// Between a label and the icon behind it, in points.
const LEAST_GAP: f32 = 8.0;
/// A control inside another is a part of it, as a tab's ✕; one of about the same size is an accident.
const PART_OF: f32 = 4.0;

/// Words as they are painted.
#[derive(Debug)]
struct Words {
    /// Among all that is painted.
    order: usize,
    text: String,
    /// Its ink.
    rect: Rect,
    clip: Rect,
}

impl Words {
    fn seen(&self) -> Rect {
        self.rect.intersect(self.clip)
    }
}

/// All that one frame paints.
#[derive(Default)]
struct Painted {
    words: Vec<Words>,
    /// What hides everything before it.
    grounds: Vec<(usize, Rect)>,
    /// Strokes of icons, in their order among all that is painted.
    strokes: Vec<(usize, Rect)>,
    n_shapes: usize,
}

impl Painted {
    fn of(shapes: &[ClippedShape]) -> Self {
        let mut painted = Self::default();
        for clipped in shapes {
            painted.add(&clipped.shape, clipped.clip_rect);
        }
        painted
    }

    fn add(&mut self, shape: &Shape, clip: Rect) {
        self.n_shapes += 1;
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.add(shape, clip)),
            Shape::Text(text) if text.angle == 0.0 && text.opacity_factor > 0.0 => {
                let words = text.galley.text();
                let rect = text.galley.mesh_bounds.translate(text.pos.to_vec2());
                if !words.trim().is_empty() && rect.intersect(clip).is_positive() {
                    self.words.push(Words {
                        order: self.n_shapes,
                        text: words.to_owned(),
                        rect,
                        clip,
                    });
                }
            }
            Shape::Rect(rect) if rect.fill.a() >= 230 && rect.brush.is_none() => {
                self.grounds
                    .push((self.n_shapes, rect.rect.intersect(clip)));
            }
            Shape::Path(path) if path.fill == Color32::TRANSPARENT => {
                let rect = Rect::from_points(&path.points);
                self.strokes.push((self.n_shapes, rect));
            }
            _ => {}
        }
    }

    /// Whether something was painted between two orders that covers a place.
    fn is_hidden(&self, place: Rect, from: usize, to: usize) -> bool {
        self.grounds
            .iter()
            .any(|(order, ground)| (from..to).contains(order) && ground.contains_rect(place))
    }
}

/// Something that can be clicked or dragged.
struct Control {
    layer: LayerId,
    /// What is seen of it.
    seen: Rect,
    whole: Rect,
}

/// All that reacts: under a sheet nothing but the sheet does.
fn controls(window: &Window) -> Vec<Control> {
    let ctx = &window.harness.ctx;
    let sheet = ctx.memory(egui::Memory::top_modal_layer);
    ctx.viewport(|viewport| {
        let layers = viewport.prev_pass.widgets.layers();
        let widgets = layers.flat_map(|(_, widgets)| widgets);
        let controls = widgets.filter(|widget| {
            let reacts = widget.sense.interactive() && widget.visible;
            let is_under = sheet.is_some_and(|sheet| sheet != widget.layer_id);
            reacts && !is_under && widget.interact_rect.is_positive()
        });
        let controls = controls.map(|widget| Control {
            layer: widget.layer_id,
            seen: widget.interact_rect,
            whole: widget.rect,
        });
        controls.collect()
    })
}

fn overlaps(a: Rect, b: Rect) -> bool {
    let shared = a.intersect(b);
    shared.width() > SLACK && shared.height() > SLACK
}

fn are_in_each_others_way(a: Rect, b: Rect) -> bool {
    let (small, large) = if a.area() < b.area() { (a, b) } else { (b, a) };
    let is_inside = large.expand(SLACK).contains_rect(small);
    let is_part = is_inside && large.area() > PART_OF * small.area();
    // One may react in more than one way.
    let is_same = is_inside && small.expand(SLACK).contains_rect(large);
    overlaps(a, b) && !is_part && !is_same
}

/// What is wrong with the frame that was drawn last.
fn faults(window: &Window) -> Vec<String> {
    let painted = Painted::of(&window.harness.output().shapes);
    assert!(!painted.words.is_empty(), "nothing is painted");
    let controls = controls(window);
    let whole = window.harness.ctx.content_rect();
    let mut faults = Vec::new();
    overprints(&painted, &mut faults);
    for words in &painted.words {
        leaves_window(words, whole, &mut faults);
        leaves_control(words, &painted, &controls, &mut faults);
    }
    for (i, a) in controls.iter().enumerate() {
        for b in &controls[i + 1..] {
            if a.layer == b.layer
                && are_in_each_others_way(a.seen, b.seen)
                && let (Some(a), Some(b)) = (named(window, a.whole), named(window, b.whole))
            {
                faults.push(format!("controls overlap: {a} and {b}"));
            }
        }
    }
    faults
}

/// In points; what is only a group has none.
fn place(node: &egui_kittest::Node<'_>) -> Option<Rect> {
    node.accesskit_node().bounding_box().map(|_| node.rect())
}

/// What a screen reader calls the control in this place; what has no name is only the ground of others.
fn named(window: &Window, rect: Rect) -> Option<String> {
    let nodes = window.harness.root().children_recursive();
    let mut here = nodes.filter(|node| {
        place(node).is_some_and(|at| {
            (at.min - rect.min).length() < SLACK && (at.max - rect.max).length() < SLACK
        })
    });
    let label = here.find_map(|node| node.accesskit_node().label())?;
    Some(format!("{label:?} {rect:?}"))
}

fn overprints(painted: &Painted, faults: &mut Vec<String>) {
    for (i, a) in painted.words.iter().enumerate() {
        for b in &painted.words[i + 1..] {
            let shared = a.seen().intersect(b.seen());
            if overlaps(a.seen(), b.seen()) && !painted.is_hidden(shared, a.order, b.order) {
                let (a, b) = (&a.text, &b.text);
                faults.push(format!("{a:?} is printed over {b:?}"));
            }
        }
    }
}

/// What scrolls may be cut where it scrolls; nothing else.
fn leaves_window(words: &Words, whole: Rect, faults: &mut Vec<String>) {
    let seen = words.seen().intersect(whole);
    let is_cut_sideways = seen.width() < words.rect.width() - SLACK;
    let tabs_scroll = words.rect.center().y < limn::theme::TOP_BAR_HEIGHT
        && words.clip.width() < whole.width() - SLACK;
    if is_cut_sideways && !tabs_scroll {
        faults.push(format!(
            "{:?} is cut: {:?} in {:?}",
            words.text, words.rect, words.clip
        ));
    }
    let is_cut_below = seen.height() < words.rect.height() - SLACK;
    let scrolls = words.clip.height() < whole.height() - SLACK;
    if is_cut_below && !scrolls {
        faults.push(format!("{:?} leaves the window", words.text));
    }
}

/// Words in a control stay inside it, and away from the icon behind them.
fn leaves_control(
    words: &Words,
    painted: &Painted,
    controls: &[Control],
    faults: &mut Vec<String>,
) {
    const LARGEST_BUTTON: f32 = 160.0;
    let centre = words.rect.center();
    let around = controls
        .iter()
        // What is scrolled out of sight has no words there.
        .filter(|control| control.seen.contains(centre))
        .map(|control| control.whole)
        .filter(|rect| rect.height() < LARGEST_BUTTON)
        .min_by(|a, b| a.area().total_cmp(&b.area()));
    let Some(control) = around else {
        return;
    };
    if painted.is_hidden(words.seen().intersect(control), words.order, usize::MAX) {
        // It stands under a sheet, and the control on it.
        return;
    }
    if words.rect.left() < control.left() - SLACK || words.rect.right() > control.right() + SLACK {
        faults.push(format!("{:?} leaves its button {control:?}", words.text));
    }
    for (order, stroke) in &painted.strokes {
        if painted.is_hidden(*stroke, *order, usize::MAX) {
            continue;
        }
        let is_icon = stroke.width() <= 14.0 && stroke.height() <= 14.0 && stroke.width() > 2.0;
        let is_behind = control.contains_rect(*stroke)
            && stroke.center().x > words.rect.right() - LEAST_GAP
            && stroke.left() - words.rect.right() < LEAST_GAP - 0.5
            && stroke.y_range().intersects(words.rect.y_range());
        if is_icon && is_behind {
            faults.push(format!(
                "{:?} ends {:.1} before its icon",
                words.text,
                stroke.left() - words.rect.right()
            ));
        }
    }
}

impl Window {
    fn resize(&mut self, pixels: (f32, f32), scale: f32) {
        // As large as the scale needs before it is asked for.
        self.harness.set_size(vec2(9000.0, 9000.0));
        self.obey(Command::SetScale(scale));
        let points = vec2(pixels.0, pixels.1) / scale;
        self.harness.set_size(points);
        self.steps(4);
        let size = self.harness.ctx.content_rect().size();
        assert!(
            (size - points).length() < SLACK,
            "{size} instead of {points}"
        );
    }

    /// Messages come and go over all the rest.
    fn dismiss_messages(&mut self) {
        for id in 0..64 {
            self.harness.state_mut().send(Command::DismissToast(id));
        }
        self.steps(2);
    }

    fn obey(&mut self, command: Command) {
        self.harness.state_mut().send(command);
        self.steps(4);
    }

    /// All that has this label is wholly in the window.
    fn reaches(&self, label: &str) -> bool {
        let whole = self.harness.ctx.content_rect().expand(SLACK);
        let mut nodes = self.harness.query_all_by_label(label).peekable();
        nodes.peek().is_some()
            && nodes.all(|node| place(&node).is_some_and(|at| whole.contains_rect(at)))
    }

    /// With names as they come from elsewhere.
    fn open_with_long_names() -> Self {
        let mut window = Self::open_with_results();
        let long = ModelInfo {
            id: ModelId("another".to_owned()),
            name: "Kandinsky 2.2 decoder, fine-tuned for interiors".to_owned(),
            ..model()
        };
        window.say(Event::Models(vec![model(), long]));
        window.say(Event::Devices(vec![DeviceInfo {
            name: "NVIDIA GeForce RTX 4090 Laptop GPU (Vulkan)".to_owned(),
            backend: "vulkan".to_owned(),
            driver: "550".to_owned(),
            is_gpu: true,
            is_software: false,
            memory_bytes: Some(24_000_000_000),
            dtypes: vec!["f16".to_owned()],
            self_test: SelfTest::NotRun,
        }]));
        window
            .harness
            .state_mut()
            .send(Command::SetModel(ModelId("another".to_owned())));
        window.steps(4);
        window
    }
}

type Screen = (&'static str, fn(&mut Window), &'static [&'static str]);

/// Screens one after the other, each with what must be reached on it.
const SCREENS: [Screen; 11] = [
    ("results", |_| (), &[]),
    (
        "a mask to fill",
        |window| {
            window.obey(Command::Keep);
            window.obey(Command::Tool(Tool::Brush));
            window.obey(Command::Mask(MaskAction::All));
        },
        &[
            "Fill mask",
            "Brush size",
            "More settings",
            "Settings",
            "Pan",
            "Sketch brush",
        ],
    ),
    (
        "a change of the picture",
        |window| {
            window.obey(Command::Mask(MaskAction::Clear));
            window.obey(Command::ChooseDeed(Deed::ChangePicture));
        },
        &["Change picture", "Do something else", "More settings"],
    ),
    (
        "extending",
        |window| window.obey(Command::Tool(Tool::Crop)),
        &["Free", "16:9", "Shapes to extend to"],
    ),
    (
        "cropping",
        |window| window.obey(Command::ChooseCrop(Some((9, 16)))),
        &["Free", "16:9", "Crop", "Cancel"],
    ),
    (
        "a turn",
        |window| {
            window.obey(Command::Tool(Tool::Pan));
            window.obey(Command::Gesture(GestureCommand::Turn(None)));
        },
        &["What is there", "What it becomes", "Back to the prompt"],
    ),
    (
        "layers",
        |window| {
            window.obey(Command::Gesture(GestureCommand::LeaveTray));
            window.obey(Command::SideTab(limn::session::SideTab::Layers));
            let layer = window.app().session.document().content().layers[0].id;
            window.obey(Command::Layer(LayerCommand::Select(layer)));
            let blend = BlendMode::Multiply;
            window.obey(Command::Layer(LayerCommand::SetBlend { layer, blend }));
        },
        &["Blend mode: Multiply", "Opacity of the layer", "Duplicate"],
    ),
    (
        "a blank canvas",
        |window| window.obey(Command::AskBlankCanvas),
        &["Create", "Width in px", "Transparent"],
    ),
    (
        "the gallery",
        |window| {
            window.obey(Command::Escape);
            window.obey(Command::GoTo(Place::Gallery));
        },
        &["Search the gallery", "Filter the pictures"],
    ),
    (
        "models",
        |window| window.obey(Command::GoTo(Place::Models)),
        &[],
    ),
    (
        "settings",
        |window| window.obey(Command::Settings),
        &["Theme", "Interface scale"],
    ),
];

/// In a narrow window the side panel stands behind its tabs, and the canvas keeps its room.
#[test]
fn a_narrow_window_folds_the_side_panel_to_its_tabs() {
    let mut window = Window::open_with_results();
    window.resize((900.0, 600.0), 1.0);
    assert!(!window.shows("Discard"));
    window.click("Results");
    for label in ["Keep", "Discard", "Export", "Search the gallery"] {
        assert!(window.reaches(label), "{label}");
    }
    assert!(faults(&window).is_empty(), "{:?}", faults(&window));
    window.click("Fold this panel");
    assert!(!window.shows("Discard"));
    window.resize((1440.0, 900.0), 1.0);
    assert!(window.shows("Discard"), "a wide one has it always");
    for size in SIZES.into_iter().skip(1) {
        window.resize(size, 1.0);
        for label in [
            "Keep",
            "Discard",
            "Again",
            "Variations",
            "Mix…",
            "Upscale",
            "Export",
        ] {
            assert!(window.reaches(label), "{label} at {size:?}");
        }
    }
}

fn windows() -> impl Iterator<Item = ((f32, f32), f32)> {
    let all = SIZES
        .into_iter()
        .flat_map(|size| SCALES.map(|scale| (size, scale)));
    all.filter(|(size, scale)| size.0 / scale >= LEAST.0 && size.1 / scale >= LEAST.1)
}

/// Every screen at every size; all that is wrong is told at once.
fn check(window: &mut Window, screen: &str, reached: &[&str], all: &mut Vec<String>) {
    window.dismiss_messages();
    for (size, scale) in windows() {
        window.resize(size, scale);
        let at = format!("{screen} at {} × {} px, scale {scale}", size.0, size.1);
        all.extend(
            faults(window)
                .into_iter()
                .map(|fault| format!("{at}: {fault}")),
        );
        for label in reached.iter().filter(|label| !window.reaches(label)) {
            all.push(format!("{at}: {label:?} is not reached"));
        }
    }
}

#[test]
fn nothing_overprints_on_the_empty_canvas() {
    let mut window = Window::open();
    let mut all = Vec::new();
    check(
        &mut window,
        "empty",
        &["New pictures", "Pan", "Commands"],
        &mut all,
    );
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

/// The bar of another tool has another width; it comes into the middle of the canvas without a further event.
#[test]
fn a_tools_options_come_into_the_middle_by_themselves() {
    let mut window = Window::open_with_results();
    window.obey(Command::Keep);
    window.obey(Command::Tool(Tool::Wand));
    window.harness.state_mut().send(Command::Tool(Tool::Crop));
    window.harness.run_ok();
    let place = |window: &Window| window.harness.get_by_label("16:9").rect();
    let settled = place(&window);
    window.steps(4);
    assert_eq!(place(&window), settled);
}

/// With nothing to paint on no tool has options: they would lie on the start page's heading in a small window.
#[test]
fn no_tool_has_options_on_the_start_page() {
    let mut window = Window::open();
    window.resize((900.0, 600.0), 1.0);
    for (tool, option) in [
        (Tool::Brush, "Brush size"),
        (Tool::SketchBrush, "Brush size"),
        (Tool::Wand, "Tolerance"),
        (Tool::Crop, "16:9"),
    ] {
        window.obey(Command::Tool(tool));
        assert!(window.shows("Type a sentence, get pictures"));
        assert!(!window.shows(option), "{tool:?}");
        assert!(
            faults(&window).is_empty(),
            "{tool:?}: {:?}",
            faults(&window)
        );
    }
}

#[test]
fn nothing_overprints_on_any_screen_with_pictures() {
    let mut window = Window::open_with_long_names();
    let mut all = Vec::new();
    for (screen, go, reached) in SCREENS {
        window.resize((1440.0, 900.0), 1.0);
        go(&mut window);
        check(&mut window, screen, reached, &mut all);
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

/// Of a picture without a recipe not everything can be done, which stands there all the same.
#[test]
fn nothing_leaves_the_details_of_a_picture_from_elsewhere() {
    let mut window = Window::open();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("photograph.png");
    image::RgbImage::new(48, 32).save(&file).unwrap();
    let import = GalleryCommand::Import(vec![file]);
    window.obey(Command::Gallery(import));
    window.obey(Command::GoTo(Place::Gallery));
    window.wait_for("the picture", |window| {
        window.app().gallery_view.entries().len() == 1
    });
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.wait_for("its details", |window| window.shows("Title of the picture"));
    let mut all = Vec::new();
    window.dismiss_messages();
    for (size, scale) in windows() {
        window.resize(size, scale);
        if size.0 / scale < NARROW {
            continue;
        }
        let at = format!("details at {} × {} px, scale {scale}", size.0, size.1);
        all.extend(
            faults(&window)
                .into_iter()
                .map(|fault| format!("{at}: {fault}")),
        );
        for label in [
            "Title of the picture",
            "Open on the canvas",
            "Use this recipe",
        ] {
            if !window.reaches(label) {
                all.push(format!("{at}: {label:?} is not reached"));
            }
        }
        let field = window.harness.get_by_label("Title of the picture");
        let width = place(&field).map_or(0.0, |place| place.width());
        if width < LEAST_DETAILS {
            all.push(format!("{at}: the details are {width} wide"));
        }
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

#[test]
fn nothing_overprints_in_the_viewer() {
    let mut window = Window::open_with_results();
    let run = window.app().session.runs[0].id;
    let mut all = Vec::new();
    let picture = PictureRef::Result { run, index: 0 };
    window.obey(Command::View(ViewCommand::Look(picture)));
    check(&mut window, "one picture", &["Picture"], &mut all);
    window.press(Modifiers::NONE, Key::Escape);
    window.obey(Command::View(ViewCommand::CompareResults));
    check(
        &mut window,
        "compared",
        &["Side by side", "Onion skin"],
        &mut all,
    );
    window.click("Onion skin");
    check(
        &mut window,
        "onion skin",
        &["Side by side", "Onion skin"],
        &mut all,
    );
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

/// Whatever scale is wished for, of the user or of the system: all of the window stays in reach.
#[test]
fn the_scale_gives_way_where_the_window_is_too_small_for_it() {
    let mut window = Window::open_with_results();
    for (pixels, native, wished, scale) in [
        ((900.0, 600.0), 1.0, 2.0, 1.0),
        ((1440.0, 900.0), 1.0, 2.0, 1.5),
        ((1440.0, 900.0), 2.0, 1.0, 1.5),
        ((2560.0, 1440.0), 2.0, 1.0, 2.0),
        ((900.0, 600.0), 1.0, 0.8, 0.8),
    ] {
        let viewports = &mut window.harness.input_mut().viewports;
        let root = viewports.entry(egui::ViewportId::ROOT).or_default();
        root.native_pixels_per_point = Some(native);
        window.obey(Command::SetScale(wished));
        // The system tells the size in points of the scale that the window has chosen.
        for _ in 0..3 {
            let scale = window.harness.ctx.pixels_per_point();
            window.harness.set_size(vec2(pixels.0, pixels.1) / scale);
            window.steps(2);
        }
        let is = window.harness.ctx.pixels_per_point();
        assert!(
            (is - scale).abs() < 0.011,
            "{pixels:?}, {native} × {wished}: {is}"
        );
        window.obey(Command::Settings);
        let told = window.shows(&format!(
            "{:.0} % is as much as fits into this window.",
            100.0 * is / native
        ));
        assert_eq!(told, scale + 0.005 < native * wished);
        window.press(egui::Modifiers::NONE, egui::Key::Escape);
    }
}
