//! Lines of a stream, one after the other.

use super::redactor::{Redacted, Redactor};
use super::shape::BLOCKS;

/// A key block ends after so many lines, even without an END line: PEM of the largest keys in use has 200.
pub const MOST_BLOCK_LINES: u32 = 400;

/// Redacts the lines of one stream in their order, and remembers that it is inside of a key block.
///
/// A line inside of a block is masked as a whole, with what a logger put before it. The block ends at its END line, or
/// after [`MOST_BLOCK_LINES`] lines. Use one for each stream: lines of two streams that mix would end or hide each
/// other's blocks. It keeps no text.
///
/// ```
/// # use ansai_kit::redact::{Redactor, RedactLines};
/// let redactor = Redactor::new();
/// let mut lines = RedactLines::new(&redactor);
/// let mut next = |line: &str| lines.redact(line).text.into_owned();
/// assert_eq!(next(concat!("-----BEGIN RSA ", "PRIVATE KEY-----")), concat!("-----BEGIN RSA ", "PRIVATE KEY-----"));
/// assert_eq!(next("MIIEowIBAAKCAQEAx4fm"), "***");
/// assert_eq!(next(concat!("-----END RSA ", "PRIVATE KEY-----")), concat!("-----END RSA ", "PRIVATE KEY-----"));
/// assert_eq!(next("started"), "started");
/// ```
#[derive(Debug)]
pub struct RedactLines<'r> {
    redactor: &'r Redactor,
    open: [bool; BLOCKS],
    /// Lines of the open block so far.
    lines: u32,
}

impl<'r> RedactLines<'r> {
    /// At the start of a stream.
    #[must_use]
    pub fn new(redactor: &'r Redactor) -> RedactLines<'r> {
        RedactLines { redactor, open: [false; BLOCKS], lines: 0 }
    }

    /// Masks every secret in the next line. The line may have its line break.
    #[must_use]
    pub fn redact<'a>(&mut self, line: &'a str) -> Redacted<'a> {
        let was_open = self.open;
        let (redacted, open) = self.redactor.redact_from(line, was_open);
        let goes_on = was_open.iter().zip(open).any(|(&was, is)| was && is);
        self.lines = if goes_on { self.lines.saturating_add(1) } else { 0 };
        self.open = if self.lines < MOST_BLOCK_LINES { open } else { [false; BLOCKS] };
        redacted
    }

    /// Whether the next line is inside of a key block.
    #[must_use]
    pub fn is_in_block(&self) -> bool {
        self.open.contains(&true)
    }
}
