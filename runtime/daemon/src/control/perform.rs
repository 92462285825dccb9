//! Does a request with a daemon that runs, or on the state directory while none does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::control::{Answer, Replied, Request, UndoTarget};
use ansai_core::order::Person;
use ansai_core::{Mode, codes};
use ansai_events::Stream;
use ansai_supervisor::authority::Fixed;
use ansai_supervisor::{Options, StateError, StepReport, Supervisor};

use super::client::ask;
use super::error::ControlError;
use super::handle::Handler;
use super::place::socket_path;
use super::stored;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::shadow::Shown;
use crate::undo::{self, UndoRequest};
use crate::{approval, expiry, host, notify, safety, state};

/// How long a daemon may take to start: it has the state directory, and does not listen yet.
const STARTING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Performed {
    /// The answer.
    pub answer: Answer,
    /// Whether a running daemon answered. Otherwise the answer is from the state directory.
    pub is_running: bool,
}

/// Does a request for the person who runs this program. Blocks; needs a tokio runtime.
///
/// # Errors
/// A daemon runs and refuses it or does not answer; or no daemon runs, and the state cannot be opened or refuses it.
pub fn perform(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    request: &Request,
    by: &Person,
) -> Result<Performed, Error> {
    let configured = configuration.and_then(|one| one.config.control.socket.as_deref());
    let socket = socket_path(state_dir, configured);
    let began = Instant::now();
    loop {
        if let Some(answer) = ask(&socket, request)? {
            return Ok(Performed { answer, is_running: true });
        }
        let done = match request {
            Request::Undo(target) => undone(configuration, state_dir, target, by),
            Request::UndoPreview(target) => {
                undo::preview(configuration, state_dir, target).map(Box::new).map(Answer::UndoPreview)
            }
            Request::Notifications => notify::stored(configuration, state_dir),
            Request::NotifyRetry(_) | Request::NotifyDrop(_) => change_messages(configuration, state_dir, request),
            request if request.changes() => change(configuration, state_dir, request, by),
            request => read(state_dir, &socket, request),
        };
        match done {
            Err(error) if error.code() == codes::IN_USE => {
                if began.elapsed() > STARTING {
                    return Err(ControlError::NotListening(state_dir.to_owned()).into());
                }
                std::thread::sleep(PAUSE);
            }
            done => {
                let mut answer = done?;
                if let (Answer::Status(status), Some(configuration)) = (&mut answer, configuration) {
                    status.expiring = expiry::expiring(configuration, state_dir, status.at);
                }
                return Ok(Performed { answer, is_running: false });
            }
        }
    }
}

/// The same, but only with a daemon that runs: `None` if none does. For a person whose configuration is not valid: the
/// daemon goes on without it, and says at these places what it does.
///
/// # Errors
/// Another user can change the state directory; or a daemon runs and refuses the request or does not answer.
pub fn perform_running(
    state_dir: Option<&Path>,
    socket: Option<&Path>,
    request: &Request,
) -> Result<Option<Performed>, Error> {
    let state_dir = state::directory(state_dir, None)?;
    state::check(&state_dir)?;
    let answer = ask(&socket_path(&state_dir, socket), request)?;
    Ok(answer.map(|answer| Performed { answer, is_running: true }))
}

/// Takes the lock of the state.
fn open(configuration: Option<&Configuration>, state_dir: &Path) -> Result<Supervisor, Error> {
    let directory = state::open(state_dir)?;
    let options = Options {
        state_dir: directory,
        mode: Mode::Observe,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accept_clock: false,
        audit: configuration.map(|configuration| configuration.config.audit.clone()).unwrap_or_default(),
        safety: configuration.map(safety::policy).unwrap_or_default(),
        events: Stream::new(),
    };
    let live = host::live(ansai_host_functions::builtin(), state_dir);
    Supervisor::open(options, Arc::new(live), Arc::new(Fixed::new([])), Vec::new())
        .map_err(|error| Error::Open { state_dir: PathBuf::from(state_dir), error })
}

/// With the lock of the state, if there is an outbox at all.
fn change_messages(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    request: &Request,
) -> Result<Answer, Error> {
    let has_lock = match notify::with_outbox(state_dir)? {
        Some(_) => Some(open(configuration, state_dir)?),
        None => None,
    };
    let changed = notify::change_stored(state_dir, request);
    drop(has_lock);
    changed
}

/// With the lock of the state, by the same function as the daemon.
fn change(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    request: &Request,
    by: &Person,
) -> Result<Answer, Error> {
    let supervisor = open(configuration, state_dir)?;
    let instances = configuration.map(|one| one.config.policies.keys().cloned().collect());
    let (expiries, not_loaded, beside) = (None, Vec::new(), Shown::default());
    let (supervisor_of, notifier, has_channels) = (supervisor.clone(), None, false);
    let handler =
        Handler { supervisor: supervisor_of, notifier, has_channels, instances, expiries, not_loaded, beside };
    let replied = handler.handle(request.clone(), by);
    supervisor.ordered();
    match replied {
        Replied::Done(answer) => Ok(answer),
        Replied::Refused(refused) => Err(ControlError::Refused(refused).into()),
    }
}

/// With the lock of the state and the grants of the configuration, whatever its mode.
fn undone(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    target: &UndoTarget,
    by: &Person,
) -> Result<Answer, Error> {
    let request = UndoRequest { plan: target.plan.clone(), step: target.step, by: by.to_string() };
    let reports = undo::undo(configuration, state_dir, &request)?;
    Ok(Answer::Undone { steps: reports.into_iter().map(StepReport::into_undone).collect() })
}

/// Without the lock, and without a trace in the audit log.
fn read(state_dir: &Path, socket: &Path, request: &Request) -> Result<Answer, Error> {
    match request {
        Request::Plans => return Ok(Answer::Plans { plans: approval::plans(state_dir)? }),
        Request::Plan { plan } => {
            let (approval, steps) = approval::plan(state_dir, plan)?;
            return Ok(Answer::Plan { approval: Box::new(approval), steps });
        }
        Request::ActionRecords => return records(state_dir),
        _ => {}
    }
    let not_running = || ControlError::NotRunning(socket.to_owned());
    let directory = state::existing(state_dir)?.ok_or_else(not_running)?;
    if let Some(answer) = stored::query(&directory, request)? {
        return answer.ok_or_else(|| not_running().into());
    }
    let report = ansai_supervisor::status_of(&directory)
        .map_err(|error| Error::Open { state_dir: state_dir.to_owned(), error: error.into() })?;
    match (report, request) {
        (None, _) => Err(not_running().into()),
        (Some(report), Request::Pauses) => Ok(Answer::Orders(report.orders)),
        (Some(report), _) => Ok(Answer::Status(Box::new(report))),
    }
}

/// What each action achieved until the last run ended. A directory that no run has used has none.
fn records(state_dir: &Path) -> Result<Answer, Error> {
    let Some(directory) = state::existing(state_dir)? else { return Ok(Answer::ActionRecords { records: Vec::new() }) };
    let failed = |error: StateError| Error::Open { state_dir: state_dir.to_owned(), error: error.into() };
    let records = ansai_supervisor::action_records_of(&directory).map_err(failed)?;
    Ok(Answer::ActionRecords { records })
}
