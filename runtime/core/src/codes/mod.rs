//! The one list of codes: a word that stays for everything that a person can be told is wrong, with its explanation.
//!
//! A [`Code`] is made nowhere but in this list, so that whatever has one can be looked up: `ansai explain`, the
//! completions of shells and `runtime/docs/codes.md` derive from [`all`].
//!
//! ```
//! use ansai_core::codes;
//! assert_eq!(codes::find("imports-wasi"), Some(codes::IMPORTS_WASI));
//! assert_eq!(codes::IMPORTS_WASI.to_string(), "imports-wasi");
//! ```

mod building;
mod components;
mod configuration;
mod evaluations;
mod files;
mod host;
mod prose;
mod scenarios;
mod schemas;
mod settings;

pub use building::*;
pub use components::*;
pub use configuration::*;
pub use evaluations::*;
pub use files::*;
pub use host::*;
pub use scenarios::*;
pub use schemas::*;
pub use settings::*;

use serde::{Serialize, Serializer};

/// What a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Files that people write, as files.
    Files,
    /// `policy.toml`, `ansai.toml`, and what they grant.
    Configuration,
    /// Schemas of settings.
    Schemas,
    /// Settings.
    Settings,
    /// Components as they are loaded.
    Components,
    /// From sources to a component.
    Building,
    /// Scenarios.
    Scenarios,
    /// Evaluations that have no answer.
    Evaluations,
    /// The command line, the state directory, the audit log, recordings, undo.
    Host,
}

impl Area {
    /// Every area, in the order of the reference.
    pub const ALL: [Area; 9] = [
        Area::Files,
        Area::Configuration,
        Area::Schemas,
        Area::Settings,
        Area::Components,
        Area::Building,
        Area::Scenarios,
        Area::Evaluations,
        Area::Host,
    ];

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Area::Files => "Files",
            Area::Configuration => "Manifest, configuration and grants",
            Area::Schemas => "Schemas of settings",
            Area::Settings => "Settings",
            Area::Components => "Components",
            Area::Building => "Building and new policies",
            Area::Scenarios => "Scenarios",
            Area::Evaluations => "Evaluations",
            Area::Host => "Commands and state",
        }
    }
}

/// A word that stays, such as `imports-wasi`, with its explanation.
#[derive(Clone, Copy)]
pub struct Code(&'static Entry);

/// As written in the list.
struct Entry {
    word: &'static str,
    area: Area,
    title: &'static str,
    means: &'static str,
    example: &'static str,
    way_out: &'static str,
}

impl Code {
    /// `imports-wasi`.
    pub fn word(self) -> &'static str {
        self.0.word
    }

    /// What it is about.
    pub fn area(self) -> Area {
        self.0.area
    }

    /// One line, a fragment.
    pub fn title(self) -> &'static str {
        self.0.title
    }

    /// What it means, in paragraphs.
    pub fn means(self) -> Vec<String> {
        prose::paragraphs(self.0.means)
    }

    /// What provokes it: lines of a file or a command.
    pub fn example(self) -> String {
        prose::dedented(self.0.example)
    }

    /// The way out, in paragraphs.
    pub fn way_out(self) -> Vec<String> {
        prose::paragraphs(self.0.way_out)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.word() == other.word()
    }
}

impl Eq for Code {}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Every code, by area in the order of [`Area::ALL`].
pub fn all() -> impl Iterator<Item = Code> {
    let areas = [
        files::LIST,
        configuration::LIST,
        schemas::LIST,
        settings::LIST,
        components::LIST,
        building::LIST,
        scenarios::LIST,
        evaluations::LIST,
        host::LIST,
    ];
    areas.into_iter().flatten().map(|(_, code)| *code)
}

/// The code of a word.
pub fn find(word: &str) -> Option<Code> {
    all().find(|code| code.word() == word)
}

/// Constants of an area, and the list of them: what is not in the list cannot be there.
macro_rules! codes {
    ($area:ident: $($name:ident = $word:literal, $title:literal, $means:literal, $example:literal, $way_out:literal;)*) => {
        use super::{Area, Code, Entry};
        $(
            #[doc = concat!("`", $word, "`: ", $title, ".")]
            pub const $name: Code = Code(&Entry {
                word: $word,
                area: Area::$area,
                title: $title,
                means: $means,
                example: $example,
                way_out: $way_out,
            });
        )*
        /// With the names of the constants.
        pub(super) const LIST: &[(&str, Code)] = &[$((stringify!($name), $name)),*];
    };
}
use codes;

#[cfg(test)]
mod tests;
