//! A cursor: the place in a walk where it stopped, as text. It has a position for each directory from the root down, so
//! that a later walk, also in another process, continues there without reading again what came before.
//!
//! A forged cursor gives a policy no more than another part of what it may see anyway.

use ansai_core::Refusal;
use ansai_core::text::{path_bytes, path_text};

use crate::safety::names::is_name;

/// The longest cursor in bytes. A value of a policy's store can hold two of them.
const LONGEST: usize = 32 << 10;

/// Directories from the root down to where a walk stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Position(Vec<Level>);

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    /// Empty for the root.
    pub(super) name: Vec<u8>,
    /// Where reading continues in it, in the file system's own count; 0 is the beginning.
    pub(super) after: u64,
}

impl Position {
    /// Reads a cursor from a policy; `None` is the beginning.
    pub(super) fn read(cursor: Option<&str>) -> Result<Position, Refusal> {
        let Some(text) = cursor else { return Ok(Position::default()) };
        parse(text).ok_or_else(|| Refusal::Invalid("`cursor` is not a cursor of this function".into()))
    }

    pub(super) fn levels(&self) -> &[Level] {
        &self.0
    }
}

fn parse(text: &str) -> Option<Position> {
    if text.len() > LONGEST {
        return None;
    }
    let mut levels = Vec::new();
    for (depth, part) in text.split('/').enumerate() {
        let (name, after) = match part.rsplit_once(':') {
            Some((name, after)) if depth > 0 => (path_bytes(name).filter(|name| is_name(name))?, after),
            None if depth == 0 => (Vec::new(), part),
            _ => return None,
        };
        levels.push(Level { name, after: after.parse().ok()? });
    }
    Some(Position(levels))
}

/// Writes a position, from the root down.
#[derive(Debug, Default)]
pub(super) struct Writer(String);

impl Writer {
    /// Adds a level; false, and nothing is added, if the cursor would become too long.
    pub(super) fn add(&mut self, name: &[u8], after: u64) -> bool {
        let level = if self.0.is_empty() { after.to_string() } else { format!("/{}:{after}", path_text(name)) };
        let fits = self.0.len() + level.len() <= LONGEST;
        if fits {
            self.0.push_str(&level);
        }
        fits
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_position_is_refused() {
        let long = "1".repeat(LONGEST + 1);
        for text in
            ["", "x", "-1", "1/2", "1/a", "1/:2", "1/a:", "1/..:0", "1/.:0", "1//a:0", "1/\\q:0", "a:1", "1/", &long]
        {
            assert!(matches!(Position::read(Some(text)), Err(Refusal::Invalid(_))), "{text}");
        }
        assert!(Position::read(Some("1/\\x2e\\x2e:0")).is_err());
        assert!(Position::read(None).unwrap().levels().is_empty());
    }

    #[test]
    fn it_does_not_grow_without_bounds() {
        let mut writer = Writer::default();
        let added = (0..10_000).take_while(|_| writer.add(&[b'\xff'; 255], u64::MAX)).count();
        let text = writer.finish();
        assert!(added > 10 && text.len() <= LONGEST);
        assert_eq!(Position::read(Some(&text)).unwrap().levels().len(), added);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(levels in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>().prop_filter("in names", |b| !matches!(b, 0 | b'/')), 1..9), any::<u64>()),
            1..9,
        )) {
            prop_assume!(levels.iter().all(|(name, _)| is_name(name)));
            let mut writer = Writer::default();
            for (name, after) in &levels {
                prop_assert!(writer.add(name, *after));
            }
            let read = Position::read(Some(&writer.finish())).unwrap();
            for (index, (level, (name, after))) in read.levels().iter().zip(&levels).enumerate() {
                prop_assert_eq!(level.after, *after);
                prop_assert_eq!(&level.name[..], if index == 0 { &b""[..] } else { &name[..] });
            }
        }
    }
}
