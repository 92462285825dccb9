//! The operator's grants.

use crate::{Json, paths};

/// The grants of this instance, see [`Host::grants`](crate::Host::grants). A policy that reads them can avoid proposals
/// that would be denied, and can say which grant is missing.
///
/// An interface has one table or several. A call is permitted if one table permits all its arguments.
///
/// ```
/// use ansai_sdk::Grants;
///
/// let grants = Grants::parse(
///     r#"{"ansai:files/files-actions": [
///         {"roots": ["/var/log"], "min_age_hours": 720}, {"roots": ["/tmp"], "min_age_hours": 168}
///     ]}"#,
/// );
/// let actions = "ansai:files/files-actions";
/// assert!(grants.has(actions) && !grants.has("ansai:files/files-probe"));
/// assert_eq!(grants.texts(actions, "roots"), ["/var/log", "/tmp"]);
/// assert_eq!(grants.tables(actions).count(), 2);
/// assert_eq!(grants.least_within(actions, "/tmp/a", "min_age_hours"), Some(168));
/// ```
#[derive(Debug)]
pub struct Grants(Json);

/// One table of a grant.
#[derive(Debug, Clone, Copy)]
pub struct GrantTable<'a>(&'a Json);

impl Grants {
    /// Reads the text of `context.scopes`. A text that is not JSON grants nothing.
    pub fn parse(json: &str) -> Grants {
        Grants(Json::parse(json).unwrap_or(Json::Null))
    }

    /// Whether an interface is granted, with any scope.
    pub fn has(&self, interface: &str) -> bool {
        self.tables(interface).next().is_some()
    }

    /// The tables of an interface, in the operator's order; none if it is not granted.
    pub fn tables(&self, interface: &str) -> impl Iterator<Item = GrantTable<'_>> {
        self.0.get(interface).map(Json::list).unwrap_or_default().iter().map(GrantTable)
    }

    /// A list such as `roots`, of all tables together and without duplicates.
    pub fn texts(&self, interface: &str, name: &str) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for text in self.tables(interface).flat_map(|table| table.texts(name)) {
            if !all.iter().any(|known| known == text) {
                all.push(text.to_owned());
            }
        }
        all
    }

    /// The smallest value of a number such as `min_age_hours` in the tables whose `roots` contain a directory; `None` if
    /// no such table has it.
    pub fn least_within(&self, interface: &str, directory: &str, name: &str) -> Option<u64> {
        self.least(interface, name, |table| table.texts("roots").any(|root| paths::is_within(directory, root)))
    }

    /// The smallest value of a number in the tables that cover something, because any of them can permit a step; `None` if no
    /// such table has it.
    ///
    /// ```
    /// use ansai_sdk::Grants;
    ///
    /// let grants = Grants::parse(r#"{"x": [{"targets": ["a"], "keep_tags": 2}, {"targets": ["a", "b"], "keep_tags": 1}]}"#);
    /// assert_eq!(grants.least("x", "keep_tags", |table| table.texts("targets").any(|one| one == "a")), Some(1));
    /// ```
    pub fn least(&self, interface: &str, name: &str, covers: impl Fn(&GrantTable<'_>) -> bool) -> Option<u64> {
        self.tables(interface).filter(covers).filter_map(|table| table.count(name)).min()
    }
}

impl<'a> GrantTable<'a> {
    /// A list, such as `roots`; empty if the table has no such list.
    pub fn texts(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(name).map(Json::list).unwrap_or_default().iter().filter_map(Json::text)
    }

    /// A number, such as `min_age_hours`.
    pub fn count(self, name: &str) -> Option<u64> {
        self.0.get(name)?.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_granted() {
        let grants = Grants::parse(r#"{"a": [{"roots": ["/x", 1], "age": "old"}], "b": [{}], "c": [], "d": {}}"#);
        assert!(grants.has("a") && grants.has("b"));
        assert!(!grants.has("c") && !grants.has("d") && !grants.has("e"));
        assert_eq!(grants.texts("a", "roots"), ["/x"]);
        assert!(grants.texts("a", "age").is_empty() && grants.texts("b", "roots").is_empty());
        assert_eq!(grants.tables("a").map(|table| table.count("age")).collect::<Vec<_>>(), [None]);
        assert!(!Grants::parse("broken").has("a"));
    }

    #[test]
    fn a_directory_has_the_tables_that_contain_it() {
        let grants = Grants::parse(
            r#"{"a": [{"roots": ["/var"], "age": 9}, {"roots": ["/var/log", "/var"], "age": 3}, {"roots": ["/tmp"]}]}"#,
        );
        let least = |directory: &str| grants.least_within("a", directory, "age");
        assert_eq!((least("/var/log/x"), least("/var"), least("/tmp"), least("/srv")), (Some(3), Some(3), None, None));
        assert_eq!(grants.texts("a", "roots"), ["/var", "/var/log", "/tmp"]);
    }
}
