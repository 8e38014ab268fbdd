//! The boxes around a JPEG XL picture (ISO/IEC 18181-2).

const SIGNATURE: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

/// The pixels' own stream out of a file of boxes; `None` for a file that is that stream, and for one without it.
pub fn codestream(file: &[u8]) -> Option<Vec<u8>> {
    let mut rest = file.strip_prefix(SIGNATURE)?;
    let mut stream = Vec::new();
    while let Some((kind, contents, later)) = next_box(rest) {
        match &kind {
            b"jxlc" => return Some(contents.to_vec()),
            // Parts come in their order, each behind its number.
            b"jxlp" => stream.extend_from_slice(contents.get(4..)?),
            _ => {}
        }
        rest = later;
    }
    (!stream.is_empty()).then_some(stream)
}

/// Name and contents of the first box, and what is behind it.
fn next_box(file: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let (length, rest) = file.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (n_bytes, rest) = match u32::from_be_bytes(*length) {
        // To the end of the file.
        0 => (rest.len() as u64, rest),
        1 => {
            let (long, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*long).checked_sub(16)?, rest)
        }
        n_bytes => (u64::from(n_bytes).checked_sub(8)?, rest),
    };
    // The last one may be cut off: the decoder tells.
    let n_bytes = usize::try_from(n_bytes).map_or(rest.len(), |n| n.min(rest.len()));
    let (contents, later) = rest.split_at(n_bytes);
    Some((*kind, contents, later))
}
