//! From a registry into the store.

use std::fs::File;
use std::time::{Duration, Instant};

use semver::VersionReq;

use crate::artifact::{MANIFEST_TYPE, MOST_DOCUMENT_BYTES};
use crate::client::{Answer, Request};
use crate::{Client, Descriptor, Digest, Manifest, Reference, RegistryError, Result, Selector, Store};

/// The most tags of a repository that are read.
const MOST_TAGS: usize = 10_000;
const MOST_TAG_BYTES: u64 = 1 << 20;
/// Registries with small pages answer a hundred tags on each.
const MOST_PAGES: usize = 100;

/// A policy whose content is in the store, without a name there yet.
#[derive(Debug)]
pub struct Fetched {
    /// The reference with the tag or digest that was found.
    pub reference: Reference,
    /// Of the manifest: the identity of the policy.
    pub manifest: Descriptor,
    /// The component.
    pub component: Descriptor,
    /// Keeps the content, which has no name yet.
    pub(crate) _busy: File,
}

impl Client {
    /// Stores the policy of this name, with every size and digest verified. It gets its name in the store by [`Store::add`],
    /// after the caller has checked the component.
    ///
    /// # Errors
    /// It is not there, is no policy, or is not what was announced; the registry misbehaves; or the store is full. Then
    /// nothing is stored partly.
    pub fn fetch(&self, reference: &Reference, store: &Store) -> Result<Fetched> {
        let busy = store.busy()?;
        let scope = format!("repository:{}:pull", reference.repository());
        let reference = match &reference.selector {
            Selector::Versions(versions) => self.highest(reference, versions)?,
            Selector::Tag(_) | Selector::Digest(_) => reference.clone(),
        };
        let (bytes, descriptor) = self.manifest(&reference, &scope)?;
        let no_policy = |problem| RegistryError::Artifact { reference: reference.to_string(), problem };
        let manifest = Manifest::parse(&bytes).map_err(no_policy)?;
        let component = manifest.component().map_err(no_policy)?.clone();
        let config = self.small(&reference, &manifest.config, &scope, self.limits().answer)?;
        manifest.check_config(&config).map_err(no_policy)?;
        if !store.has(&component)? {
            let url = self.blob_url(&reference, &component.digest);
            let mut answer = self.content(&url, &scope, &component, self.limits().content)?;
            let body = answer.body()?;
            store.put(&component, |file| body.copy(&component, file))?;
        }
        store.put_bytes(&manifest.config, &config)?;
        store.put_bytes(&descriptor, &bytes)?;
        Ok(Fetched { reference, manifest: descriptor, component, _busy: busy })
    }

    /// The highest version of a set, by its tag.
    fn highest(&self, reference: &Reference, versions: &VersionReq) -> Result<Reference> {
        self.versions(reference)?.into_iter().next().ok_or_else(|| RegistryError::NotFound {
            registry: self.registry().to_owned(),
            what: format!("version {versions} of {}", reference.repository()),
        })
    }

    /// The tags of a repository.
    pub(crate) fn tags(&self, reference: &Reference, scope: &str) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut url = self.url(&format!("{}/tags/list?n=1000", reference.repository()));
        let mut tags = Vec::new();
        let began = Instant::now();
        for _ in 0..MOST_PAGES {
            let mut answer = self.send(&Request::get(&url, scope, self.limits().together(began)))?;
            self.found(&answer, || format!("repository {}", reference.repository()))?;
            let next = answer.header("link").and_then(next_page).map(|next| self.resolve_own(next)).transpose()?;
            let bytes = answer.body()?.read("the list of tags", MOST_TAG_BYTES)?;
            let page: Page = serde_json::from_slice(&bytes)
                .map_err(|_| RegistryError::answer(self.registry(), "the list of tags cannot be read"))?;
            tags.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) if tags.len() <= MOST_TAGS => url = next,
                Some(_) => break,
                None => return Ok(tags),
            }
        }
        Err(RegistryError::answer(self.registry(), format!("more than {MOST_TAGS} tags, or pages without end")))
    }

    /// The manifest of a tag or digest.
    fn manifest(&self, reference: &Reference, scope: &str) -> Result<(Vec<u8>, Descriptor)> {
        let (name, expected) = match &reference.selector {
            Selector::Tag(tag) => (tag.clone(), None),
            Selector::Digest(digest) => (digest.to_string(), Some(digest)),
            Selector::Versions(versions) => (versions.to_string(), None),
        };
        let url = self.url(&format!("{}/manifests/{name}", reference.repository()));
        // Accepting only this type, a registry that has an index or an image under the name says so.
        let request = Request::get(&url, scope, self.limits().answer).accept(MANIFEST_TYPE);
        let mut answer = self.send(&request)?;
        self.found(&answer, || reference.to_string())?;
        let announced = answer.header("docker-content-digest").and_then(|text| text.parse::<Digest>().ok());
        let bytes = answer.body()?.read("the manifest", MOST_DOCUMENT_BYTES)?;
        let descriptor = Descriptor::of(MANIFEST_TYPE, &bytes);
        match expected.or(announced.as_ref()) {
            Some(expected) if *expected != descriptor.digest => Err(RegistryError::Digest {
                what: "the manifest".to_owned(),
                expected: expected.clone(),
                found: descriptor.digest,
            }),
            _ => Ok((bytes, descriptor)),
        }
    }

    /// Content that fits in memory.
    pub(crate) fn small(
        &self,
        reference: &Reference,
        wanted: &Descriptor,
        scope: &str,
        limit: Duration,
    ) -> Result<Vec<u8>> {
        let mut answer = self.content(&self.blob_url(reference, &wanted.digest), scope, wanted, limit)?;
        let mut bytes = Vec::new();
        answer.body()?.copy(wanted, &mut bytes).map_err(|error| {
            RegistryError::answer(self.registry(), format!("content that cannot be kept: {}", error.kind()))
        })??;
        Ok(bytes)
    }

    fn content(&self, url: &str, scope: &str, wanted: &Descriptor, limit: Duration) -> Result<Answer<'_>> {
        let answer = self.send(&Request::get(url, scope, limit))?;
        self.found(&answer, || format!("content {}", wanted.digest))?;
        Ok(answer)
    }

    /// Whether a question has an answer.
    pub(crate) fn found(&self, answer: &Answer<'_>, what: impl Fn() -> String) -> Result<()> {
        match answer.status() {
            200 => Ok(()),
            404 => Err(RegistryError::NotFound { registry: self.registry().to_owned(), what: what() }),
            _ => Err(answer.unexpected()),
        }
    }

    pub(crate) fn blob_url(&self, reference: &Reference, digest: &Digest) -> String {
        self.url(&format!("{}/blobs/{digest}", reference.repository()))
    }
}

/// `</v2/a/tags/list?last=x>; rel="next"`.
fn next_page(link: &str) -> Option<&str> {
    let (target, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("rel=\"next\"").then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_a_header() {
        assert_eq!(next_page("</v2/a/tags/list?n=1>; rel=\"next\""), Some("/v2/a/tags/list?n=1"));
        assert_eq!(next_page("</v2/a>; rel=\"prev\""), None);
        assert_eq!(next_page("nonsense"), None);
    }
}
