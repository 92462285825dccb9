//! `ansai audit verify`: compares the log with itself, with the local head, and with heads kept elsewhere.

mod named_key;
mod problem;
mod show;

use std::path::Path;

use ansai_audit::{
    Beginning, Corruption, Head, HeadFault, LogId, PublicKey, ReadError, SignedHead, Verified, Verifier,
};
use ansai_core::exit;
use ansai_daemon::{history, state};
use ansai_storage::Directory;
use ansai_supervisor::{RecordedDrop, heads};

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

pub(super) fn run(
    state_dir: &Path,
    heads: &[String],
    keys: &[PublicKey],
    archive: Option<&Path>,
    format: Format,
) -> anyhow::Result<u8> {
    let mut given = Vec::new();
    for argument in heads {
        given.extend(kept_heads::read(argument)?);
    }
    match (examine(state_dir, &given, keys, archive), format) {
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
    examine(state_dir, given, keys, None).map_err(|problem| *problem.fault)
}

fn examine(
    state_dir: &Path,
    given: &[KeptHead],
    keys: &[PublicKey],
    archive: Option<&Path>,
) -> Result<Option<Checked>, Problem> {
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
    if let Some(archive) = archive {
        verifier.archive(Directory::open(archive).map_err(ReadError::from)?);
    }
    let (mut named, mut recorded) = (Vec::new(), RecordedDrop::default());
    let verified = verifier.run(&directory, |entry| {
        named.extend(NamedKey::of(entry));
        recorded.see(entry);
    })?;
    recorded.check_log(&Directory::open(&directory).map_err(ReadError::from)?)?;
    if let Some(dropped) = &verified.dropped {
        let known = match keys.is_empty() {
            true => names_signer(&named, local.as_ref(), &recorded, dropped),
            false => keys.contains(&dropped.key),
        };
        if !known {
            let why = format!("key {} signed it, which is not a key of this log", dropped.key);
            let fault = ansai_audit::Fault::BeginningForged { why };
            return Err(ReadError::from(Corruption::at_the_beginning(dropped.dropped.first, fault)).into());
        }
    }
    if keys.is_empty() {
        // The log names each key before the first head that it signs. The record that named the first key may have been
        // dropped.
        let first = verified.beginning.as_ref().map(|beginning| {
            let replaced = named.iter().find_map(|one| one.replaces.clone());
            replaced.unwrap_or_else(|| beginning.key.to_string())
        });
        let names = |head: &SignedHead| {
            let key = head.key.to_string();
            first.as_ref() == Some(&key)
                || named.iter().any(|one| one.public_key == key && one.sequence <= head.head.sequence)
        };
        if let Some(head) = signed().find(|head| !names(head)) {
            return Err(Problem::unverified(head, HeadFault::UnknownKey(head.key)));
        }
    }
    if !given.is_empty() && given.iter().all(|head| verified.before.contains(&head_of(head))) {
        return Err(Problem::before_the_kept_part(show::before(&verified, given)));
    }
    // A local head of a dropped record was compared with nothing.
    let local = local.filter(|head| !verified.before.contains(&head.head));
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

/// Whether the log, or what is beside it, knows the key that signed what was dropped.
fn names_signer(named: &[NamedKey], local: Option<&SignedHead>, recorded: &RecordedDrop, dropped: &Beginning) -> bool {
    let key = dropped.key.to_string();
    let mut known = named.iter().flat_map(|one| one.replaces.iter().chain([&one.public_key])).peekable();
    if known.peek().is_none() && local.is_none() {
        return recorded.public_key() == Some(key.as_str());
    }
    known.any(|one| *one == key) || local.is_some_and(|head| head.key == dropped.key)
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
