//! Words.

use super::super::{Scope, Set, SetType, TypedField};
use crate::text::inert;

/// Words, compared as they are written: no patterns. A field can have a fixed list of them: [`TypedField::words`].
#[derive(Debug)]
pub enum Words {}

/// The longest word, in bytes.
const LONGEST: usize = 255;

impl SetType for Words {
    const SET: Set = Set {
        name: "words",
        format: "list of words",
        preposition: "with",
        things: "words",
        example: "some-word",
        member: |word, known| match check(word) {
            Err(why) => Err(format!("holds `{}`, which {why}", inert(word, 80))),
            Ok(()) if known.is_empty() || known.contains(&word) => Ok(word.to_owned()),
            Ok(()) => Err(format!("holds `{word}`, which is not one of {}", known.join(", "))),
        },
        covers: |inner, outer| inner == outer,
        argument: "a word",
        valid: |word| check(word).map_err(|why| format!("is `{}`, which {why}", inert(word, 80))),
        permits: |argument, member| argument == member,
        must: |field| format!("one of `{field}`"),
    };
}

impl Scope {
    /// Words; none where the scope lacks the field.
    pub fn words(&self, field: &TypedField<Words>) -> &[String] {
        self.members(field)
    }
}

/// A word that looks like a pattern is refused, because it would not match what its author expects.
fn check(word: &str) -> Result<(), &'static str> {
    match word {
        "" => Err("is empty"),
        _ if word.len() > LONGEST => Err("is longer than 255 bytes"),
        _ if inert(word, LONGEST) != word || word.contains(char::is_whitespace) => {
            Err("has a blank or a control character")
        }
        _ if word.contains(['*', '?', '[', ']', '{', '}']) => Err("is a pattern: write out each word"),
        _ => Ok(()),
    }
}
