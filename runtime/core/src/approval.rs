//! Plans that wait for the approval of a person.

use serde::{Deserialize, Serialize};

use crate::event::ApprovalEnd;
use crate::order::Person;
use crate::{InstanceName, Millis, Severity, Timestamp};

/// A plan that a person was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id.
    pub plan: String,
    /// Whose plan it is.
    pub instance: InstanceName,
    /// The incident that it would heal.
    pub incident: String,
    /// The key of the incident.
    pub key: String,
    /// What the finding said.
    pub summary: String,
    /// How bad it was.
    pub severity: Option<Severity>,
    /// SHA-256 of the file of the plan, hexadecimal.
    pub plan_sha256: String,
    /// When it was proposed.
    pub asked: Timestamp,
    /// When it expires; once approved, when the approval does.
    pub until: Timestamp,
    /// How long an approval counts.
    pub expires: Millis,
    /// What became of it.
    pub state: ApprovalState,
    /// Who decided, and when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Why it ended without being applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ApprovalEnd>,
    /// It was announced: it is applied at `until` unless a person rejects it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announced: bool,
    /// It continues an attempt that has begun, so it counts as no further one.
    pub continues: bool,
    /// What it depends on besides the host.
    pub circumstances: Circumstances,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Person,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    /// It waits for a person.
    Open,
    /// The next pass applies it, if nothing has changed.
    Approved,
    /// A person rejected it.
    Rejected,
    /// It began: the approval is used up.
    Begun,
    /// It is not applied; see [`Approval::ended`].
    Ended,
}

impl ApprovalState {
    /// As it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            ApprovalState::Open => "open",
            ApprovalState::Approved => "approved",
            ApprovalState::Rejected => "rejected",
            ApprovalState::Begun => "begun",
            ApprovalState::Ended => "ended",
        }
    }
}

impl Approval {
    /// Whether the host decided: the time of the plan after its announcement was over.
    pub fn is_by_host(&self) -> bool {
        self.decided.as_ref().is_some_and(|decided| decided.by.is_host())
    }

    /// Whether its time is over although nobody has noticed yet.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        // What was announced does not expire: it is applied.
        let can_expire = match self.state {
            ApprovalState::Open => !self.announced,
            ApprovalState::Approved => true,
            ApprovalState::Rejected | ApprovalState::Begun | ApprovalState::Ended => false,
        };
        can_expire && now >= self.until
    }
}

/// What a plan depends on besides the host: SHA-256 of each, hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Of the component of the policy.
    pub component: String,
    /// Of its settings.
    pub settings: String,
    /// Of what is granted.
    pub grants: String,
}

impl Circumstances {
    /// What differs from those of another time.
    pub fn difference(&self, now: &Circumstances) -> Option<ApprovalEnd> {
        match () {
            () if self.component != now.component => Some(ApprovalEnd::Component),
            () if self.settings != now.settings => Some(ApprovalEnd::Settings),
            () if self.grants != now.grants => Some(ApprovalEnd::Grants),
            () => None,
        }
    }
}
