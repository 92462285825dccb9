//! Lists that come in pages.

use crate::context::Trigger;
use crate::{Host, Refusal, Span, text};

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
        self.missing_from(noun, "")
    }

    /// As [`missing`](Listed::missing), with words after the noun: ` of certbot`.
    pub fn missing_from(&self, noun: &str, owner: &str) -> Option<String> {
        let all = format!("{}{owner}", text::plural(noun));
        match &self.end {
            Some(End::Refused(refusal)) => Some(format!("the list of {all} is incomplete: {}", refusal.words())),
            Some(End::More) => Some(format!("there are more {all} than one evaluation reads")),
            _ if self.skipped > 0 => Some(format!("{}{owner} cannot be read", text::count(self.skipped.into(), noun))),
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

/// Asks about several things in one call, and returns one answer for each, in their order. A call that one thing makes invalid
/// or denied is repeated in halves, so that this one hides no other one.
///
/// ```
/// use ansai_sdk::Refusal;
/// use ansai_sdk::pages::each;
///
/// let ask = |some: &[u8]| match some.contains(&3) {
///     true => Err(Refusal::Denied("not 3".into())),
///     false => Ok(some.iter().map(|one| one * 2).collect()),
/// };
/// let answers = each(&[1, 2, 3, 4], &ask);
/// assert_eq!(answers.iter().map(|one| one.clone().ok()).collect::<Vec<_>>(), [Some(2), Some(4), None, Some(8)]);
/// ```
pub fn each<T, R>(things: &[T], ask: &dyn Fn(&[T]) -> Result<Vec<R>, Refusal>) -> Vec<Result<R, Refusal>> {
    let refusal = match ask(things) {
        Ok(found) if found.len() == things.len() => return found.into_iter().map(Ok).collect(),
        Ok(_) => Refusal::Other("the answer is about other things".into()),
        Err(refusal) => refusal,
    };
    let is_of_one = matches!(refusal, Refusal::Denied(_) | Refusal::Invalid(_));
    match things.split_at_checked(things.len() / 2) {
        Some((first, rest)) if is_of_one && !first.is_empty() => {
            let mut all = each(first, ask);
            all.extend(each(rest, ask));
            all
        }
        _ => things.iter().map(|_| Err(refusal.clone())).collect(),
    }
}

/// Generates functions that read lists, of at most so many pages. The last argument of the import is the cursor. The functions
/// take the [`Host`] and the other arguments and return what [`read`](crate::pages::read) does, so a unit test can answer the
/// pages.
///
/// With `by parts`, a list is longer than one evaluation reads. The function also takes the [`Part`](crate::pages::Part), see
/// [`read_part`](crate::pages::read_part), and the first argument is the place that has a list. The text after `as` begins the
/// name of the place in the store.
///
/// ```ignore
/// ansai_sdk::lists! { 40 pages;
///     /// The services that systemd has in memory.
///     "ansai:service/service-probe.list-units" => fn units(globs: &[String]) -> ServiceUnit = service_probe::list_units;
/// }
///
/// ansai_sdk::lists! { 16 pages, by parts;
///     "ansai:database/database-probe.list-indexes" =>
///         fn indexes(target: &str) -> Index = database_probe::list_indexes as "index";
/// }
///
/// let found = units(host, &settings.units).could_not_tell("services cannot be listed")?;
/// let indexes = indexes(host, "main-db", Part::Next)?;
/// ```
#[macro_export]
macro_rules! lists {
    ($most:literal pages; $(
        $(#[$doc:meta])*
        $call:literal => fn $name:ident($($argument:ident: $type:ty),*) -> $entry:ty = $import:path;
    )*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(
            host: &$crate::Host, $($argument: $type),*
        ) -> ::core::result::Result<$crate::pages::Listed<$entry>, $crate::Refusal> {
            $crate::pages::read($most, $crate::page_of!(host, $call, $import, $($argument),*))
        }
    )*};
    ($most:literal pages, by parts; $(
        $(#[$doc:meta])*
        $call:literal => fn $name:ident($place:ident: &str) -> $entry:ty = $import:path as $noun:literal;
    )*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(
            host: &$crate::Host, $place: &str, part: $crate::pages::Part
        ) -> ::core::result::Result<$crate::pages::Listed<$entry>, $crate::Refusal> {
            let name = [$noun, ":", $place].concat();
            $crate::pages::read_part(host, &name, part, $most, $crate::page_of!(host, $call, $import, $place))
        }
    )*};
}

/// Used by [`lists!`].
#[doc(hidden)]
#[macro_export]
macro_rules! page_of {
    ($host:ident, $call:literal, $import:path, $($argument:ident),*) => {
        |cursor: ::core::option::Option<&str>| {
            let page = $host.ask($call, ($($argument,)* cursor,), || $import($($argument,)* cursor))?;
            ::core::result::Result::Ok($crate::pages::Page {
                entries: page.entries,
                skipped: page.skipped,
                complete: page.complete,
                cursor: page.cursor,
            })
        }
    };
}

/// Which part of a list to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The one after that of the last evaluation. One whose store is not kept, such as a verification, reads the same one
    /// again.
    Next,
    /// That of the last evaluation: for a plan, which needs what was found there, and to follow an open finding.
    Same,
}

/// Reads a part of a list that is longer than one evaluation can read: each [`Part::Next`] continues where the last one
/// ended, and begins again after the end. `name` is where this is stored. A list that fits is read completely each time. If
/// it does not, the end of what was read is [`End::More`], also in the last part: the others were not read this time.
///
/// # Errors
/// The refusal of the first page; the next [`Part::Next`] then begins at the beginning.
pub fn read_part<T>(
    host: &Host,
    name: &str,
    part: Part,
    most: usize,
    mut page: impl FnMut(Option<&str>) -> Result<Page<T>, Refusal>,
) -> Result<Listed<T>, Refusal> {
    let place = format!("part:{name}");
    let stored = host.recall(&place).unwrap_or_default();
    let (last, next) = stored.split_once('\n').unwrap_or_default();
    let is_again = part == Part::Same || !host.keeps_what_is_stored();
    let begin = if is_again { last } else { next };
    let mut cursor = None;
    let listed = read(most, |inner| {
        let one = page(inner.or(Some(begin).filter(|begin| !begin.is_empty())))?;
        cursor.clone_from(&one.cursor);
        Ok(one)
    });
    let remember = |value: String| {
        if part == Part::Next && value != stored {
            host.remember(&place, &value);
        }
    };
    let mut listed = listed.inspect_err(|_| remember(String::new()))?;
    let end = cursor.filter(|_| matches!(listed.end, Some(End::More))).unwrap_or_default();
    let is_whole = begin.is_empty() && end.is_empty();
    if !begin.is_empty() && listed.end.is_none() {
        listed.end = Some(End::More);
    }
    remember(if is_whole { String::new() } else { format!("{begin}\n{end}") });
    Ok(listed)
}

/// Which part of a list is due that costs more than the rest; `None` if none is. The next one is due after `every`, and if a person
/// asks. While something of the list is a finding (`is_followed`), the same part is read each time, so that a plan and a
/// verification find what was found there. The time of the last [`Part::Next`] is stored under `place`.
///
/// ```
/// use ansai_sdk::pages::{Part, due};
/// use ansai_sdk::testing::StandIn;
/// use ansai_sdk::Span;
///
/// let (host, every) = (StandIn::default().host(), Span::from_hours(1));
/// assert_eq!(due(&host, "tables:main-db", every, false), Some(Part::Next));
/// assert_eq!(due(&host, "tables:main-db", every, false), None);
/// assert_eq!(due(&host, "tables:main-db", every, true), Some(Part::Same));
/// ```
pub fn due(host: &Host, place: &str, every: Span, is_followed: bool) -> Option<Part> {
    let is_next = match host.triggered_by() {
        Trigger::ByHand => true,
        Trigger::Verification => false,
        _ => !host.is_within(place, every),
    };
    if is_next {
        host.remember(place, &host.now().to_string());
        return Some(Part::Next);
    }
    is_followed.then_some(Part::Same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    /// Five things in pages of one, of which an evaluation reads two.
    fn five(host: &Host, part: Part) -> (Vec<usize>, bool) {
        let listed = read_part(host, "thing:db", part, 2, |cursor| {
            let from = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let cursor = (from < 4).then(|| (from + 1).to_string());
            Ok(Page { entries: vec![from], skipped: 0, complete: cursor.is_none(), cursor })
        });
        let listed = listed.unwrap_or_else(|_| panic!("the first page is there"));
        (listed.entries, matches!(listed.end, Some(End::More)))
    }

    /// Would break: what is behind the end of one evaluation is never seen, or a plan does not find what was found.
    #[test]
    fn each_evaluation_reads_the_next_part_and_a_plan_the_same() {
        let host = StandIn::default().host();
        for part in [vec![0, 1], vec![2, 3], vec![4], vec![0, 1], vec![2, 3]] {
            assert_eq!(five(&host, Part::Next), (part.clone(), true));
            assert_eq!(five(&host, Part::Same), (part, true));
        }
    }

    #[test]
    fn a_refused_part_begins_again_and_a_list_that_fits_stores_nothing() {
        let host = StandIn::default().remembers("part:thing:db", "0\n9").host();
        let refused = read_part::<u8>(&host, "thing:db", Part::Next, 2, |cursor| {
            assert_eq!(cursor, Some("9"));
            Err(Refusal::Invalid("not a cursor".into()))
        });
        assert!(refused.is_err());
        assert_eq!(five(&host, Part::Next).0, [0, 1]);
        let host = StandIn::default().host();
        let fits = |_: Option<&str>| Ok(Page { entries: vec![1], skipped: 0, complete: true, cursor: None });
        assert!(read_part(&host, "small", Part::Next, 2, fits).is_ok_and(|listed| listed.end.is_none()));
        assert_eq!(host.recall("part:small"), None);
    }

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
