//! What a run found and did, as one document. The table shows the same.

use ansai_config::Entry;
use ansai_core::{Code, Mode, Timestamp};
use ansai_daemon::load;
use ansai_supervisor::report::FindingState;
use ansai_supervisor::{InstanceReport, PendingStep};
use serde::Serialize;

use crate::exit::{Fault, meaning};

/// Version of the document; see `schemas/run.schema.json`.
const FORMAT: u32 = 1;

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct RunReport {
    pub(crate) format: u32,
    pub(crate) ansai: &'static str,
    /// RFC 3339, UTC.
    pub(crate) at: String,
    pub(crate) mode: Mode,
    pub(crate) state_dir: String,
    pub(crate) instances: Vec<InstanceReport>,
    pub(crate) not_loaded: Vec<NotLoaded>,
    pub(crate) not_configured: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Steps that an earlier run did not finish, and that wait until ansai may act.
    pub(crate) pending: Vec<PendingStep>,
    pub(crate) summary: Summary,
    /// What each instance may look at, where no configuration says it; for people.
    #[serde(skip)]
    pub(crate) reach: Vec<(String, String)>,
    /// `SEQUENCE:HASH`.
    pub(crate) audit_head: String,
    pub(crate) exit_code: u8,
    pub(crate) exit_meaning: &'static str,
}

/// An instance, policy or path that did not load.
#[derive(Debug, Serialize)]
pub(crate) struct NotLoaded {
    pub(crate) name: String,
    pub(crate) error: String,
    pub(crate) error_kind: Code,
    pub(crate) hint: Option<String>,
    pub(crate) problems: Vec<Entry>,
    pub(crate) exit_code: u8,
}

impl NotLoaded {
    /// What has this name does not run, because of this fault.
    pub(crate) fn new(name: String, fault: Fault) -> NotLoaded {
        let Fault { exit, code, message, hint, diagnostics } = fault;
        NotLoaded {
            name,
            error: message,
            error_kind: code,
            hint,
            problems: diagnostics.map(|problems| problems.entries()).unwrap_or_default(),
            exit_code: exit,
        }
    }
}

impl From<&load::NotLoaded> for NotLoaded {
    fn from(not_loaded: &load::NotLoaded) -> Self {
        NotLoaded::new(not_loaded.name.clone(), Fault::from(&not_loaded.error))
    }
}

/// Findings by their state at the end.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) healthy: usize,
    pub(crate) healed: usize,
    pub(crate) unhealthy: usize,
    pub(crate) unknown: usize,
    pub(crate) gone: usize,
    /// Findings that are unhealthy or unknown, and silenced by a person.
    pub(crate) silenced: usize,
    /// Instances whose evaluation failed.
    pub(crate) failed: usize,
}

/// What a report has besides the instances.
pub(crate) struct Circumstances {
    pub(crate) at: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) state_dir: String,
    pub(crate) not_configured: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) pending: Vec<PendingStep>,
    pub(crate) reach: Vec<(String, String)>,
    pub(crate) audit_head: String,
    pub(crate) exit_code: u8,
}

impl RunReport {
    pub(crate) fn new(
        instances: Vec<InstanceReport>,
        not_loaded: Vec<NotLoaded>,
        circumstances: Circumstances,
    ) -> RunReport {
        let Circumstances { at, mode, state_dir, not_configured, warnings, pending, reach, audit_head, exit_code } =
            circumstances;
        RunReport {
            format: FORMAT,
            ansai: env!("CARGO_PKG_VERSION"),
            at: super::time::rfc3339(at),
            mode,
            state_dir,
            summary: summary(&instances),
            instances,
            not_loaded,
            not_configured,
            warnings,
            pending,
            reach,
            audit_head,
            exit_code,
            exit_meaning: meaning(exit_code),
        }
    }
}

impl RunReport {
    /// Whether everything is healthy, as it was before, and nothing waits.
    pub(crate) fn is_uneventful(&self) -> bool {
        let Summary { healthy: _, silenced: _, healed, unhealthy, unknown, gone, failed } = self.summary;
        healed + unhealthy + unknown + gone + failed + self.not_loaded.len() + self.pending.len() == 0
    }
}

fn summary(instances: &[InstanceReport]) -> Summary {
    let mut summary = Summary::default();
    for instance in instances {
        summary.failed += usize::from(instance.error.is_some());
        for finding in &instance.findings {
            *match finding.state() {
                FindingState::Unhealthy(_) | FindingState::Unknown if finding.silenced => &mut summary.silenced,
                FindingState::Healthy => &mut summary.healthy,
                FindingState::Healed => &mut summary.healed,
                FindingState::Unhealthy(_) => &mut summary.unhealthy,
                FindingState::Unknown => &mut summary.unknown,
                FindingState::Gone => &mut summary.gone,
            } += 1;
        }
    }
    summary
}
