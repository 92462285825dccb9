//! Who is told what: routes of notices, and the state of channels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::maintenance::Window;
use crate::{Millis, NamePattern, Severity, Timestamp};

/// Every kind of notice by its name in configuration and JSON.
pub const KINDS: [&str; 18] = [
    "opened",
    "changed",
    "announced",
    "held",
    "healed",
    "recovered",
    "gone",
    "repair-failed",
    "flapping",
    "escalated",
    "unknown",
    "capability-missing",
    "suspended",
    "audit-stopped",
    "expiring",
    "undelivered",
    "report",
    "test",
];

/// The kinds that a route tells unless it names kinds: a person has to know them. The end of an incident is told where the
/// incident was.
pub const LOUD: [&str; 11] = [
    "announced",
    "held",
    "repair-failed",
    "flapping",
    "escalated",
    "unknown",
    "capability-missing",
    "suspended",
    "audit-stopped",
    "expiring",
    "undelivered",
];

/// `[notify]` without its channels: which notice goes where, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// `[[notify.route]]`, in their order.
    pub routes: Vec<Route>,
    /// How long a state may be unknown until that is told.
    pub unknown_after: Millis,
    /// Times at which nothing is sent. What comes then is sent together when they end; an emergency does not wait.
    pub quiet: Vec<Window>,
    /// The digest, if one is wanted.
    pub digest: Option<Digest>,
    /// The channels that tell that another one does not deliver, in this order; all others if it is empty.
    pub fallback: Vec<String>,
}

impl Routing {
    /// How long a state is unknown until that is told, unless the operator says otherwise.
    pub const UNKNOWN_AFTER: Millis = Millis::new(15 * 60_000);
}

impl Default for Routing {
    fn default() -> Self {
        let (routes, quiet, fallback) = (Vec::new(), Vec::new(), Vec::new());
        Routing { routes, unknown_after: Routing::UNKNOWN_AFTER, quiet, digest: None, fallback }
    }
}

/// A summary of what was healed without telling anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Minutes after midnight, in the time zone of the host.
    pub minute: u16,
    /// Where it goes.
    pub channels: Vec<String>,
}

/// A route: the notices that it takes, and where they go.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// What it takes. One without any condition takes all.
    pub only: Matcher,
    /// The channels. Empty: what it takes is told to nobody.
    pub channels: Vec<String>,
    /// Whether later routes see what it takes, too.
    pub goes_on: bool,
    /// How notices are put together.
    pub grouping: Grouping,
}

/// The conditions of a route. All must hold; an empty list is no condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matcher {
    /// Names of kinds; empty for [`LOUD`], and for the end of what the route told.
    pub kinds: Vec<String>,
    /// The least severity.
    pub severity: Option<Severity>,
    /// Names of instances.
    pub instances: Vec<NamePattern>,
    /// Kind and name of the subject: `filesystem /var*`.
    pub subjects: Vec<NamePattern>,
    /// Labels that the host, or the target that the notice is about, must have.
    pub labels: BTreeMap<String, String>,
    /// Times of day at which the route takes notices.
    pub windows: Vec<Window>,
}

/// How notices become messages, with the names and meanings of Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// What notices of a message have in common; empty puts all of a channel together.
    pub by: Vec<GroupBy>,
    /// How long the first notice of a group waits for others.
    pub wait: Millis,
    /// Least time between two messages of a group.
    pub interval: Millis,
    /// After so long, what is not over is told again; `None` for never.
    pub repeat: Option<Millis>,
}

impl Default for Grouping {
    fn default() -> Self {
        let (wait, interval) = (Millis::new(10_000), Millis::new(5 * 60_000));
        Grouping { by: vec![GroupBy::Incident], wait, interval, repeat: None }
    }
}

/// What notices of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupBy {
    /// The incident.
    Incident,
    /// The instance.
    Instance,
    /// What it is about.
    Subject,
    /// How bad it is.
    Severity,
    /// What happened.
    Kind,
}

impl GroupBy {
    /// Every word of `group_by`.
    pub const WORDS: [(&'static str, GroupBy); 5] = [
        ("incident", GroupBy::Incident),
        ("instance", GroupBy::Instance),
        ("subject", GroupBy::Subject),
        ("severity", GroupBy::Severity),
        ("kind", GroupBy::Kind),
    ];
}

/// What `ansai notify status` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyStatus {
    /// Channels by name: those that are configured, and those that messages still wait for.
    pub channels: Vec<ChannelStatus>,
    /// Notices that wait for others of their group, or for the end of a quiet time.
    pub grouping: u64,
    /// What was healed and is told with the next digest.
    pub for_digest: u64,
    /// Messages that were not delivered, the newest first: at most [`MOST_DEAD`].
    pub dead: Vec<DeadMessage>,
    /// The report by schedule; absent if none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportStatus>,
}

/// The report by schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportStatus {
    /// Where it goes.
    pub channels: Vec<String>,
    /// When the next one is due; absent if the time zone is unknown.
    pub next: Option<Timestamp>,
}

/// Maximum number of undelivered messages that are kept.
pub const MOST_DEAD: u32 = 200;

/// The state of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// Its name.
    pub channel: String,
    /// Messages that wait.
    pub waiting: u64,
    /// The oldest of them.
    pub oldest: Option<Timestamp>,
    /// When the running attempt began.
    pub sending_since: Option<Timestamp>,
    /// When a message was delivered last.
    pub sent_at: Option<Timestamp>,
    /// Messages that were delivered.
    pub sent: u64,
    /// Messages that were not delivered, and are kept.
    pub dead: u64,
    /// Messages that were dropped because too many waited.
    pub dropped: u64,
    /// Failed attempts in a row.
    pub failures: u32,
    /// Why the last attempt failed; absent if it did not.
    pub error: Option<String>,
    /// When the next attempt is due, while the channel rests after a failure.
    pub next_at: Option<Timestamp>,
}

/// A message that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadMessage {
    /// Its id.
    pub message: String,
    /// The channel.
    pub channel: String,
    /// When it was made.
    pub at: Timestamp,
    /// Attempts.
    pub attempts: u32,
    /// Why it was given up.
    pub error: String,
    /// The first notice.
    pub summary: String,
}

/// Which messages are sent again or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum MessageChoice {
    /// All of all channels.
    All,
    /// All of a channel, or the message with this id.
    Named {
        /// A channel or an id.
        name: String,
    },
}
