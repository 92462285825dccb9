//! `ansai audit verify`: compares the log with itself, with the local head, and with heads kept elsewhere.

mod named_key;
mod problem;
mod show;

use std::path::Path;

use ansai_audit::{Head, HeadFault, LogId, PublicKey, SignedHead, Verified, Verifier};
use ansai_core::exit;
use ansai_daemon::{history, state};
use ansai_supervisor::heads;

use self::named_key::NamedKey;
use self::problem::Problem;
use super::kept_heads::{self, KeptHead};
use crate::exit::Fault;
use crate::global::Format;
use crate::output::{json, lines};

/// A log that is intact, and what it was compared with.
pub(super) struct Checked {
    pub(super) verified: Verified,
    given: Vec<KeptHead>,
    /// The head beside the log.
    local: Option<SignedHead>,
    keys: Vec<NamedKey>,
}

pub(super) fn run(state_dir: &Path, heads: &[String], keys: &[PublicKey], format: Format) -> anyhow::Result<u8> {
    let mut given = Vec::new();
    for argument in heads {
        given.extend(kept_heads::read(argument)?);
    }
    match (examine(state_dir, &given, keys), format) {
        (Ok(None), Format::Text) => lines::line("no records yet")?,
        (Ok(None), Format::Json) => {
            json::document(&serde_json::json!({ "ok": true, "records": 0, "head": Head::genesis() }))?
        }
        (Ok(Some(checked)), Format::Text) => show::text(&checked)?,
        (Ok(Some(checked)), Format::Json) => show::document(&checked)?,
        (Err(problem), Format::Text) => return Err((*problem.fault).into()),
        (Err(problem), Format::Json) => {
            let at = problem.corruption.as_deref();
            json::document(&serde_json::json!({
                "ok": false,
                "problem": problem.name,
                "segment": at.map(|at| at.segment.to_string()),
                "offset": at.map(|at| at.offset),
                "sequence": at.map(|at| at.sequence),
                "head": problem.head,
                "message": problem.fault.message,
                "hint": problem.fault.hint,
                "exit_code": problem.fault.exit,
            }))?;
            return Ok(problem.fault.exit);
        }
    }
    Ok(exit::FINE)
}

/// Verifies the log; `None` if nothing was recorded yet.
pub(super) fn check(state_dir: &Path, given: &[KeptHead], keys: &[PublicKey]) -> Result<Option<Checked>, Fault> {
    examine(state_dir, given, keys).map_err(|problem| *problem.fault)
}

fn examine(state_dir: &Path, given: &[KeptHead], keys: &[PublicKey]) -> Result<Option<Checked>, Problem> {
    // Read before the log: while the daemon runs the log only grows, so it contains this head.
    let local = heads::head_file(state_dir).read().map_err(Problem::from)?;
    let signed = || given.iter().filter_map(signed_of).chain(&local);
    let directory = history::directory(state_dir);
    if !state::exists(&directory) {
        let known = given.iter().map(head_of).chain(local.iter().map(|head| head.head));
        return match known.max_by_key(|head| head.sequence).filter(|head| *head != Head::genesis()) {
            None => Ok(None),
            Some(expected) => Err(Problem::of_log(
                "cut-below-head",
                None,
                format!("{} has no records, but a head of record {} exists", directory.display(), expected.sequence),
            )),
        };
    }
    if let Some((head, found)) = replaced(&directory, given, keys) {
        // Whoever exchanges the log exchanges key and local head as well, so this is said before anything about those.
        return Err(Problem::replaced(head, found));
    }
    let mut verifier = Verifier::default();
    given.iter().for_each(|head| match head {
        KeptHead::Plain(head) => verifier.expect(*head),
        KeptHead::Signed(head) => verifier.expect_signed((**head).clone()),
    });
    local.iter().for_each(|head| verifier.expect_signed(head.clone()));
    keys.iter().for_each(|key| verifier.trust(*key));
    let mut named = Vec::new();
    let verified = verifier.run(&directory, |entry| named.extend(NamedKey::of(entry))).map_err(Problem::from)?;
    if keys.is_empty() {
        // The log names each key before the first head that it signs.
        let names = |head: &SignedHead| {
            let key = head.key.to_string();
            named.iter().any(|one| one.public_key == key && one.sequence <= head.head.sequence)
        };
        if let Some(head) = signed().find(|head| !names(head)) {
            return Err(Problem::unverified(head, HeadFault::UnknownKey(head.key)));
        }
    }
    for one in &mut named {
        one.endorsed = verified.log.is_some_and(|log| one.is_endorsed(log));
    }
    Ok(Some(Checked { verified, given: given.to_vec(), local, keys: named }))
}

/// A head that was kept elsewhere and signed by a key that was kept elsewhere, and the log that is here instead of its own.
fn replaced<'g>(directory: &Path, given: &'g [KeptHead], keys: &[PublicKey]) -> Option<(&'g SignedHead, LogId)> {
    // An unreadable or damaged log is reported in other words.
    let found = LogId::of(directory).ok().flatten()?;
    let trusted = |head: &&SignedHead| head.log != found && keys.contains(&head.key) && head.is_signed();
    Some((given.iter().filter_map(signed_of).find(trusted)?, found))
}

fn signed_of(head: &KeptHead) -> Option<&SignedHead> {
    match head {
        KeptHead::Signed(head) => Some(head),
        KeptHead::Plain(_) => None,
    }
}

fn head_of(head: &KeptHead) -> Head {
    match head {
        KeptHead::Signed(head) => head.head,
        KeptHead::Plain(head) => *head,
    }
}
