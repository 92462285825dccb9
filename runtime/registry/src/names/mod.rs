//! Short names such as `acme/disk-space@^1.2`: which registry and repository they stand for.

mod well_known;

use std::collections::BTreeMap;

pub use well_known::WellKnown;

use crate::{Reference, RegistryError, Result};

/// Where the policies of namespaces are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registries {
    /// By namespace: `registry.example`, or a place such as `registry.example/team`, which has the policies directly.
    pub namespaces: BTreeMap<String, String>,
    /// For all others, also with or without a place, which has the namespaces.
    pub default: Option<String>,
}

/// The short name in a source: `acme/disk-space` of `acme/disk-space@^1.2`. `None` if the source begins with a registry.
pub fn short_name(source: &str) -> Option<&str> {
    let (namespace, rest) = source.split_once('/')?;
    if crate::reference::is_host(namespace) {
        return None;
    }
    let end = rest.find([':', '@']).unwrap_or(rest.len());
    source.get(..namespace.len() + 1 + end)
}

/// The names of a source by which rules of trust cover it: the full one, and the short one if it has one.
pub fn names_of(source: &str, reference: &Reference) -> Vec<String> {
    let full = format!("{}/{}", reference.registry(), reference.repository());
    std::iter::once(full).chain(short_name(source).map(str::to_owned)).collect()
}

impl Registries {
    /// The full reference of a source. `ask` gets the document of a registry that says where its namespaces are.
    ///
    /// # Errors
    /// It is not a reference, its namespace leads nowhere, or `ask` fails.
    pub fn resolve(&self, source: &str, ask: impl FnOnce(&str) -> Result<Option<WellKnown>>) -> Result<Reference> {
        let Some(short) = short_name(source) else { return source.parse() };
        let (namespace, name) = short.split_once('/').unwrap_or_default();
        let bad = |why: &str| RegistryError::reference(source, why);
        let is_namespace = |text: &str| {
            let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !text.is_empty() && text.len() <= 64 && text.bytes().all(is_known) && !text.starts_with('-')
        };
        if !is_namespace(namespace) || name.is_empty() || name.contains('/') {
            return Err(bad("a short name is NAMESPACE/NAME, and other names begin with the host of a registry"));
        }
        let selector = source.get(short.len()..).unwrap_or_default();
        let own = self.namespaces.get(namespace);
        let place = own.or(self.default.as_ref());
        let place = place.ok_or_else(|| RegistryError::Namespace { namespace: namespace.to_owned() })?;
        let found = match (place.contains('/'), own) {
            (true, Some(_)) => format!("{place}/{name}"),
            (true, None) => format!("{place}/{namespace}/{name}"),
            (false, _) => match ask(place)? {
                Some(WellKnown { registry, prefix }) => format!("{registry}/{prefix}{namespace}/{name}"),
                None => format!("{place}/{namespace}/{name}"),
            },
        };
        format!("{found}{selector}").parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn registries() -> Registries {
        let namespaces = [("acme", "registry.example/team"), ("plain", "plain.example"), ("local", "localhost:5000/x")];
        let namespaces = namespaces.map(|(name, place)| (name.to_owned(), place.to_owned())).into();
        Registries { namespaces, default: Some("all.example".to_owned()) }
    }

    #[test]
    fn a_short_name_leads_where_its_namespace_is() {
        let nobody = |_: &str| Ok(None);
        let led = |_: &str| Ok(Some(WellKnown { registry: "real.example".to_owned(), prefix: "p/".to_owned() }));
        let to = |source: &str| registries().resolve(source, nobody).unwrap().to_string();
        assert_eq!(to("acme/web@^1.2"), "registry.example/team/web@^1.2");
        assert_eq!(to("plain/web:1.0.0"), "plain.example/plain/web:1.0.0");
        assert_eq!(to("local/web:1.0.0"), "localhost:5000/x/web:1.0.0");
        assert_eq!(to("other/web:1.0.0"), "all.example/other/web:1.0.0");
        assert_eq!(to("registry.example/web:1.0.0"), "registry.example/web:1.0.0");
        let of_place = registries().resolve("acme/web:1", led).unwrap().to_string();
        assert_eq!(of_place, "registry.example/team/web:1", "a place needs no document");
        assert_eq!(registries().resolve("other/web:1", led).unwrap().to_string(), "real.example/p/other/web:1");
        let none = Registries::default();
        assert!(matches!(none.resolve("acme/web:1", nobody), Err(RegistryError::Namespace { .. })));
        for bad in
            ["acme/a/b:1", "acme/:1", "acme", "A/web:1", "-x/web:1", "../web:1", "acme/web", "acme/..@^1", "/web:1"]
        {
            assert!(registries().resolve(bad, nobody).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_for_rules_are_the_full_and_the_short_one() {
        let reference: Reference = "registry.example/team/web:1".parse().unwrap();
        assert_eq!(names_of("acme/web@^1", &reference), ["registry.example/team/web", "acme/web"]);
        assert_eq!(names_of("registry.example/team/web:1", &reference), ["registry.example/team/web"]);
        // What looks like a host is one: it never counts as a namespace.
        assert_eq!(short_name("acme.example/web:1"), None);
        assert_eq!(short_name("localhost/web:1"), None);
    }
}
