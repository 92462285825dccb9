//! Signatures in a registry: artifacts that refer to a manifest, and the tag of the older form.

use std::mem::discriminant;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::Method;

use super::bundle::BUNDLE_TYPE;
use super::statement::PREDICATE;
use super::{Claim, Signature, SigningKey};
use crate::artifact::{INDEX_TYPE, MANIFEST_TYPE, MOST_DOCUMENT_BYTES};
use crate::client::Request;
use crate::{Client, Descriptor, Digest, Reference, RegistryError, Result};

const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const SIMPLE_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIMPLE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const IMAGE_CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
/// The most signatures of one policy that are read, in each form.
const MOST_SIGNATURES: usize = 32;
/// The most manifests that are read to find them. Other artifacts can refer to the policy, too.
const MOST_REFERRERS: usize = 256;
const MOST_BYTES: u64 = 64 << 10;
/// What a document with signatures is called in errors.
const DOCUMENT: &str = "the list of signatures";

/// What is needed of a manifest of signatures. Its descriptor elsewhere is not believed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    subject: Option<Descriptor>,
    /// Descriptors. One that cannot be read hides no other one, and stays as it is when one is added.
    layers: Vec<Value>,
}

#[derive(Deserialize)]
struct Index {
    /// Descriptors.
    manifests: Vec<Value>,
}

impl Client {
    /// Signs a manifest in its registry, in both forms. Existing signatures are kept. What this key has signed already is not
    /// signed again.
    ///
    /// # Errors
    /// The key does not sign, or the registry refuses, sends something else than its protocol has, or has signatures that
    /// cannot be read, which would be lost.
    pub fn sign(&self, reference: &Reference, manifest: &Descriptor, claim: &Claim, key: &SigningKey) -> Result<()> {
        let scope = format!("repository:{}:pull,push", reference.repository());
        let (known, public) = (self.signatures(reference, &manifest.digest)?, key.public());
        for signature in key.signatures(claim)? {
            let is_form = |one: &&Signature| discriminant(*one) == discriminant(&signature);
            if known.iter().filter(is_form).any(|one| one.says(claim, &public) == Some(None)) {
                continue;
            }
            match signature {
                Signature::Bundle(bundle) => self.attach_bundle(reference, manifest, (&bundle, PREDICATE), &scope)?,
                Signature::Simple { payload, signature } => {
                    self.attach_simple(reference, manifest, (&payload, &signature), &scope)?;
                }
            }
        }
        Ok(())
    }

    /// The signatures of a manifest, in both forms, newest first. What cannot be read is left out: it hides no other one.
    ///
    /// # Errors
    /// The registry cannot be asked, or does not answer in time.
    pub fn signatures(&self, reference: &Reference, manifest: &Digest) -> Result<Vec<Signature>> {
        let scope = format!("repository:{}:pull", reference.repository());
        let began = Instant::now();
        let small = |layer: &Descriptor| readable(self.small(reference, layer, &scope, self.limits().together(began)));
        let (mut found, mut bundles) = (Vec::new(), 0);
        for descriptor in self.referrers(reference, manifest, &scope, began)?.into_iter().rev().take(MOST_REFERRERS) {
            if bundles == MOST_SIGNATURES {
                break;
            }
            let attached = self.attached(reference, &descriptor.digest.to_string(), &scope, began)?;
            let Some(Attached { artifact_type, subject, layers }) = attached else { continue };
            let layers = descriptors(layers);
            let is_ours = artifact_type.as_deref() == Some(BUNDLE_TYPE)
                && subject.is_some_and(|subject| subject.digest == *manifest);
            bundles += usize::from(is_ours);
            if let ([layer], true) = (layers.as_slice(), is_ours)
                && layer.size <= MOST_BYTES
            {
                found.extend(small(layer)?.map(Signature::Bundle));
            }
        }
        if let Some(attached) = self.attached(reference, &simple_tag(manifest), &scope, began)? {
            let layers = descriptors(attached.layers);
            let layers = layers.iter().rev().filter(|layer| layer.media_type == SIMPLE_TYPE);
            for layer in layers.take(MOST_SIGNATURES) {
                let signature = layer.annotations.get(SIMPLE_ANNOTATION).and_then(|text| STANDARD.decode(text).ok());
                if let Some(signature) = signature
                    && layer.size <= MOST_BYTES
                {
                    found.extend(small(layer)?.map(|payload| Signature::Simple { payload, signature }));
                }
            }
        }
        Ok(found)
    }

    /// What refers to a manifest: by the API, or by the tag for registries without it.
    fn referrers(
        &self,
        reference: &Reference,
        manifest: &Digest,
        scope: &str,
        began: Instant,
    ) -> Result<Vec<Descriptor>> {
        let api = self.url(&format!("{}/referrers/{manifest}", reference.repository()));
        let tag = self.url(&format!("{}/manifests/{}", reference.repository(), fallback_tag(manifest)));
        for url in [api, tag] {
            if let Some(bytes) = self.document(&url, INDEX_TYPE, scope, began)?
                && let Ok(Index { manifests }) = serde_json::from_slice::<Index>(&bytes)
            {
                return Ok(descriptors(manifests));
            }
        }
        Ok(Vec::new())
    }

    fn attached(&self, reference: &Reference, name: &str, scope: &str, began: Instant) -> Result<Option<Attached>> {
        let url = self.url(&format!("{}/manifests/{name}", reference.repository()));
        let bytes = self.document(&url, MANIFEST_TYPE, scope, began)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// A small document; `None` where there is none that can be read.
    fn document(&self, url: &str, accept: &str, scope: &str, began: Instant) -> Result<Option<Vec<u8>>> {
        let mut answer = self.send(&Request::get(url, scope, self.limits().together(began)).accept(accept))?;
        match answer.status() {
            200 => readable(answer.body().and_then(|body| body.read(DOCUMENT, MOST_DOCUMENT_BYTES))),
            // Registries without the API of referrers say different things.
            400 | 404 | 405 | 501 => Ok(None),
            _ => Err(answer.unexpected()),
        }
    }

    /// The signatures under a tag, to add one; `None` where there are none. What cannot be read is not overwritten.
    fn existing_at<T: DeserializeOwned>(&self, url: &str, accept: &str, scope: &str) -> Result<Option<T>> {
        let mut answer = self.send(&Request::get(url, scope, self.limits().answer).accept(accept))?;
        let bytes = match answer.status() {
            200 => answer.body()?.read(DOCUMENT, MOST_DOCUMENT_BYTES)?,
            404 => return Ok(None),
            _ => return Err(answer.unexpected()),
        };
        let unreadable = |_| RegistryError::answer(self.registry(), "signatures that cannot be read");
        serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
    }

    /// Attaches a bundle whose statement has this type of predicate.
    pub(super) fn attach_bundle(
        &self,
        reference: &Reference,
        manifest: &Descriptor,
        (bundle, predicate): (&[u8], &str),
        scope: &str,
    ) -> Result<()> {
        let (config, layer) = (Descriptor::of(EMPTY_TYPE, b"{}"), Descriptor::of(BUNDLE_TYPE, bundle));
        self.upload(reference, &config, b"{}", scope)?;
        self.upload(reference, &layer, bundle, scope)?;
        let subject = Descriptor { annotations: std::collections::BTreeMap::new(), ..manifest.clone() };
        let attached = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": BUNDLE_TYPE,
            "config": config,
            "layers": [layer],
            "subject": subject,
            "annotations": { "dev.sigstore.bundle.predicateType": predicate },
        });
        let attached = attached.to_string().into_bytes();
        let digest = Digest::of(&attached);
        let is_listed = self.put_manifest(reference, &digest.to_string(), (&attached, MANIFEST_TYPE), scope)?;
        if is_listed {
            return Ok(());
        }
        let tag = fallback_tag(&manifest.digest);
        let url = self.url(&format!("{}/manifests/{tag}", reference.repository()));
        let known = self.existing_at::<Value>(&url, INDEX_TYPE, scope)?;
        let mut index =
            known.unwrap_or_else(|| json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [] }));
        let is_same = |one: &Descriptor| one.digest == digest;
        if let Some(manifests) = index.get("manifests").and_then(Value::as_array)
            && descriptors(manifests.clone()).iter().any(is_same)
        {
            return Ok(());
        }
        let mut descriptor = json!(Descriptor::of(MANIFEST_TYPE, &attached));
        if let Some(fields) = descriptor.as_object_mut() {
            fields.insert("artifactType".to_owned(), json!(BUNDLE_TYPE));
        }
        match index.get_mut("manifests").and_then(Value::as_array_mut) {
            Some(manifests) => manifests.push(descriptor),
            None => return Err(RegistryError::answer(self.registry(), "an index of signatures without a list")),
        }
        self.put_manifest(reference, &tag, (index.to_string().as_bytes(), INDEX_TYPE), scope).map(drop)
    }

    fn attach_simple(
        &self,
        reference: &Reference,
        manifest: &Descriptor,
        (payload, signature): (&[u8], &[u8]),
        scope: &str,
    ) -> Result<()> {
        let tag = simple_tag(&manifest.digest);
        let mut layer = Descriptor::of(SIMPLE_TYPE, payload);
        layer.annotations.insert(SIMPLE_ANNOTATION.to_owned(), STANDARD.encode(signature));
        let url = self.url(&format!("{}/manifests/{tag}", reference.repository()));
        let known = self.existing_at::<Attached>(&url, MANIFEST_TYPE, scope)?;
        let mut layers = known.map(|attached| attached.layers).unwrap_or_default();
        if layers.contains(&json!(layer)) {
            return Ok(());
        }
        layers.push(json!(layer));
        let diff_ids: Vec<&Value> = layers.iter().filter_map(|layer| layer.get("digest")).collect();
        let config = json!({
            "architecture": "", "os": "", "created": "1970-01-01T00:00:00Z", "config": {}, "history": [],
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = config.to_string().into_bytes();
        let config_descriptor = Descriptor::of(IMAGE_CONFIG_TYPE, &config);
        self.upload(reference, &config_descriptor, &config, scope)?;
        self.upload(reference, &layer, payload, scope)?;
        let attached = json!({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config_descriptor, "layers": layers,
        });
        self.put_manifest(reference, &tag, (attached.to_string().as_bytes(), MANIFEST_TYPE), scope).map(drop)
    }

    /// Whether the registry lists it among what refers to its subject.
    fn put_manifest(
        &self,
        reference: &Reference,
        name: &str,
        (bytes, kind): (&[u8], &str),
        scope: &str,
    ) -> Result<bool> {
        let url = self.url(&format!("{}/manifests/{name}", reference.repository()));
        let request = Request::get(&url, scope, self.limits().answer).method(Method::PUT);
        let answer = self.send(&request.body(bytes, kind))?;
        match answer.status() {
            201 => Ok(answer.header("oci-subject").is_some()),
            _ => Err(answer.unexpected()),
        }
    }
}

/// `None` for a signature that is missing or is not what was announced. The registry could leave it out as well.
fn readable(found: Result<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match found {
        Err(
            RegistryError::Digest { .. }
            | RegistryError::Encoding { .. }
            | RegistryError::NotFound { .. }
            | RegistryError::Size { .. }
            | RegistryError::TooLarge { .. },
        ) => Ok(None),
        found => found.map(Some),
    }
}

/// Those that can be read.
fn descriptors(values: Vec<Value>) -> Vec<Descriptor> {
    values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect()
}

fn fallback_tag(manifest: &Digest) -> String {
    format!("sha256-{}", manifest.hex())
}

fn simple_tag(manifest: &Digest) -> String {
    format!("sha256-{}.sig", manifest.hex())
}
