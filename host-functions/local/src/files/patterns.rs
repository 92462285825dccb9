//! Shell patterns for paths below a root.

use ansai_core::Refusal;
use ansai_core::text::inert;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::place::path;

const MOST_PATTERNS: usize = 100;
const LONGEST_PATTERN: usize = 1024;

/// Compiled patterns of a policy.
pub(super) struct Patterns(GlobSet);

impl Patterns {
    /// `*` and `?` do not match a `/`; `**` does.
    pub(super) fn new(patterns: &[String]) -> Result<Patterns, Refusal> {
        if patterns.len() > MOST_PATTERNS {
            return Err(Refusal::Invalid(format!("{} patterns: at most {MOST_PATTERNS}", patterns.len())));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let shown = inert(pattern, 100);
            if pattern.len() > LONGEST_PATTERN {
                return Err(Refusal::Invalid(format!("pattern `{shown}` is longer than {LONGEST_PATTERN} bytes")));
            }
            if pattern.starts_with('/') {
                return Err(Refusal::Invalid(format!("pattern `{shown}` is absolute: it is matched below the root")));
            }
            let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
            set.add(glob.map_err(|error| Refusal::Invalid(format!("pattern `{shown}`: {}", error.kind())))?);
        }
        set.build().map(Patterns).map_err(|error| Refusal::Invalid(format!("patterns: {}", error.kind())))
    }

    /// Whether one of them matches this path below the root.
    pub(super) fn match_path(&self, below: &[u8]) -> bool {
        self.0.is_match(path(below))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn matches(pattern: &str, path: &[u8]) -> bool {
        Patterns::new(&[pattern.to_owned()]).unwrap().match_path(path)
    }

    #[test]
    fn patterns_are_of_paths_below_the_root() {
        assert!(matches("*.log", b"a.log") && !matches("*.log", b"d/a.log"));
        assert!(matches("**/*.log", b"a.log") && matches("**/*.log", b"d/e/a.log"));
        assert!(matches("*.log", b"\xff\n\x1b[31m.log"));
        assert!(matches("*", b"-rf") && matches("**", b"any/thing"));
    }

    #[test]
    fn bad_patterns_are_said() {
        for pattern in ["a[", "/etc/*", "{a", &"x".repeat(2000)] {
            assert!(matches!(Patterns::new(&[pattern.to_owned()]), Err(Refusal::Invalid(_))), "{pattern}");
        }
        assert!(Patterns::new(&vec!["a".to_owned(); 101]).is_err());
    }
}
