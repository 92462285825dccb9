//! A policy in the CNCF layout for WebAssembly: a config, and one layer, which is the component.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, MOST_COMPONENT_BYTES};

pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const LAYER_TYPE: &str = "application/wasm";
/// The most bytes of a manifest and of a config. That of a policy has one.
pub(crate) const MOST_DOCUMENT_BYTES: u64 = 256 << 10;

/// A piece of content: its kind, digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Such as `application/wasm`.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// Notes of whoever wrote it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// That of bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Descriptor {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Descriptor { media_type: media_type.to_owned(), digest: Digest::of(bytes), size, annotations: BTreeMap::new() }
    }
}

/// The manifest of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    /// Describes the component for a runtime.
    pub config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// Why an artifact is not a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactProblem {
    /// It is not a manifest.
    Unreadable,
    /// Something has another media type.
    MediaType {
        /// What: `manifest`, `config` or `layer`.
        what: &'static str,
        /// The one that it has.
        found: String,
    },
    /// It has another number of layers than one.
    Layers(usize),
    /// A part is announced to be larger than is permitted.
    TooLarge {
        /// What: `config` or `layer`.
        what: &'static str,
        /// In bytes.
        size: u64,
    },
    /// The config describes another component.
    Config,
}

impl fmt::Display for ArtifactProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactProblem::Unreadable => f.write_str("its manifest cannot be read"),
            ArtifactProblem::MediaType { what, found } => {
                write!(f, "its {what} has the media type `{}`", ansai_core::text::inert(found, 100))
            }
            ArtifactProblem::Layers(0) => f.write_str("it has no component"),
            ArtifactProblem::Layers(count) => write!(f, "it has {count} layers, not one component"),
            ArtifactProblem::TooLarge { what, size } => write!(f, "its {what} has {size} bytes, which is too large"),
            ArtifactProblem::Config => f.write_str("its config describes another component"),
        }
    }
}

/// The config of a component. Unknown keys are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    created: String,
    architecture: String,
    os: String,
    layer_digests: Vec<Digest>,
}

/// The config of a component. Its time is always the same: what is published twice has one digest.
pub(crate) fn config(layer: &Descriptor) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Config {
        created: "1970-01-01T00:00:00Z".to_owned(),
        architecture: "wasm".to_owned(),
        os: "wasip2".to_owned(),
        layer_digests: vec![layer.digest.clone()],
    })
}

impl Manifest {
    pub(crate) fn new(config: Descriptor, layer: Descriptor, annotations: BTreeMap<String, String>) -> Manifest {
        Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST_TYPE.to_owned()),
            artifact_type: Some(CONFIG_TYPE.to_owned()),
            config,
            layers: vec![layer],
            annotations,
        }
    }

    /// Reads the manifest of a policy.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ArtifactProblem> {
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| ArtifactProblem::Unreadable)?;
        let other = |what, found: &str| Err(ArtifactProblem::MediaType { what, found: found.to_owned() });
        if let Some(found) = manifest.media_type.as_deref().filter(|found| *found != MANIFEST_TYPE) {
            return other("manifest", found);
        }
        let [layer] = manifest.layers.as_slice() else { return Err(ArtifactProblem::Layers(manifest.layers.len())) };
        let too_large = |what, size| Err(ArtifactProblem::TooLarge { what, size });
        match (&manifest.config, layer) {
            _ if manifest.schema_version != 2 => Err(ArtifactProblem::Unreadable),
            (config, _) if config.media_type != CONFIG_TYPE => other("config", &config.media_type),
            (_, layer) if layer.media_type != LAYER_TYPE => other("layer", &layer.media_type),
            (config, _) if config.size > MOST_DOCUMENT_BYTES => too_large("config", config.size),
            (_, layer) if layer.size > MOST_COMPONENT_BYTES => too_large("layer", layer.size),
            _ => Ok(manifest),
        }
    }

    /// The component.
    ///
    /// # Errors
    /// [`Manifest::parse`] refuses a manifest without one.
    pub fn component(&self) -> Result<&Descriptor, ArtifactProblem> {
        self.layers.first().ok_or(ArtifactProblem::Layers(0))
    }

    /// Checks that the config is one for this component.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn check_config(&self, bytes: &[u8]) -> Result<(), ArtifactProblem> {
        let config: Config = serde_json::from_slice(bytes).map_err(|_| ArtifactProblem::Config)?;
        let is_ours = config.architecture == "wasm" && config.layer_digests == [self.component()?.digest.clone()];
        if is_ours { Ok(()) } else { Err(ArtifactProblem::Config) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        let layer = Descriptor::of(LAYER_TYPE, b"component");
        let config = Descriptor::of(CONFIG_TYPE, &config(&layer).unwrap());
        serde_json::to_value(Manifest::new(config, layer, BTreeMap::new())).unwrap()
    }

    #[test]
    fn a_policy_has_one_component_and_its_config() {
        let manifest = Manifest::parse(good().to_string().as_bytes()).unwrap();
        let layer = Descriptor::of(LAYER_TYPE, b"component");
        assert_eq!(manifest.component().unwrap(), &layer);
        assert!(manifest.check_config(&config(&layer).unwrap()).is_ok());
        let other = config(&Descriptor::of(LAYER_TYPE, b"other")).unwrap();
        assert_eq!(manifest.check_config(&other), Err(ArtifactProblem::Config));
        assert_eq!(manifest.check_config(b"{}"), Err(ArtifactProblem::Config));
    }

    #[test]
    fn everything_else_is_not_a_policy() {
        let layer = good()["layers"][0].clone();
        for (key, value) in [
            ("/schemaVersion", json!(1)),
            ("/mediaType", json!(INDEX_TYPE)),
            ("/config/mediaType", json!("application/vnd.oci.image.config.v1+json")),
            ("/config/size", json!(MOST_DOCUMENT_BYTES + 1)),
            ("/config/digest", json!("sha256:../../etc/passwd")),
            ("/layers/0/mediaType", json!("application/vnd.oci.image.layer.v1.tar+gzip")),
            ("/layers/0/size", json!(MOST_COMPONENT_BYTES + 1)),
            ("/layers/0/size", json!(-1)),
            ("/layers", json!([])),
            ("/layers", json!([layer, layer])),
        ] {
            let mut manifest = good();
            *manifest.pointer_mut(key).unwrap() = value;
            assert!(Manifest::parse(manifest.to_string().as_bytes()).is_err(), "{key}");
        }
        assert_eq!(Manifest::parse(b"{}"), Err(ArtifactProblem::Unreadable));
        assert_eq!(Manifest::parse(&[b'['; 100_000]), Err(ArtifactProblem::Unreadable));
    }
}
