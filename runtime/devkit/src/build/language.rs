//! The language of a policy, detected from the files in its directory.

use std::path::Path;

use super::{BuildError, storage};

/// A language that `ansai build` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Language {
    Rust,
    TypeScript,
    JavaScript,
    Python,
    C,
    Go,
}

impl Language {
    /// All languages, in the order in which messages list them.
    pub const ALL: [Language; 6] =
        [Language::Rust, Language::TypeScript, Language::JavaScript, Language::Python, Language::C, Language::Go];

    /// The name on the command line: `typescript`.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::TypeScript => "typescript",
            Language::JavaScript => "javascript",
            Language::Python => "python",
            Language::C => "c",
            Language::Go => "go",
        }
    }

    /// The file that identifies the language. If several are present, the first in [`Language::ALL`] wins.
    pub fn sign(self) -> &'static str {
        match self {
            Language::Rust => "Cargo.toml",
            Language::TypeScript => "policy.ts",
            Language::JavaScript => "policy.js",
            Language::Python => "policy.py",
            Language::C => "policy.c",
            Language::Go => "go.mod",
        }
    }

    /// The file that the author edits.
    pub fn source(self) -> &'static str {
        match self {
            Language::Rust => "src/lib.rs",
            Language::Go => "policy.go",
            Language::TypeScript | Language::JavaScript | Language::Python | Language::C => self.sign(),
        }
    }

    /// Whether the same source gives the same bytes. JavaScript and Python components are snapshots of a started
    /// engine, which differ from one start to the next.
    pub fn reproducible(self) -> bool {
        match self {
            Language::Rust | Language::C | Language::Go => true,
            Language::TypeScript | Language::JavaScript | Language::Python => false,
        }
    }

    /// Detects the language of the policy in a directory.
    ///
    /// # Errors
    /// [`BuildError::NoLanguage`] if no file identifies one.
    pub fn of(dir: &Path) -> Result<Language, BuildError> {
        let found = Language::ALL.into_iter().find(|language| storage::is_file(&dir.join(language.sign())));
        found.ok_or_else(|| BuildError::NoLanguage(dir.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    #[test]
    fn a_file_tells_the_language() {
        for language in Language::ALL {
            let dir = tempfile::tempdir().unwrap();
            assert!(matches!(Language::of(dir.path()), Err(BuildError::NoLanguage(_))));
            std::fs::write(dir.path().join(language.sign()), "").unwrap();
            assert_eq!(Language::of(dir.path()).unwrap(), language);
        }
    }
}
