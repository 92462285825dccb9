//! Who vouches for a policy from a registry, by the configuration of now and the signatures of the store.

use std::path::Path;
use std::sync::Arc;

use ansai_config::{HostConfig, TrustTable};
use ansai_core::{Interface, Mode, codes};
use ansai_registry::{
    Claim, Entry, Judgement, ListProblem, Lists, Locked, NamedKey, PublicKey, Reference, RegistryError,
    RevocationSource, Signature, Store, Subject, TrustError, TrustPolicy, TrustRule, names_of,
};
use ansai_storage::Location;
use ansai_supervisor::clock;

use super::accept::Acceptance;
use super::pull::scopes;
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::ownership;
use crate::warning::Warning;

/// The most bytes of a file with a public key.
const MOST_KEY_BYTES: u64 = 64 << 10;

/// The rules of a configuration, with their keys read. A key that cannot be used refuses the policies of its rule only.
pub(crate) fn policy_of(path: &Path, config: &HostConfig) -> TrustPolicy {
    let directory = path.parent().unwrap_or(Path::new(""));
    let named = |file: &std::path::PathBuf| {
        let path = directory.join(file);
        NamedKey { key: read_key(&path), path: file.clone() }
    };
    let rule = |table: &TrustTable| {
        let keys: Vec<NamedKey> = table.keys.iter().map(named).collect();
        let all_of: Vec<NamedKey> = table.all_of.iter().map(named).collect();
        let of_list: Vec<NamedKey> = match table.revocation_keys.is_empty() {
            true => keys.iter().chain(&all_of).cloned().collect(),
            false => table.revocation_keys.iter().map(named).collect(),
        };
        let revocations = table.revocations.clone().map(|address| RevocationSource { address, keys: of_list });
        TrustRule { names: table.names.clone(), keys, minimum: table.minimum, all_of, revocations }
    };
    TrustPolicy(config.registry.trust.iter().map(rule).collect())
}

/// A key that another user can replace vouches for nothing.
fn read_key(path: &Path) -> Result<PublicKey, String> {
    if let Some((problem, fix)) = ownership::problem(path) {
        return Err(format!("{problem}; {fix}"));
    }
    let content = Location::followed(path).read(MOST_KEY_BYTES).map_err(|error| error.to_string())?;
    let bytes = content.ok_or("no such file")?.bytes;
    let text = String::from_utf8(bytes).unwrap_or_default();
    PublicKey::of_pem(&text).ok_or_else(|| "not a public key of ECDSA P-256 or Ed25519 in PEM".to_owned())
}

/// What is judged of a policy that is in the store. It does not change while ansai runs; the configuration and the lists of
/// revocations do.
#[derive(Clone)]
pub struct Vouched {
    /// Its place and version, for messages.
    pub reference: String,
    names: Vec<String>,
    claim: Claim,
    signatures: Vec<Signature>,
    pinned_signers: Vec<String>,
    pub(crate) lists: Arc<Lists>,
}

impl Vouched {
    /// A policy with the signatures that the store keeps of it. What its signers must have signed is read from the component,
    /// not from the lock file.
    ///
    /// # Errors
    /// It is not the policy that its name promises, or the store cannot be read.
    pub(crate) fn of(
        store: &Store,
        locked: &Locked,
        component: &Component,
        lists: Arc<Lists>,
    ) -> Result<Vouched, RegistryError> {
        Vouched::with(store.signatures(&locked.digest)?, locked, component, lists)
    }

    /// The same with other signatures.
    pub(crate) fn with(
        signatures: Vec<Signature>,
        locked: &Locked,
        component: &Component,
        lists: Arc<Lists>,
    ) -> Result<Vouched, RegistryError> {
        let reference: Reference = locked.resolved.parse()?;
        let manifest = &component.manifest;
        reference.check_name(reference.tag(), &manifest.name, &manifest.version)?;
        let read = Locked { version: manifest.version.clone(), scopes: scopes(component), ..locked.clone() };
        Ok(Vouched {
            names: names_of(&locked.source, &reference),
            claim: Claim::of(&reference, &read),
            reference: locked.resolved.clone(),
            signatures,
            pinned_signers: locked.signers.clone(),
            lists,
        })
    }

    /// By which it is covered.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The decision by these rules.
    ///
    /// # Errors
    /// The rules cover it and too few of their keys vouch for it, or it is revoked.
    pub fn judge(&self, policy: &TrustPolicy) -> Result<Judgement, TrustError> {
        let Vouched { reference, names, claim, signatures, pinned_signers, lists } = self;
        policy.judge(&Subject { reference, names, claim, signatures, pinned_signers }, lists, clock::now())
    }

    /// The signatures that are of a key of the rules that cover it.
    pub(crate) fn counting(&self, policy: &TrustPolicy) -> Vec<&Signature> {
        let rules = policy.covering(&self.names);
        let keys: Vec<PublicKey> = rules
            .flat_map(|rule| rule.keys.iter().chain(&rule.all_of))
            .filter_map(|named| named.key.clone().ok())
            .collect();
        let is_counted =
            |one: &&Signature| !ansai_registry::signers(&self.claim, std::slice::from_ref(*one), &keys).is_empty();
        self.signatures.iter().filter(is_counted).collect()
    }

    /// The highest mode that it may have.
    ///
    /// # Errors
    /// As [`Vouched::judge`].
    pub(crate) fn ceiling(&self, configuration: &Configuration, ceiling: Mode) -> Result<Mode, RegistryError> {
        Ok(match self.judge(&configuration.vouching)? {
            Judgement::Uncovered => Mode::Observe,
            Judgement::Verified { lists, .. } if lists.iter().any(is_missing) => Mode::Observe,
            Judgement::Verified { .. } => ceiling,
        })
    }

    /// What an operator should know about a policy that is not refused.
    pub(crate) fn warnings(&self, name: &str, configuration: &Configuration, mode: Mode) -> Vec<Warning> {
        let observes = |why: &str| Warning::new(codes::PULLED_OBSERVES, format!("{name} only observes: {why}"));
        match self.judge(&configuration.vouching) {
            Ok(Judgement::Uncovered) if mode.may_act() => {
                let names = self.names.join(" or ");
                vec![observes(&format!("it comes from a registry, and no [[trust]] covers {names}"))]
            }
            Ok(Judgement::Verified { lists, .. }) => {
                let of_list = |problem: &ListProblem| match problem {
                    ListProblem::Missing { .. } => observes(&format!("{problem}; run `ansai pull`")),
                    ListProblem::Expired { .. } => {
                        let message = format!("{problem}: {name} runs, and is not upgraded; run `ansai pull`");
                        Warning::new(codes::REVOCATIONS_OVERDUE, message)
                    }
                };
                lists.iter().map(of_list).collect()
            }
            Ok(Judgement::Uncovered) | Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
impl Vouched {
    /// For tests of what depends on it.
    pub(crate) fn of_parts(claim: Claim, signatures: Vec<Signature>, lists: Arc<Lists>) -> Vouched {
        let reference = format!("{}:{}", claim.repository, claim.version);
        Vouched {
            reference,
            names: vec![claim.repository.clone()],
            claim,
            signatures,
            pinned_signers: Vec::new(),
            lists,
        }
    }
}

fn is_missing(problem: &ListProblem) -> bool {
    matches!(problem, ListProblem::Missing { .. })
}

/// A policy of the store, with the signatures that are kept of it.
///
/// # Errors
/// It is missing, was changed, or is not the policy that its name promises.
pub fn standing(
    acceptance: &Acceptance,
    store: &Store,
    (source, entry): (&str, &Entry),
    interfaces: &[Interface],
) -> Result<Vouched, Error> {
    let (path, digest) = store.component(&entry.digest)?;
    let component = Component::read(&path, interfaces)?;
    super::verify(&component, &digest)?;
    let locked = Locked {
        source: source.to_owned(),
        resolved: entry.reference.to_string(),
        digest: entry.digest.clone(),
        component: digest,
        version: component.manifest.version.clone(),
        imports: Vec::new(),
        scopes: scopes(&component),
        signers: Vec::new(),
    };
    Ok(Vouched::of(store, &locked, &component, acceptance.lists().clone())?)
}
