//! Error codes: one stable [`Code`] for each kind of problem, in one list.
//!
//! A [`Code`] exists only in this list, so every code that ansai shows can be looked up. The pages that explain them are
//! in the crate `ansai-codes`; `ansai explain`, the completions of shells and `runtime/docs/codes.md` derive from both.
//!
//! ```
//! use ansai_core::codes;
//! assert_eq!(codes::find("imports-wasi"), Some(codes::IMPORTS_WASI));
//! assert_eq!(codes::IMPORTS_WASI.to_string(), "imports-wasi");
//! ```

mod area;
mod list;

pub use area::Area;
pub use list::*;

use serde::{Serialize, Serializer};

/// A word that stays the same from version to version, such as `imports-wasi`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code {
    word: &'static str,
    area: Area,
}

impl Code {
    /// The word: `imports-wasi`.
    pub fn word(self) -> &'static str {
        self.word
    }

    /// The area.
    pub fn area(self) -> Area {
        self.area
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word)
    }
}

/// All codes, by area in the order of [`Area::ALL`].
pub fn all() -> impl Iterator<Item = Code> {
    list::LIST.iter().map(|(_, code)| *code)
}

/// The code with this word.
pub fn find(word: &str) -> Option<Code> {
    all().find(|code| code.word == word)
}

#[cfg(test)]
mod tests;
