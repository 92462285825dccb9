//! What is remembered of one file from one evaluation to the next.

use ansai_sdk::Host;

use super::key;

/// What the last check has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Verdict {
    /// There was none.
    #[default]
    None,
    Sound,
    /// The first problem.
    Damaged(String),
    /// Why there is no result.
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Memory {
    /// When the last check of each depth ended, in milliseconds since the epoch; 0 for never.
    pub(super) quick: u64,
    pub(super) full: u64,
    /// A file that was locked is not checked before; 0 if it was not.
    pub(super) not_before: u64,
    pub(super) verdict: Verdict,
    /// Since when the `-wal` file is large; 0 if it is not.
    pub(super) wal_since: u64,
    /// Who has it locked without a change, and since when.
    pub(super) holder: String,
    pub(super) held_since: u64,
}

impl Memory {
    /// A text that was not written by this version knows nothing.
    pub(super) fn recall(host: &Host, path: &str) -> Memory {
        host.recall(&key("sqlite", path)).and_then(|text| Memory::parse(&text)).unwrap_or_default()
    }

    pub(super) fn remember(&self, host: &Host, path: &str) {
        host.remember(&key("sqlite", path), &self.text());
    }

    /// A line for each field; a verdict has two, its kind and its words.
    fn text(&self) -> String {
        let (kind, words) = match &self.verdict {
            Verdict::None => ("none", ""),
            Verdict::Sound => ("sound", ""),
            Verdict::Damaged(words) => ("damaged", words.as_str()),
            Verdict::Unknown(words) => ("unknown", words.as_str()),
        };
        let [words, holder] = [words, &self.holder].map(|text| text.replace('\n', " "));
        let Memory { quick, full, not_before, wal_since, held_since, .. } = self;
        format!("{quick}\n{full}\n{wal_since}\n{held_since}\n{kind}\n{words}\n{holder}\n{not_before}")
    }

    fn parse(text: &str) -> Option<Memory> {
        let mut lines = text.split('\n');
        let mut number = || lines.next()?.parse().ok();
        let (quick, full, wal_since, held_since) = (number()?, number()?, number()?, number()?);
        let (kind, words, holder) = (lines.next()?, lines.next()?.to_owned(), lines.next()?.to_owned());
        let not_before = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
        let verdict = match kind {
            "none" => Verdict::None,
            "sound" => Verdict::Sound,
            "damaged" => Verdict::Damaged(words),
            "unknown" => Verdict::Unknown(words),
            _ => return None,
        };
        Some(Memory { quick, full, not_before, verdict, wal_since, holder, held_since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let one = Memory {
            quick: 1,
            full: 2,
            not_before: 5,
            verdict: Verdict::Damaged("row 5 missing\nfrom index i".into()),
            wal_since: 3,
            holder: "812".into(),
            held_since: 4,
        };
        let read = Memory::parse(&one.text()).unwrap();
        assert_eq!(read.verdict, Verdict::Damaged("row 5 missing from index i".into()));
        assert_eq!((read.quick, read.full, read.wal_since, read.held_since, &*read.holder), (1, 2, 3, 4, "812"));
        assert_eq!(read.not_before, 5);
        for text in ["", "1", "1\n2\n3\n4\nother\n\n", "a\n2\n3\n4\nsound\n\n"] {
            assert_eq!(Memory::parse(text), None, "{text}");
        }
    }
}
