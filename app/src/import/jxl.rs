//! JPEG XL.

use jxl_oxide::{
    AllocTracker, EnumColourEncoding, InitializeResult, JxlImage, RenderingIntent, color,
};

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::error::Error;
use super::input::Input;
use super::jxl_boxes;
use super::note::Note;
use super::samples::Samples;

/// What the decoder holds of each channel of a pixel at its peak: floats, twice while a filter runs.
const BYTES_PER_CHANNEL: u64 = 9;
/// Tables, and pictures so small that padding counts.
const EXTRA_BYTES: u64 = 64 << 20;
/// Bytes that are fed at once; what follows the first frame is not looked at.
const STEP_BYTES: usize = 64 << 10;

pub fn read(input: &mut Input, mut room: Room) -> Result<Imported, Error> {
    let whole_bytes = input.whole_bytes();
    let file = input.whole()?;
    let canvas = match read_stream(&file, whole_bytes, &mut room, None) {
        Err(Error::Damaged(reason)) => {
            // Boxes beside the pixels may be what is damaged.
            let pixels = jxl_boxes::codestream(&file).ok_or(Error::Damaged(reason))?;
            let bytes = whole_bytes + pixels.len() as u64;
            read_stream(&pixels, bytes, &mut room, Some(Note::ExtrasLost))
        }
        read => read,
    };
    canvas?.finish(room)
}

/// `held_bytes` are those of the file that are in memory.
fn read_stream(
    file: &[u8],
    held_bytes: u64,
    room: &mut Room,
    note: Option<Note>,
) -> Result<Canvas, Error> {
    // Raised once the size is known and its memory taken.
    let tracker = AllocTracker::with_limit(EXTRA_BYTES as usize);
    let (mut image, mut rest) = start(file, tracker.clone())?;
    let size = (image.width(), image.height());
    check_size(size)?;

    let metadata = &image.image_header().metadata;
    let bits = metadata.bit_depth.bits_per_sample();
    let is_animated = metadata.animation.is_some();
    let is_enumerated = matches!(metadata.colour_encoding, color::ColourEncoding::Enum(_));
    let n_channels = 3 + metadata.ec_info.len() as u64;
    let format = image.pixel_format();
    let is_cmyk = format.has_black();
    if is_enumerated && !is_cmyk {
        // Brightness beyond that of a screen is mapped by the decoder.
        let srgb = EnumColourEncoding::srgb(RenderingIntent::Relative);
        image.request_color_encoding(srgb);
    }
    let samples = match (format.is_grayscale(), format.has_alpha(), bits > 8) {
        _ if is_cmyk => Samples::Cmyk8,
        (true, false, false) => Samples::L8,
        (true, true, false) => Samples::La8,
        (false, false, false) => Samples::Rgb8,
        (false, true, false) => Samples::Rgba8,
        (true, false, true) => Samples::L16,
        (true, true, true) => Samples::La16,
        (false, false, true) => Samples::Rgb16,
        (false, true, true) => Samples::Rgba16,
    };
    let mut facts = Facts::new(size, samples);
    // Orientation is applied by the decoder.
    facts.icc_profile = Some(image.rendered_icc());
    if bits > 8 {
        facts.notes.push(Note::Reduced { bits });
    }
    facts.notes.extend(note);
    if is_animated {
        facts.notes.push(Note::FirstFrame);
    }
    let decoder_bytes = BYTES_PER_CHANNEL * n_channels * facts.n_pixels();
    facts.extra_bytes = EXTRA_BYTES + held_bytes + decoder_bytes;
    let mut canvas = Canvas::for_rows(facts, room)?;
    tracker.expand_limit(decoder_bytes as usize);

    while image.num_loaded_keyframes() == 0 && !rest.is_empty() {
        let (step, later) = rest.split_at(rest.len().min(STEP_BYTES));
        let n_fed = image.feed_bytes(step).map_err(Error::damaged)?;
        if n_fed == 0 && later.is_empty() {
            break;
        }
        rest = &rest[n_fed..];
    }
    if image.num_loaded_keyframes() == 0 {
        return Err(Error::CutOff);
    }
    let render = image.render_frame(0).map_err(Error::damaged)?;
    let mut stream = render.stream();
    if (stream.width(), stream.height()) != size {
        return Err(Error::damaged("its first frame has another size"));
    }
    let n_values = size.0 as usize * stream.channels() as usize;
    let n_wanted = size.0 as usize * samples.n_channels();
    for y in 0..size.1 {
        if samples.is_deep() {
            let mut row = vec![0_u16; n_values];
            stream.write_to_buffer(&mut row);
            let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_ne_bytes()).collect();
            canvas.put(0, y, &bytes);
        } else {
            let mut row = vec![0_u8; n_values];
            stream.write_to_buffer(&mut row);
            if is_cmyk {
                // Here 0 is full ink, and alpha may follow.
                let pixels = row.chunks_exact(stream.channels() as usize);
                row = pixels
                    .flat_map(|pixel| pixel[..4].iter().map(|ink| 255 - ink))
                    .collect();
            }
            row.resize(n_wanted, 0);
            canvas.put(0, y, &row);
        }
    }
    Ok(canvas)
}

/// Feeds the decoder until it knows the size. What it has not taken is left.
fn start(file: &[u8], tracker: AllocTracker) -> Result<(JxlImage, &[u8]), Error> {
    let mut rest = file;
    // Off the threads of others: a decoder that waits for work might take up another picture.
    let pool = jxl_oxide::JxlThreadPool::none();
    let mut image = JxlImage::builder()
        .pool(pool)
        .alloc_tracker(tracker)
        .build_uninit();
    loop {
        let (step, _) = rest.split_at(rest.len().min(STEP_BYTES));
        if step.is_empty() {
            return Err(Error::CutOff);
        }
        let n_fed = image.feed_bytes(step).map_err(Error::damaged)?;
        rest = &rest[n_fed..];
        match image.try_init().map_err(Error::damaged)? {
            InitializeResult::Initialized(image) => return Ok((image, rest)),
            InitializeResult::NeedMoreData(_) if n_fed == 0 => return Err(Error::CutOff),
            InitializeResult::NeedMoreData(more) => image = more,
        }
    }
}
