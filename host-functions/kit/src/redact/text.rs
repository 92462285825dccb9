//! A text that is scanned: its bytes, the places found, and searches that never look at a byte too often.

use std::ops::Range;

use super::shape::BLOCKS;

/// What a search forward stops at. Whether it stops at a byte depends on that byte and at most 40 bytes after it, never
/// on where the search began: so one answer serves all searches that begin before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// End of the line.
    Line,
    /// Space or control byte.
    Word,
    /// End of a value without quotes.
    Value,
    /// End of a value without quotes in JSON.
    Json,
    /// `=`
    Equals,
    /// `.`
    Dot,
    /// End of a URL. Its password may hold `,` and `;`.
    Url,
    /// `/`, `?`, `#` and the end of a URL.
    Authority,
    /// The first byte that is not of the class.
    Run(Class),
}

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// `A-Z0-9`
    Upper,
    /// `A-Za-z0-9`
    Alnum,
    /// `A-Za-z0-9_-`
    Dashed,
    /// `A-Za-z0-9._~+/=-`
    Base64,
    /// `A-Za-z0-9./$=,+_-`
    Crypt,
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Class::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Class::Alnum => byte.is_ascii_alphanumeric(),
            Class::Dashed => byte.is_ascii_alphanumeric() || b"_-".contains(&byte),
            Class::Base64 => byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte),
            Class::Crypt => byte.is_ascii_alphanumeric() || b"./$=,+_-".contains(&byte),
        }
    }
}

const STOPS: usize = 13;

impl Stop {
    fn index(self) -> usize {
        match self {
            Stop::Line => 0,
            Stop::Word => 1,
            Stop::Value => 2,
            Stop::Json => 3,
            Stop::Equals => 4,
            Stop::Dot => 5,
            Stop::Authority => 6,
            Stop::Run(Class::Upper) => 7,
            Stop::Run(Class::Alnum) => 8,
            Stop::Run(Class::Dashed) => 9,
            Stop::Run(Class::Base64) => 10,
            Stop::Run(Class::Crypt) => 11,
            Stop::Url => 12,
        }
    }
}

/// A text under scan, and what was found in it.
pub(crate) struct Text<'t> {
    bytes: &'t [u8],
    /// The last answer of each kind of search: where it began, where it ended.
    answers: [(usize, usize); STOPS],
    /// Places to mask, in the order they were found. They may overlap.
    pub(crate) found: Vec<Range<usize>>,
    /// Where the body of an unfinished key block begins, for each kind of block.
    pub(crate) open: [Option<usize>; BLOCKS],
    /// End of the last key block.
    pub(crate) closed: usize,
    /// The last `@` before the end of a URL, and that end.
    last_at: Option<(usize, Option<usize>)>,
}

impl<'t> Text<'t> {
    pub(crate) fn new(bytes: &'t [u8], open: [Option<usize>; BLOCKS]) -> Text<'t> {
        Text { bytes, answers: [(1, 0); STOPS], found: Vec::new(), open, closed: 0, last_at: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The byte there, or 0 outside of the text: it ends words and lines as well.
    pub(crate) fn at(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The byte before, or 0.
    pub(crate) fn before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(0, |at| self.at(at))
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> &'t [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    pub(crate) fn starts(&self, at: usize, with: &[u8]) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(with))
    }

    /// Remembers a place to mask.
    pub(crate) fn mask(&mut self, range: Range<usize>) {
        push(&mut self.found, range);
    }

    /// The first place from there on where the search stops, at most the end of the text.
    pub(crate) fn ahead(&mut self, stop: Stop, from: usize) -> usize {
        if let Some(&(began, ended)) = self.answers.get(stop.index())
            && (began..=ended).contains(&from)
        {
            return ended;
        }
        let end = self.bytes.len();
        let found = (from..end).find(|&at| self.stops(stop, at)).unwrap_or(end);
        if let Some(answer) = self.answers.get_mut(stop.index()) {
            *answer = (from, found);
        }
        found
    }

    /// The last `@` in `from..end`. The same `end` is searched once.
    pub(crate) fn last_at(&mut self, from: usize, end: usize) -> Option<usize> {
        let found = match self.last_at {
            Some((same, found)) if same == end => found,
            _ => self.slice(from..end).iter().rposition(|&byte| byte == b'@').map(|at| from.saturating_add(at)),
        };
        self.last_at = Some((end, found));
        found.filter(|&at| at >= from)
    }

    pub(crate) fn stops(&self, stop: Stop, at: usize) -> bool {
        let byte = self.at(at);
        match stop {
            Stop::Line => is_line_end(byte),
            Stop::Word => is_space(byte),
            Stop::Value => self.ends_value(at, byte),
            Stop::Json => is_space(byte) || b",}]".contains(&byte),
            Stop::Equals => byte == b'=',
            Stop::Dot => byte == b'.',
            Stop::Url => self.ends_url(at, byte),
            Stop::Authority => b"/?#".contains(&byte) || self.ends_url(at, byte),
            Stop::Run(class) => !class.has(byte),
        }
    }

    /// Passwords may hold any of `"',;&<`. Such a byte ends a value only if what follows looks like the next thing.
    fn ends_value(&self, at: usize, byte: u8) -> bool {
        match byte {
            _ if is_space(byte) => true,
            b'"' | b'\'' | b'`' | b'\\' => self.closes(at),
            b'&' | b';' | b',' => {
                let next = at.saturating_add(1);
                is_space(self.at(next)) && byte != b'&' || self.starts_pair(next, if byte == b'&' { 1 } else { 2 })
            }
            b'<' => self.at(at.saturating_add(1)) == b'/',
            _ => false,
        }
    }

    /// Whether closing quotes begin here: up to 8 quotes and backslashes, and then the value cannot go on.
    fn closes(&self, at: usize) -> bool {
        let is_mark = |byte: u8| b"\"'`\\".contains(&byte);
        let marks = (at..at.saturating_add(8)).take_while(|&at| is_mark(self.at(at))).count();
        let end = at.saturating_add(marks);
        let next = self.at(end);
        self.slice(at..end).iter().any(|&byte| byte != b'\\') && (is_space(next) || b",;:)]}>|&<".contains(&next))
    }

    /// A `,` in a URL ends it only if a space or another URL follows.
    fn ends_url(&self, at: usize, byte: u8) -> bool {
        if !b",;&|".contains(&byte) {
            return self.ends_value(at, byte);
        }
        let next = at.saturating_add(1);
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
        let length = (next..next.saturating_add(24)).take_while(|&at| is_scheme(self.at(at))).count();
        is_space(self.at(next)) || length > 0 && self.starts(next.saturating_add(length), b"://")
    }

    /// Whether `name=`, `"name"=` or `"name":` follow, the name with at least so many and at most 32 bytes.
    fn starts_pair(&self, at: usize, least: usize) -> bool {
        let quoted = b"\"'".contains(&self.at(at));
        let at = at.saturating_add(usize::from(quoted));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte);
        let length = (at..at.saturating_add(33)).take_while(|&at| is_name(self.at(at))).count();
        let end = at.saturating_add(length);
        let next = if quoted { self.at(end.saturating_add(1)) } else { self.at(end) };
        let closes = !quoted || b"\"'".contains(&self.at(end));
        (least..33).contains(&length)
            && self.at(at).is_ascii_alphabetic()
            && closes
            && (next == b'=' || quoted && next == b':')
    }

    /// Skips spaces and tabs.
    pub(crate) fn skip_blanks(&self, from: usize) -> usize {
        let blanks = self.bytes.get(from..).unwrap_or_default().iter();
        from.saturating_add(blanks.take_while(|byte| b" \t".contains(byte)).count())
    }
}

/// Adds a place. It joins the last one if it can, so that few are kept even if much is found.
pub(crate) fn push(found: &mut Vec<Range<usize>>, range: Range<usize>) {
    match found.last_mut() {
        _ if range.is_empty() => {}
        Some(last) if (last.start..=last.end).contains(&range.start) => last.end = last.end.max(range.end),
        _ => found.push(range),
    }
}

/// Spaces and control bytes: also the NUL between the arguments of a process.
pub(crate) fn is_space(byte: u8) -> bool {
    byte <= b' '
}

pub(crate) fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Whether these bytes look like a generated value and not like a word: at least 8 bytes with letters and digits, or
/// with an upper-case letter after a lower-case one. The first 64 bytes decide.
pub(crate) fn looks_random(bytes: &[u8]) -> bool {
    let head = bytes.get(..64).unwrap_or(bytes);
    let has = |test: fn(&u8) -> bool| head.iter().any(test);
    let turns = |pair: &[u8]| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase());
    head.len() >= 8
        && (has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit) || head.windows(2).filter(|p| turns(p)).count() > 1)
}

/// Whether there is anything to hide: something besides spaces and `*`.
pub(crate) fn is_solid(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| byte != b'*' && !byte.is_ascii_whitespace())
}
