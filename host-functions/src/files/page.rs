//! Pages of a long answer: the next entries after a cursor, in an order that does not depend on the directory.
//!
//! A cursor is where the last page ended. A policy may forge one: it then sees another page of the same answer.

use std::collections::BinaryHeap;

use ansai_core::Refusal;
use ansai_core::text::{path_bytes, path_text};

use super::identity::{LONGEST_PATH, Time};

/// Entries of one page.
pub(super) const MOST: usize = 500;

/// What orders entries; the path makes it unique.
pub(super) trait Place: Ord + Sized {
    fn write(&self) -> String;
    fn read(cursor: &str) -> Option<Self>;
}

/// The smallest places after a cursor, with what is there.
pub(super) struct Page<P: Ord, T> {
    after: Option<P>,
    heap: BinaryHeap<Kept<P, T>>,
    more: bool,
}

impl<P: Place, T> Page<P, T> {
    pub(super) fn new(cursor: Option<&str>) -> Result<Self, Refusal> {
        let after = match cursor {
            Some(text) => Some(P::read(text).ok_or_else(|| Refusal::Invalid("`cursor` is not one of ours".into()))?),
            None => None,
        };
        Ok(Page { after, heap: BinaryHeap::new(), more: false })
    }

    pub(super) fn add(&mut self, place: P, what: T) {
        if self.after.as_ref().is_some_and(|after| place <= *after) {
            return;
        }
        self.heap.push(Kept { place, what });
        if self.heap.len() > MOST {
            self.heap.pop();
            self.more = true;
        }
    }

    /// In order, and the cursor for the rest, if there is a rest.
    pub(super) fn finish(self) -> (Vec<T>, Option<String>) {
        let sorted = self.heap.into_sorted_vec();
        let cursor = sorted.last().filter(|_| self.more).map(|last| last.place.write());
        (sorted.into_iter().map(|kept| kept.what).collect(), cursor)
    }
}

struct Kept<P, T> {
    place: P,
    what: T,
}

impl<P: Ord, T> PartialEq for Kept<P, T> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}
impl<P: Ord, T> Eq for Kept<P, T> {}
impl<P: Ord, T> PartialOrd for Kept<P, T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<P: Ord, T> Ord for Kept<P, T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

/// Oldest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByAge(pub(super) Time, pub(super) Vec<u8>);

impl Place for ByAge {
    fn write(&self) -> String {
        format!("{}.{}:{}", self.0.0, self.0.1, path_text(&self.1))
    }

    fn read(cursor: &str) -> Option<Self> {
        let (time, path) = cursor.split_once(':')?;
        let (seconds, nanos) = time.split_once('.')?;
        Some(ByAge(Time(seconds.parse().ok()?, nanos.parse().ok()?), short(path)?))
    }
}

/// Largest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BySize(pub(super) std::cmp::Reverse<u64>, pub(super) Vec<u8>);

impl Place for BySize {
    fn write(&self) -> String {
        format!("{}:{}", self.0.0, path_text(&self.1))
    }

    fn read(cursor: &str) -> Option<Self> {
        let (bytes, path) = cursor.split_once(':')?;
        Some(BySize(std::cmp::Reverse(bytes.parse().ok()?), short(path)?))
    }
}

fn short(path: &str) -> Option<Vec<u8>> {
    path_bytes(path).filter(|path| path.len() <= LONGEST_PATH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut page = Page::<ByAge, u32>::new(cursor.as_deref()).unwrap();
            for n in (0..1200_u32).rev() {
                page.add(ByAge(Time(i64::from(n / 7), 0), format!("\u{1b}{n:05}\\").into_bytes()), n);
            }
            let (entries, next) = page.finish();
            assert!(entries.len() <= MOST);
            seen.extend(entries);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..1200).collect::<Vec<_>>());
    }

    #[test]
    fn forged_cursors_are_refused_or_harmless() {
        for cursor in ["", "x", "1:a", "1.x:a", ":", "1.1", "1.1:\\q"] {
            assert!(Page::<ByAge, ()>::new(Some(cursor)).is_err(), "{cursor}");
        }
        for cursor in ["", "-1:a", "1", "1:\\x"] {
            assert!(Page::<BySize, ()>::new(Some(cursor)).is_err(), "{cursor}");
        }
        assert!(Page::<BySize, ()>::new(Some("1:../../etc")).is_ok());
    }
}
