//! Names of instances.

use crate::name_text::{NameText, is_its_text};
use crate::text::inert;

/// The operator's name for a policy that runs: `disk-space` of `[policy.disk-space]`.
///
/// A name has the form `[a-z][a-z0-9-]{0,62}`, so that it is safe as a file name, a unit name and a metric label. It is
/// cheap to clone, and it is a plain string in every file.
///
/// ```
/// use std::collections::BTreeMap;
/// use ansai_core::InstanceName;
/// let name: InstanceName = "disk-space".parse()?;
/// let modes = BTreeMap::from([(name, "observe")]);
/// assert_eq!(modes.get("disk-space"), Some(&"observe"));
/// assert!("Disk space".parse::<InstanceName>().is_err());
/// # Ok::<(), ansai_core::InstanceNameError>(())
/// ```
#[derive(Clone)]
pub struct InstanceName(NameText);

/// A text is not a name for an instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid name for an instance: {rule}", rule = InstanceName::RULE)]
pub struct InstanceNameError(
    /// The text, safe for terminals.
    String,
);

impl InstanceName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 63;

    /// The rule in words. Names of policies follow it too.
    pub const RULE: &str = "use lower-case letters, digits and hyphens, starting with a letter, at most 63 characters";

    /// A name in the source of ansai. In a `static` or a `const` the compiler checks it.
    ///
    /// # Panics
    /// If the text is not a valid name.
    #[expect(clippy::panic, reason = "the text is a literal: the compiler or the first test finds a wrong one")]
    pub const fn from_static(text: &'static str) -> InstanceName {
        if InstanceName::is_valid(text) {
            InstanceName(NameText::Static(text))
        } else {
            panic!("not a valid name for an instance")
        }
    }

    /// Whether a text follows the rule: `[a-z][a-z0-9-]{0,62}`.
    pub const fn is_valid(text: &str) -> bool {
        let bytes = text.as_bytes();
        let [b'a'..=b'z', rest @ ..] = bytes else { return false };
        let mut rest = rest;
        while let [byte, tail @ ..] = rest {
            if !matches!(*byte, b'a'..=b'z' | b'0'..=b'9' | b'-') {
                return false;
            }
            rest = tail;
        }
        bytes.len() <= InstanceName::MAX_BYTES
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::str::FromStr for InstanceName {
    type Err = InstanceNameError;

    fn from_str(text: &str) -> Result<Self, InstanceNameError> {
        if InstanceName::is_valid(text) {
            Ok(InstanceName(NameText::Shared(text.into())))
        } else {
            Err(InstanceNameError(inert(text, 80)))
        }
    }
}

is_its_text!(InstanceName);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::{BTreeMap, HashMap};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rule() {
        let longest = "a".repeat(InstanceName::MAX_BYTES);
        for good in ["a", "disk-space", "web1", "a-", "a--b", longest.as_str()] {
            assert_eq!(good.parse::<InstanceName>().unwrap(), good);
        }
        let long = "a".repeat(InstanceName::MAX_BYTES + 1);
        for bad in [
            "",
            "-a",
            "1a",
            "Disk",
            "diSk",
            "a_b",
            "a/b",
            "a.b",
            "a b",
            " a",
            "a\n",
            "a\0",
            "é",
            "aé",
            "a@b",
            "\u{1b}[31m",
            "a\u{202e}",
            "..",
            long.as_str(),
        ] {
            let error = bad.parse::<InstanceName>().unwrap_err().to_string();
            assert!(error.contains("is not a valid name for an instance: use lower-case letters"), "{bad:?}: {error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn maps_find_names_by_text() {
        static ONE: InstanceName = InstanceName::from_static("one");
        let ordered: BTreeMap<InstanceName, u8> = [(ONE.clone(), 1), ("two".parse().unwrap(), 2)].into();
        assert_eq!((ordered.get("one"), ordered.get("two"), ordered.get("three")), (Some(&1), Some(&2), None));
        let hashed: HashMap<InstanceName, u8> = ordered.into_iter().collect();
        assert_eq!(hashed.get(&"one".parse::<InstanceName>().unwrap()), Some(&1));
    }

    #[test]
    #[should_panic(expected = "not a valid name")]
    fn a_wrong_literal_is_found() {
        let _ = InstanceName::from_static("One");
    }

    #[test]
    fn in_files_a_name_is_a_string() {
        let name = InstanceName::from_static("one");
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""one""#);
        assert_eq!(serde_json::from_str::<InstanceName>(r#""one""#).unwrap(), name);
        let error = serde_json::from_str::<InstanceName>(r#""../one""#).unwrap_err().to_string();
        assert!(error.contains("`../one` is not a valid name"), "{error}");
        assert!(serde_json::from_str::<InstanceName>("1").is_err());
    }

    proptest! {
        #[test]
        fn what_follows_the_rule_is_read_as_it_is(one in "[a-z][a-z0-9-]{0,62}", other in "[a-z][a-z0-9-]{0,3}") {
            let (a, b): (InstanceName, InstanceName) = (one.parse().unwrap(), other.parse().unwrap());
            prop_assert_eq!(a.as_str(), &one);
            prop_assert_eq!(a.cmp(&b), one.cmp(&other));
            let json = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<InstanceName>(&json).unwrap(), a);
        }

        #[test]
        fn whatever_is_read_is_safe_as_a_file_name(text in "[a-zA-Z0-9._/-]{0,4}|\\PC{0,4}") {
            if let Ok(name) = text.parse::<InstanceName>() {
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                prop_assert!(name.as_str().starts_with(|c: char| c.is_ascii_lowercase()));
            }
        }
    }
}
