//! What is kept of a program's output.

use std::collections::VecDeque;
use std::fmt;

use crate::redact::Redactor;

/// The output of a program on one stream, without secrets: it goes into messages and the audit log. Only after
/// [`Program::unmasked_stdout`](super::Program::unmasked_stdout), standard output is as the program wrote it.
///
/// If there was too much, the first and the last part are kept, as whole lines: the rest of a cut line may be the rest
/// of a secret that nothing introduces any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// The first part, or all of it.
    pub first: String,
    /// The last part; empty if nothing was left out.
    pub last: String,
    /// How many bytes were left out between the two.
    pub omitted_bytes: u64,
    /// How many places were masked.
    pub masked: u32,
}

/// With a line that says how much is missing.
impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.first)?;
        if self.omitted_bytes > 0 {
            writeln!(formatter, "[{} bytes left out]", self.omitted_bytes)?;
        }
        formatter.write_str(&self.last)
    }
}

impl Output {
    /// The last line that has text, without spaces around it. Programs mostly say there what went wrong.
    pub fn last_line(&self) -> Option<&str> {
        let lines = self.first.lines().chain(self.last.lines());
        lines.map(str::trim).rfind(|line| !line.is_empty())
    }
}

/// Collects the start and the end of a stream.
pub(super) struct Kept {
    first: Vec<u8>,
    last: VecDeque<u8>,
    /// Most bytes of each of the two.
    half: usize,
    all: u64,
}

impl Kept {
    pub(super) fn new(most_bytes: usize) -> Kept {
        Kept { first: Vec::new(), last: VecDeque::new(), half: most_bytes / 2, all: 0 }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.all = self.all.saturating_add(bytes.len() as u64);
        let room = self.half.saturating_sub(self.first.len()).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.first.extend(first);
        let last = rest.get(rest.len().saturating_sub(self.half)..).unwrap_or_default();
        let surplus = (self.last.len() + last.len()).saturating_sub(self.half);
        self.last.drain(..surplus);
        self.last.extend(last);
    }

    pub(super) fn into_output(self, redactors: &[&Redactor]) -> Output {
        let Kept { mut first, last, half: _, all } = self;
        let mut last = Vec::from(last);
        let kept = |first: &[u8], last: &[u8]| (first.len() + last.len()) as u64;
        if kept(&first, &last) == all {
            first.append(&mut last);
        } else {
            let end = first.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            first.truncate(end);
            let start = last.iter().position(|byte| *byte == b'\n').map_or(last.len(), |end| end + 1);
            last.drain(..start);
        }
        let omitted_bytes = all.saturating_sub(kept(&first, &last));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut output = Output { first: text(&first), last: text(&last), omitted_bytes, masked: 0 };
        for redactor in redactors {
            let (first, last) = redactor.redact_ends(&output.first, &output.last);
            let masked = output.masked.saturating_add(first.masked).saturating_add(last.masked);
            output = Output { first: first.text.into(), last: last.text.into(), omitted_bytes, masked };
        }
        output
    }
}
