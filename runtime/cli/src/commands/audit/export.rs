//! `ansai audit export`: records as JSON lines.

use std::path::Path;

use ansai_audit::Entry;
use ansai_daemon::history;

use crate::output::json;

pub(super) fn run(state_dir: &Path) -> anyhow::Result<()> {
    for entry in history::entries(state_dir, 1)?.into_iter().flatten() {
        print(&entry?)?;
    }
    Ok(())
}

/// One record on one line.
pub(super) fn print(entry: &Entry) -> anyhow::Result<()> {
    let record = serde_json::from_slice::<serde_json::Value>(&entry.payload)
        .unwrap_or_else(|_| serde_json::json!({ "bytes": hex::encode(&entry.payload) }));
    json::line(&serde_json::json!({
        "sequence": entry.sequence,
        "hash": hex::encode(entry.hash),
        "record": record,
    }))
}
