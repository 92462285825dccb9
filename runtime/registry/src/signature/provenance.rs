//! Provenance: what a component was built from, and how, as a signed statement beside the policy. The form is SLSA 1.0 in an
//! in-toto statement, so other tools read it. It says what its signer says: nothing verifies the build.

use serde_json::{Value, json};

use super::bundle::statement;
use super::{Claim, PublicKey, STATEMENT, Signature, SigningKey};
use crate::{Client, Descriptor, Reference, Result};

pub(super) const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// How `ansai build` builds. A URI, as SLSA wants it.
const BUILD_TYPE: &str = "urn:ansai:build:v1";
const BUILDER: &str = "urn:ansai:builder";
/// The most tools that are read.
const MOST_TOOLS: usize = 64;

/// What a component was built from, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// SHA-256 of the sources, as the component names it; `None` if it does not.
    pub sources: Option<String>,
    /// Languages and compilers with their versions, as the component names them: `rustc 1.95.0`.
    pub tools: Vec<String>,
    /// The version of ansai that published it.
    pub ansai: String,
    /// Whether it was built a second time, from nothing, with the same bytes.
    pub is_reproduced: bool,
}

impl Provenance {
    fn statement(&self, claim: &Claim) -> Value {
        let sources = self.sources.iter().map(|digest| json!({ "name": "sources", "digest": { "sha256": digest } }));
        json!({
            "_type": STATEMENT,
            "subject": [{ "name": claim.repository, "digest": { "sha256": claim.digest.hex() } }],
            "predicateType": PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": { "policy": claim.name, "version": claim.version },
                    "internalParameters": { "reproduced": self.is_reproduced, "tools": self.tools },
                    "resolvedDependencies": sources.collect::<Vec<_>>(),
                },
                "runDetails": { "builder": { "id": BUILDER, "version": { "ansai": self.ansai } } },
            },
        })
    }

    /// What a statement says about a policy; `None` if it is about another one, or says something else.
    fn of(statement: &Value, claim: &Claim) -> Option<Provenance> {
        let text = |pointer: &str| statement.pointer(pointer).and_then(Value::as_str);
        let build = |pointer: &str| text(&format!("/predicate/buildDefinition/{pointer}"));
        let is_of = text("/_type") == Some(STATEMENT)
            && text("/predicateType") == Some(PREDICATE)
            && statement.get("subject").and_then(Value::as_array).map(Vec::len) == Some(1)
            && text("/subject/0/digest/sha256") == Some(claim.digest.hex())
            && build("buildType") == Some(BUILD_TYPE)
            && build("externalParameters/policy") == Some(claim.name.as_str())
            && build("externalParameters/version") == Some(claim.version.as_str());
        let internal = statement.pointer("/predicate/buildDefinition/internalParameters")?;
        let tools = internal.get("tools")?.as_array()?.iter().take(MOST_TOOLS);
        is_of.then(|| Provenance {
            sources: build("resolvedDependencies/0/digest/sha256").map(str::to_owned),
            tools: tools.filter_map(Value::as_str).map(str::to_owned).collect(),
            ansai: text("/predicate/runDetails/builder/version/ansai").unwrap_or_default().to_owned(),
            is_reproduced: internal.get("reproduced").and_then(Value::as_bool).unwrap_or_default(),
        })
    }
}

/// What these keys say about the build of a policy, with the key; what is not signed or about another one is left out.
pub fn provenances<'k>(
    claim: &Claim,
    signatures: &[Signature],
    keys: &'k [PublicKey],
) -> Vec<(Provenance, &'k PublicKey)> {
    let read = |signature: &Signature| {
        let Signature::Bundle(bytes) = signature else { return None };
        let (statement, signers) = statement(bytes, keys)?;
        Some((Provenance::of(&statement, claim)?, *signers.first()?))
    };
    let mut found: Vec<(Provenance, &PublicKey)> = Vec::new();
    for one in signatures.iter().filter_map(read) {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

impl Client {
    /// Puts signed provenance beside a policy, in the form of a bundle. What is there already is kept.
    ///
    /// # Errors
    /// The key does not sign, or the registry refuses, sends something else than its protocol has, or has signatures that
    /// cannot be read, which would be lost.
    pub fn attest(
        &self,
        reference: &Reference,
        manifest: &Descriptor,
        (claim, provenance): (&Claim, &Provenance),
        key: &SigningKey,
    ) -> Result<()> {
        let bundle = key.bundle(provenance.statement(claim).to_string().as_bytes())?;
        let scope = format!("repository:{}:pull,push", reference.repository());
        self.attach_bundle(reference, manifest, (&bundle, PREDICATE), &scope)
    }
}
