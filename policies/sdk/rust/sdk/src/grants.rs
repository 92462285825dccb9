//! The operator's grants.

use crate::Json;

/// The grants of this instance, see [`Host::grants`](crate::Host::grants). A policy that reads them can avoid proposals
/// that would be denied, and can say which grant is missing.
///
/// ```
/// use ansai_sdk::Grants;
///
/// let grants = Grants::parse(r#"{"ansai:files/files-actions": {"roots": ["/var/log"], "min_age_hours": 24}}"#);
/// assert!(grants.has("ansai:files/files-actions") && !grants.has("ansai:files/files-probe"));
/// assert_eq!(grants.texts("ansai:files/files-actions", "roots"), ["/var/log"]);
/// assert_eq!(grants.count("ansai:files/files-actions", "min_age_hours"), Some(24));
/// ```
#[derive(Debug)]
pub struct Grants(Json);

impl Grants {
    /// Reads the text of `context.scopes`. A text that is not JSON grants nothing.
    pub fn parse(json: &str) -> Grants {
        Grants(Json::parse(json).unwrap_or(Json::Null))
    }

    /// Whether an interface is granted, with any scope.
    pub fn has(&self, interface: &str) -> bool {
        self.0.get(interface).is_some()
    }

    /// A list in a scope, such as `roots`; empty if the interface is not granted or has no such list.
    pub fn texts(&self, interface: &str, name: &str) -> Vec<String> {
        let list = self.scope(interface, name).map(Json::list).unwrap_or_default();
        list.iter().filter_map(Json::text).map(str::to_owned).collect()
    }

    /// A number in a scope, such as `min_age_hours`.
    pub fn count(&self, interface: &str, name: &str) -> Option<u64> {
        self.scope(interface, name)?.count()
    }

    fn scope(&self, interface: &str, name: &str) -> Option<&Json> {
        self.0.get(interface)?.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_granted() {
        let grants = Grants::parse(r#"{"a": {"roots": ["/x", 1], "age": "old"}, "b": {}}"#);
        assert!(grants.has("a") && grants.has("b") && !grants.has("c"));
        assert_eq!(grants.texts("a", "roots"), ["/x"]);
        assert!(grants.texts("a", "age").is_empty() && grants.texts("b", "roots").is_empty());
        assert_eq!((grants.count("a", "age"), grants.count("c", "age")), (None, None));
        assert!(!Grants::parse("broken").has("a"));
    }
}
