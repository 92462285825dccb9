//! What a signature says: which manifest, under which name and version, with which capabilities.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Digest, Locked, Reference};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
const SIMPLE: &str = "cosign container image signature";
/// Names of annotations.
const NAME: &str = "name";
const VERSION: &str = "version";
const CAPABILITIES: &str = "capabilities";

/// What a signer vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `registry.example/acme/web`.
    pub repository: String,
    /// Of the manifest.
    pub digest: Digest,
    /// Of the policy.
    pub name: String,
    /// Of the policy.
    pub version: String,
    /// SHA-256 of what the policy asks for.
    pub capabilities: String,
}

impl Claim {
    /// That of a policy that was pulled from this place.
    pub fn of(reference: &Reference, policy: &Locked) -> Claim {
        let asked: Value = policy.scopes.iter().map(|(name, scope)| (name.clone(), sorted(scope))).collect();
        Claim {
            repository: format!("{}/{}", reference.registry(), reference.repository()),
            digest: policy.digest.clone(),
            name: reference.name().to_owned(),
            version: policy.version.clone(),
            capabilities: hex::encode(Sha256::digest(asked.to_string())),
        }
    }

    fn annotations(&self) -> Value {
        json!({ NAME: self.name, VERSION: self.version, CAPABILITIES: self.capabilities })
    }

    pub(super) fn statement(&self) -> Value {
        json!({
            "_type": STATEMENT,
            "subject": [{
                "name": self.repository,
                "digest": { "sha256": self.digest.hex() },
                "annotations": self.annotations(),
            }],
            "predicateType": PREDICATE,
            "predicate": {},
        })
    }

    /// The older form.
    pub(super) fn simple(&self) -> Value {
        json!({
            "critical": {
                "identity": { "docker-reference": self.repository },
                "image": { "docker-manifest-digest": self.digest },
                "type": SIMPLE,
            },
            "optional": self.annotations(),
        })
    }

    /// In what a statement differs from this; `None` if it says exactly this. A copy in another registry has another
    /// repository, which says nothing.
    pub(super) fn difference(&self, statement: &Value) -> Option<Difference> {
        let text = |pointer: &str| statement.pointer(pointer).and_then(Value::as_str);
        let subjects = statement.get("subject").and_then(Value::as_array).map(Vec::len);
        let is_form = text("/_type") == Some(STATEMENT) && text("/predicateType") == Some(PREDICATE);
        if !is_form || subjects != Some(1) {
            return Some(Difference::Predicate);
        }
        let is_digest = text("/subject/0/digest/sha256") == Some(self.digest.hex());
        self.annotated(is_digest, |name| text(&format!("/subject/0/annotations/{name}")))
    }

    /// The same for the older form.
    pub(super) fn simple_difference(&self, says: &Value) -> Option<Difference> {
        let text = |pointer: &str| says.pointer(pointer).and_then(Value::as_str);
        if text("/critical/type") != Some(SIMPLE) {
            return Some(Difference::Predicate);
        }
        let is_digest = text("/critical/image/docker-manifest-digest") == Some(self.digest.to_string().as_str());
        self.annotated(is_digest, |name| text(&format!("/optional/{name}")))
    }

    /// What a person would see first: another name, then another version, then other content.
    fn annotated<'a>(&self, is_digest: bool, annotation: impl Fn(&str) -> Option<&'a str>) -> Option<Difference> {
        [
            (annotation(NAME) == Some(self.name.as_str()), Difference::Name),
            (annotation(VERSION) == Some(self.version.as_str()), Difference::Version),
            (is_digest, Difference::Digest),
            (annotation(CAPABILITIES) == Some(self.capabilities.as_str()), Difference::Capabilities),
        ]
        .into_iter()
        .find_map(|(is_same, difference)| (!is_same).then_some(difference))
    }
}

/// In what a signed statement differs from a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is a statement of another kind: another predicate type, or of more than one subject.
    Predicate,
    /// It is of a policy with another name, or names none.
    Name,
    /// It is of another version.
    Version,
    /// It is of other content.
    Digest,
    /// It is of a policy that asks for something else.
    Capabilities,
}

/// The same with sorted keys, so that its text depends on nothing else.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            fields.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
