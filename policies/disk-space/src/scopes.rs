//! What the operator granted, so that nothing is asked for that would be denied.

use serde_json::Value;

use crate::port::FILES_ACTIONS;
use crate::settings::texts;

/// An object by interface; what is not granted is absent.
#[derive(Debug)]
pub(crate) struct Scopes(Value);

impl Scopes {
    /// Text that cannot be read grants nothing.
    pub(crate) fn parse(json: &str) -> Scopes {
        Scopes(serde_json::from_str(json).unwrap_or(Value::Null))
    }

    pub(crate) fn has(&self, interface: &str) -> bool {
        self.0.get(interface).is_some()
    }

    pub(crate) fn roots(&self, interface: &str) -> Vec<String> {
        self.0.get(interface).and_then(|scope| scope.get("roots")).and_then(texts).unwrap_or_default()
    }

    /// An age that is wanted, raised to what the grant allows.
    pub(crate) fn age(&self, wanted_hours: u32) -> u32 {
        let least = self.0.get(FILES_ACTIONS).and_then(|scope| scope.get("min_age_hours")).and_then(Value::as_u64);
        wanted_hours.max(least.map_or(0, |hours| u32::try_from(hours).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_needs_and_nothing_else() {
        let scopes = Scopes::parse(
            r#"{"ansai:files/files-actions": {"roots": ["/var/log"], "min_age_hours": 48, "new": [1]}, "x": {}}"#,
        );
        assert_eq!(scopes.roots(FILES_ACTIONS), ["/var/log"]);
        assert_eq!((scopes.age(24), scopes.age(72)), (48, 72));
        assert!(scopes.has("x") && !scopes.has("y"));
        assert!(!Scopes::parse("broken").has("x"));
    }
}
