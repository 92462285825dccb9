//! A verified log, for people and for programs.

use ansai_audit::{Head, Verified};
use ansai_core::Timestamp;

use super::kept_heads::KeptHead;
use super::{Checked, NamedKey, head_of};
use crate::output::count::count;
use crate::output::{json, lines, time};

pub(super) fn text(checked: &Checked) -> anyhow::Result<()> {
    let Checked { verified, given, local, keys } = checked;
    lines::line(&format!("{}, {}: OK", count(verified.records, "record"), count(verified.segments, "segment")))?;
    if let Some(beginning) = &verified.beginning {
        let dropped = &beginning.dropped;
        lines::line(&format!(
            "begins with record {}: {}, {} on {} because of their {}, signed by key {}",
            dropped.first,
            count(dropped.first.saturating_sub(1), "record") + " before it",
            dropped.to,
            time::local(Timestamp::from_millis(dropped.at_ms)),
            dropped.reason,
            beginning.key
        ))?;
    }
    if verified.archived > 0 {
        lines::line(&format!("{} of them in the archive", count(verified.archived, "record")))?;
    }
    let too_old = before_the_kept_part(verified, given);
    let compared = given.len().saturating_sub(too_old.len());
    lines::line(&match given.iter().map(|head| head_of(head).sequence).max() {
        Some(newest) => format!("matches {}, newest: record {newest}", count(compared, "external head")),
        None => "no external head given; pass --head to detect truncation".to_owned(),
    })?;
    if !too_old.is_empty() {
        lines::line(&before(verified, given))?;
    }
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

/// The given heads of dropped records.
fn before_the_kept_part(verified: &Verified, given: &[KeptHead]) -> Vec<Head> {
    given.iter().map(head_of).filter(|head| verified.before.contains(head)).collect()
}

/// What is known of heads of dropped records.
pub(super) fn before(verified: &Verified, given: &[KeptHead]) -> String {
    let heads = count(before_the_kept_part(verified, given).len(), "head");
    match &verified.beginning {
        Some(one) => format!(
            "{heads} before the kept part, which begins with record {}: cannot be compared, the records were {}",
            one.dropped.first, one.dropped.to
        ),
        None => heads,
    }
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
        "archived": verified.archived,
        "beginning": verified.beginning.as_ref().map(ToString::to_string),
        "before_the_kept_part": before_the_kept_part(verified, given),
        "head": verified.head,
        "torn_tail_bytes": verified.torn_tail_bytes,
        "compared_with": given.iter().map(shown).collect::<Vec<_>>(),
        "local_head": local.as_ref().map(ToString::to_string),
        "keys": keys,
    }))
}
