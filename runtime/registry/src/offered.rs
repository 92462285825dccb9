//! The versions that a repository offers.

use std::cmp::Reverse;

use semver::Version;

use crate::reference::version_of_tag;
use crate::{Client, Reference, Result, Selector};

impl Client {
    /// The versions that a reference permits, by their tags, the highest first. A tag or a digest permits itself only.
    ///
    /// # Errors
    /// The registry cannot be asked, does not have the repository, or lists more than is read.
    pub fn versions(&self, reference: &Reference) -> Result<Vec<Reference>> {
        let Selector::Versions(versions) = &reference.selector else { return Ok(vec![reference.clone()]) };
        let mut found = self.numbered(reference)?;
        found.retain(|(version, _)| versions.matches(version));
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// All versions that a repository has a tag for, the highest first.
    ///
    /// # Errors
    /// The registry cannot be asked, does not have the repository, or lists more than is read.
    pub fn all_versions(&self, reference: &Reference) -> Result<Vec<Reference>> {
        Ok(self.numbered(reference)?.into_iter().map(|(_, found)| found).collect())
    }

    fn numbered(&self, reference: &Reference) -> Result<Vec<(Version, Reference)>> {
        let tags = self.tags(reference, &format!("repository:{}:pull", reference.repository()))?;
        let numbered = |tag: String| Some((version_of_tag(&tag)?, reference.with(Selector::Tag(tag))));
        let mut found: Vec<_> = tags.into_iter().filter_map(numbered).collect();
        found.sort_by_key(|(version, _)| Reverse(version.clone()));
        Ok(found)
    }
}

impl Reference {
    /// Whether its tag is a version above this one. What is no version is not above any.
    pub fn is_newer_than(&self, version: &str) -> bool {
        let own = self.tag().and_then(version_of_tag);
        own.zip(Version::parse(version).ok()).is_some_and(|(own, other)| own > other)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_a_higher_version_is_newer() {
        for (tag, version, is_newer) in [
            ("1.2.1", "1.2.0", true),
            ("1.2.0", "1.2.0", false),
            ("1.1.9", "1.2.0", false),
            ("1.10.0", "1.9.0", true),
            ("1.2.0-rc1", "1.2.0", false),
            ("latest", "1.2.0", false),
            ("1.2.1", "nonsense", false),
        ] {
            let reference: Reference = format!("registry.example/acme/web:{tag}").parse().unwrap();
            assert_eq!(reference.is_newer_than(version), is_newer, "{tag} {version}");
        }
    }
}
