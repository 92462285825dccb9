//! A verified log, for people and for programs.

use super::kept_heads::KeptHead;
use super::{Checked, NamedKey, head_of};
use crate::output::count::count;
use crate::output::{json, lines};

pub(super) fn text(checked: &Checked) -> anyhow::Result<()> {
    let Checked { verified, given, local, keys } = checked;
    lines::line(&format!("{}, {}: OK", count(verified.records, "record"), count(verified.segments, "segment")))?;
    lines::line(&match given.iter().map(|head| head_of(head).sequence).max() {
        Some(newest) => format!("matches {}, newest: record {newest}", count(given.len(), "external head")),
        None => "no external head given; pass --head to detect truncation".to_owned(),
    })?;
    lines::line(&match local {
        Some(head) => format!("matches the local head, record {}", head.head.sequence),
        None => "no local head yet".to_owned(),
    })?;
    for key in keys {
        let NamedKey { sequence, public_key, .. } = key;
        lines::line(&match (&key.replaces, key.endorsed) {
            (None, _) => format!("key {public_key}, record {sequence}"),
            (Some(_), true) => format!("key {public_key}, record {sequence}, signed by the key before it"),
            (Some(_), false) => {
                format!(
                    "key {public_key}, record {sequence}, NOT signed by the key before it: find out who replaced it"
                )
            }
        })?;
    }
    if verified.torn_tail_bytes > 0 {
        let bytes = count(verified.torn_tail_bytes, "byte");
        lines::line(&format!("{bytes} of an incomplete record at the end: ansai is running, or crashed"))?;
    }
    Ok(lines::line(&format!("audit head {}", verified.head))?)
}

pub(super) fn document(checked: &Checked) -> anyhow::Result<()> {
    let Checked { verified, given, local, keys } = checked;
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
        "head_beside": local.as_ref().map(ToString::to_string),
        "keys": keys,
    }))
}
