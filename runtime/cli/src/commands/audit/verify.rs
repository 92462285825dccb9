//! `ansai audit verify`: the log against itself, against the head beside it, and against heads kept elsewhere.

use std::path::Path;

use ansai_audit::{
    Corruption, Fault as LogFault, Head, HeadFault, HeadFileError, LogId, PublicKey, ReadError, SignedHead, Verified,
    Verifier, VerifyError,
};
use ansai_core::Event;
use ansai_core::{codes, exit};
use ansai_daemon::history::{self, HistoryError};
use ansai_daemon::state;
use ansai_supervisor::heads;
use serde::Serialize;

use crate::arguments::Format;
use crate::exit::Fault;
use crate::kept_heads::{self, KeptHead};
use crate::output::{json, lines};

/// A log that is as it was written, and what it was compared with.
pub(super) struct Checked {
    pub(super) verified: Verified,
    given: Vec<KeptHead>,
    beside: Option<SignedHead>,
    keys: Vec<NamedKey>,
}

/// A key that the log itself names.
#[derive(Debug, Serialize)]
struct NamedKey {
    sequence: u64,
    public_key: String,
    replaces: Option<String>,
    /// Whether the key it replaces signed for it.
    endorsed: bool,
    #[serde(skip)]
    endorsement: Option<String>,
}

/// What is wrong, for people and for programs.
struct Problem {
    name: &'static str,
    corruption: Option<Box<Corruption>>,
    head: Option<String>,
    fault: Box<Fault>,
}

pub(super) fn run(state_dir: &Path, heads: &[String], keys: &[PublicKey], format: Format) -> anyhow::Result<u8> {
    let mut given = Vec::new();
    for argument in heads {
        given.extend(kept_heads::read(argument)?);
    }
    match (examine(state_dir, &given, keys), format) {
        (Ok(None), Format::Text) => lines::line("nothing was recorded yet")?,
        (Ok(None), Format::Json) => {
            json::document(&serde_json::json!({ "ok": true, "records": 0, "head": Head::genesis() }))?
        }
        (Ok(Some(checked)), Format::Text) => text(&checked)?,
        (Ok(Some(checked)), Format::Json) => document(&checked)?,
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

/// The check as other verbs want it; `None` where nothing was recorded yet.
pub(super) fn check(state_dir: &Path, given: &[KeptHead], keys: &[PublicKey]) -> Result<Option<Checked>, Fault> {
    examine(state_dir, given, keys).map_err(|problem| *problem.fault)
}

fn examine(state_dir: &Path, given: &[KeptHead], keys: &[PublicKey]) -> Result<Option<Checked>, Problem> {
    // Before the log: beside a daemon at work the log only grows, so it reaches this head.
    let beside = heads::head_file(state_dir).read().map_err(unreliable_file)?;
    let signed = || given.iter().filter_map(signed_of).chain(&beside);
    let directory = history::directory(state_dir);
    if !state::exists(&directory) {
        let known = given.iter().map(head_of).chain(beside.iter().map(|head| head.head));
        return match known.max_by_key(|head| head.sequence).filter(|head| *head != Head::genesis()) {
            None => Ok(None),
            Some(expected) => Err(Problem::of_log(
                "cut-below-head",
                None,
                format!("{} holds no record, but was known to reach {expected}", directory.display()),
            )),
        };
    }
    let mut verifier = Verifier::default();
    given.iter().for_each(|head| match head {
        KeptHead::Plain(head) => verifier.expect(*head),
        KeptHead::Signed(head) => verifier.expect_signed((**head).clone()),
    });
    beside.iter().for_each(|head| verifier.expect_signed(head.clone()));
    keys.iter().for_each(|key| verifier.trust(*key));
    let mut named = Vec::new();
    let verified = verifier.run(&directory, |entry| named.extend(named_key(entry))).map_err(Problem::from)?;
    if keys.is_empty() {
        // The log names each key before the first head that it signs.
        let names = |head: &SignedHead| {
            let key = head.key.to_string();
            named.iter().any(|one| one.public_key == key && one.sequence <= head.head.sequence)
        };
        if let Some(head) = signed().find(|head| !names(head)) {
            return Err(unproven(head, HeadFault::UnknownKey(head.key)));
        }
    }
    for one in &mut named {
        one.endorsed = verified.log.is_some_and(|log| is_endorsed(one, log));
    }
    Ok(Some(Checked { verified, given: given.to_vec(), beside, keys: named }))
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

/// Most records are of something else: they are not read as a whole.
fn named_key(entry: &ansai_audit::Entry) -> Option<NamedKey> {
    const MARK: &[u8] = b"\"audit-key\"";
    let begin = entry.payload.get(..64).unwrap_or(&entry.payload);
    if !begin.windows(MARK.len()).any(|part| part == MARK) {
        return None;
    }
    match history::record(entry).ok()?.event {
        Event::AuditKey { public_key, replaces, endorsement } => {
            Some(NamedKey { sequence: entry.sequence, public_key, replaces, endorsed: false, endorsement })
        }
        _ => None,
    }
}

fn is_endorsed(named: &NamedKey, log: LogId) -> bool {
    let old = named.replaces.as_ref().and_then(|old| old.parse::<PublicKey>().ok());
    let new = named.public_key.parse::<PublicKey>().ok();
    let mut signature = [0; 64];
    let whole = named.endorsement.as_ref().is_some_and(|text| hex::decode_to_slice(text, &mut signature).is_ok());
    whole && old.zip(new).is_some_and(|(old, new)| old.endorsed(log, new, &signature))
}

fn text(checked: &Checked) -> anyhow::Result<()> {
    let Checked { verified, given, beside, keys } = checked;
    lines::line(&format!("{} records in {} segments, sound", verified.records, verified.segments))?;
    lines::line(&match given.iter().map(|head| head_of(head).sequence).max() {
        Some(newest) => format!("agrees with {} heads given, the newest of record {newest}", given.len()),
        None => "no head was given: compare with one kept elsewhere to tell more".to_owned(),
    })?;
    lines::line(&match beside {
        Some(head) => format!("agrees with the head beside it, of record {}", head.head.sequence),
        None => "there is no head beside it".to_owned(),
    })?;
    for key in keys {
        let NamedKey { sequence, public_key, .. } = key;
        lines::line(&match (&key.replaces, key.endorsed) {
            (None, _) => format!("key {public_key}, named by record {sequence}"),
            (Some(_), true) => format!("key {public_key}, named by record {sequence} and by the key before it"),
            (Some(_), false) => format!(
                "key {public_key}, named by record {sequence} and NOT by the key before it: find out who exchanged it"
            ),
        })?;
    }
    if verified.torn_tail_bytes > 0 {
        let bytes = verified.torn_tail_bytes;
        lines::line(&format!("{bytes} bytes behind it were never finished: a crash, or ansai at work"))?;
    }
    Ok(lines::line(&format!("audit head {}", verified.head))?)
}

fn document(checked: &Checked) -> anyhow::Result<()> {
    let Checked { verified, given, beside, keys } = checked;
    let shown = |head: &KeptHead| match head {
        KeptHead::Signed(head) => head.to_string(),
        KeptHead::Plain(head) => head.to_string(),
    };
    json::document(&serde_json::json!({
        "ok": true,
        "log": verified.log.map(|log| log.to_string()),
        "records": verified.records,
        "segments": verified.segments,
        "head": verified.head,
        "torn_tail_bytes": verified.torn_tail_bytes,
        "compared_with": given.iter().map(shown).collect::<Vec<_>>(),
        "head_beside": beside.as_ref().map(ToString::to_string),
        "keys": keys,
    }))
}

impl Problem {
    fn of_log(name: &'static str, corruption: Option<Box<Corruption>>, message: String) -> Problem {
        let fault =
            Fault::refused(codes::AUDIT_TAMPERED, message).hint("keep a copy of the state directory as evidence");
        Problem { name, corruption, head: None, fault: Box::new(fault) }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Head { head, fault } => unproven(&head, fault),
            VerifyError::Log(ReadError::Corrupt(corruption)) => {
                let name = corruption.fault.name();
                let message = match corruption.fault {
                    LogFault::CutBelowHead { .. } | LogFault::Rewritten { .. } => {
                        format!("the audit log contradicts a head: {corruption}")
                    }
                    _ => format!("the audit log is not as it was written: {corruption}"),
                };
                Problem::of_log(name, Some(Box::new(corruption)), message)
            }
            VerifyError::Log(ReadError::Storage(error)) => Problem {
                name: "unreadable",
                corruption: None,
                head: None,
                fault: Box::new(ansai_daemon::Error::from(HistoryError::from(error)).into()),
            },
        }
    }
}

/// A head that proves nothing: the log may be sound.
fn unproven(head: &SignedHead, fault: HeadFault) -> Problem {
    let (name, hint) = match fault {
        HeadFault::Signature => {
            ("wrong-signature", "it was changed after it was signed: look for it where else it was sent to")
        }
        HeadFault::UnknownKey(_) => (
            "unknown-key",
            "give the key that you kept, as `ansai audit key` showed it, with --key; if it is that one, somebody else signed",
        ),
        HeadFault::OtherLog { .. } => (
            "other-log",
            "give heads of this log only; if they should be, the log was exchanged or rewritten from its first record on",
        ),
    };
    let message = format!("the head of record {} proves nothing: {fault}", head.head.sequence);
    let fault = Fault::new(exit::UNPROVEN, codes::UNPROVEN_HEAD, message).hint(hint);
    Problem { name, corruption: None, head: Some(head.to_string()), fault: Box::new(fault) }
}

fn unreliable_file(error: HeadFileError) -> Problem {
    let (name, exit, code) = match error {
        HeadFileError::Storage(_) => ("unreadable", exit::UNKNOWN, codes::AUDIT_UNREADABLE),
        HeadFileError::Form { .. } => ("not-a-head", exit::UNPROVEN, codes::BAD_HEAD),
        HeadFileError::Signature(_) => ("wrong-signature", exit::UNPROVEN, codes::UNPROVEN_HEAD),
    };
    let fault = Fault::new(exit, code, error.to_string()).maybe_hint(error.hint());
    Problem { name, corruption: None, head: None, fault: Box::new(fault) }
}
