//! What is told: notices, and messages that carry them through a channel.

use ansai_core::control::HostReport;
use ansai_core::{Measure, Millis, Severity, Subject, Timestamp};
use serde::{Deserialize, Serialize};

mod bounds;

pub use bounds::{MOST_NAMES, MOST_NOTICES, MOST_TEXT};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An incident opened.
    Opened,
    /// Its severity or its finding changed.
    Changed,
    /// A plan will be applied at [`Asked::until`], unless a person rejects it before.
    Announced,
    /// A plan waits until a person approves it.
    Held,
    /// ansai repaired it and verified that.
    Healed,
    /// It is healthy again, and ansai did not repair it.
    Recovered,
    /// What the incident was about no longer exists.
    Gone,
    /// A repair failed, or it was not healthy afterwards.
    RepairFailed,
    /// It was healed and came back too often.
    Flapping,
    /// ansai stopped trying: a person has to act.
    Escalated,
    /// Its state has been unknown for too long.
    Unknown,
    /// A capability that a policy needs is missing.
    CapabilityMissing,
    /// An instance does nothing until it is released.
    Suspended,
    /// The audit log cannot be written: nothing is repaired.
    AuditStopped,
    /// Something that ansai relies on ends soon, has ended or is missing: a person has to renew it.
    Expiring,
    /// A message could not be delivered through another channel.
    Undelivered,
    /// A report on some days.
    Report,
    /// A person tests the channel.
    Test,
}

impl Kind {
    /// Every kind, in the order of its definition.
    pub const ALL: [Kind; 18] = [
        Kind::Opened,
        Kind::Changed,
        Kind::Announced,
        Kind::Held,
        Kind::Healed,
        Kind::Recovered,
        Kind::Gone,
        Kind::RepairFailed,
        Kind::Flapping,
        Kind::Escalated,
        Kind::Unknown,
        Kind::CapabilityMissing,
        Kind::Suspended,
        Kind::AuditStopped,
        Kind::Expiring,
        Kind::Undelivered,
        Kind::Report,
        Kind::Test,
    ];

    /// Whether the incident is over: a pager resolves it.
    pub fn is_resolving(self) -> bool {
        matches!(self, Kind::Healed | Kind::Recovered | Kind::Gone)
    }

    /// Its name in configuration and JSON: `repair-failed`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Opened => "opened",
            Kind::Changed => "changed",
            Kind::Announced => "announced",
            Kind::Held => "held",
            Kind::Healed => "healed",
            Kind::Recovered => "recovered",
            Kind::Gone => "gone",
            Kind::RepairFailed => "repair-failed",
            Kind::Flapping => "flapping",
            Kind::Escalated => "escalated",
            Kind::Unknown => "unknown",
            Kind::CapabilityMissing => "capability-missing",
            Kind::Suspended => "suspended",
            Kind::AuditStopped => "audit-stopped",
            Kind::Expiring => "expiring",
            Kind::Undelivered => "undelivered",
            Kind::Report => "report",
            Kind::Test => "test",
        }
    }
}

/// One thing that is told. Every text may come from a policy or from the host, and is made inert when it is rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Unique on this host, and the same if it is told again.
    pub id: String,
    /// What happened.
    pub kind: Kind,
    /// The incident.
    pub incident: Option<IncidentRef>,
    /// The instance; `None` if it is about ansai itself.
    pub instance: Option<String>,
    /// What it is about.
    pub subject: Option<Subject>,
    /// How bad it is: of an incident that is over, the worst that it was.
    pub severity: Severity,
    /// The name of this host.
    pub host: String,
    /// When it began.
    pub since: Timestamp,
    /// When this happened.
    pub at: Timestamp,
    /// One sentence.
    pub summary: String,
    /// What the policy measured last, with units.
    #[serde(default)]
    pub evidence: Vec<Measure>,
    /// What was done or is proposed, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// How to undo it; `None` if nothing was done or nothing can be undone.
    #[serde(default)]
    pub undo: Option<Undo>,
    /// What happened to the incident, oldest first.
    #[serde(default)]
    pub timeline: Vec<Moment>,
    /// Who is asked to do what; `None` if nobody has to do anything.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// The head of the audit log, as `ansai audit head` prints it.
    #[serde(default)]
    pub audit_head: Option<String>,
}

impl Notice {
    /// A notice without details.
    pub fn new(id: &str, kind: Kind, severity: Severity, host: &str, at: Timestamp, summary: &str) -> Notice {
        Notice {
            id: id.to_owned(),
            kind,
            incident: None,
            instance: None,
            subject: None,
            severity,
            host: host.to_owned(),
            since: at,
            at,
            summary: summary.to_owned(),
            evidence: Vec::new(),
            steps: Vec::new(),
            undo: None,
            timeline: Vec::new(),
            asked: None,
            audit_head: None,
        }
    }

    /// How long it lasted until now.
    pub fn lasted(&self) -> Millis {
        self.at - self.since
    }

    /// Bytes that all done steps freed; `None` if no step says.
    pub fn freed_bytes(&self) -> Option<u64> {
        let freed = self.steps.iter().filter(|step| step.state == StepState::Done).filter_map(|step| step.frees_bytes);
        freed.fold(None, |all, bytes| Some(all.unwrap_or(0_u64).saturating_add(bytes)))
    }
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRef {
    /// Its id, for `ansai incidents ID`.
    pub id: String,
    /// Its key, for `ansai silence`.
    pub key: String,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What became of it.
    pub state: StepState,
    /// What it does, in words: `remove 16 files below /var/cache/app`.
    pub what: String,
    /// What it acts on: the first files, units or packages, with versions where they have one.
    #[serde(default)]
    pub names: Vec<String>,
    /// How many more there are than `names` has.
    #[serde(default)]
    pub more_names: u64,
    /// Bytes that it freed, or is expected to free.
    #[serde(default)]
    pub frees_bytes: Option<u64>,
    /// How long it interrupts its subjects, as expected, in milliseconds.
    #[serde(default)]
    pub interrupts: Option<Millis>,
    /// Whether it can be undone.
    pub can_undo: bool,
    /// Why it was skipped, refused or failed.
    #[serde(default)]
    pub why: Option<String>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It has not begun.
    Proposed,
    /// It did what it should.
    Done,
    /// It failed.
    Failed,
    /// It was not tried.
    Skipped,
    /// It was undone.
    Undone,
}

/// How to undo what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The command.
    pub command: String,
    /// Until when it works; `None` if without an end.
    pub until: Option<Timestamp>,
}

/// A line of a time line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What happened, in words.
    pub what: String,
}

/// Who is asked to do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who: `members of the group ansai-admins`; `None` if every reader of the message.
    #[serde(default)]
    pub who: Option<String>,
    /// What to decide or to do, in one sentence.
    pub what: String,
    /// The commands for that, with a word on each.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// Until when an answer counts; `what` says what happens without one.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A command for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// `ansai approve 3f2a`.
    pub line: String,
    /// What it does: `apply the plan now`.
    pub does: String,
}

/// What is sent at once through one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Unique on this host, and the same on each attempt. Letters, digits and `.`, `_`, `-` only.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// What the notices have in common: its mails form one thread, its pages one alert. The id of the incident, mostly.
    pub group: String,
    /// The name of this host.
    pub host: String,
    /// When it was made.
    pub at: Timestamp,
    /// The notices, oldest first; of a storm, the worst ones.
    pub notices: Vec<Notice>,
    /// Of a storm, how many notices of each kind there are. Empty if `notices` has all.
    #[serde(default)]
    pub counts: Vec<Count>,
    /// Whether it sums up a day and asks nobody.
    #[serde(default)]
    pub digest: bool,
    /// Whether an earlier attempt may have arrived.
    #[serde(default)]
    pub may_repeat: bool,
    /// Whether it reminds of what was told before.
    #[serde(default)]
    pub reminder: bool,
    /// The report, in a message with the kind `report`.
    #[serde(default)]
    pub report: Option<Box<HostReport>>,
}

/// How many notices of a kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The kind.
    pub kind: Kind,
    /// How many.
    pub number: u64,
}

impl Message {
    /// A message with these notices.
    pub fn new(id: &str, channel: &str, group: &str, host: &str, at: Timestamp, notices: Vec<Notice>) -> Message {
        let [id, channel, group, host] = [id, channel, group, host].map(str::to_owned);
        Message {
            id,
            channel,
            group,
            host,
            at,
            notices,
            counts: Vec::new(),
            digest: false,
            may_repeat: false,
            reminder: false,
            report: None,
        }
    }

    /// A report as a message, for `ansai report --mail` and for the weekly one. Its id is that of the channel and the time,
    /// so it is sent once if it is made twice.
    pub fn of_report(channel: &str, host: &str, report: HostReport) -> Message {
        let at = report.at;
        let id = format!("report-{channel}-{}", at.as_millis());
        let notice = Notice::new(&id, Kind::Report, Severity::Notice, host, at, "Report of ansai");
        let group = format!("report-{channel}");
        Message { report: Some(Box::new(report)), ..Message::new(&id, channel, &group, host, at, vec![notice]) }
    }

    /// How many notices it stands for.
    pub fn total(&self) -> u64 {
        let counted = self.counts.iter().fold(0_u64, |sum, count| sum.saturating_add(count.number));
        counted.max(self.notices.len() as u64)
    }

    /// The worst severity of its notices.
    pub fn severity(&self) -> Severity {
        self.notices.iter().map(|notice| notice.severity).max().unwrap_or(Severity::Notice)
    }

    /// Whether all that it tells is over.
    pub fn is_resolving(&self) -> bool {
        !self.notices.is_empty() && self.notices.iter().all(|notice| notice.kind.is_resolving())
    }
}

/// How many notices of each kind there are, in the order of kinds.
pub fn counts(notices: &[Notice]) -> Vec<Count> {
    let number = |kind| notices.iter().filter(|notice| notice.kind == kind).count() as u64;
    Kind::ALL.into_iter().map(|kind| Count { kind, number: number(kind) }).filter(|count| count.number > 0).collect()
}

#[cfg(test)]
mod tests;
