//! The window's icons: one family of strokes on a 24-unit square, drawn at 19 px.
//!
//! Each icon is a short list of marks in a table, so that they follow the theme's colour and any scale
//! without a picture file or a parser.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Move,
    Brush,
    Eraser,
    Lasso,
    Polygon,
    Rectangle,
    Ellipse,
    Wand,
    Extend,
    Sketch,
    Eyedropper,
    RotateView,
    Undo,
    Redo,
    Eye,
    EyeOff,
    Layers,
    MergeDown,
    Pin,
    Hand,
    Zoom,
    Fit,
    ActualSize,
    Panels,
    Settings,
    Search,
    Star,
    StarFilled,
    Trash,
    Export,
    Folder,
    Copy,
    Again,
    Close,
    Check,
    ChevronDown,
    ChevronLeft,
    ChevronRight,
    Locked,
    Unlocked,
    Warning,
    Info,
    Plus,
    Minus,
    Picture,
    Recipe,
    Keyboard,
    Model,
    More,
}

/// Stroke width on the 24-unit square.
const STROKE: f32 = 1.8;

enum Mark {
    Line(&'static [(f32, f32)]),
    Closed(&'static [(f32, f32)]),
    Filled(&'static [(f32, f32)]),
    Circle(f32, f32, f32),
    Dot(f32, f32, f32),
    /// Centre, radius, start and end in degrees, clockwise from the right.
    Arc(f32, f32, f32, f32, f32),
    /// Cubic curves one after the other: a start, then two control points and an end for each.
    Curve(&'static [(f32, f32)]),
    /// Left, top, right, bottom, corner radius.
    Box(f32, f32, f32, f32, f32),
}

use Mark::{Arc, Box as Rounded, Circle, Closed, Curve, Dot, Filled, Line};

const STAR: &[(f32, f32)] = &[
    (12.0, 3.2),
    (14.7, 8.7),
    (20.8, 9.6),
    (16.4, 13.9),
    (17.4, 19.9),
    (12.0, 17.1),
    (6.6, 19.9),
    (7.6, 13.9),
    (3.2, 9.6),
    (9.3, 8.7),
];

const EYE: &[(f32, f32)] = &[
    (2.5, 12.0),
    (7.0, 4.0),
    (17.0, 4.0),
    (21.5, 12.0),
    (17.0, 20.0),
    (7.0, 20.0),
    (2.5, 12.0),
];

#[expect(clippy::too_many_lines, reason = "the table of all icons")]
fn marks(icon: Icon) -> &'static [Mark] {
    match icon {
        Icon::Move => &[
            Line(&[(12.0, 3.0), (12.0, 21.0)]),
            Line(&[(3.0, 12.0), (21.0, 12.0)]),
            Line(&[(9.0, 6.0), (12.0, 3.0), (15.0, 6.0)]),
            Line(&[(9.0, 18.0), (12.0, 21.0), (15.0, 18.0)]),
            Line(&[(6.0, 9.0), (3.0, 12.0), (6.0, 15.0)]),
            Line(&[(18.0, 9.0), (21.0, 12.0), (18.0, 15.0)]),
        ],
        Icon::Brush => &[
            Line(&[(20.0, 4.0), (10.0, 14.0)]),
            Curve(&[
                (8.0, 13.0),
                (5.0, 13.0),
                (5.0, 18.0),
                (2.0, 19.0),
                (7.0, 21.0),
                (11.0, 19.0),
                (11.0, 16.0),
                (11.0, 14.3),
                (9.7, 13.0),
                (8.0, 13.0),
            ]),
        ],
        Icon::Eraser => &[
            Closed(&[
                (8.0, 20.0),
                (3.0, 15.0),
                (14.0, 4.0),
                (20.0, 10.0),
                (10.0, 20.0),
            ]),
            Line(&[(9.0, 9.0), (15.0, 15.0)]),
        ],
        Icon::Lasso => &[Curve(&[
            (5.0, 10.0),
            (5.0, 6.0),
            (9.0, 4.0),
            (13.0, 4.0),
            (17.0, 4.0),
            (20.0, 6.0),
            (20.0, 9.0),
            (20.0, 12.0),
            (16.0, 15.0),
            (11.0, 15.0),
            (6.0, 15.0),
            (5.0, 16.0),
            (5.0, 18.0),
            (5.0, 20.0),
            (7.0, 20.0),
            (7.0, 21.0),
        ])],
        Icon::Polygon => &[
            Closed(&[
                (4.5, 9.5),
                (13.0, 4.0),
                (20.0, 10.5),
                (16.0, 19.5),
                (7.0, 18.5),
            ]),
            Dot(4.5, 9.5, 1.9),
            Dot(13.0, 4.0, 1.9),
            Dot(20.0, 10.5, 1.9),
            Dot(16.0, 19.5, 1.9),
            Dot(7.0, 18.5, 1.9),
        ],
        Icon::Rectangle => &[
            Line(&[(4.0, 8.0), (4.0, 5.0), (7.0, 5.0)]),
            Line(&[(10.4, 5.0), (13.6, 5.0)]),
            Line(&[(17.0, 5.0), (20.0, 5.0), (20.0, 8.0)]),
            Line(&[(20.0, 10.7), (20.0, 13.3)]),
            Line(&[(20.0, 16.0), (20.0, 19.0), (17.0, 19.0)]),
            Line(&[(13.6, 19.0), (10.4, 19.0)]),
            Line(&[(7.0, 19.0), (4.0, 19.0), (4.0, 16.0)]),
            Line(&[(4.0, 13.3), (4.0, 10.7)]),
        ],
        Icon::Ellipse => &[
            Arc(12.0, 12.0, 8.0, -12.0, 12.0),
            Arc(12.0, 12.0, 8.0, 33.0, 57.0),
            Arc(12.0, 12.0, 8.0, 78.0, 102.0),
            Arc(12.0, 12.0, 8.0, 123.0, 147.0),
            Arc(12.0, 12.0, 8.0, 168.0, 192.0),
            Arc(12.0, 12.0, 8.0, 213.0, 237.0),
            Arc(12.0, 12.0, 8.0, 258.0, 282.0),
            Arc(12.0, 12.0, 8.0, 303.0, 327.0),
        ],
        Icon::Wand => &[
            Line(&[(3.5, 20.5), (13.0, 11.0)]),
            Line(&[(16.0, 3.0), (16.0, 5.5)]),
            Line(&[(16.0, 10.5), (16.0, 13.0)]),
            Line(&[(11.0, 8.0), (13.5, 8.0)]),
            Line(&[(18.5, 8.0), (21.0, 8.0)]),
            Line(&[(19.5, 4.5), (18.0, 6.0)]),
        ],
        Icon::Extend => &[
            Line(&[(6.0, 2.0), (6.0, 18.0), (22.0, 18.0)]),
            Line(&[(2.0, 6.0), (18.0, 6.0), (18.0, 22.0)]),
        ],
        Icon::Sketch => &[
            Closed(&[
                (4.0, 20.0),
                (5.2, 15.3),
                (16.0, 4.5),
                (19.5, 8.0),
                (8.7, 18.8),
            ]),
            Line(&[(13.3, 7.2), (16.8, 10.7)]),
        ],
        Icon::Eyedropper => &[
            Line(&[(11.0, 7.5), (16.5, 13.0)]),
            Line(&[
                (12.5, 9.0),
                (4.8, 16.7),
                (4.0, 20.0),
                (7.3, 19.2),
                (15.0, 11.5),
            ]),
            Curve(&[
                (13.2, 9.7),
                (15.0, 6.5),
                (17.0, 3.2),
                (19.2, 4.8),
                (20.8, 7.0),
                (17.5, 9.0),
                (14.3, 10.8),
            ]),
        ],
        Icon::RotateView => &[
            Closed(&[(12.0, 8.0), (17.0, 13.0), (12.0, 18.0), (7.0, 13.0)]),
            Arc(12.0, 13.0, 9.0, -160.0, -32.0),
            Line(&[(20.6, 4.2), (19.7, 8.3), (15.6, 7.5)]),
        ],
        Icon::Undo => &[
            Line(&[(9.0, 14.0), (4.0, 9.0), (9.0, 4.0)]),
            Line(&[(4.0, 9.0), (14.0, 9.0)]),
            Arc(14.0, 15.0, 6.0, -90.0, 90.0),
            Line(&[(14.0, 21.0), (11.0, 21.0)]),
        ],
        Icon::Redo => &[
            Line(&[(15.0, 14.0), (20.0, 9.0), (15.0, 4.0)]),
            Line(&[(20.0, 9.0), (10.0, 9.0)]),
            Arc(10.0, 15.0, 6.0, -90.0, -270.0),
            Line(&[(10.0, 21.0), (13.0, 21.0)]),
        ],
        Icon::Eye => &[Curve(EYE), Circle(12.0, 12.0, 2.8)],
        Icon::EyeOff => &[
            Curve(EYE),
            Circle(12.0, 12.0, 2.8),
            Line(&[(4.5, 19.5), (19.5, 4.5)]),
        ],
        Icon::Layers => &[
            Closed(&[(12.0, 3.5), (21.0, 8.5), (12.0, 13.5), (3.0, 8.5)]),
            Line(&[(3.0, 12.5), (12.0, 17.5), (21.0, 12.5)]),
            Line(&[(3.0, 16.3), (12.0, 21.3), (21.0, 16.3)]),
        ],
        Icon::MergeDown => &[
            Line(&[(12.0, 3.5), (12.0, 14.0)]),
            Line(&[(7.5, 9.5), (12.0, 14.0), (16.5, 9.5)]),
            Line(&[(4.5, 19.5), (19.5, 19.5)]),
        ],
        Icon::Pin => &[
            Line(&[(12.0, 15.0), (12.0, 21.0)]),
            Line(&[(8.5, 3.5), (15.5, 3.5)]),
            Line(&[
                (9.5, 3.5),
                (9.5, 9.0),
                (6.0, 15.0),
                (18.0, 15.0),
                (14.5, 9.0),
                (14.5, 3.5),
            ]),
        ],
        Icon::Hand => &[
            Line(&[(8.0, 13.0), (8.0, 6.4)]),
            Arc(9.4, 6.4, 1.4, 180.0, 360.0),
            Line(&[(10.8, 11.0), (10.8, 4.6)]),
            Arc(12.2, 4.6, 1.4, 180.0, 360.0),
            Line(&[(13.6, 11.0), (13.6, 4.6)]),
            Line(&[(13.6, 6.2), (13.6, 11.0)]),
            Arc(15.0, 6.4, 1.4, 180.0, 360.0),
            Line(&[(16.4, 6.4), (16.4, 11.5)]),
            Arc(17.8, 9.0, 1.4, 180.0, 360.0),
            Line(&[(19.2, 9.0), (19.2, 14.4)]),
            Arc(13.2, 14.4, 6.0, 0.0, 120.0),
            Line(&[(10.2, 19.6), (4.6, 14.4)]),
            Arc(5.7, 13.2, 1.6, 140.0, 310.0),
            Line(&[(6.7, 12.0), (8.0, 13.2)]),
        ],
        Icon::Zoom | Icon::Search => {
            &[Circle(10.5, 10.5, 6.0), Line(&[(15.0, 15.0), (20.0, 20.0)])]
        }
        Icon::Fit => &[
            Line(&[(4.0, 9.0), (4.0, 4.0), (9.0, 4.0)]),
            Line(&[(15.0, 4.0), (20.0, 4.0), (20.0, 9.0)]),
            Line(&[(20.0, 15.0), (20.0, 20.0), (15.0, 20.0)]),
            Line(&[(9.0, 20.0), (4.0, 20.0), (4.0, 15.0)]),
        ],
        Icon::ActualSize => &[
            Line(&[(4.5, 8.0), (7.5, 6.0), (7.5, 18.0)]),
            Dot(12.0, 9.5, 1.3),
            Dot(12.0, 15.0, 1.3),
            Line(&[(15.5, 8.0), (18.5, 6.0), (18.5, 18.0)]),
        ],
        Icon::Panels => &[
            Rounded(3.5, 4.5, 20.5, 19.5, 2.5),
            Line(&[(14.5, 4.5), (14.5, 19.5)]),
        ],
        Icon::Settings => &[
            Line(&[(4.0, 7.0), (12.5, 7.0)]),
            Circle(15.0, 7.0, 2.4),
            Line(&[(17.5, 7.0), (20.0, 7.0)]),
            Line(&[(4.0, 17.0), (6.5, 17.0)]),
            Circle(9.0, 17.0, 2.4),
            Line(&[(11.5, 17.0), (20.0, 17.0)]),
        ],
        Icon::Star => &[Closed(STAR)],
        Icon::StarFilled => &[
            // A star is not convex: its body and its points are filled one by one.
            Filled(&[
                (14.7, 8.7),
                (16.4, 13.9),
                (12.0, 17.1),
                (7.6, 13.9),
                (9.3, 8.7),
            ]),
            Filled(&[(12.0, 3.2), (14.7, 8.7), (9.3, 8.7)]),
            Filled(&[(20.8, 9.6), (16.4, 13.9), (14.7, 8.7)]),
            Filled(&[(17.4, 19.9), (12.0, 17.1), (16.4, 13.9)]),
            Filled(&[(6.6, 19.9), (7.6, 13.9), (12.0, 17.1)]),
            Filled(&[(3.2, 9.6), (9.3, 8.7), (7.6, 13.9)]),
            Closed(STAR),
        ],
        Icon::Trash => &[
            Line(&[(4.0, 6.5), (20.0, 6.5)]),
            Line(&[(9.0, 6.5), (9.0, 4.0), (15.0, 4.0), (15.0, 6.5)]),
            Line(&[(6.0, 6.5), (7.0, 20.0), (17.0, 20.0), (18.0, 6.5)]),
            Line(&[(10.2, 10.5), (10.5, 16.0)]),
            Line(&[(13.8, 10.5), (13.5, 16.0)]),
        ],
        Icon::Export => &[
            Line(&[(12.0, 14.5), (12.0, 3.5)]),
            Line(&[(7.5, 8.0), (12.0, 3.5), (16.5, 8.0)]),
            Line(&[(4.5, 13.5), (4.5, 20.0), (19.5, 20.0), (19.5, 13.5)]),
        ],
        Icon::Folder => &[Closed(&[
            (3.5, 5.5),
            (9.5, 5.5),
            (11.5, 8.0),
            (20.5, 8.0),
            (20.5, 19.0),
            (3.5, 19.0),
        ])],
        Icon::Copy => &[
            Rounded(8.5, 8.5, 20.0, 20.0, 2.5),
            Line(&[
                (5.0, 15.5),
                (4.0, 15.5),
                (4.0, 4.0),
                (15.5, 4.0),
                (15.5, 5.0),
            ]),
        ],
        Icon::Again => &[
            Arc(12.0, 12.0, 7.5, -50.0, 220.0),
            Line(&[(17.4, 2.4), (17.0, 6.6), (12.9, 6.0)]),
        ],
        Icon::Close => &[
            Line(&[(6.0, 6.0), (18.0, 18.0)]),
            Line(&[(18.0, 6.0), (6.0, 18.0)]),
        ],
        Icon::Check => &[Line(&[(5.0, 12.5), (10.0, 17.5), (19.5, 7.0)])],
        Icon::ChevronDown => &[Line(&[(6.5, 9.5), (12.0, 15.0), (17.5, 9.5)])],
        Icon::ChevronLeft => &[Line(&[(14.5, 6.5), (9.0, 12.0), (14.5, 17.5)])],
        Icon::ChevronRight => &[Line(&[(9.5, 6.5), (15.0, 12.0), (9.5, 17.5)])],
        Icon::Locked => &[
            Rounded(5.5, 11.0, 18.5, 20.0, 2.0),
            Line(&[(8.5, 11.0), (8.5, 7.5)]),
            Arc(12.0, 7.5, 3.5, 180.0, 360.0),
            Line(&[(15.5, 7.5), (15.5, 11.0)]),
        ],
        Icon::Unlocked => &[
            Rounded(5.5, 11.0, 18.5, 20.0, 2.0),
            Line(&[(8.5, 11.0), (8.5, 7.0)]),
            Arc(12.0, 7.0, 3.5, 180.0, 330.0),
        ],
        Icon::Warning => &[
            Closed(&[(12.0, 4.0), (21.0, 19.5), (3.0, 19.5)]),
            Line(&[(12.0, 10.0), (12.0, 14.0)]),
            Dot(12.0, 16.8, 1.1),
        ],
        Icon::Info => &[
            Circle(12.0, 12.0, 8.5),
            Line(&[(12.0, 11.0), (12.0, 16.5)]),
            Dot(12.0, 7.8, 1.1),
        ],
        Icon::Plus => &[
            Line(&[(12.0, 5.0), (12.0, 19.0)]),
            Line(&[(5.0, 12.0), (19.0, 12.0)]),
        ],
        Icon::Minus => &[Line(&[(5.0, 12.0), (19.0, 12.0)])],
        Icon::Picture => &[
            Rounded(3.5, 4.5, 20.5, 19.5, 2.5),
            Circle(8.6, 9.4, 1.7),
            Line(&[
                (4.0, 17.5),
                (9.5, 13.0),
                (13.0, 16.0),
                (16.0, 13.0),
                (20.0, 16.5),
            ]),
        ],
        Icon::Recipe => &[
            Line(&[(5.0, 6.0), (19.0, 6.0)]),
            Line(&[(5.0, 11.0), (14.0, 11.0)]),
            Line(&[(5.0, 16.0), (10.0, 16.0)]),
            Line(&[(14.0, 18.0), (19.0, 13.0)]),
            Line(&[(15.0, 13.0), (19.0, 13.0), (19.0, 17.0)]),
        ],
        Icon::Keyboard => &[
            Rounded(2.5, 6.0, 21.5, 18.0, 2.5),
            Dot(7.0, 10.0, 1.0),
            Dot(12.0, 10.0, 1.0),
            Dot(17.0, 10.0, 1.0),
            Line(&[(8.0, 14.3), (16.0, 14.3)]),
        ],
        Icon::Model => &[
            Closed(&[
                (12.0, 3.0),
                (20.0, 7.5),
                (20.0, 16.5),
                (12.0, 21.0),
                (4.0, 16.5),
                (4.0, 7.5),
            ]),
            Line(&[(4.0, 7.5), (12.0, 12.0), (20.0, 7.5)]),
            Line(&[(12.0, 12.0), (12.0, 21.0)]),
        ],
        Icon::More => &[
            Dot(5.5, 12.0, 1.6),
            Dot(12.0, 12.0, 1.6),
            Dot(18.5, 12.0, 1.6),
        ],
    }
}

/// Draws `icon` in the middle of `rect`, `size` points wide.
pub fn paint(painter: &Painter, rect: Rect, size: f32, icon: Icon, colour: Color32) {
    let screen_from_icon =
        |(x, y): (f32, f32)| -> Pos2 { rect.center() + vec2(x - 12.0, y - 12.0) * (size / 24.0) };
    let scale = size / 24.0;
    let stroke = Stroke::new((STROKE * scale).max(1.1), colour);
    for mark in marks(icon) {
        match mark {
            Line(points) => {
                rounded_line(
                    painter,
                    points.iter().copied().map(screen_from_icon).collect(),
                    stroke,
                );
            }
            Closed(points) => {
                let points = points.iter().copied().map(screen_from_icon).collect();
                painter.add(Shape::closed_line(points, stroke));
            }
            Filled(points) => {
                let points = points.iter().copied().map(screen_from_icon).collect();
                painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
            }
            Circle(x, y, radius) => {
                painter.circle_stroke(screen_from_icon((*x, *y)), radius * scale, stroke);
            }
            Dot(x, y, radius) => {
                painter.circle_filled(screen_from_icon((*x, *y)), radius * scale, colour);
            }
            Arc(x, y, radius, from, to) => {
                let n_points = 16;
                let points = (0..=n_points)
                    .map(|i| {
                        let angle = (from + (to - from) * i as f32 / n_points as f32).to_radians();
                        screen_from_icon((x + radius * angle.cos(), y + radius * angle.sin()))
                    })
                    .collect();
                rounded_line(painter, points, stroke);
            }
            Curve(points) => {
                let points = curve(points).map(screen_from_icon).collect();
                rounded_line(painter, points, stroke);
            }
            Rounded(left, top, right, bottom, radius) => {
                let rect = Rect::from_two_pos(
                    screen_from_icon((*left, *top)),
                    screen_from_icon((*right, *bottom)),
                );
                painter.rect_stroke(rect, radius * scale, stroke, egui::StrokeKind::Middle);
            }
        }
    }
}

/// Cubic curves as a polyline.
fn curve(points: &[(f32, f32)]) -> impl Iterator<Item = (f32, f32)> {
    const N_CHORDS: usize = 10;
    let start = points.first().copied();
    let pieces = (0..points.len().saturating_sub(1) / 3).map(|i| &points[3 * i..3 * i + 4]);
    let chords = pieces.flat_map(|piece| {
        (1..=N_CHORDS).map(move |i| {
            let t = i as f32 / N_CHORDS as f32;
            let rest = 1.0 - t;
            // Bernstein polynomials.
            let weights = [
                rest * rest * rest,
                3.0 * rest * rest * t,
                3.0 * rest * t * t,
                t * t * t,
            ];
            let sum = |axis: fn(&(f32, f32)) -> f32| -> f32 {
                let weighted = piece.iter().zip(weights);
                weighted.map(|(point, weight)| axis(point) * weight).sum()
            };
            (sum(|point| point.0), sum(|point| point.1))
        })
    });
    start.into_iter().chain(chords)
}

/// A polyline with round ends, which the tessellator does not draw by itself.
fn rounded_line(painter: &Painter, points: Vec<Pos2>, stroke: Stroke) {
    for end in [points.first(), points.last()].into_iter().flatten() {
        painter.circle_filled(pos2(end.x, end.y), stroke.width * 0.5, stroke.color);
    }
    painter.add(Shape::line(points, stroke));
}
