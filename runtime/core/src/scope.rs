//! Scopes: the fields that an interface declares, a manifest requests and the operator grants.
//!
//! The scope in force is the intersection of request and grant, with every field filled in. Of two bounds, the stricter
//! one applies; of two sets, what both cover.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a field of a scope is written and how two of them intersect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// Absolute directories: what is at or below one of them. Absent means none.
    Roots,
    /// Names or shell patterns of names. Absent means none.
    Names,
    /// An upper bound of things; the smaller wins.
    MostCount,
    /// An upper bound in bytes; the smaller wins.
    MostBytes,
    /// A lower bound in hours; the larger wins.
    LeastHours,
    /// A lower bound in bytes; the larger wins.
    LeastBytes,
    /// Hours that the operator alone chooses.
    OperatorHours,
    /// Percent that the operator alone chooses.
    OperatorPercent,
}

/// One field of an interface's scope.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in `ansai.toml`: `min_age_hours`.
    pub name: &'static str,
    /// How it is read.
    pub kind: FieldKind,
    /// Value in force if neither side sets one; unused for sets.
    pub default: u64,
    /// Description for `inspect`, `--suggest-grants` and the reference.
    pub about: &'static str,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScopeValue {
    /// Roots or names, in the order written.
    Set(Vec<String>),
    /// A bound: things, bytes, hours or percent.
    Bound(u64),
}

/// Why a scope is invalid. The caller adds the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The interface has no such field.
    #[error("`{interface}` has no scope field `{field}`")]
    UnknownField {
        /// The interface.
        interface: String,
        /// The field's name as written.
        field: String,
        /// Fields of the interface.
        known: Vec<&'static str>,
    },
    /// The value has the wrong shape or is out of range.
    #[error("`{field}` {problem}")]
    Value {
        /// The field.
        field: String,
        /// The problem, as the end of a sentence.
        problem: String,
    },
}

/// The scope of one interface: in a manifest's request, in a grant, or in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(BTreeMap<String, ScopeValue>);

impl Scope {
    /// Parses a table. In a request, the text `"operator"` leaves a field to the operator.
    pub fn parse(
        interface: &str,
        fields: &[Field],
        table: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Scope, ScopeError> {
        let mut scope = BTreeMap::new();
        for (name, value) in table {
            let Some(field) = fields.iter().find(|field| field.name == name) else {
                return Err(ScopeError::UnknownField {
                    interface: interface.to_owned(),
                    field: name.clone(),
                    known: fields.iter().map(|field| field.name).collect(),
                });
            };
            if value == "operator" {
                continue;
            }
            scope.insert(name.clone(), parse_value(field, value)?);
        }
        Ok(Scope(scope))
    }

    /// The scope in force: the grant, narrowed by the request, with defaults filled in.
    pub fn in_force(fields: &[Field], asked: &Scope, granted: &Scope) -> Scope {
        Scope(fields.iter().map(|field| (field.name.to_owned(), meet(field, asked, granted))).collect())
    }

    /// The value of a set field; empty if it is absent.
    pub fn set(&self, field: &str) -> &[String] {
        match self.0.get(field) {
            Some(ScopeValue::Set(values)) => values,
            _ => &[],
        }
    }

    /// The value of a bound; `None` if it is absent.
    pub fn bound(&self, field: &str) -> Option<u64> {
        match self.0.get(field) {
            Some(ScopeValue::Bound(bound)) => Some(*bound),
            _ => None,
        }
    }

    /// All fields and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ScopeValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Adds or replaces a field.
    pub fn with(mut self, field: &str, value: ScopeValue) -> Scope {
        self.0.insert(field.to_owned(), value);
        self
    }
}

/// Whether an absolute path without `.` or `..` is a root or below it, compared by components.
pub fn is_within(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    match path.strip_prefix(root) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// Whether a path is absolute, without empty, `.` or `..` components and NUL, and has at most 4096 bytes.
pub fn is_plain_absolute(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    path.len() <= 4096
        && !path.contains('\0')
        && (rest.is_empty() || rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

fn parse_value(field: &Field, value: &serde_json::Value) -> Result<ScopeValue, ScopeError> {
    let wrong = |problem: String| ScopeError::Value { field: field.name.to_owned(), problem };
    match field.kind {
        FieldKind::Roots | FieldKind::Names => {
            let list = value.as_array().ok_or_else(|| wrong("must be a list of texts".into()))?;
            let mut set = Vec::with_capacity(list.len());
            for entry in list {
                let text = entry.as_str().ok_or_else(|| wrong("must be a list of texts".into()))?;
                // Accept only one spelling of a root: `/var/log/` becomes `/var/log`.
                let text = if text.len() > 1 { text.trim_end_matches('/') } else { text };
                if field.kind == FieldKind::Roots && !is_plain_absolute(text) {
                    return Err(wrong(format!("holds `{text}`, which is not an absolute path without `.` or `..`")));
                }
                if field.kind == FieldKind::Names && globset::Glob::new(text).is_err() {
                    return Err(wrong(format!("holds `{text}`, which is not a valid pattern")));
                }
                set.push(text.to_owned());
            }
            Ok(ScopeValue::Set(set))
        }
        FieldKind::MostBytes | FieldKind::LeastBytes => match value {
            serde_json::Value::String(text) => crate::quantity::bytes(text)
                .map(ScopeValue::Bound)
                .map_err(|error| wrong(format!("is no size: {error}"))),
            _ => whole(value).ok_or_else(|| wrong("must be a size, such as \"20GiB\"".into())),
        },
        FieldKind::OperatorPercent => match whole(value) {
            Some(ScopeValue::Bound(percent)) if percent <= 100 => Ok(ScopeValue::Bound(percent)),
            _ => Err(wrong("must be a whole number from 0 to 100".into())),
        },
        FieldKind::MostCount | FieldKind::LeastHours | FieldKind::OperatorHours => {
            whole(value).ok_or_else(|| wrong("must be a whole number, not negative".into()))
        }
    }
}

fn whole(value: &serde_json::Value) -> Option<ScopeValue> {
    value.as_u64().map(ScopeValue::Bound)
}

fn meet(field: &Field, asked: &Scope, granted: &Scope) -> ScopeValue {
    let (a, g) = (asked.bound(field.name), granted.bound(field.name));
    let bound = match field.kind {
        FieldKind::Roots => return ScopeValue::Set(meet_sets(field, asked, granted, is_within)),
        FieldKind::Names => return ScopeValue::Set(meet_sets(field, asked, granted, name_covers)),
        FieldKind::MostCount | FieldKind::MostBytes => g.unwrap_or(field.default).min(a.unwrap_or(u64::MAX)),
        FieldKind::LeastHours | FieldKind::LeastBytes => g.unwrap_or(field.default).max(a.unwrap_or(0)),
        FieldKind::OperatorHours | FieldKind::OperatorPercent => g.or(a).unwrap_or(field.default),
    };
    ScopeValue::Bound(bound)
}

/// Whether `outer` covers `inner`. A pattern is covered only by an equal one, or by one that matches its text.
fn name_covers(inner: &str, outer: &str) -> bool {
    inner == outer || globset::Glob::new(outer).is_ok_and(|glob| glob.compile_matcher().is_match(inner))
}

/// The values that both cover. A request that leaves the field to the operator covers everything.
fn meet_sets(field: &Field, asked: &Scope, granted: &Scope, covers: fn(&str, &str) -> bool) -> Vec<String> {
    let granted = granted.set(field.name);
    if !asked.0.contains_key(field.name) {
        return granted.to_vec();
    }
    let asked = asked.set(field.name);
    let narrower = granted.iter().filter(|g| asked.iter().any(|a| covers(g, a)));
    let wider = asked.iter().filter(|a| granted.iter().any(|g| covers(a, g)));
    let mut met: Vec<String> = narrower.chain(wider).cloned().collect();
    met.sort();
    met.dedup();
    met
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const FIELDS: &[Field] = &[
        Field { name: "roots", kind: FieldKind::Roots, default: 0, about: "" },
        Field { name: "units", kind: FieldKind::Names, default: 0, about: "" },
        Field { name: "max_files", kind: FieldKind::MostCount, default: 1000, about: "" },
        Field { name: "max_bytes", kind: FieldKind::MostBytes, default: 1 << 30, about: "" },
        Field { name: "min_age_hours", kind: FieldKind::LeastHours, default: 24, about: "" },
        Field { name: "undo_hours", kind: FieldKind::OperatorHours, default: 24, about: "" },
        Field { name: "level", kind: FieldKind::OperatorPercent, default: 90, about: "" },
    ];

    fn scope(value: serde_json::Value) -> Result<Scope, ScopeError> {
        Scope::parse("ansai:x/x-probe", FIELDS, value.as_object().unwrap())
    }

    #[test]
    fn intersection_is_the_stricter() {
        let asked = scope(json!({"roots": ["/var"], "max_files": 50, "min_age_hours": 48, "undo_hours": 1})).unwrap();
        let granted = scope(json!({"roots": ["/var/log/", "/srv"], "max_bytes": "2GiB", "min_age_hours": 12})).unwrap();
        let force = Scope::in_force(FIELDS, &asked, &granted);
        assert_eq!(force.set("roots"), ["/var/log"]);
        assert_eq!(force.bound("max_files"), Some(50));
        assert_eq!(force.bound("max_bytes"), Some(2 << 30));
        assert_eq!(force.bound("min_age_hours"), Some(48));
        assert_eq!(force.bound("undo_hours"), Some(1));
        let nothing = Scope::in_force(FIELDS, &asked, &Scope::default());
        assert!(nothing.set("roots").is_empty());
        let operators = scope(json!({"roots": "operator"})).unwrap();
        assert_eq!(Scope::in_force(FIELDS, &operators, &granted).set("roots"), ["/var/log", "/srv"]);
    }

    #[test]
    fn names_meet_by_pattern() {
        let asked = scope(json!({"units": ["nginx*"]})).unwrap();
        let granted = scope(json!({"units": ["nginx.service", "ssh.service"]})).unwrap();
        assert_eq!(Scope::in_force(FIELDS, &asked, &granted).set("units"), ["nginx.service"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (value, words) in [
            (json!({"rots": []}), "no scope field `rots`"),
            (json!({"roots": "/var"}), "list of texts"),
            (json!({"roots": ["var"]}), "absolute"),
            (json!({"roots": ["/var/../etc"]}), "absolute"),
            (json!({"roots": ["/var//log"]}), "absolute"),
            (json!({"max_files": -1}), "whole number"),
            (json!({"max_bytes": "5 apples"}), "no size"),
            (json!({"units": ["a["]}), "pattern"),
            (json!({"level": 101}), "from 0 to 100"),
        ] {
            let message = scope(value.clone()).unwrap_err().to_string();
            assert!(message.contains(words), "{value}: {message}");
        }
    }

    #[test]
    fn the_ends_of_what_is_right() {
        let whole = scope(json!({"roots": ["/"], "level": 100})).unwrap();
        assert_eq!(whole.set("roots"), ["/"]);
        assert_eq!(whole.bound("level"), Some(100));
        assert_eq!(whole.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["level", "roots"]);
        let more = whole.with("max_files", ScopeValue::Bound(7));
        assert_eq!((more.bound("max_files"), more.bound("level")), (Some(7), Some(100)));
        let longest = format!("/{}", "a".repeat(4095));
        assert!(is_plain_absolute(&longest) && !is_plain_absolute(&(longest + "a")));
        assert!(!is_plain_absolute("/a\0b") && !is_plain_absolute("a") && is_plain_absolute("/"));
    }

    #[test]
    fn a_prefix_of_a_name_is_not_a_root() {
        assert!(is_within("/var/log", "/var/log"));
        assert!(is_within("/var/log/a", "/var/log"));
        assert!(is_within("/anything", "/"));
        assert!(!is_within("/var/logs", "/var/log"));
        assert!(!is_within("/var", "/var/log"));
    }

    proptest! {
        #[test]
        fn nothing_in_force_that_was_not_granted(
            asked in proptest::collection::vec("(/[ab]{1,2}){1,3}", 0..4),
            granted in proptest::collection::vec("(/[ab]{1,2}){1,3}", 0..4),
            path in "(/[ab]{1,2}){1,4}",
        ) {
            let asked = scope(json!({"roots": asked})).unwrap();
            let granted = scope(json!({"roots": granted})).unwrap();
            let force = Scope::in_force(FIELDS, &asked, &granted);
            let covered = |scope: &Scope| scope.set("roots").iter().any(|root| is_within(&path, root));
            prop_assert_eq!(covered(&force), covered(&asked) && covered(&granted));
        }
    }
}
