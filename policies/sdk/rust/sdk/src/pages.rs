//! Lists that come in pages.

use crate::{Refusal, text};

/// A page of a list, as probes answer it.
pub struct Page<T> {
    /// In the order of the list.
    pub entries: Vec<T>,
    /// How many entries could not be read.
    pub skipped: u32,
    /// False if something is left out.
    pub complete: bool,
    /// Continues the list after this page.
    pub cursor: Option<String>,
}

/// Why the end of a list is missing.
pub enum End {
    /// A later page was refused.
    Refused(Refusal),
    /// The probe left something out.
    Incomplete,
    /// There are more pages than were asked for.
    More,
}

/// What was read of a list.
pub struct Listed<T> {
    /// In the order of the list.
    pub entries: Vec<T>,
    /// How many entries could not be read.
    pub skipped: u32,
    /// Why its end is missing, if it is.
    pub end: Option<End>,
}

impl<T> Listed<T> {
    /// Says why a part is missing, for a noun such as `service`; `None` if nothing is.
    pub fn missing(&self, noun: &str) -> Option<String> {
        let all = text::plural(noun);
        match &self.end {
            Some(End::Refused(refusal)) => Some(format!("the list of {all} is incomplete: {}", refusal.words())),
            Some(End::More) => Some(format!("there are more {all} than one evaluation reads")),
            _ if self.skipped > 0 => Some(format!("{} cannot be read", text::count(self.skipped.into(), noun))),
            Some(End::Incomplete) => Some(format!("the list of {all} is incomplete")),
            None => None,
        }
    }
}

/// Reads at most `most` pages. What was read before a refusal stays.
///
/// # Errors
/// The refusal of the first page.
///
/// ```
/// use ansai_sdk::pages::{Page, read};
///
/// let pages = |cursor: Option<&str>| match cursor {
///     None => Ok(Page { entries: vec!["a", "b"], skipped: 0, complete: false, cursor: Some("b".into()) }),
///     Some(_) => Ok(Page { entries: vec!["c"], skipped: 1, complete: true, cursor: None }),
/// };
/// let listed = read(10, pages).unwrap();
/// assert_eq!(listed.entries, ["a", "b", "c"]);
/// assert_eq!(listed.missing("service").as_deref(), Some("1 service cannot be read"));
/// assert_eq!(read(1, pages).unwrap().missing("service").as_deref(), Some("there are more services than one evaluation reads"));
/// ```
pub fn read<T>(
    most: usize,
    mut page: impl FnMut(Option<&str>) -> Result<Page<T>, Refusal>,
) -> Result<Listed<T>, Refusal> {
    let mut listed = Listed { entries: Vec::new(), skipped: 0, end: None };
    let mut cursor: Option<String> = None;
    for number in 0..most {
        let one = match page(cursor.as_deref()) {
            Ok(one) => one,
            Err(refusal) if number == 0 => return Err(refusal),
            Err(refusal) => {
                listed.end = Some(End::Refused(refusal));
                return Ok(listed);
            }
        };
        listed.entries.extend(one.entries);
        listed.skipped = listed.skipped.saturating_add(one.skipped);
        cursor = one.cursor;
        if cursor.is_none() {
            listed.end = (!one.complete).then_some(End::Incomplete);
            return Ok(listed);
        }
    }
    listed.end = Some(End::More);
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: what was read, lost with a later refusal; or the end of a list that counts as all of it.
    #[test]
    fn what_was_read_stays_and_what_is_missing_is_told() {
        let page = |cursor: Option<&str>, second: Result<Page<u8>, Refusal>| match cursor {
            None => Ok(Page { entries: vec![1], skipped: 0, complete: false, cursor: Some("1".into()) }),
            Some(_) => second,
        };
        let last = |skipped, complete| Ok(Page { entries: vec![2], skipped, complete, cursor: None });
        for (second, entries, missing) in [
            (last(0, true), vec![1, 2], None),
            (last(0, false), vec![1, 2], Some("the list of services is incomplete")),
            (last(2, false), vec![1, 2], Some("2 services cannot be read")),
            (
                Err(Refusal::TimedOut("slow".into())),
                vec![1],
                Some("the list of services is incomplete: timed out: slow"),
            ),
        ] {
            let mut second = Some(second);
            let listed = read(9, |cursor| match cursor {
                None => page(cursor, last(0, true)),
                Some(_) => page(cursor, second.take().unwrap_or_else(|| last(0, true))),
            });
            let listed = listed.unwrap_or_else(|_| panic!("the first page is there"));
            assert_eq!((&listed.entries, listed.missing("service").as_deref()), (&entries, missing));
        }
        assert!(read::<u8>(9, |_| Err(Refusal::Busy("b".into()))).is_err());
    }
}
