//! Searches everything that a program left behind for bytes that must not be there.

use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// How a Zstandard frame begins.
const FRAME: &[u8] = b"\x28\xb5\x2f\xfd";
/// Maximum number of bytes that are read from one frame.
const MOST_UNPACKED: u64 = 1 << 30;

/// Files, directories and links below `directory`, and itself, that hold `bytes`: in the content of a file, as it is or
/// compressed with Zstandard; in the target of a link; or in a name. In byte order. Also searches for the bytes in hex
/// and as a JSON list of numbers, as programs write them that do not know that they are a text.
///
/// # Panics
/// If something cannot be read.
pub fn files_with(directory: impl AsRef<Path>, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.as_ref().to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = match path.symlink_metadata() {
            // A program that is still running has removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata.expect("it can be examined"),
        };
        let content = if metadata.is_dir() {
            waiting
                .extend(path.read_dir().expect("the directory is listed").map(|entry| entry.expect("an entry").path()));
            Vec::new()
        } else if metadata.is_symlink() {
            path.read_link().expect("a link has a target").into_os_string().as_bytes().to_owned()
        } else if metadata.is_file() {
            match std::fs::read(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                content => content.expect("the file is read"),
            }
        } else {
            Vec::new()
        };
        let name = path.file_name().unwrap_or_default().as_bytes();
        if holds(name, bytes) || holds(&content, bytes) || frames(&content).any(|unpacked| holds(&unpacked, bytes)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether a text holds the bytes, as they are or as other programs write them.
///
/// # Panics
/// If there are no bytes to search for.
pub fn holds(text: &[u8], bytes: &[u8]) -> bool {
    assert!(!bytes.is_empty(), "every text holds nothing");
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let forms = [hex::encode(bytes), hex::encode_upper(bytes), list.join(","), list.join(", ")];
    has(text, bytes) || forms.iter().any(|form| has(text, form.as_bytes()))
}

fn has(text: &[u8], bytes: &[u8]) -> bool {
    text.windows(bytes.len()).any(|part| part == bytes)
}

/// What each Zstandard frame holds, up to its first error.
fn frames(content: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let starts = content.windows(FRAME.len()).enumerate().filter(|(_, part)| *part == FRAME);
    starts.filter_map(|(at, _)| {
        let decoder = zstd::stream::read::Decoder::new(&content[at..]).ok()?;
        let mut unpacked = Vec::new();
        // A truncated frame is searched as far as it goes.
        let _ = decoder.single_frame().take(MOST_UNPACKED).read_to_end(&mut unpacked);
        Some(unpacked)
    })
}
