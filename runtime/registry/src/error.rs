//! Why an operation with a registry or the store fails.

use std::path::PathBuf;

use ansai_core::text::inert;
use ansai_core::{Bytes, Code, codes, exit};
use ansai_http_client::NoTrust;
use ansai_storage::StorageError;

use crate::shadow::ShadowHeld;
use crate::trial::WentBack;
use crate::{ArtifactProblem, Digest};

/// Longer texts of a registry are cut.
const MOST_TEXT: usize = 200;

/// An operation with a registry or the store fails.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A text is not a name of a policy in a registry.
    #[error("invalid reference `{text}`: {why}")]
    Reference {
        /// As it was written.
        text: String,
        /// The rule that it breaks.
        why: String,
    },
    /// No connection, or no TLS.
    #[error("{registry}: {why}")]
    Unreachable {
        /// Its host.
        registry: String,
        /// What failed.
        why: String,
    },
    /// It did not answer, or not all of it, in time.
    #[error("{0} did not answer in time")]
    TimeLimit(String),
    /// The connection ended in the middle of an answer.
    #[error("{0} closed the connection in the middle of an answer")]
    CutOff(String),
    /// It wants a login, or another one.
    #[error("{0}: login required, or this login has no permission")]
    Login(String),
    /// It does not have what is wanted.
    #[error("{registry} has no {what}")]
    NotFound {
        /// Its host.
        registry: String,
        /// What is wanted.
        what: String,
    },
    /// It sent something that the protocol does not have.
    #[error("invalid answer of {registry}: {why}")]
    Answer {
        /// Its host.
        registry: String,
        /// What is wrong.
        why: String,
    },
    /// An answer is larger than anything that a policy needs.
    #[error("{what} is larger than {}", Bytes::new(*most))]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The bound, in bytes.
        most: u64,
    },
    /// An answer is compressed, which nobody asked for.
    #[error("{registry} sent content with the encoding `{encoding}`")]
    Encoding {
        /// Its host.
        registry: String,
        /// As the registry calls it.
        encoding: String,
    },
    /// Content has another size than its manifest says.
    #[error("{what}: size mismatch: the manifest announces {announced} bytes")]
    Size {
        /// The content.
        what: String,
        /// In bytes.
        announced: u64,
    },
    /// Content has another SHA-256 than its name.
    #[error("{what}: digest mismatch: expected {expected}, got {found}")]
    Digest {
        /// The content.
        what: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// It is not a policy: another media type, or not exactly one component.
    #[error("{reference} is not a policy: {problem}")]
    Artifact {
        /// Its name.
        reference: String,
        /// What is wrong.
        problem: ArtifactProblem,
    },
    /// The component is another policy or version than its place in the registry says.
    #[error("{reference} holds version {version} of policy `{name}`")]
    OtherPolicy {
        /// Its place.
        reference: String,
        /// Of the component.
        name: String,
        /// Of the component.
        version: String,
    },
    /// The registry leads to a place that it must not lead to.
    #[error("{registry} leads to {to}: {why}")]
    Redirect {
        /// Its host.
        registry: String,
        /// Where it leads.
        to: String,
        /// Why that is refused.
        why: &'static str,
    },
    /// HTTP without TLS, and the registry is not on this machine.
    #[error("{0} is not on this machine, so it is not used without TLS")]
    Plain(String),
    /// A version is published already with other content.
    #[error("{reference} exists already, with the digest {found}")]
    Exists {
        /// Its name.
        reference: String,
        /// Of the one that exists.
        found: Digest,
    },
    /// The store, a lock file or a file of logins cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The content of the store does not have the digest of its name.
    #[error("{}: its content has changed since it was stored", .0.display())]
    Damaged(PathBuf),
    /// The store does not have it.
    #[error("{0} is not in the store")]
    NotStored(String),
    /// The lock file does not pin it.
    #[error("{} does not pin {reference}", path.display())]
    NotLocked {
        /// The lock file.
        path: PathBuf,
        /// As the configuration writes it.
        reference: String,
    },
    /// The lock file, the index of the store or the file of logins is invalid.
    #[error("{}: {why}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Another user can change the lock file, which decides what runs.
    #[error("{why}: refusing to use the lock file")]
    Untrusted {
        /// Who can write what.
        why: String,
        /// The command that fixes it.
        fix: String,
    },
    /// Too few of some keys have signed it.
    #[error("{reference}: {found} of {minimum} required signatures")]
    NotSigned {
        /// Its name.
        reference: String,
        /// How many have.
        found: usize,
        /// How many must.
        minimum: usize,
    },
    /// The trust policy refuses it.
    #[error(transparent)]
    Distrusted(#[from] crate::TrustError),
    /// A list of revocations is refused.
    #[error(transparent)]
    Revocations(#[from] crate::RevocationError),
    /// A short name has a namespace that leads nowhere.
    #[error("no registry is known for the namespace `{namespace}`")]
    Namespace {
        /// As it was written.
        namespace: String,
    },
    /// A newer version is known, and the registry offers an older one.
    #[error("{reference} is version {version}, and this host has seen {known}")]
    RolledBack {
        /// Its name.
        reference: String,
        /// The version that is offered.
        version: String,
        /// The newest one that the selector permits.
        known: String,
    },
    /// An index of policies is not signed by its key, is invalid, or is older than one that was read before.
    #[error("the index {place} {why}")]
    Index {
        /// Its file or address.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A key does not sign.
    #[error("cannot sign: {why}")]
    Signing {
        /// What is wrong.
        why: String,
    },
    /// The passphrase of an encrypted key is wrong, or its file was changed.
    #[error("the passphrase is wrong, or the file of the key is damaged")]
    Passphrase,
    /// An encrypted key is not in the format of cosign, or would take too much memory or time to decrypt.
    #[error("the encrypted key {why}")]
    EncryptedKey {
        /// What is wrong, as the end of the sentence.
        why: String,
    },
    /// A pinned version kept failing in its first evaluations here, so the last good one runs.
    #[error(transparent)]
    WentBack(#[from] WentBack),
    /// A version that ran beside the pinned one does not take over.
    #[error(transparent)]
    ShadowHeld(#[from] ShadowHeld),
    /// The certificates of authorities cannot be read.
    #[error("no trusted CA certificates: {0}")]
    Trust(NoTrust),
}

impl RegistryError {
    pub(crate) fn reference(text: &str, why: &str) -> RegistryError {
        RegistryError::Reference { text: inert(text, MOST_TEXT), why: why.to_owned() }
    }

    pub(crate) fn answer(registry: &str, why: impl AsRef<str>) -> RegistryError {
        RegistryError::Answer { registry: registry.to_owned(), why: inert(why.as_ref(), MOST_TEXT) }
    }

    pub(crate) fn redirect(registry: &str, to: &str, why: &'static str) -> RegistryError {
        RegistryError::Redirect { registry: registry.to_owned(), to: inert(to, MOST_TEXT), why }
    }

    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            RegistryError::Reference { .. } => codes::BAD_REFERENCE,
            RegistryError::Unreachable { .. } => codes::REGISTRY_UNREACHABLE,
            RegistryError::TimeLimit(_) => codes::REGISTRY_TIMEOUT,
            RegistryError::CutOff(_) => codes::REGISTRY_CUT_OFF,
            RegistryError::Login(_) => codes::REGISTRY_LOGIN,
            RegistryError::NotFound { .. } => codes::NOT_IN_REGISTRY,
            RegistryError::Answer { .. } => codes::REGISTRY_ANSWER,
            RegistryError::TooLarge { .. } => codes::REGISTRY_TOO_LARGE,
            RegistryError::Encoding { .. } => codes::REGISTRY_ENCODING,
            RegistryError::Size { .. } => codes::CONTENT_SIZE,
            RegistryError::Digest { .. } => codes::CONTENT_DIGEST,
            RegistryError::Artifact { .. } => codes::NOT_A_POLICY,
            RegistryError::OtherPolicy { .. } => codes::OTHER_POLICY,
            RegistryError::Redirect { .. } => codes::REGISTRY_REDIRECT,
            RegistryError::Plain(_) => codes::REGISTRY_WITHOUT_TLS,
            RegistryError::Exists { .. } => codes::VERSION_EXISTS,
            RegistryError::Storage(error) if error.is_out_of_space() => codes::STORE_FULL,
            RegistryError::Storage(_) | RegistryError::Trust(_) => codes::FILE_ACCESS,
            RegistryError::Damaged(_) => codes::STORE_DAMAGED,
            RegistryError::NotStored(_) => codes::NOT_PULLED,
            RegistryError::NotLocked { .. } => codes::NOT_LOCKED,
            RegistryError::Invalid { .. } => codes::REGISTRY_FILE,
            RegistryError::Untrusted { .. } => codes::UNTRUSTED_CONFIGURATION,
            RegistryError::NotSigned { .. } => codes::NOT_SIGNED,
            RegistryError::Distrusted(error) => error.code(),
            RegistryError::Revocations(error) => error.code(),
            RegistryError::RolledBack { .. } => codes::ROLLED_BACK,
            RegistryError::Namespace { .. } => codes::UNKNOWN_NAMESPACE,
            RegistryError::Index { .. } => codes::BAD_INDEX,
            RegistryError::WentBack(_) => codes::WENT_BACK,
            RegistryError::Signing { .. } => codes::SIGNING_FAILED,
            RegistryError::Passphrase => codes::KEY_PASSPHRASE,
            RegistryError::EncryptedKey { .. } => codes::BAD_KEY,
            RegistryError::ShadowHeld(_) => codes::SHADOW_HELD,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            RegistryError::Reference { .. } => "write it as registry.example/acme/disk-space:1.2.0",
            RegistryError::Unreachable { .. } => {
                "check the name and the network; pass --ca FILE if the registry has a certificate of your own authority"
            }
            RegistryError::TimeLimit(_) | RegistryError::CutOff(_) => "nothing was stored; try again",
            RegistryError::Login(registry) => return Some(format!("run `ansai login {registry} --user NAME`")),
            RegistryError::Untrusted { fix, .. } => return Some(fix.clone()),
            RegistryError::NotFound { .. } => "check the name and the version",
            RegistryError::Size { .. } | RegistryError::Digest { .. } => {
                "nothing was stored; tell whoever runs the registry: its content was changed or is damaged"
            }
            RegistryError::OtherPolicy { .. } => "tell the author: it was renamed, or its tag was moved",
            RegistryError::Plain(_) => "leave --plain-http out, or write an address with https://",
            RegistryError::Exists { .. } => "a published version never changes: publish it with a new version",
            RegistryError::Storage(error) if error.is_out_of_space() => {
                "make room on the file system of the state directory; `ansai remove` removes policies that you no longer need"
            }
            RegistryError::Damaged(_) => "run `ansai pull` again to replace it",
            RegistryError::NotSigned { .. } => {
                "check that the keys are those of the author, and that this version is signed"
            }
            RegistryError::Distrusted(error) => return Some(error.hint()),
            RegistryError::Revocations(error) => error.hint(),
            RegistryError::Namespace { namespace } => {
                return Some(format!(
                    "add it to the configuration, such as\n[registry]\nnamespaces = {{ {namespace} = \"registry.example\" }}"
                ));
            }
            RegistryError::RolledBack { .. } => {
                "tell whoever runs the registry: it hides newer versions; to go back on purpose, pass --allow-older to `ansai pull`"
            }
            RegistryError::Index { .. } => "check its address and its key; tell whoever publishes it if both are right",
            RegistryError::WentBack(_) => {
                "run `ansai update` when the author has mended it; `ansai update --retry NAME` lets it run again"
            }
            RegistryError::ShadowHeld(_) => {
                "run `ansai update --show-shadow` to see why, and `ansai update --end-shadow NAME` to end it"
            }
            RegistryError::NotStored(_) | RegistryError::NotLocked { .. } => "run `ansai pull`",
            RegistryError::EncryptedKey { .. } => {
                "`ansai keys new FILE` makes an encrypted key; `cosign generate-key-pair` does it too"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            RegistryError::Reference { .. }
            | RegistryError::Namespace { .. }
            | RegistryError::NotFound { .. }
            | RegistryError::NotStored(_)
            | RegistryError::Trust(_)
            | RegistryError::EncryptedKey { .. }
            | RegistryError::Passphrase
            | RegistryError::Invalid { .. } => exit::USAGE,
            RegistryError::Unreachable { .. }
            | RegistryError::TimeLimit(_)
            | RegistryError::CutOff(_)
            | RegistryError::Signing { .. }
            | RegistryError::Storage(_) => exit::OTHER,
            _ => exit::REFUSED,
        }
    }
}
