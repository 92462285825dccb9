//! Notifications of a running daemon: its channels, what they may know, and the outbox of its state directory.

mod error;
mod facts;
mod read_log;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_audit::Ballast;
use ansai_config::Diagnostics;
use ansai_core::control::{Answer, HostReport, Request};
use ansai_core::maintenance::{Maintenance, Window};
use ansai_core::notify::NotifyStatus;
use ansai_core::{Code, Event, Severity, Timestamp, codes};
use ansai_notify::channel::{self, Channel, ChannelError, ChannelSettings, Deadline, Receipt, Surroundings};
use ansai_notify::message::{Kind, Message, Notice};
use ansai_notify::outbox::{Capacity, Outbox};
use ansai_notify::route::{Router, TargetLabels};
use ansai_notify::tell::Teller;
use ansai_notify::{ATTEMPT, Notifier, Parts, Tap};
use ansai_storage::{Access, Directory, Location};
use ansai_supervisor::{Follower, Opening, Supervisor, clock, opening};

pub use self::error::NotifyError;
use self::facts::Known;
pub use self::report::next_report;
use crate::configuration::Configuration;
use crate::environment;
use crate::expiry::Expiries;
use crate::state;

/// The database of a state directory.
const DATABASE: &str = "notify.db";
/// What is left of a database that is damaged.
const DAMAGED: &str = "notify.db-damaged";
/// Reserved for a full disk: a few hundred messages.
const BALLAST: (&str, u64) = ("notify-ballast", 1 << 20);

/// A problem of a channel, with its place in the configuration.
#[derive(Debug)]
pub struct ChannelProblem {
    /// The channel.
    pub channel: String,
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// The same with its place.
    pub problems: Diagnostics,
}

/// All that is wrong with the channels of a configuration. Reads no secret, and sends nothing.
pub fn problems(configuration: &Configuration) -> Vec<ChannelProblem> {
    let of_channel = |name: &String| match settings(configuration, name) {
        Ok(settings) => channel::check(&settings, &Surroundings { credentials: credentials(), carrier: None }),
        Err(error) => vec![error],
    };
    let problem = |name: &String, error: ChannelError| {
        let place = (error.code, error.message.as_str(), Some(error.hint.clone()));
        let problems = configuration.config.channel_diagnostics(name, error.key, place);
        ChannelProblem { channel: name.clone(), code: error.code, message: error.message, problems }
    };
    let channels = configuration.config.notify.channels.keys();
    channels
        .flat_map(|name| of_channel(name).into_iter().map(|error| problem(name, error)).collect::<Vec<_>>())
        .collect()
}

/// Each channel with where it sends to, for people.
pub fn destinations(configuration: &Configuration) -> Vec<(String, String)> {
    let destination = |name: &String| {
        let channel = open(configuration, name, None).ok()?;
        Some((name.clone(), format!("{} {}", channel.kind(), channel.destination())))
    };
    configuration.config.notify.channels.keys().filter_map(destination).collect()
}

/// Sends a test message through a channel, past the outbox, and waits for the answer. `program` calls servers, unless the
/// configuration wants that in this process.
///
/// # Errors
/// There is no such channel, its settings are invalid, or it does not accept the message.
pub fn test(configuration: &Configuration, name: &str, program: Option<&Path>) -> Result<Receipt, NotifyError> {
    let (now, host) = (clock::now(), host());
    let summary = "a test of this channel: nobody has to do anything";
    let id = format!("test-{}", now.as_millis());
    let notice = Notice::new(&id, Kind::Test, Severity::Notice, &host, now, summary);
    send(configuration, &Message::new(&id, name, "test", &host, now, vec![notice]), program)
}

/// Sends a report through a channel, past the outbox, and waits for the answer.
///
/// # Errors
/// As [`test()`].
pub fn send_report(
    configuration: &Configuration,
    name: &str,
    report: HostReport,
    program: Option<&Path>,
) -> Result<Receipt, NotifyError> {
    send(configuration, &Message::of_report(name, &host(), report), program)
}

fn send(configuration: &Configuration, message: &Message, program: Option<&Path>) -> Result<Receipt, NotifyError> {
    let name = &message.channel;
    if !configuration.config.notify.channels.contains_key(name) {
        let known = configuration.config.notify.channels.keys().cloned().collect();
        return Err(NotifyError::UnknownChannel { name: name.to_owned(), known });
    }
    let channel = open(configuration, name, program)?;
    let sent = channel.send(message, Deadline { within: ATTEMPT, is_stopping: &|| false });
    sent.map_err(|fault| NotifyError::NotSent { channel: name.to_owned(), fault })
}

fn settings(configuration: &Configuration, name: &str) -> Result<ChannelSettings, ChannelError> {
    let written = configuration.config.notify.channels.get(name).map(|channel| channel.settings.clone());
    serde_json::from_value(written.unwrap_or_default()).map_err(|error| ChannelError {
        code: codes::CHANNEL_SETTINGS,
        key: "kind",
        message: ansai_core::text::inert(&error.to_string(), 300),
        hint: "see notification-channels.md for the settings of each kind".to_owned(),
    })
}

/// `program` is the one that calls servers.
fn open(configuration: &Configuration, name: &str, program: Option<&Path>) -> Result<Box<dyn Channel>, NotifyError> {
    let carrier = crate::host::sending(&format!("notify-{name}"), program, configuration.config.daemon.reach);
    let surroundings = Surroundings { credentials: credentials(), carrier };
    let opened = settings(configuration, name).and_then(|settings| channel::open(&settings, &surroundings));
    opened.map_err(|error| NotifyError::Channel { channel: name.to_owned(), error })
}

fn credentials() -> Option<PathBuf> {
    environment::absolute_path("CREDENTIALS_DIRECTORY")
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Opens the outbox of a state directory.
fn outbox(directory: &Directory) -> Result<Outbox, NotifyError> {
    for name in [DATABASE, "notify.db-wal", "notify.db-shm"] {
        directory.make_private(name)?;
    }
    directory.file(DATABASE, Access::AppendOrCreate)?;
    let ballast = Arc::new(Ballast::new(Location::new(directory, BALLAST.0), BALLAST.1));
    if let Err(error) = ballast.ensure() {
        tracing::warn!("cannot reserve disk space for notifications: {error}");
    }
    let make_room = move || -> bool {
        tracing::warn!("the disk is full: releasing the space that is reserved for notifications");
        ballast.release().unwrap_or(false)
    };
    let open = || Outbox::open(&directory.path_of(DATABASE), Capacity::default(), make_room.clone());
    match open() {
        Err(error) if error.is_damaged() => {
            tracing::error!("{error}; it is kept as {DAMAGED}, and notifications begin with an empty one");
            directory.rename(DATABASE, DAMAGED)?;
            for name in ["notify.db-wal", "notify.db-shm"] {
                directory.remove(name)?;
            }
            directory.file(DATABASE, Access::AppendOrCreate)?;
            Ok(open()?)
        }
        opened => Ok(opened?),
    }
}

/// Starts notifications; `None` without channels, or if they cannot run: healing goes on without them.
///
/// # Errors
/// The settings of a channel are invalid.
pub(crate) fn start(
    configuration: &Configuration,
    directory: &Directory,
    supervisor: &Supervisor,
    program: Option<&Path>,
) -> Result<Option<Notifier>, NotifyError> {
    match try_start(configuration, directory, supervisor, program) {
        Err(error @ NotifyError::Channel { .. }) => Err(error),
        Err(error) => {
            tracing::error!("nobody is notified until ansai restarts: {error}");
            Ok(None)
        }
        started => started,
    }
}

/// Events since the last run are told, those before the first one are not.
fn try_start(
    configuration: &Configuration,
    directory: &Directory,
    supervisor: &Supervisor,
    program: Option<&Path>,
) -> Result<Option<Notifier>, NotifyError> {
    let notify = &configuration.config.notify;
    if notify.channels.is_empty() {
        return Ok(None);
    }
    let mut channels = Vec::new();
    for name in notify.channels.keys() {
        channels.push((name.clone(), Arc::<dyn Channel>::from(open(configuration, name, program)?)));
    }
    let outbox = Arc::new(outbox(directory)?);
    let (tap, tapped) = ansai_notify::tap();
    supervisor.follow(Box::new(Follows(tap)));
    // After the tap: what is recorded from now on is heard.
    let last = supervisor.head().sequence;
    match outbox.place()? {
        // A power failure took the newest records, and their numbers come again.
        Some(place) if place > last => outbox.set_place(last)?,
        Some(_) => {}
        None => outbox.set_place(last)?,
    }
    let again = outbox.recover()?;
    if again > 0 {
        tracing::warn!("{again} messages may have been sent when ansai ended: they are sent again, with a mark");
    }
    let labels = configuration.config.labels.clone();
    let router =
        Router::new(notify.routing.clone(), labels, Arc::new(opens)).with_targets(target_labels(configuration));
    let names = notify.channels.keys().cloned().collect();
    let facts =
        Arc::new(Known { supervisor: supervisor.clone(), expiries: Expiries::of(configuration, directory.path()) });
    let reports = report::open(notify.report.as_ref(), &outbox, clock::now())?;
    let teller = Teller::new(outbox.clone(), router, names, &host(), facts).with_reports(reports);
    let moved = teller.leave_unconfigured(clock::now())?;
    if moved > 0 {
        tracing::warn!(
            "{moved} messages waited for channels that are not configured any more: another one has them now"
        );
    }
    let read_log = Box::new(read_log::reader(directory.clone()));
    let parts = Parts { outbox, teller, channels, read_log, now: Arc::new(clock::now) };
    Ok(Some(Notifier::start(parts, tapped).map_err(NotifyError::Thread)?))
}

/// The labels of the targets that each instance may use.
fn target_labels(configuration: &Configuration) -> TargetLabels {
    let config = &configuration.config;
    let of = |name: &String| Some((name.clone(), config.targets.get(name)?.labels.clone()));
    let instances = config.policies.iter();
    instances.map(|(name, policy)| (name.as_str().to_owned(), policy.targets.keys().filter_map(of).collect())).collect()
}

/// When one of these windows opens; `None` if one is open. What is unknown is not open.
fn opens(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    let maintenance = Maintenance { windows: windows.to_vec(), emergency_passes: false };
    match opening(&maintenance, None, now) {
        Ok(Opening::Always | Opening::Until(_)) => None,
        Ok(Opening::From(at)) => Some(at),
        Err(why) => {
            tracing::error!("notifications: {why}");
            Some(now)
        }
    }
}

struct Follows(Tap);

impl Follower for Follows {
    fn recorded(&self, sequence: u64, at: Timestamp, event: &Event) {
        self.0.recorded(sequence, at, event);
    }

    fn failed(&self, why: &str) {
        self.0.failed(why);
    }
}

/// Does a request about notifications with the notifier that runs.
pub(crate) fn answer(
    notifier: Option<&Notifier>,
    has_channels: bool,
    request: &Request,
) -> Result<Answer, NotifyError> {
    let Some(notifier) = notifier else {
        return match request {
            _ if has_channels => Err(NotifyError::NotStarted),
            Request::Notifications => Ok(Answer::Notifications(Box::default())),
            _ => Err(NotifyError::NoChannels),
        };
    };
    let mut answer = perform(notifier.outbox(), notifier.channels(), request)?;
    if let Answer::Notifications(status) = &mut answer {
        status.report = notifier.report_status(clock::now());
    }
    notifier.look();
    Ok(answer)
}

/// What a run left in a state directory. Nothing is written, and no lock is needed.
pub(crate) fn stored(
    configuration: Option<&Configuration>,
    state_dir: &std::path::Path,
) -> Result<Answer, crate::error::Error> {
    let channels: Vec<String> =
        configuration.map(|one| one.config.notify.channels.keys().cloned().collect()).unwrap_or_default();
    let outbox = match with_outbox(state_dir)? {
        Some(directory) => Outbox::open_to_read(&directory.path_of(DATABASE)).map_err(NotifyError::from)?,
        None => None,
    };
    let scheduled = configuration.and_then(|one| one.config.notify.report.as_ref());
    let report = scheduled.map(|report| report::status(report, outbox.as_ref(), clock::now()));
    let report = report.transpose().map_err(NotifyError::from)?;
    if let Some(outbox) = outbox {
        let status = outbox.status(&channels).map_err(NotifyError::from)?;
        return Ok(Answer::Notifications(Box::new(NotifyStatus { report, ..status })));
    }
    let fresh = |channel: String| ansai_core::notify::ChannelStatus { channel, ..Default::default() };
    let channels = channels.into_iter().map(fresh).collect();
    Ok(Answer::Notifications(Box::new(NotifyStatus { channels, report, ..NotifyStatus::default() })))
}

/// Changes what a run left in a state directory. The caller has the lock of the state: a daemon would send meanwhile.
pub(crate) fn change_stored(state_dir: &std::path::Path, request: &Request) -> Result<Answer, crate::error::Error> {
    let directory = with_outbox(state_dir)?.ok_or(NotifyError::NoChannels)?;
    Ok(perform(&outbox(&directory)?, &[], request)?)
}

/// The state directory, if it has an outbox.
pub(crate) fn with_outbox(state_dir: &std::path::Path) -> Result<Option<Directory>, crate::error::Error> {
    Ok(state::existing(state_dir)?.filter(|directory| directory.metadata(DATABASE).is_ok()))
}

fn perform(outbox: &Outbox, channels: &[String], request: &Request) -> Result<Answer, NotifyError> {
    Ok(match request {
        Request::NotifyRetry(choice) => Answer::Messages { messages: outbox.retry(choice)? },
        Request::NotifyDrop(choice) => Answer::Messages { messages: outbox.drop_messages(choice)? },
        _ => Answer::Notifications(Box::new(outbox.status(channels)?)),
    })
}
