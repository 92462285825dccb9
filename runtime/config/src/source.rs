//! A text with its name, for diagnostics.

use std::ops::Range;

use ansai_core::codes;

use crate::problem::Problem;

/// Maximum size of a manifest or a schema, in bytes. Both come from the policy's author, and a component carries no more.
pub const MOST_AUTHOR_BYTES: usize = 256 << 10;

/// Maximum size of a file whose format another crate knows, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// Maximum size of a host's configuration, in bytes. Ten thousand instances take about 2 MiB.
pub const MOST_HOST_BYTES: usize = 16 << 20;

/// Byte range in a source.
pub(crate) type Span = Range<usize>;

/// A named text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    /// Keeps the text even if it is too large, because the problem needs its name.
    pub(crate) fn from_text(name: &str, text: &str, most_bytes: usize) -> (Self, Option<Problem>) {
        let too_large = text.len() > most_bytes;
        let source = Source { name: name.to_owned(), text: if too_large { String::new() } else { text.to_owned() } };
        (source, too_large.then(|| too_large_problem(most_bytes)))
    }

    /// Reads bytes that should be UTF-8. If they are not, invalid parts become replacement characters.
    pub(crate) fn from_bytes(name: &str, bytes: Vec<u8>, most_bytes: usize) -> (Self, Option<Problem>) {
        if bytes.len() > most_bytes {
            let source = Source { name: name.to_owned(), text: String::new() };
            return (source, Some(too_large_problem(most_bytes)));
        }
        match String::from_utf8(bytes) {
            Ok(text) => (Source { name: name.to_owned(), text }, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let byte = error.as_bytes().get(at).copied().unwrap_or_default();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let problem = Problem::error(
                    codes::NOT_UTF_8,
                    at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
                    format!("byte 0x{byte:02x} is not valid UTF-8"),
                )
                .hint("save the file as UTF-8");
                (Source { name: name.to_owned(), text }, Some(problem))
            }
        }
    }

    /// Replaces every byte in these places by a star, so that offsets stay valid. Ends of lines stay.
    pub(crate) fn hide(&mut self, places: &[Span]) {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        for place in places {
            let hidden = bytes.get_mut(place.clone()).unwrap_or_default();
            hidden.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
        }
        // Places begin and end between characters; if one does not, its character is shown as unreadable.
        self.text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..self.boundary(offset)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// Moves the offset back to the start of a character within the text.
    pub(crate) fn boundary(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn too_large_problem(most_bytes: usize) -> Problem {
    Problem::whole(codes::FILE_TOO_LARGE, format!("larger than {} KiB", most_bytes >> 10))
        .hint("a manifest, configuration or schema is a few KiB: is this the right file?")
}
