//! From this machine into a registry.

use std::collections::BTreeMap;

use ureq::http::Method;

use crate::artifact::{self, CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, MOST_DOCUMENT_BYTES};
use crate::client::Request;
use crate::{Client, Descriptor, Digest, Manifest, Reference, RegistryError, Result, tag_of_version};

/// What is published with a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The name of the policy.
    pub name: String,
    /// Its version.
    pub version: String,
    /// In one line.
    pub description: String,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The identity of the policy.
    pub digest: Digest,
    /// Whether the registry had it already.
    pub is_old: bool,
}

impl Client {
    /// Publishes a component under a tag, which must be its version. The same component gets the same digest everywhere.
    ///
    /// # Errors
    /// The name or the tag is that of another policy; the version exists with other content; or the registry refuses.
    pub fn publish(&self, reference: &Reference, component: &[u8], about: &About) -> Result<Published> {
        let tag = reference.tag().ok_or_else(|| {
            RegistryError::reference(&reference.to_string(), "to publish, write the version as the tag")
        })?;
        reference.check_name(Some(tag), &about.name, &about.version)?;
        if tag != tag_of_version(&about.version) {
            let why = format!("to publish, the tag must be the version, {}", tag_of_version(&about.version));
            return Err(RegistryError::reference(&reference.to_string(), &why));
        }
        let layer = Descriptor::of(LAYER_TYPE, component);
        let invalid = |error: serde_json::Error| RegistryError::answer(self.registry(), error.to_string());
        let config = artifact::config(&layer).map_err(invalid)?;
        let config_descriptor = Descriptor::of(CONFIG_TYPE, &config);
        let manifest = Manifest::new(config_descriptor.clone(), layer.clone(), annotations(about));
        let manifest = serde_json::to_vec(&manifest).map_err(invalid)?;
        let digest = Digest::of(&manifest);
        let scope = format!("repository:{}:pull,push", reference.repository());
        let url = self.url(&format!("{}/manifests/{tag}", reference.repository()));
        if let Some(found) = self.existing(&url, &scope)? {
            return match found == digest {
                true => Ok(Published { digest, is_old: true }),
                false => Err(RegistryError::Exists { reference: reference.to_string(), found }),
            };
        }
        for (descriptor, bytes) in [(&config_descriptor, config.as_slice()), (&layer, component)] {
            self.upload(reference, descriptor, bytes, &scope)?;
        }
        let request = Request::get(&url, &scope, self.limits().answer).method(Method::PUT);
        let answer = self.send(&request.body(&manifest, MANIFEST_TYPE))?;
        match answer.status() {
            201 => Ok(Published { digest, is_old: false }),
            _ => Err(answer.unexpected()),
        }
    }

    /// The digest of what has this tag. It is computed: a registry could say another one.
    fn existing(&self, url: &str, scope: &str) -> Result<Option<Digest>> {
        let request = Request::get(url, scope, self.limits().answer);
        let mut answer = self.send(&request.accept(&format!("{MANIFEST_TYPE}, {}, */*", artifact::INDEX_TYPE)))?;
        match answer.status() {
            404 => Ok(None),
            200 => Ok(Some(Digest::of(&answer.body()?.read("the manifest", MOST_DOCUMENT_BYTES)?))),
            _ => Err(answer.unexpected()),
        }
    }

    pub(crate) fn upload(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        bytes: &[u8],
        scope: &str,
    ) -> Result<()> {
        let url = self.blob_url(reference, &descriptor.digest);
        let head = Request::get(&url, scope, self.limits().answer).method(Method::HEAD);
        if self.send(&head)?.status() == 200 {
            return Ok(());
        }
        let begin = self.url(&format!("{}/blobs/uploads/", reference.repository()));
        let request = Request::get(&begin, scope, self.limits().answer).method(Method::POST);
        let begun = self.send(&request.body(&[], "application/octet-stream"))?;
        let location = match begun.status() {
            202 => begun
                .header("location")
                .ok_or_else(|| RegistryError::answer(self.registry(), "an upload without a location"))?,
            _ => return Err(begun.unexpected()),
        };
        let location = self.resolve_own(location)?;
        let separator = if location.contains('?') { '&' } else { '?' };
        let url = format!("{location}{separator}digest={}", descriptor.digest);
        let request = Request::get(&url, scope, self.limits().content).method(Method::PUT);
        let answer = self.send(&request.body(bytes, "application/octet-stream"))?;
        match answer.status() {
            201 => Ok(()),
            _ => Err(answer.unexpected()),
        }
    }
}

fn annotations(about: &About) -> BTreeMap<String, String> {
    let annotations = [("title", &about.name), ("version", &about.version), ("description", &about.description)];
    annotations.into_iter().map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.clone())).collect()
}
