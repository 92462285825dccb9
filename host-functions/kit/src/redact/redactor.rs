//! The redactor: scans with all rules and for all secrets, then writes the masks.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use super::automaton::Automaton;
use super::block;
use super::rules::{RULES, Rule};
use super::secrets::{MOST_SECRET, Secrets, Skipped};
use super::shape::BLOCKS;
use super::text::{Text, is_solid};

/// What replaces a secret. It has the same length for every secret.
pub const MASK: &str = "***";

/// Bytes behind a cut in which every form of a secret ends that began before it: a byte is at most `\\\\u0041`.
pub const LOOK_AHEAD: usize = 8 * MOST_SECRET;

/// After so many passes that still found something, the whole text is masked.
const MOST_PASSES: usize = 4;

/// A text without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text; borrowed if it had no secrets.
    pub text: Cow<'a, str>,
    /// How many places were masked. 0 exactly if the text is unchanged.
    pub masked: u32,
}

/// Masks secrets in texts. Cheap to clone.
///
/// `Debug` shows no secret. The secrets are wiped from memory with the last clone.
#[derive(Clone)]
pub struct Redactor {
    scanner: Arc<Scanner>,
    secrets: Option<Arc<Secrets>>,
}

/// Rules, and the search for their triggers.
struct Scanner {
    rules: Vec<&'static Rule>,
    automaton: Automaton,
    /// For each trigger: the index of the rule, and of the group in it.
    triggers: Vec<(usize, usize)>,
}

/// Built once, because it is the same for all redactors.
static SCANNER: LazyLock<Arc<Scanner>> = LazyLock::new(|| Arc::new(Scanner::new(RULES.iter().collect())));

impl Redactor {
    /// A redactor that knows the rules only.
    #[must_use]
    pub fn new() -> Redactor {
        Redactor { scanner: SCANNER.clone(), secrets: None }
    }

    /// A redactor that also masks these secrets: as they are, percent-encoded, in base64 (also inside of a longer
    /// encoded text), and escaped for JSON and shells. One line break at the end is not part of a secret. Lines of a
    /// secret with several lines are masked one by one, too.
    ///
    /// Secrets that it cannot look for are in [`Redactor::skipped`]; report them.
    #[must_use]
    pub fn with_secrets<'s>(secrets: impl IntoIterator<Item = &'s [u8]>) -> Redactor {
        Redactor { scanner: SCANNER.clone(), secrets: Secrets::new(secrets).map(Arc::new) }
    }

    /// A redactor that masks these secrets and knows no rule: for a reply that another process made.
    #[must_use]
    pub fn of_secrets<'s>(secrets: impl IntoIterator<Item = &'s [u8]>) -> Redactor {
        static NO_RULES: LazyLock<Arc<Scanner>> = LazyLock::new(|| Arc::new(Scanner::new(Vec::new())));
        Redactor { scanner: NO_RULES.clone(), secrets: Secrets::new(secrets).map(Arc::new) }
    }

    /// The given secrets that are not masked, because they are too short, for example.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        self.secrets.as_ref().map_or(&[], |secrets| &secrets.skipped)
    }

    /// Masks every secret in the text. Takes time linear in the length of the text, for any text.
    ///
    /// The result does not change if it is redacted again.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Redacted<'a> {
        self.redact_from(text, [false; BLOCKS]).0
    }

    /// The beginning of a text that is too long to look at: at most `most` bytes that do not end inside of a secret, because
    /// half a secret is not found any more. Nothing is masked yet. Looks at [`LOOK_AHEAD`] bytes more at most.
    ///
    /// ```
    /// # use ansai_kit::redact::Redactor;
    /// let redactor = Redactor::with_secrets([b"correct horse".as_slice()]);
    /// assert_eq!(redactor.beginning("it is correct horse", 10), "it is ");
    /// ```
    #[must_use]
    pub fn beginning<'a>(&self, text: &'a str, most: usize) -> &'a str {
        if text.len() <= most {
            return text;
        }
        let end = text.floor_char_boundary(most);
        let seen = text.get(..text.floor_char_boundary(most.saturating_add(LOOK_AHEAD))).unwrap_or(text);
        let (found, _) = self.scan(seen, [false; BLOCKS]);
        let cut = found.iter().find(|range| range.start < end && range.end > end);
        text.get(..cut.map_or(end, |range| range.start)).unwrap_or_default()
    }

    /// As [`Redactor::redact`] for the start and the end of a text whose middle is missing. A key block that is open at
    /// the end of the first part goes on in the last part.
    pub(crate) fn redact_ends<'a>(&self, first: &'a str, last: &'a str) -> (Redacted<'a>, Redacted<'a>) {
        let (first, open) = self.redact_from(first, [false; BLOCKS]);
        (first, self.redact_from(last, open).0)
    }

    /// As [`Redactor::redact`] for a text that begins inside of these kinds of key blocks. Also returns the kinds that
    /// are open at its end.
    pub(crate) fn redact_from<'a>(&self, text: &'a str, open: [bool; BLOCKS]) -> (Redacted<'a>, [bool; BLOCKS]) {
        let (mut found, open_after) = self.scan(text, open);
        if found.is_empty() {
            return (Redacted { text: Cow::Borrowed(text), masked: 0 }, open_after);
        }
        let mut masked: u32 = 0;
        let mut out = text.to_owned();
        // A secret may have `***` in it, so what is masked may be a secret again.
        for _ in 0..MOST_PASSES {
            masked = masked.saturating_add(u32::try_from(found.len()).unwrap_or(u32::MAX));
            out = written(&out, &found);
            found = self.scan(&out, open).0;
            if found.is_empty() {
                return (Redacted { text: Cow::Owned(out), masked }, open_after);
            }
        }
        (Redacted { text: Cow::Borrowed(MASK), masked }, open_after)
    }

    /// The places to mask, in order and apart.
    pub(crate) fn scan(&self, text: &str, open: [bool; BLOCKS]) -> (Vec<Range<usize>>, [bool; BLOCKS]) {
        let (mut found, open) = self.scanner.scan(text, open);
        if let Some(secrets) = &self.secrets {
            secrets.find(text.as_bytes(), &mut found);
        }
        (merged(found, text), open)
    }

    #[cfg(test)]
    pub(crate) fn with_rules(rules: Vec<&'static Rule>) -> Redactor {
        Redactor { scanner: Arc::new(Scanner::new(rules)), secrets: None }
    }
}

impl Default for Redactor {
    fn default() -> Redactor {
        Redactor::new()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("skipped", &self.skipped()).finish_non_exhaustive()
    }
}

impl Scanner {
    fn new(rules: Vec<&'static Rule>) -> Scanner {
        let all = || {
            rules.iter().enumerate().flat_map(|(index, rule)| {
                let groups = rule.triggers.iter().enumerate();
                groups.flat_map(move |(group, words)| words.iter().map(move |word| (word.as_bytes(), (index, group))))
            })
        };
        let automaton = Automaton::new(all().map(|(word, _)| word).collect::<Vec<_>>().into_iter(), true);
        let triggers = all().map(|(_, place)| place).collect();
        Scanner { rules, automaton, triggers }
    }

    fn scan(&self, text: &str, open: [bool; BLOCKS]) -> (Vec<Range<usize>>, [bool; BLOCKS]) {
        let bytes = text.as_bytes();
        let mut scanned = Text::new(bytes, open.map(|open| open.then_some(0)));
        // Up to where a command was read: its options are read once.
        let mut read = vec![0; self.rules.len()];
        self.automaton.find(bytes, |trigger, from, to| {
            let Some(&(index, group)) = self.triggers.get(trigger) else { return };
            let (Some(rule), Some(read)) = (self.rules.get(index), read.get_mut(index)) else { return };
            let is_exact = || {
                let word = scanned.slice(from..to);
                rule.triggers.get(group).is_some_and(|words| words.iter().any(|known| known.as_bytes() == word))
            };
            if from >= *read && (!rule.shape.is_exact() || is_exact()) {
                *read = rule.shape.apply(&mut scanned, group, from, to);
            }
        });
        let open = scanned.open.map(|open| open.is_some());
        block::finish(&mut scanned);
        (scanned.found, open)
    }
}

/// Joins ranges that overlap or touch, widens them to whole characters, and drops those with nothing to hide.
fn merged(mut found: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    for range in &mut found {
        *range = text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end.min(text.len()));
    }
    found.sort_unstable_by_key(|range| range.start);
    found.dedup_by(|next, last| {
        let joins = next.start <= last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    found.retain(|range| text.get(range.clone()).is_some_and(|part| is_solid(part.as_bytes())));
    found
}

pub(crate) fn written(text: &str, found: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(MASK);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
