//! Policies in OCI registries: names, transfer, the local store, the lock file, and signatures.
//!
//! A registry is not trusted. Everything that it sends is bounded, and is stored only if its size and SHA-256 are those that
//! were announced; the digest of the manifest is the identity of a policy. A [`Store`] is an OCI image layout, so that other
//! tools can read it. Only commands contact a registry: the daemon reads the store, and verifies what it reads.
//!
//! It does not read components: whoever pulls one checks it before [`Store::add`], which gives it its name.
//!
//! ```
//! use ansai_registry::Reference;
//!
//! let reference: Reference = "registry.example/acme/disk-space:1.2.0".parse()?;
//! assert_eq!(reference.registry(), "registry.example");
//! assert_eq!(reference.name(), "disk-space");
//! # Ok::<(), ansai_registry::RegistryError>(())
//! ```

mod artifact;
mod client;
mod credentials;
pub mod difference;
mod digest;
mod error;
pub mod index;
mod lock;
mod names;
mod offered;
mod publish;
mod pull;
mod reference;
mod revocation;
mod shadow;
mod signature;
mod store;
mod trial;
mod trust;
mod versions;

pub use artifact::{ArtifactProblem, Descriptor, Manifest};
pub use client::{Client, Connection, Limits, Login};
pub use credentials::Credentials;
pub use digest::Digest;
pub use error::RegistryError;
pub use lock::{FILE_NAME, Lock, Locked};
pub use names::{Registries, WellKnown, names_of, short_name};
pub use publish::{About, Published};
pub use pull::Fetched;
pub use reference::{Reference, Selector, tag_of_version};
pub use revocation::{
    ListProblem, Lists, RevocationError, RevocationList, RevokedDigest, RevokedKey, RevokedVersions, Update, fetch_list,
};
pub use shadow::{
    HELD_AS_WIDER, MOST_DIFFERENCES, MOST_OTHERS, Shadow, ShadowDifference, ShadowEnd, ShadowHeld, ShadowRecord,
    ShadowReplay,
};
pub use signature::{
    Claim, Difference, KeyKind, NewKey, Provenance, PublicKey, Signature, SigningKey, provenances, signers,
};
pub use store::{Entry, Store};
pub use trial::{Trial, Verdict, WentBack};
pub use trust::{Judgement, NamedKey, RevocationSource, Signer, Subject, TrustError, TrustPolicy, TrustRule};
pub use versions::Versions;

/// The most bytes of a component: as many as the engine loads.
pub const MOST_COMPONENT_BYTES: u64 = 64 << 20;

/// What an operation of this crate answers.
pub type Result<T> = std::result::Result<T, RegistryError>;
