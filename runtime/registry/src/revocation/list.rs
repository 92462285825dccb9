//! A list of revocations: what it says, and how it is signed.

use std::fmt;

use ansai_core::Timestamp;
use ansai_core::text::inert;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::{ListProblem, RevocationError};
use crate::signature::{Envelope, opened, sealed};
use crate::trust::{NamedKey, RevocationSource};
use crate::{Claim, Digest, RegistryError, SigningKey};

const PAYLOAD_TYPE: &str = "application/vnd.ansai.revocations.v1+json";
const FORMAT: u32 = 1;
/// The most bytes of a list.
pub(super) const MOST_BYTES: u64 = 1 << 20;
/// The most entries of each kind.
const MOST_ENTRIES: usize = 10_000;
const MOST_TEXT: usize = 200;

/// What signers have revoked until now. A list only grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationList {
    /// Of the document; a newer one is refused.
    pub format: u32,
    /// Which list it is, so that a key can sign several.
    pub name: String,
    /// Grows with each new list.
    pub serial: u64,
    /// Its end, in milliseconds since the Unix epoch. From then on nothing new is accepted under it.
    pub expires: Timestamp,
    /// Keys that no longer vouch for anything.
    #[serde(default)]
    pub keys: Vec<RevokedKey>,
    /// Manifests that no longer run.
    #[serde(default)]
    pub digests: Vec<RevokedDigest>,
    /// Versions that no longer run.
    #[serde(default)]
    pub versions: Vec<RevokedVersions>,
}

/// A key that vouches for nothing any more, whenever it signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedKey {
    /// SHA-256 of the key, in base64.
    pub key: String,
    /// For people.
    pub reason: String,
}

/// A manifest that no longer runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedDigest {
    /// Of the manifest.
    pub digest: Digest,
    /// For people.
    pub reason: String,
}

/// Versions of a policy that no longer run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedVersions {
    /// The name of the policy: the last part of its repository.
    pub name: String,
    /// Such as `<1.2.3`.
    #[serde(with = "range")]
    pub versions: VersionReq,
    /// For people.
    pub reason: String,
}

impl fmt::Display for RevokedVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.versions)
    }
}

impl RevokedVersions {
    /// From texts; `None` if the range is invalid.
    pub fn of(name: &str, range: &str, reason: &str) -> Option<RevokedVersions> {
        let versions = VersionReq::parse(range).ok()?;
        Some(RevokedVersions { name: name.to_owned(), versions, reason: reason.to_owned() })
    }
}

/// A range as it is written.
mod range {
    use semver::VersionReq;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(range: &VersionReq, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(range)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VersionReq, D::Error> {
        let text = String::deserialize(deserializer)?;
        VersionReq::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl RevocationList {
    /// The first list of a name, which revokes nothing.
    pub fn new(name: &str, expires: Timestamp) -> RevocationList {
        let (keys, digests, versions) = (Vec::new(), Vec::new(), Vec::new());
        RevocationList { format: FORMAT, name: name.to_owned(), serial: 1, expires, keys, digests, versions }
    }

    /// As a signed file.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn signed(&self, key: &SigningKey) -> crate::Result<Vec<u8>> {
        let payload = serde_json::to_vec(self).map_err(|error| RegistryError::Signing { why: error.to_string() })?;
        Ok(format!("{}\n", sealed(key, PAYLOAD_TYPE, &payload)?).into_bytes())
    }

    /// Reads a signed file, if one of the keys has signed it. Its end is not compared with the clock.
    ///
    /// # Errors
    /// It is not signed by one of the keys, or is not a list.
    pub fn read(bytes: &[u8], source: &RevocationSource) -> Result<RevocationList, RevocationError> {
        let address = || source.address.clone();
        let invalid = |why: &str| RevocationError::Invalid { address: address(), why: inert(why, MOST_TEXT) };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(invalid("larger than 1 MiB"));
        }
        let other = || invalid("not a list that `ansai revoke` signed");
        let no_envelope = |error: serde_json::Error| if error.is_data() { other() } else { invalid("not JSON") };
        let file: Envelope = serde_json::from_slice(bytes).map_err(no_envelope)?;
        if !file.has_type(PAYLOAD_TYPE) {
            return Err(other());
        }
        let mut keys = source.keys.iter().filter_map(|NamedKey { key, .. }| key.as_ref().ok());
        let payload = keys.find_map(|key| {
            let (payload, signers) = opened(&file, PAYLOAD_TYPE, std::slice::from_ref(key))?;
            (!signers.is_empty()).then_some(payload)
        });
        let payload = payload.ok_or_else(|| RevocationError::Unsigned { address: address() })?;
        let list: RevocationList = serde_json::from_slice(&payload).map_err(|error| invalid(&error.to_string()))?;
        if list.format != FORMAT {
            return Err(invalid("its format is newer than this ansai"));
        }
        if [list.keys.len(), list.digests.len(), list.versions.len()].into_iter().any(|count| count > MOST_ENTRIES) {
            return Err(invalid("too many entries"));
        }
        Ok(list)
    }

    /// Why this policy is revoked, if it is.
    pub(crate) fn revokes(&self, claim: &Claim) -> Option<&str> {
        if let Some(found) = self.digests.iter().find(|one| one.digest == claim.digest) {
            return Some(&found.reason);
        }
        let version = Version::parse(&claim.version).ok()?;
        // A range does not match most pre-releases. One of a revoked version is revoked with it.
        let plain = Version::new(version.major, version.minor, version.patch);
        let is_in = |range: &VersionReq| range.matches(&version) || range.matches(&plain);
        let found = self.versions.iter().find(|one| one.name == claim.name && is_in(&one.versions));
        found.map(|one| one.reason.as_str())
    }

    /// Why a key is revoked, if it is.
    pub(crate) fn revokes_key(&self, hint: &str) -> Option<&str> {
        self.keys.iter().find(|one| one.key == hint).map(|one| one.reason.as_str())
    }

    /// Whether its end has passed.
    pub fn overdue(&self, source: &RevocationSource, now: Timestamp) -> Option<ListProblem> {
        (self.expires <= now).then(|| ListProblem::Expired { address: source.address.clone(), serial: self.serial })
    }

    /// Something that an older list revokes and this one does not. Reasons may change.
    pub(super) fn lacks(&self, older: &RevocationList) -> Option<String> {
        let key = |one: &&RevokedKey| self.revokes_key(&one.key).is_none();
        let digest = |one: &&RevokedDigest| !self.digests.iter().any(|own| own.digest == one.digest);
        let versions = |one: &&RevokedVersions| {
            !self.versions.iter().any(|own| own.name == one.name && own.versions == one.versions)
        };
        let lost_key = older.keys.iter().find(key).map(|one| format!("the key {}", one.key));
        let lost_digest = || older.digests.iter().find(digest).map(|one| one.digest.to_string());
        let lost_versions = || older.versions.iter().find(versions).map(ToString::to_string);
        lost_key.or_else(lost_digest).or_else(lost_versions).map(|what| inert(&what, MOST_TEXT))
    }
}
