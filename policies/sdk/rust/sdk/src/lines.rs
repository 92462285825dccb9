//! Small states of many things in one value of the store: a line for each, with the name of the thing first.
//!
//! ```
//! use ansai_sdk::Usual;
//! use ansai_sdk::lines;
//!
//! let all = lines::read::<Usual>("get /cart 100 5000 12 0 50.000 51.000\nno state".lines());
//! assert_eq!(all.len(), 1);
//! assert_eq!(lines::write(&all), "get /cart 100 5000 12 0 50.000 51.000");
//! ```

use std::collections::BTreeMap;

/// The state of one thing as words: numbers, as a rule.
pub trait Line: Sized {
    /// How many words it has.
    const WORDS: usize;

    /// The words with spaces between them.
    fn text(&self) -> String;

    /// Reads what [`text`](Line::text) wrote; `None` if it is something else.
    fn parse(text: &str) -> Option<Self>;
}

/// Reads the states by the names of their things. A line that is something else is left out. Names may have spaces.
pub fn read<'t, L: Line>(lines: impl IntoIterator<Item = &'t str>) -> BTreeMap<String, L> {
    let one = |line: &'t str| {
        let (space, _) = line.rmatch_indices(' ').nth(L::WORDS.saturating_sub(1))?;
        let (name, words) = line.split_at(space);
        Some((name.to_owned(), L::parse(words.get(1..)?)?))
    };
    lines.into_iter().filter_map(one).collect()
}

/// Writes states, in their order. A value of the store has at most 64 KiB.
pub fn write<'l, L: Line + 'l>(all: impl IntoIterator<Item = (&'l String, &'l L)>) -> String {
    let lines: Vec<String> = all.into_iter().map(|(name, one)| [name, " ", &one.text()].concat()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weekly::Weekly;

    /// Would break: a name with spaces that is cut, or a line of another version that is a panic.
    #[test]
    fn what_is_written_is_read_again() {
        let mut week = Weekly::default();
        week.add(5, 10, 20);
        let all: BTreeMap<String, Weekly> = [("1.2 x".to_owned(), week.clone()), ("b".to_owned(), week)].into();
        assert_eq!(read(write(&all).lines()), all);
        assert_eq!(read::<Weekly>(["", "a", " ", "a 1", "a x,y", "é"]), BTreeMap::new());
    }
}
