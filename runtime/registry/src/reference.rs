//! Names of policies in registries: `REGISTRY/REPOSITORY:TAG`, `…@VERSIONS`, `…@sha256:DIGEST`.

use std::fmt;
use std::str::FromStr;

use semver::{Version, VersionReq};

use crate::{Digest, RegistryError, Result};

/// As for OCI: longer names are refused by registries, too.
const MOST_REPOSITORY: usize = 255;
const MOST_TAG: usize = 128;
const MOST_HOST: usize = 255;
/// More than a set of versions needs.
const MOST_RANGE: usize = 128;

/// Which artifact of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The tag `1.2.0`.
    Tag(String),
    /// The highest version of these: `^1.2`.
    Versions(VersionReq),
    /// Exactly this one.
    Digest(Digest),
}

/// The name of a policy in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    /// What is wanted.
    pub selector: Selector,
}

/// The tag of a version. A tag has no `+`, so it is written as `_`.
pub fn tag_of_version(version: &str) -> String {
    version.replace('+', "_")
}

/// The version that a tag stands for, if it is one. A registry can list what is no tag.
pub(crate) fn version_of_tag(tag: &str) -> Option<Version> {
    is_tag(tag).then_some(())?;
    Version::parse(&tag.replace('_', "+")).ok()
}

impl Reference {
    /// `registry.example:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// `acme/disk-space`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The last part of the repository, which is the name of the policy.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// The same repository with another selector.
    pub fn with(&self, selector: Selector) -> Reference {
        Reference { selector, ..self.clone() }
    }

    /// The tag, if that is what is wanted.
    pub fn tag(&self) -> Option<&str> {
        match &self.selector {
            Selector::Tag(tag) => Some(tag),
            Selector::Versions(_) | Selector::Digest(_) => None,
        }
    }

    /// `registry.example/acme/disk-space` of a text that names no tag, for a command that finds the tag itself.
    ///
    /// # Errors
    /// It is not a reference.
    pub fn parse_with_tag(text: &str, tag: &str) -> Result<Reference> {
        let last = text.rsplit('/').next().unwrap_or_default();
        if last.contains([':', '@']) { text.parse() } else { format!("{text}:{}", tag_of_version(tag)).parse() }
    }

    /// Checks that a component is the one that its place in the registry promises: the repository ends with the name of
    /// the policy, and a tag that is a version is its version.
    ///
    /// # Errors
    /// It is another policy or version.
    pub fn check_name(&self, tag: Option<&str>, name: &str, version: &str) -> Result<()> {
        let is_other_version = tag.is_some_and(|tag| version_of_tag(tag).is_some() && tag != tag_of_version(version));
        if self.name() != name || is_other_version {
            return Err(RegistryError::OtherPolicy {
                reference: self.to_string(),
                name: name.to_owned(),
                version: version.to_owned(),
            });
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Reference> {
        let bad = |why: &str| RegistryError::reference(text, why);
        let (registry, rest) = text.split_once('/').ok_or_else(|| bad("the registry is missing"))?;
        if !is_host(registry) {
            return Err(bad("it does not begin with the host of a registry, such as `registry.example`"));
        }
        let (repository, selector) = match (rest.split_once('@'), rest.split_once(':')) {
            (Some((repository, digest)), _) if digest.starts_with("sha256:") => {
                // `repository:tag@digest`: the digest decides.
                let repository = repository.split_once(':').map_or(repository, |(repository, _)| repository);
                (repository, Selector::Digest(digest.parse()?))
            }
            (Some((repository, range)), _) => (
                repository,
                Selector::Versions(
                    versions(range)
                        .ok_or_else(|| bad("after `@`, expected a digest or a range of versions such as `^1.2`"))?,
                ),
            ),
            (None, Some((repository, tag))) if is_tag(tag) => (repository, Selector::Tag(tag.to_owned())),
            (None, Some(_)) => return Err(bad("the tag is invalid")),
            (None, None) => return Err(bad("a tag, a range of versions or a digest is missing")),
        };
        if !is_repository(repository) {
            return Err(bad("the repository is not lower-case words that are separated by `/`"));
        }
        Ok(Reference { registry: registry.to_owned(), repository: repository.to_owned(), selector })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match &self.selector {
            Selector::Tag(tag) => write!(f, ":{tag}"),
            Selector::Versions(versions) => write!(f, "@{versions}"),
            Selector::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

fn versions(text: &str) -> Option<VersionReq> {
    (!text.is_empty() && text.len() <= MOST_RANGE).then(|| VersionReq::parse(text).ok()).flatten()
}

/// A host name or an IPv4 address, with or without a port. As with other tools, the first part is a host if it has a dot or a
/// port, or is `localhost`.
pub(crate) fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MOST_HOST
        && host.split('.').all(is_label)
        && port.is_none_or(|port| !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok())
        && (host == "localhost" || host.contains('.') || port.is_some())
}

/// Lower-case words that are separated by `/`, and within them by `.`, `_`, `__` or hyphens.
fn is_repository(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        let ends = [part.bytes().next(), part.bytes().last()];
        ends.into_iter().all(|end| end.is_some_and(is_letter))
            && part.bytes().all(|byte| is_letter(byte) || matches!(byte, b'.' | b'_' | b'-'))
            && !["..", "___", "._", "_.", "-.", ".-", "_-", "-_"].iter().any(|two| part.contains(two))
    };
    text.len() <= MOST_REPOSITORY && text.split('/').all(is_part)
}

/// Letters, digits, `_`, `.` and `-`, not at the beginning.
fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MOST_TAG
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reference_has_a_registry_a_repository_and_a_selector() {
        let digest = Digest::of(b"a").to_string();
        for text in [
            "registry.example/acme/disk-space:1.2.0",
            "localhost:5000/disk-space:latest",
            "127.0.0.1:5000/a/b/c:1.0.0-rc.1_5",
            "registry.example/acme/disk-space@^1.2",
            "registry.example/acme/disk-space@>=1.2, <3",
            &format!("registry.example/a_b/c__d/e--f.g@{digest}"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        let both: Reference = format!("registry.example/a:1@{digest}").parse().unwrap();
        assert_eq!(both.to_string(), format!("registry.example/a@{digest}"));
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        let tag = "a".repeat(129);
        for text in [
            "",
            "disk-space",
            "acme/disk-space:1",
            "registry.example/",
            "registry.example/a",
            "registry.example/a:",
            "registry.example/a@",
            "registry.example/a@sha256:00",
            "registry.example/A:1",
            "registry.example/a/../b:1",
            "registry.example/a//b:1",
            "registry.example/a%2f:1",
            "registry.example/a?b:1",
            "registry.example/a:b/c",
            "registry.example/a:1 2",
            "user@registry.example/a:1",
            "https://registry.example/a:1",
            "registry.example:0/a:1",
            "registry.example:99999/a:1",
            "registry.example:+5/a:1",
            ".example/a:1",
            "-x.example/a:1",
            "[::1]:5000/a:1",
            &format!("registry.example/a:{tag}"),
            &format!("registry.example/a@{}", ">=1,".repeat(64)),
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_component_has_the_name_and_version_of_its_place() {
        let place: Reference = "registry.example/acme/web:1.2.0".parse().unwrap();
        assert!(place.check_name(place.tag(), "web", "1.2.0").is_ok());
        assert!(place.check_name(Some("1.2.0_b"), "web", "1.2.0+b").is_ok());
        assert!(place.check_name(Some("latest"), "web", "1.3.0").is_ok());
        assert!(place.check_name(place.tag(), "web", "1.3.0").is_err());
        assert!(place.check_name(place.tag(), "other", "1.2.0").is_err());
        assert!(place.check_name(None, "other", "1.2.0").is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "\\PC{0,60}|[a-z.]{1,9}/[a-z0-9/._-]{1,20}[:@][a-z0-9.^_-]{0,9}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
            }
        }
    }
}
