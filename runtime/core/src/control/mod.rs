//! What the control socket of a running daemon carries: one request in one line of JSON, and one answer in another.
//!
//! ```
//! use ansai_core::control::{Message, Request, VERSION};
//! let line = r#"{"version":1,"request":{"verb":"pauses"}}"#;
//! let message: Message = serde_json::from_str(line)?;
//! assert_eq!((message.version, message.request.changes()), (VERSION, false));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod expiry;
mod history;
mod incidents;
mod report;
mod status;
mod undo;

use serde::{Deserialize, Serialize};

pub use self::expiry::{Expiry, ExpiryState};
pub use self::history::{History, HistoryFilter, MOST_RECORDS, NumberedRecord};
pub use self::incidents::{
    AttemptStep, ClosedIncident, IncidentDetails, IncidentEnd, IncidentFilter, IncidentList, MOST_LISTED, Moment,
    MomentKind,
};
pub use self::report::{ActionCounts, HostReport, IncidentCounts, Mean, Noisy, ReportFilter};
pub use self::status::{
    BudgetUse, IncidentStatus, InstanceStatus, NextStep, Overall, Quarantined, SeparationState, SeparationStatus,
    ShadowStatus, ShareUse, StatusReport, TotalUse,
};
pub use self::undo::{ActsAfterUndo, MOST_NAMES, UndoOutlook, UndoPreview, UndoTarget, UndoableStep, UndoneStep};
use crate::approval::Approval;
use crate::event::{ApprovalDecision, PlannedStep};
use crate::notify::{MessageChoice, NotifyStatus};
use crate::order::{Orders, Pause, Silence};
use crate::promotion::{ActionRecord, Feedback, Judgement, Promotion};
use crate::{InstanceName, Millis};

/// The version of the protocol.
pub const VERSION: u32 = 1;
/// Maximum length of a request, in bytes, with its line end.
pub const MOST_REQUEST_BYTES: usize = 64 << 10;
/// Maximum length of an answer, in bytes, with its line end.
pub const MOST_ANSWER_BYTES: usize = 16 << 20;

/// A request with its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The version of the protocol that the client speaks.
    pub version: u32,
    /// What it asks for.
    pub request: Request,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// All pauses and silences. Answered with [`Answer::Orders`].
    Pauses,
    /// The state of everything. Answered with [`Answer::Status`].
    Status,
    /// Plans that wait for approval, and those that did. Answered with [`Answer::Plans`].
    Plans,
    /// One of them with its steps. Answered with [`Answer::Plan`].
    Plan {
        /// Its id.
        plan: String,
    },
    /// Approve or reject one of them. Answered with [`Answer::Decided`].
    Decide(NewDecision),
    /// No new steps for an instance, or for all. Answered with [`Answer::Paused`].
    Pause(NewPause),
    /// Neither tell nor heal incidents with a key. Answered with [`Answer::Silenced`].
    Silence(NewSilence),
    /// End pauses and silences. Answered with [`Answer::Resumed`].
    Resume(Resume),
    /// Heal again what was left to a person. Answered with [`Answer::Retried`].
    Retry(Retry),
    /// What each action achieved. Answered with [`Answer::ActionRecords`].
    ActionRecords,
    /// Say whether an incident was a false alarm. Answered with [`Answer::Judged`].
    Judge(NewFeedback),
    /// Record a change of a level before it is written to the configuration. Answered with [`Answer::Promoted`].
    Promote(Promotion),
    /// Open incidents, and closed ones. Answered with [`Answer::Incidents`].
    Incidents(IncidentFilter),
    /// One of them with all that happened. Answered with [`Answer::Incident`].
    Incident {
        /// Its id.
        incident: String,
    },
    /// What happened. Answered with [`Answer::History`].
    History(HistoryFilter),
    /// What ansai did over a time. Answered with [`Answer::Report`].
    Report(ReportFilter),
    /// Undo a plan. Answered with [`Answer::Undone`], or with [`Answer::Undoing`] if it takes longer than a client waits.
    Undo(UndoTarget),
    /// What that would do. Answered with [`Answer::UndoPreview`].
    UndoPreview(UndoTarget),
    /// The state of channels. Answered with [`Answer::Notifications`].
    Notifications,
    /// Send messages again that were not delivered, and end the rest of channels. Answered with [`Answer::Messages`].
    NotifyRetry(MessageChoice),
    /// Drop messages that wait or were not delivered. Answered with [`Answer::Messages`].
    NotifyDrop(MessageChoice),
}

impl Request {
    /// Whether it changes something: then only operators may ask for it.
    pub fn changes(&self) -> bool {
        match self {
            Request::Pauses | Request::Status | Request::Plans | Request::Plan { .. } | Request::ActionRecords => false,
            Request::Incidents(_) | Request::Incident { .. } | Request::History(_) | Request::Report(_) => false,
            Request::Decide(_) | Request::Pause(_) | Request::Silence(_) | Request::Resume(_) => true,
            Request::Retry(_) | Request::Judge(_) | Request::Promote(_) | Request::Undo(_) => true,
            Request::UndoPreview(_) | Request::Notifications => false,
            Request::NotifyRetry(_) | Request::NotifyDrop(_) => true,
        }
    }
}

/// What a person decides about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// The id of the plan.
    pub plan: String,
    /// What about it.
    pub decision: ApprovalDecision,
    /// Why. A rejection needs a reason.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a person says about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFeedback {
    /// The id of the incident, open or closed.
    pub incident: String,
    /// Whether it was a false alarm.
    pub judgement: Judgement,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
}

/// A step of a plan, as a person is shown it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownStep {
    /// What it does. Until when it can be undone counts from now.
    pub step: PlannedStep,
    /// The names of all its targets, where its action knows them.
    pub names: Vec<String>,
}

impl ShownStep {
    /// Of a step with its names.
    pub fn of(step: PlannedStep) -> ShownStep {
        let names = step.names.to_vec();
        ShownStep { step, names }
    }
}

/// A pause that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPause {
    /// The instance; `None` for all.
    pub instance: Option<InstanceName>,
    /// Milliseconds from now.
    pub duration: Millis,
    /// Why.
    pub reason: String,
}

/// A silence that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// The instance; `None` for all.
    pub instance: Option<InstanceName>,
    /// The key of the incident.
    pub key: String,
    /// Milliseconds from now.
    pub duration: Millis,
    /// Why.
    pub reason: String,
}

/// Which pauses and silences end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Resume {
    /// The pause of all instances.
    All,
    /// The pause of the instance of this name, if there is one, and all silences of this key.
    Named {
        /// A name or a key.
        name: String,
    },
}

/// Which incidents are healed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The id of an incident, or the key or instance of several.
    pub name: String,
}

/// The answer with its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The version of the protocol that the daemon speaks.
    pub version: u32,
    /// The answer, or why there is none.
    pub reply: Replied,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replied {
    /// It was done.
    Done(Answer),
    /// It was not done.
    Refused(Refused),
}

/// What the daemon answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// All pauses and silences that are in force.
    Orders(Orders),
    /// The plans: what waits comes first, and the newest of these.
    Plans {
        /// The latest one of each.
        plans: Vec<Approval>,
    },
    /// One plan with its steps.
    Plan {
        /// What became of it.
        approval: Box<Approval>,
        /// Its steps.
        steps: Vec<ShownStep>,
    },
    /// The plan that was approved or rejected.
    Decided(Box<Approval>),
    /// The pause that is in force from now on.
    Paused(Pause),
    /// The silence that is in force from now on.
    Silenced {
        /// It.
        silence: Silence,
        /// How many open incidents it silences now.
        incidents: usize,
    },
    /// What ended.
    Resumed(Orders),
    /// The incidents that are healed again.
    Retried {
        /// Their ids.
        incidents: Vec<String>,
    },
    /// What each action achieved, by instance and action.
    ActionRecords {
        /// One for each action that was proposed.
        records: Vec<ActionRecord>,
    },
    /// What is stored about an incident from now on.
    Judged(Box<Feedback>),
    /// The change is recorded.
    Promoted(Box<Promotion>),
    /// The state of everything.
    Status(Box<StatusReport>),
    /// Incidents.
    Incidents(Box<IncidentList>),
    /// One incident.
    Incident(Box<IncidentDetails>),
    /// What happened.
    History(Box<History>),
    /// What ansai did over a time.
    Report(Box<HostReport>),
    /// What was undone, in the order in which it was.
    Undone {
        /// The steps.
        steps: Vec<UndoneStep>,
    },
    /// The undo runs on. The audit log tells how it ends.
    Undoing {
        /// The id of the plan.
        plan: String,
    },
    /// What an undo would do.
    UndoPreview(Box<UndoPreview>),
    /// The state of channels.
    Notifications(Box<NotifyStatus>),
    /// How many messages are sent again, or were dropped.
    Messages {
        /// The number.
        messages: u64,
    },
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The stable code; `ansai explain` has more.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exit code of a command that ends with it.
    pub exit_code: u8,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::Timestamp;

    #[test]
    fn every_request_is_one_object_and_comes_back() {
        let (instance, duration) = (Some(InstanceName::from_static("one")), Millis::new(1_000));
        let reason = "work".to_owned();
        for request in [
            Request::Pauses,
            Request::Status,
            Request::Plans,
            Request::Plan { plan: "p".into() },
            Request::Decide(NewDecision { plan: "p".into(), decision: ApprovalDecision::Approved, reason: None }),
            Request::Pause(NewPause { instance: instance.clone(), duration, reason: reason.clone() }),
            Request::Silence(NewSilence { instance, key: "/var".into(), duration, reason }),
            Request::Resume(Resume::All),
            Request::Resume(Resume::Named { name: "one".into() }),
            Request::Retry(Retry { name: "/var".into() }),
            Request::ActionRecords,
            Request::Judge(NewFeedback { incident: "i".into(), judgement: Judgement::Helpful, note: None }),
            Request::Promote(Promotion {
                instance: InstanceName::from_static("one"),
                action: "ansai:files/files-actions".into(),
                from: crate::Mode::Observe,
                to: crate::Mode::Approve,
                missing: vec![],
                configuration_sha256: "ab".into(),
            }),
            Request::Incidents(IncidentFilter { instance: None, key: None, since: None, closed: true, most: 1 }),
            Request::Incident { incident: "one//var/1".into() },
            Request::History(HistoryFilter { since: Timestamp::EPOCH, instance: None, changes: false, most: 1 }),
            Request::Report(ReportFilter { since: Timestamp::EPOCH, instance: None }),
            Request::Undo(UndoTarget { plan: "p".into(), step: Some(1) }),
            Request::UndoPreview(UndoTarget { plan: "p".into(), step: None }),
            Request::Notifications,
            Request::NotifyRetry(MessageChoice::All),
            Request::NotifyDrop(MessageChoice::Named { name: "mail".into() }),
        ] {
            let message = Message { version: VERSION, request };
            let line = serde_json::to_string(&message).unwrap();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(serde_json::from_str::<Message>(&line).unwrap(), message, "{line}");
        }
    }

    /// Would break: an answer that is a list, which cannot be written beside the name of the answer.
    #[test]
    fn answers_are_objects_and_come_back() {
        for answer in [
            Answer::Orders(Orders::default()),
            Answer::Plans { plans: vec![] },
            Answer::Resumed(Orders::default()),
            Answer::Retried { incidents: vec!["i".into()] },
            Answer::ActionRecords { records: vec![] },
            Answer::Undone { steps: vec![] },
            Answer::Undoing { plan: "p".into() },
            Answer::Messages { messages: 1 },
        ] {
            let reply = Reply { version: VERSION, reply: Replied::Done(answer) };
            let line = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&line).unwrap(), reply, "{line}");
        }
    }

    #[test]
    fn what_is_unknown_is_no_request() {
        for line in [
            r#"{"version":1,"request":{"verb":"reboot"}}"#,
            r#"{"version":1,"request":{"verb":"pause","instance":null,"duration":1,"reason":"x","force":true}}"#,
            r#"{"version":1,"request":{"verb":"pause","instance":"../x","duration":1,"reason":"x"}}"#,
            r#"{"version":1,"request":{"verb":"pause","instance":null,"duration":-1,"reason":"x"}}"#,
            r#"{"version":1}"#,
        ] {
            assert!(serde_json::from_str::<Message>(line).is_err(), "{line}");
        }
    }
}
