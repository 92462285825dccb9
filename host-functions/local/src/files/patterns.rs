//! Shell patterns for paths below a root.

use ansai_core::Refusal;
use ansai_core::text::inert;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::place::path;
use crate::safety::identity::Stat;

const MOST_PATTERNS: usize = 100;
const LONGEST_PATTERN: usize = 1024;
/// Maximum length of all patterns of a list together, in bytes. Matching keeps some bytes for each of them times the number
/// of patterns: within these bounds a few MiB, and beyond them hundreds.
const MOST_PATTERN_BYTES: usize = 4 << 10;

/// Fuel for each byte of a pattern, and for each pattern: about the time that compiling them takes. Together with the bound
/// on bytes, a policy can use the default fuel for a few dozen of the most expensive lists.
const FUEL_PER_BYTE: u64 = 1_000;

/// What it costs a policy that the host compiles and matches these lists.
pub(super) fn cost(globs: &[String], exclude: &[String]) -> u64 {
    let bytes = globs.iter().chain(exclude).map(|pattern| pattern.len() as u64 + 1);
    bytes.fold(0_u64, u64::saturating_add).saturating_mul(FUEL_PER_BYTE)
}

/// Compiled patterns of a policy.
struct Patterns(GlobSet);

impl Patterns {
    /// `*` and `?` do not match a `/`; `**` does.
    fn new(patterns: &[String]) -> Result<Patterns, Refusal> {
        if patterns.len() > MOST_PATTERNS {
            return Err(Refusal::Invalid(format!("{} patterns: at most {MOST_PATTERNS}", patterns.len())));
        }
        let bytes: usize = patterns.iter().map(String::len).sum();
        if patterns.len() > 1 && bytes > MOST_PATTERN_BYTES {
            let message = format!("patterns of {bytes} bytes together: at most {MOST_PATTERN_BYTES}");
            return Err(Refusal::OverBudget(message));
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
    fn match_path(&self, below: &[u8]) -> bool {
        self.0.is_match(path(below))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The files that a query or a selection is about, as far as name and size decide it. Both use it, so that what a query
/// measures is what a step selects.
pub(super) struct Wanted {
    globs: Patterns,
    exclude: Patterns,
    min_bytes: u64,
}

impl Wanted {
    pub(super) fn new(globs: &[String], exclude: &[String], min_bytes: u64) -> Result<Wanted, Refusal> {
        Ok(Wanted { globs: Patterns::new(globs)?, exclude: Patterns::new(exclude)?, min_bytes })
    }

    /// Whether this path below the root is wanted. Without globs every path is; `exclude` takes precedence.
    pub(super) fn match_path(&self, below: &[u8]) -> bool {
        (self.globs.is_empty() || self.globs.match_path(below)) && !self.exclude.match_path(below)
    }

    /// Whether it has enough allocated bytes.
    pub(super) fn is_large_enough(&self, stat: &Stat) -> bool {
        stat.bytes >= self.min_bytes
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
    fn what_is_excluded_is_not_wanted() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let is = |globs: &[&str], exclude: &[&str], path: &[u8]| {
            Wanted::new(&texts(globs), &texts(exclude), 0).unwrap().match_path(path)
        };
        assert!(is(&[], &[], b"d/a.log") && is(&["**/*.log"], &["**/*.gz"], b"d/a.log"));
        assert!(!is(&[], &["**"], b"d/a.log") && !is(&["**/*.log"], &["d/**"], b"d/a.log"));
        assert!(!is(&["d/a.log"], &["d/a.log"], b"d/a.log"), "`exclude` takes precedence");
        assert!(Wanted::new(&[], &texts(&["/etc/*"]), 0).is_err());
    }

    #[test]
    fn a_size_is_in_allocated_bytes() {
        let stat = Stat { bytes: 4096, size: 9, ..Stat::following(std::path::Path::new("/")).unwrap() };
        let is = |min_bytes| Wanted::new(&[], &[], min_bytes).unwrap().is_large_enough(&stat);
        assert!(is(0) && is(4096) && !is(4097) && !is(u64::MAX));
    }

    /// Would break: a function with patterns that is listed without their cost.
    #[test]
    fn every_call_with_patterns_costs_fuel_for_them() {
        use crate::files::{FILES_ACTIONS, FILES_PROBE};
        let what = |globs: &[&str], exclude: &[&str]| {
            serde_json::json!({ "what": {
                "root": "/", "globs": globs, "exclude": exclude, "min-age-hours": 0, "min-bytes": 0, "max-files": 0,
                "enough-bytes": 0,
            }, "keep": 1, "reason": "a" })
        };
        for function in FILES_PROBE.functions.iter().chain(FILES_ACTIONS.functions) {
            let cost = |arguments| function.body.cost(&serde_json::value::to_raw_value(&arguments).unwrap());
            if ["largest-directories", "locate", "list-deleted-open", "list-held"].contains(&function.name) {
                assert_eq!(cost(what(&["**"], &[])), 0, "{}", function.name);
                continue;
            }
            assert_eq!(cost(what(&["**/a", "b"], &["c"])), (5 + 2 + 2) * FUEL_PER_BYTE, "{}", function.name);
            let dearest = "?".repeat(MOST_PATTERN_BYTES);
            assert!(cost(what(&[&dearest], &[&dearest])) * 10 < ansai_core::Limits::default().fuel);
            assert_eq!(cost(serde_json::json!({ "what": 1 })), 0, "refused without work");
        }
    }

    #[test]
    fn bad_patterns_are_said() {
        for pattern in ["a[", "/etc/*", "{a", &"x".repeat(2000)] {
            assert!(matches!(Patterns::new(&[pattern.to_owned()]), Err(Refusal::Invalid(_))), "{pattern}");
        }
        assert!(Patterns::new(&vec!["a".to_owned(); 101]).is_err());
        let costly = vec![format!("**/*a{}", "?".repeat(900)); 100];
        assert!(matches!(Patterns::new(&costly), Err(Refusal::OverBudget(_))), "hundreds of MiB");
        assert!(
            Patterns::new(&vec!["x".repeat(1000); 4]).is_ok() && Patterns::new(&vec!["x".repeat(1000); 5]).is_err()
        );
    }
}
