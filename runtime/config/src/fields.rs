//! Reads a table field by field: checks keys, types and bounds, and reports each problem with its place.

use ansai_core::Millis;
use ansai_core::codes;
use ansai_core::quantity;
use ansai_core::text::inert;

use crate::nearest;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;

/// Maximum number of unknown keys that are compared with the known ones.
const MOST_MEANT: usize = 100;

/// A table and its known keys.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
    /// The place where missing keys are reported.
    span: Span,
    /// Name of the table for messages: `` `[schedule]` ``, `the manifest`.
    place: String,
    /// Known keys that unknown keys are probably meant to be.
    meant: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Reports unknown keys as problems and skips them.
    pub(crate) fn of(node: &'n Node, place: &str, known: &[&'static str], problems: &mut Problems) -> Option<Self> {
        let Some(entries) = node.entries() else {
            problems.add(not_a_table(place, node));
            return None;
        };
        let unknown = || entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        for entry in unknown() {
            problems.add(
                Problem::error(
                    codes::UNKNOWN_KEY,
                    entry.key_span.clone(),
                    format!("unknown key `{}` in {place}", inert(&entry.key, 80)),
                )
                .maybe_hint((!problems.is_full()).then(|| nearest::hint(&entry.key, known)).flatten()),
            );
        }
        let meant = unknown()
            .take(MOST_MEANT)
            .filter_map(|entry| nearest::nearest(&entry.key, known.iter().copied()))
            .collect();
        Some(Fields { entries, span: node.span.clone(), place: place.to_owned(), meant })
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Reports one problem for all keys that are missing and not misspelt, with the lines to add.
    pub(crate) fn require(&self, lines: &[(&str, &str)], problems: &mut Problems) {
        let missing: Vec<&(&str, &str)> =
            lines.iter().filter(|(key, _)| self.get(key).is_none() && !self.meant.contains(key)).collect();
        if missing.is_empty() {
            return;
        }
        let keys: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();
        let example: Vec<&str> = missing.iter().map(|(_, line)| *line).collect();
        let keys = nearest::list(&keys).unwrap_or_default();
        problems.add(
            Problem::error(codes::MISSING_KEY, self.span.clone(), format!("{} lacks {keys}", self.place))
                .hint(format!("add, for example:\n{}", example.join("\n"))),
        );
    }

    pub(crate) fn text(&self, key: &str, most: usize, problems: &mut Problems) -> Option<&'n str> {
        let node = self.get(key)?;
        let Kind::Text(text) = &node.kind else {
            problems.add(wrong_type(key, node, "a text"));
            return None;
        };
        if text.trim().is_empty() {
            problems.add(Problem::error(codes::TEXT_LENGTH, node.span.clone(), format!("`{key}` is empty")));
            return None;
        }
        if text.len() > most {
            let message = format!("`{key}` has {} bytes, more than {most}", text.len());
            problems.add(Problem::error(codes::TEXT_LENGTH, node.span.clone(), message));
            return None;
        }
        Some(text)
    }

    pub(crate) fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        let node = self.get(key)?;
        if let Kind::Bool(yes) = node.kind {
            return Some(yes);
        }
        problems.add(wrong_type(key, node, "true or false"));
        None
    }

    /// An integer within inclusive bounds.
    pub(crate) fn number(&self, key: &str, within: (u64, u64), problems: &mut Problems) -> Option<u64> {
        let node = self.get(key)?;
        let Kind::Integer(number) = node.kind else {
            problems.add(wrong_type(key, node, "a whole number"));
            return None;
        };
        let show = |value: u64| value.to_string();
        bounded(key, node, number, within, show, problems)
    }

    /// A duration from a text such as `10m`, within inclusive bounds in milliseconds.
    pub(crate) fn duration(&self, key: &str, within: (u64, u64), problems: &mut Problems) -> Option<Millis> {
        let node = self.get(key)?;
        let Kind::Text(text) = &node.kind else {
            problems.add(
                wrong_type(key, node, "a duration")
                    .hint("write a number and a unit as a text, such as \"60s\", \"10m\" or \"1d\""),
            );
            return None;
        };
        match quantity::milliseconds(text) {
            Ok(ms) => bounded(key, node, i128::from(ms), within, quantity_ms, problems).map(Millis::new),
            Err(error) => {
                let example = "write a number and a unit, such as \"60s\", \"10m\" or \"1d\"";
                let (message, hint) = no_quantity(key, "duration", &error, example);
                problems.add(Problem::error(codes::BAD_QUANTITY, node.span.clone(), message).hint(hint));
                None
            }
        }
    }

    /// Bytes from a text such as `64MiB` or from a number, within inclusive bounds.
    pub(crate) fn size(&self, key: &str, within: (u64, u64), problems: &mut Problems) -> Option<u64> {
        let node = self.get(key)?;
        let way_out = "write a number and a unit, such as \"64MiB\", or a number of bytes";
        let bytes = match &node.kind {
            Kind::Integer(number) => *number,
            Kind::Text(text) => match quantity::bytes(text) {
                Ok(bytes) => i128::from(bytes),
                Err(error) => {
                    let (message, hint) = no_quantity(key, "size", &error, way_out);
                    problems.add(Problem::error(codes::BAD_QUANTITY, node.span.clone(), message).hint(hint));
                    return None;
                }
            },
            _ => {
                problems.add(wrong_type(key, node, "a size").hint(way_out));
                return None;
            }
        };
        bounded(key, node, bytes, within, quantity::show_bytes, problems)
    }

    /// One of a list of words.
    pub(crate) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let text = self.text(key, 100, problems)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let quoted: Vec<String> = known.iter().map(|word| format!("\"{word}\"")).collect();
            let span = self.get(key).map_or(0..0, |node| node.span.clone());
            problems.add(
                Problem::error(
                    codes::UNKNOWN_WORD,
                    span,
                    format!("`{key}` must be {}, not \"{}\"", quoted.join(" or "), inert(text, 60)),
                )
                .maybe_hint(nearest::nearest(text, known).map(|word| format!("did you mean \"{word}\"?"))),
            );
        }
        found.map(|(_, value)| *value)
    }
}

/// Splits the message of a quantity error into the message itself and the list of units, for the hint.
pub(crate) fn without_units(error: &str) -> (&str, Option<String>) {
    match error.split_once(" (known: ") {
        Some((words, units)) => (words, Some(format!("units: {}", units.trim_end_matches(')')))),
        None => (error, None),
    }
}

/// Message and hint for a text that is not a quantity.
pub(crate) fn no_quantity(name: &str, what: &str, error: &quantity::QuantityError, example: &str) -> (String, String) {
    let error = error.to_string();
    let (words, units) = without_units(&error);
    let hint: Vec<String> = std::iter::once(example.to_owned()).chain(units).collect();
    (format!("`{name}` is not a {what}: {words}"), hint.join("\n"))
}

/// The problem that a value should be a table.
pub(crate) fn not_a_table(place: &str, node: &Node) -> Problem {
    Problem::error(codes::WRONG_TYPE, node.span.clone(), format!("{place} must be a table, not {}", node.what()))
}

pub(crate) fn wrong_type(key: &str, node: &Node, expected: &str) -> Problem {
    Problem::error(codes::WRONG_TYPE, node.span.clone(), format!("`{key}` must be {expected}, not {}", node.what()))
}

/// Formats milliseconds for people. Zero has no larger unit.
pub(crate) fn quantity_ms(ms: u64) -> String {
    if ms == 0 { "0 s".to_owned() } else { quantity::show_milliseconds(ms) }
}

fn bounded(
    key: &str,
    node: &Node,
    value: i128,
    (least, most): (u64, u64),
    show: fn(u64) -> String,
    problems: &mut Problems,
) -> Option<u64> {
    let found = u64::try_from(value).ok().filter(|value| (least..=most).contains(value));
    if found.is_none() {
        let shown = u64::try_from(value).map_or_else(|_| value.to_string(), show);
        problems.add(Problem::error(
            codes::OUT_OF_RANGE,
            node.span.clone(),
            format!("`{key}` is {shown}, but must be from {} to {}", show(least), show(most)),
        ));
    }
    found
}
