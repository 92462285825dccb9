//! Whether a policy that was fetched is accepted: by whose keys, by the lists of revocations, and by its version.

use std::sync::Arc;

use ansai_core::codes;
use ansai_registry::{
    Client, Connection, Fetched, Judgement, Lists, Locked, Reference, Registries, RegistryError, RevocationError,
    RevocationSource, Signature, Store, TrustPolicy, Update, Versions, fetch_list, names_of,
};
use ansai_supervisor::clock;

use super::vouching::Vouched;
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::warning::Warning;

/// The rules by which fetched policies are accepted.
pub struct Acceptance {
    policy: Arc<TrustPolicy>,
    registries: Registries,
    lists: Arc<Lists>,
    allows_older: bool,
    /// Lists that were refused. Policies that others cover are accepted all the same.
    refused: Vec<(String, RevocationError)>,
}

impl Acceptance {
    /// Those of a configuration; without one, no rule covers anything.
    pub fn of(configuration: Option<&Configuration>, store: &Store) -> Acceptance {
        Acceptance {
            policy: configuration.map(|configuration| configuration.vouching.clone()).unwrap_or_default(),
            registries: configuration.map(registries).unwrap_or_default(),
            lists: Arc::new(Lists::of(store)),
            allows_older: false,
            refused: Vec::new(),
        }
    }

    /// Whether a person wants an older version than the registry offered before.
    #[must_use]
    pub fn allowing_older(self, allows_older: bool) -> Acceptance {
        Acceptance { allows_older, ..self }
    }

    /// The signatures of a policy in its registry. Where no rule covers it, none are needed, and a registry that cannot say
    /// them is no error.
    ///
    /// # Errors
    /// The registry does not answer about a policy that a rule covers.
    pub(crate) fn signatures(
        &self,
        client: &Client,
        source: &str,
        fetched: &Fetched,
    ) -> Result<Vec<Signature>, RegistryError> {
        let names = names_of(source, &fetched.reference);
        match client.signatures(&fetched.reference, &fetched.manifest.digest) {
            Err(_) if self.policy.covering(&names).next().is_none() => Ok(Vec::new()),
            found => found,
        }
    }

    /// The rules.
    pub fn policy(&self) -> &TrustPolicy {
        &self.policy
    }

    /// Where short names lead.
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    /// What is judged of a policy with these signatures.
    ///
    /// # Errors
    /// It is not the policy that its name promises.
    pub fn vouched(
        &self,
        signatures: Vec<Signature>,
        locked: &Locked,
        component: &Component,
    ) -> Result<Vouched, RegistryError> {
        Vouched::with(signatures, locked, component, self.lists.clone())
    }

    /// The lists of revocations.
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }

    /// Fetches the lists of revocations that the rules name. One that cannot be reached is a warning: the kept one may be
    /// valid. One that is refused is a warning too, and the policies that its rule covers are refused.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn refresh(&mut self, connection: &Connection) -> Result<Vec<Warning>, Error> {
        let mut warnings = Vec::new();
        let policy = self.policy.clone();
        let mut sources: Vec<&RevocationSource> = policy.lists().collect();
        sources.dedup();
        for source in sources {
            // The connection is that of a registry on this machine.
            let connection = Connection { plain: false, ..connection.clone() };
            match fetch_list(&source.address, &connection) {
                Ok(bytes) => match self.lists.update(source, &bytes, clock::now())? {
                    Ok(Update::New { serial }) => tracing::info!("revocations of {}: serial {serial}", source.address),
                    Ok(Update::Known { .. }) => {}
                    Err(error) => {
                        warnings.push(Warning::new(error.code(), error.to_string()));
                        self.refused.push((source.address.clone(), error));
                    }
                },
                Err(error) => {
                    let message = format!("the list of revocations {} is not refreshed: {error}", source.address);
                    warnings.push(Warning::new(codes::REVOCATIONS_OVERDUE, message));
                }
            }
        }
        Ok(warnings)
    }

    /// Accepts the lists of revocations that another store has, as those that are fetched.
    ///
    /// One that is older than the kept one or has expired is left out: that store was written earlier. Without a valid one,
    /// the policies that the rule covers are refused all the same.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn take_lists(&mut self, from: &Store) -> Result<(), Error> {
        let (other, policy) = (Lists::of(from), self.policy.clone());
        for source in policy.lists() {
            let Some(bytes) = other.bytes(&source.address) else { continue };
            match self.lists.update(source, &bytes, clock::now())? {
                Ok(_) | Err(RevocationError::Older { .. } | RevocationError::Expired { .. }) => {}
                Err(error) => self.refused.push((source.address.clone(), error)),
            }
        }
        Ok(())
    }

    /// Judges a policy whose component was checked, and keeps its signatures in the store. Says in `locked` who signed it.
    ///
    /// # Errors
    /// It is refused; then it has no name in the store.
    pub(crate) fn accept(
        &self,
        store: &Store,
        wanted: &Reference,
        fetched: &Fetched,
        locked: &mut Locked,
        (component, signatures): (&Component, Vec<Signature>),
    ) -> Result<(), Error> {
        if !self.allows_older {
            Versions::of(store)?.check(wanted, &fetched.reference, &locked.version)?;
        }
        let vouched = self.vouched(signatures.clone(), locked, component)?;
        let judgement = vouched.judge(&self.policy).map_err(RegistryError::from)?;
        let mut lists = self.policy.covering(vouched.names()).filter_map(|rule| rule.revocations.as_ref());
        let is_refused =
            |source: &RevocationSource| self.refused.iter().find(|(address, _)| *address == source.address);
        if let Some((_, error)) = lists.find_map(is_refused) {
            return Err(RegistryError::from(error.clone()).into());
        }
        if let Judgement::Verified { lists, .. } = &judgement {
            // Running policies go on. What is new could be revoked, and nobody would know.
            if let Some(problem) = lists.first() {
                let address = match problem {
                    ansai_registry::ListProblem::Missing { address }
                    | ansai_registry::ListProblem::Expired { address, .. } => address.clone(),
                };
                let why = problem.to_string();
                return Err(RegistryError::from(RevocationError::Overdue { address, why }).into());
            }
        }
        locked.signers = match judgement {
            Judgement::Verified { signers, .. } => signers.into_iter().map(|signer| signer.hint).collect(),
            Judgement::Uncovered => Vec::new(),
        };
        // Those that are known stay: where no rule covers it, or out of an archive without signatures, it comes with none.
        let known = store.signatures(&locked.digest)?;
        let mut kept: Vec<Signature> = vouched.counting(&self.policy).into_iter().cloned().collect();
        for one in known.iter().chain(&signatures) {
            if !kept.contains(one) {
                kept.push(one.clone());
            }
        }
        store.keep_signatures(&locked.digest, &kept)?;
        Versions::remember(store, wanted, &locked.version, self.allows_older)?;
        Ok(())
    }
}

/// Where the short names of a configuration lead.
fn registries(configuration: &Configuration) -> Registries {
    let settings = &configuration.config.registry;
    Registries { namespaces: settings.namespaces.clone(), default: settings.default.clone() }
}
