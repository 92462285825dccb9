//! `[audit]`: how much of the audit log is kept, and where the rest goes.

use std::path::PathBuf;

use ansai_core::Millis;

use crate::export::{self, Export};
use crate::fields::Fields;
use crate::node::Node;
use crate::problem::Problems;

const HOUR_MS: u64 = 3_600_000;
const CENTURY_MS: u64 = 100 * 365 * 24 * HOUR_MS;
const MIB: u64 = 1 << 20;

/// How much of the audit log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    /// Records that are older are dropped; `None` if age does not matter.
    pub keep: Option<Millis>,
    /// Maximum size in bytes; the oldest records are dropped first.
    pub max_bytes: u64,
    /// Absolute path of a directory to which sealed segments are moved instead of being deleted.
    pub archive: Option<PathBuf>,
}

impl Default for AuditLog {
    fn default() -> Self {
        AuditLog { keep: None, max_bytes: 1024 * MIB, archive: None }
    }
}

/// Both parts of `[audit]`.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> Option<(AuditLog, Option<Export>)> {
    let fields = Fields::of(node, "`[audit]`", &["keep", "max_bytes", "archive", "export"], problems)?;
    let default = AuditLog::default();
    let log = AuditLog {
        keep: fields.duration("keep", (HOUR_MS, CENTURY_MS), problems),
        max_bytes: fields.size("max_bytes", (MIB, 1 << 50), problems).unwrap_or(default.max_bytes),
        archive: export::path(&fields, "archive", problems),
    };
    let export = fields.get("export").and_then(|node| export::read(node, problems));
    Some((log, export))
}
