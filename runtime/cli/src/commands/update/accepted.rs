//! `NAME@VERSION`: the one version of an instance that a person accepts.

use std::fmt;
use std::str::FromStr;

use ansai_registry::{Digest, Locked};

/// A version that is accepted. A later one is another decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The instance.
    pub(super) instance: String,
    version: Option<String>,
    digest: Option<Digest>,
}

impl Accepted {
    /// Whether it is this version of one of these instances.
    pub(super) fn is_of(&self, instances: &[String], locked: &Locked) -> bool {
        instances.contains(&self.instance)
            && self.version.as_ref().is_none_or(|version| *version == locked.version)
            && self.digest.as_ref().is_none_or(|digest| *digest == locked.digest)
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.instance)?;
        self.version.iter().try_for_each(|version| write!(f, "@{version}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Accepted {
    type Err = String;

    /// `disk-space@1.3.0`, `disk-space@sha256:HEX`, or both: `disk-space@1.3.0@sha256:HEX`.
    fn from_str(text: &str) -> Result<Accepted, String> {
        let form = || "name the version: NAME@VERSION, such as `disk-space@1.3.0`, or NAME@sha256:HEX".to_owned();
        let (instance, rest) = text.split_once('@').ok_or_else(form)?;
        let (version, digest) = match rest.split_once('@') {
            Some((version, digest)) => (Some(version), Some(digest)),
            None if rest.starts_with("sha256:") => (None, Some(rest)),
            None => (Some(rest), None),
        };
        if instance.is_empty() || version.is_some_and(str::is_empty) {
            return Err(form());
        }
        let digest = digest.map(|digest| digest.parse::<Digest>().map_err(|_| form())).transpose()?;
        Ok(Accepted { instance: instance.to_owned(), version: version.map(str::to_owned), digest })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_version_is_accepted() {
        let locked = |version: &str, content: &[u8]| Locked {
            source: "registry.example/acme/web@^1".to_owned(),
            resolved: String::new(),
            digest: Digest::of(content),
            component: Digest::of(content),
            version: version.to_owned(),
            imports: Vec::new(),
            scopes: Default::default(),
            signers: Vec::new(),
        };
        let accepts = |text: &str, locked: &Locked| {
            let accepted: Accepted = text.parse().unwrap();
            accepted.is_of(&["mine".to_owned()], locked)
        };
        let (one, other) = (locked("1.2.0", b"one"), locked("1.2.0", b"other"));
        assert!(accepts("mine@1.2.0", &one) && !accepts("mine@1.2.1", &one) && !accepts("yours@1.2.0", &one));
        let digest = Digest::of(b"one").to_string();
        for text in ["mine@1.2.0".to_owned(), format!("mine@{digest}"), format!("mine@1.2.0@{digest}")] {
            assert_eq!(text.parse::<Accepted>().unwrap().to_string(), text);
        }
        for text in [format!("mine@{digest}"), format!("mine@1.2.0@{digest}")] {
            assert!(accepts(&text, &one) && !accepts(&text, &other), "{text}");
        }
        for text in ["mine", "mine@", "@1.2.0", "", "mine@sha256:zz", "mine@1.2.0@zz", "mine@@"] {
            assert!(text.parse::<Accepted>().is_err(), "{text}");
        }
    }
}
