//! What an instance may use over time. Limits bound one evaluation, shares bound a day of them.

use serde::{Deserialize, Serialize};

use crate::{Bytes, ErrorKind, Millis};

/// One thing of which an instance has a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Processor time of its evaluations, in milliseconds.
    Processor,
    /// Bytes in the audit log.
    AuditBytes,
    /// Bytes of recordings, as they are stored.
    RecordingBytes,
    /// Lines that the policy logs.
    LogLines,
    /// Plans that are applied. Each has files.
    Plans,
    /// Events that a person sees.
    Notices,
}

impl Share {
    /// All of them.
    pub const ALL: [Share; 6] =
        [Share::Processor, Share::AuditBytes, Share::RecordingBytes, Share::LogLines, Share::Plans, Share::Notices];

    /// The time for which its limit holds.
    pub fn window(self) -> Millis {
        match self {
            Share::Processor => Millis::new(10 * 60_000),
            _ => Millis::from_hours(1),
        }
    }

    /// The word for the reason of a suspension.
    pub fn kind(self) -> ErrorKind {
        match self {
            Share::Processor => ErrorKind::ProcessorShare,
            Share::AuditBytes => ErrorKind::AuditShare,
            Share::RecordingBytes => ErrorKind::RecordingShare,
            Share::LogLines => ErrorKind::LogShare,
            Share::Plans => ErrorKind::PlanShare,
            Share::Notices => ErrorKind::NoticeShare,
        }
    }

    /// The key that sets it, below `[policy.NAME.share]`.
    pub fn key(self) -> &'static str {
        match self {
            Share::Processor => "processor_percent",
            Share::AuditBytes => "audit_bytes",
            Share::RecordingBytes => "recording_bytes",
            Share::LogLines => "log_lines",
            Share::Plans => "plans",
            Share::Notices => "notices",
        }
    }
}

/// The shares of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// Processor time, in percent of one core.
    pub processor_percent: u64,
    /// Bytes in the audit log, per hour.
    pub audit_bytes: Bytes,
    /// Bytes of recordings, per hour.
    pub recording_bytes: Bytes,
    /// Lines that the policy logs, per hour.
    pub log_lines: u64,
    /// Plans that are applied, per hour.
    pub plans: u64,
    /// Events that a person sees, per hour.
    pub notices: u64,
    /// Incidents that are open at the same time; `None` for as many as one answer may have observations.
    pub open_incidents: Option<u32>,
}

impl Default for Shares {
    fn default() -> Self {
        Shares {
            processor_percent: 2,
            audit_bytes: Bytes::from_mib(16),
            recording_bytes: Bytes::from_mib(64),
            log_lines: 10_000,
            plans: 2_000,
            notices: 10_000,
            open_incidents: None,
        }
    }
}

impl Shares {
    /// How much it may use within the window of the share: processor time in milliseconds, bytes, or a number.
    pub fn limit(&self, share: Share) -> u64 {
        match share {
            Share::Processor => share.window().get().saturating_mul(self.processor_percent) / 100,
            Share::AuditBytes => self.audit_bytes.get(),
            Share::RecordingBytes => self.recording_bytes.get(),
            Share::LogLines => self.log_lines,
            Share::Plans => self.plans,
            Share::Notices => self.notices,
        }
    }
}

/// A share and its limit within its window.
///
/// ```
/// use ansai_core::{Share, ShareLimit, Shares};
/// let share = Share::Processor;
/// let limit = ShareLimit { share, limit: Shares::default().limit(share) };
/// assert_eq!(limit.to_string(), "processor time (12 s in 10 min)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareLimit {
    /// What is shared.
    pub share: Share,
    /// In the unit of the share.
    pub limit: u64,
}

impl std::fmt::Display for ShareLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limit = self.limit;
        match self.share {
            Share::Processor => {
                write!(f, "processor time ({} in {})", Millis::new(limit), self.share.window())
            }
            Share::AuditBytes => write!(f, "the audit log ({} an hour)", Bytes::new(limit)),
            Share::RecordingBytes => write!(f, "recordings ({} an hour)", Bytes::new(limit)),
            Share::LogLines => write!(f, "log lines ({limit} an hour)"),
            Share::Plans => write!(f, "plans ({limit} an hour)"),
            Share::Notices => write!(f, "notices ({limit} an hour)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_share_has_a_reason_and_a_key_of_its_own() {
        let kinds: std::collections::BTreeSet<ErrorKind> = Share::ALL.into_iter().map(Share::kind).collect();
        let keys: std::collections::BTreeSet<&str> = Share::ALL.into_iter().map(Share::key).collect();
        assert_eq!((kinds.len(), keys.len()), (Share::ALL.len(), Share::ALL.len()));
        assert!(Share::ALL.into_iter().all(|share| Shares::default().limit(share) > 0));
    }
}
