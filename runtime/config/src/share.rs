//! The `[policy.NAME.share]` table: what an instance may use over time.

use ansai_core::{Bytes, Shares};

use crate::fields::Fields;
use crate::node::Node;
use crate::problem::Problems;

const KEYS: &[&str] =
    &["processor_percent", "audit_bytes", "recording_bytes", "log_lines", "plans", "notices", "open_incidents"];
/// An hour of one instance must leave a record.
const BYTES: (u64, u64) = (64 << 10, 1 << 40);
const COUNT: (u64, u64) = (10, 1_000_000_000);

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Shares {
    let default = Shares::default();
    let Some(fields) = Fields::of(node, "`share`", KEYS, problems) else { return default };
    let processor = fields.number("processor_percent", (1, 100_000), problems);
    let audit = fields.size("audit_bytes", BYTES, problems);
    let recording = fields.size("recording_bytes", BYTES, problems);
    let incidents = fields.number("open_incidents", (1, 100_000), problems);
    Shares {
        processor_percent: processor.unwrap_or(default.processor_percent),
        audit_bytes: audit.map_or(default.audit_bytes, Bytes::new),
        recording_bytes: recording.map_or(default.recording_bytes, Bytes::new),
        log_lines: fields.number("log_lines", COUNT, problems).unwrap_or(default.log_lines),
        plans: fields.number("plans", COUNT, problems).unwrap_or(default.plans),
        notices: fields.number("notices", COUNT, problems).unwrap_or(default.notices),
        open_incidents: incidents.and_then(|most| u32::try_from(most).ok()),
    }
}
