use super::*;

#[test]
fn what_is_written_across_tiles_is_read_back() {
    let mut plane = Tiles::<u8>::default();
    let rect = PixelRect::new(-3, 250, 300, 10);
    let pixels: Vec<u8> = (0..3000_u32).map(|i| (i % 251) as u8).collect();
    plane.write(rect, &pixels);
    assert_eq!(plane.n_tiles(), 6);
    assert_eq!(plane.read(rect), pixels);
    assert_eq!(plane.pixel(-3, 250), 0);
    assert_eq!(plane.pixel(-2, 250), 1);
    assert_eq!(plane.pixel(296, 259), pixels[2999]);
    assert_eq!(plane.pixel(5000, 5000), 0);
}

#[test]
fn a_snapshot_stays_as_it_was_and_tells_what_changed() {
    let mut plane = Tiles::<[u8; 4]>::default();
    plane.write(PixelRect::new(0, 0, 300, 1), &[[9, 9, 9, 255]; 300]);
    let before = plane.clone();
    assert!(plane.changes_since(&before).is_empty());
    plane.write(PixelRect::new(256, 0, 1, 1), &[[1, 2, 3, 4]]);
    plane.write(PixelRect::new(0, 600, 1, 1), &[[1, 2, 3, 4]]);
    let mut changes = plane.changes_since(&before);
    changes.sort_by_key(|change| change.index);
    let indices: Vec<_> = changes
        .iter()
        .map(|change| (change.index.column, change.index.row))
        .collect();
    assert_eq!(indices, [(0, 2), (1, 0)]);
    assert!(changes[0].before.is_none());
    assert_eq!(before.pixel(256, 0), [9, 9, 9, 255]);
}

#[test]
fn bounds_hold_what_counts_and_empty_tiles_go() {
    let mut plane = Tiles::<u8>::default();
    assert!(plane.bounds(|value| value > 0).is_empty());
    plane.write(PixelRect::new(-10, 5, 1, 1), &[200]);
    plane.write(PixelRect::new(400, 300, 1, 1), &[3]);
    assert_eq!(
        plane.bounds(|value| value > 0),
        PixelRect::new(-10, 5, 411, 296)
    );
    assert_eq!(
        plane.bounds(|value| value > 127),
        PixelRect::new(-10, 5, 1, 1)
    );
    plane.write(PixelRect::new(400, 300, 1, 1), &[0]);
    plane.prune();
    assert_eq!(plane.n_tiles(), 1);
}
