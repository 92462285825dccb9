//! What a policy is written in, told by the files beside its manifest.

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
    /// All of them, in the order in which people are told of them.
    pub const ALL: [Language; 6] =
        [Language::Rust, Language::TypeScript, Language::JavaScript, Language::Python, Language::C, Language::Go];

    /// As on the command line: `typescript`.
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

    /// The file whose presence tells the language. Of two that fit, the first of [`Language::ALL`] counts.
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

    /// The file that its author works on.
    pub fn source(self) -> &'static str {
        match self {
            Language::Rust => "src/lib.rs",
            Language::Go => "policy.go",
            Language::TypeScript | Language::JavaScript | Language::Python | Language::C => self.sign(),
        }
    }

    /// Whether the same source gives the same bytes. JavaScript and Python are snapshots of an engine that has started,
    /// which differ from one start to the next.
    pub fn reproducible(self) -> bool {
        match self {
            Language::Rust | Language::C | Language::Go => true,
            Language::TypeScript | Language::JavaScript | Language::Python => false,
        }
    }

    /// What the policy in a directory is written in.
    ///
    /// # Errors
    /// Where no file tells.
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
