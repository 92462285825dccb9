//! The decision about one policy.

use std::path::PathBuf;

use ansai_core::Timestamp;

use super::{NamedKey, TrustError, TrustPolicy, TrustRule};
use crate::revocation::{ListProblem, Lists, RevocationList};
use crate::signature::Difference;
use crate::{Claim, PublicKey, Signature};

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its place and version, for messages.
    pub reference: &'a str,
    /// `registry.example/acme/web`, and the short name `acme/web` if the source has one.
    pub names: &'a [String],
    /// What its signers must have signed.
    pub claim: &'a Claim,
    /// Those that were found, not verified.
    pub signatures: &'a [Signature],
    /// Hints of the keys that had signed it when it was pinned.
    pub pinned_signers: &'a [String],
}

/// A key that vouches for a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The file of the key.
    pub path: PathBuf,
    /// SHA-256 of the key, in base64.
    pub hint: String,
}

/// What is known of a policy that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// No rule covers it: nobody vouches for it.
    Uncovered,
    /// Enough keys vouch for it.
    Verified {
        /// The keys of the rules that have signed it.
        signers: Vec<Signer>,
        /// Lists of revocations that are missing or past their end: something could be revoked.
        lists: Vec<ListProblem>,
    },
}

impl TrustPolicy {
    /// Whether those who must vouch for a policy do.
    ///
    /// # Errors
    /// They do not, or it is revoked.
    pub fn judge(&self, subject: &Subject<'_>, lists: &Lists, now: Timestamp) -> Result<Judgement, TrustError> {
        let mut is_covered = false;
        let (mut signers, mut problems): (Vec<Signer>, Vec<ListProblem>) = (Vec::new(), Vec::new());
        for rule in self.covering(subject.names) {
            is_covered = true;
            let list = match rule.revocations.as_ref().map(|source| lists.get(source)) {
                Some(Ok(list)) => Some(list),
                Some(Err(problem)) => {
                    problems.push(problem);
                    None
                }
                None => None,
            };
            if let (Some(source), Some(list)) = (&rule.revocations, &list) {
                problems.extend(list.overdue(source, now));
                if let Some(reason) = list.revokes(subject.claim) {
                    let (reference, list) = (subject.reference.to_owned(), source.address.clone());
                    return Err(TrustError::Revoked { reference, list, reason: reason.to_owned() });
                }
            }
            for signer in rule.signers(subject, list.as_deref())? {
                if !signers.contains(&signer) {
                    signers.push(signer);
                }
            }
        }
        Ok(if is_covered { Judgement::Verified { signers, lists: problems } } else { Judgement::Uncovered })
    }
}

/// What a key of a rule has to do with a policy.
enum Stand {
    Signed,
    /// It has, and is revoked.
    Revoked(String),
    /// It has signed something else.
    Different(Difference),
    Absent,
}

fn stand(key: &PublicKey, subject: &Subject<'_>, list: Option<&RevocationList>) -> Stand {
    let said: Vec<Option<Difference>> =
        subject.signatures.iter().filter_map(|signature| signature.says(subject.claim, key)).collect();
    let revoked = list.and_then(|list| list.revokes_key(&key.hint()));
    match (said.contains(&None), revoked) {
        (true, None) => Stand::Signed,
        (true, Some(reason)) => Stand::Revoked(reason.to_owned()),
        // What a revoked key has signed besides is of no interest.
        (false, Some(_)) => Stand::Absent,
        // What is said besides, such as provenance, hides no signature of another policy.
        (false, None) => {
            let different = said.into_iter().flatten().min_by_key(|one| *one == Difference::Predicate);
            different.map_or(Stand::Absent, Stand::Different)
        }
    }
}

impl TrustRule {
    /// The keys of this rule that vouch for a policy.
    fn signers(&self, subject: &Subject<'_>, list: Option<&RevocationList>) -> Result<Vec<Signer>, TrustError> {
        let reference = || subject.reference.to_owned();
        let mut found: Vec<(Signer, bool)> = Vec::new();
        let (mut missing, mut revoked, mut different) = (Vec::new(), None, None);
        for (named, must) in self.keys.iter().map(|key| (key, false)).chain(self.all_of.iter().map(|key| (key, true))) {
            let NamedKey { path, key } = named;
            let key = key.as_ref().map_err(|why| TrustError::Key {
                reference: reference(),
                path: path.clone(),
                why: why.clone(),
            })?;
            let signer = Signer { path: path.clone(), hint: key.hint() };
            match stand(key, subject, list) {
                // The same key in two files counts once.
                Stand::Signed if found.iter().any(|(known, by)| known.hint == signer.hint && *by == must) => {}
                Stand::Signed => found.push((signer, must)),
                stand => {
                    match stand {
                        Stand::Revoked(reason) => revoked = revoked.or(Some((path.clone(), reason))),
                        Stand::Different(what) => different = different.or(Some((path.clone(), what))),
                        Stand::Signed | Stand::Absent => {}
                    }
                    if must {
                        missing.push(path.clone());
                    }
                }
            }
        }
        let of_keys = found.iter().filter(|(_, must)| !must).count();
        if of_keys >= self.minimum && missing.is_empty() {
            return Ok(found.into_iter().map(|(signer, _)| signer).collect());
        }
        Err(if let Some((key, reason)) = revoked {
            TrustError::KeyRevoked { reference: reference(), key, reason }
        } else if !found.is_empty() {
            let required = self.minimum.saturating_add(self.all_of.len());
            TrustError::TooFew { reference: reference(), found: found.len(), minimum: required, missing }
        } else if !subject.pinned_signers.is_empty() && matches!(different, Some((_, Difference::Predicate))) {
            // Provenance is left, and the signature that it had is not.
            TrustError::Stripped { reference: reference(), signers: subject.pinned_signers.join(", ") }
        } else if let Some((key, difference)) = different {
            TrustError::Different { reference: reference(), key, difference }
        } else if !subject.signatures.is_empty() {
            TrustError::OtherKey { reference: reference() }
        } else if !subject.pinned_signers.is_empty() {
            TrustError::Stripped { reference: reference(), signers: subject.pinned_signers.join(", ") }
        } else {
            TrustError::NotSigned { reference: reference() }
        })
    }
}
