//! `ansai audit head`: the newest head, verified, durable and signed.

use std::path::Path;

use ansai_audit::{Head, SignedHead, make_durable};
use ansai_daemon::history::{self, HistoryError};
use ansai_supervisor::clock;

use super::{key, verify};
use crate::global::Format;
use crate::output::{json, lines};

pub(super) fn run(state_dir: &Path, format: Format) -> anyhow::Result<()> {
    let found = match verify::check(state_dir, &[], &[])? {
        Some(checked) => checked.verified,
        None => return print(None, Head::genesis(), format),
    };
    let Some(log) = found.log else { return print(None, Head::genesis(), format) };
    let key = key::read(state_dir)?;
    // While the daemon runs the last record may not be on the disk yet, and a head must not outlive its record.
    make_durable(history::directory(state_dir))
        .map_err(|error| ansai_daemon::Error::from(HistoryError::from(error)))?;
    let signed = SignedHead::new(log, found.head, clock::now().as_millis(), &key);
    print(Some(&signed), found.head, format)
}

fn print(signed: Option<&SignedHead>, head: Head, format: Format) -> anyhow::Result<()> {
    match (signed, format) {
        (Some(signed), Format::Text) => Ok(lines::line(&signed.to_string())?),
        (None, Format::Text) => Ok(lines::line(&head.to_string())?),
        (Some(signed), Format::Json) => json::document(&serde_json::json!({
            "head": signed.to_string(),
            "log": signed.log.to_string(),
            "sequence": signed.head.sequence,
            "hash": hex::encode(signed.head.hash),
            "at_ms": signed.at_ms,
            "key": signed.key.to_string(),
        })),
        (None, Format::Json) => json::document(&serde_json::json!({
            "head": head,
            "sequence": head.sequence,
            "hash": hex::encode(head.hash),
        })),
    }
}
