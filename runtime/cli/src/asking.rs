//! Asks the running daemon for something, or does it on the state directory while none runs.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ansai_config::Places;
use ansai_core::Millis;
use ansai_core::control::Request;
use ansai_core::{codes, quantity};
use ansai_daemon::Configuration;
use ansai_daemon::control::{Performed, myself, perform, perform_running};

use crate::exit::Fault;
use crate::global::Global;
use crate::output::progress::Progress;
use crate::{output, runtime};

/// Does a request for the person who runs this program.
pub(crate) fn ask(global: &Global, request: Request) -> anyhow::Result<Performed> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = match global.configuration_of_state(&interfaces) {
        // Only a file that could be read: what does not answer would not answer again.
        Err(error) if error.diagnostics().is_some() => {
            return by_a_daemon(global, request)?.ok_or_else(|| error.into());
        }
        configuration => configuration?,
    };
    by_configuration(global, request, configuration)
}

/// With a daemon that goes on while its configuration is not valid: then it must be possible to look at it and to pause it.
/// `None` if none runs where the file says.
fn by_a_daemon(global: &Global, request: Request) -> anyhow::Result<Option<Performed>> {
    let Some(path) = global.config_path() else { return Ok(None) };
    let Some(places) = Places::of(&path) else { return Ok(None) };
    let state_dir = global.state_dir.clone().or(places.state_dir);
    // The mistake may be in the name of the directory. Only the configuration of the host has one that is usual.
    if state_dir.is_none() && global.config.is_some() {
        return Ok(None);
    }
    let done = blocking(move || perform_running(state_dir.as_deref(), places.socket.as_deref(), &request))?;
    if done.is_some() {
        output::tell(&format!("{} is not valid (`ansai check` says why); asked the ansai that runs", path.display()));
    }
    Ok(done)
}

fn by_configuration(
    global: &Global,
    request: Request,
    configuration: Option<Configuration>,
) -> anyhow::Result<Performed> {
    let state_dir = global.state_dir(configuration.as_ref())?;
    blocking(move || perform(configuration.as_ref(), &state_dir, &request, &myself()))
}

fn blocking<T: Send + 'static>(
    request: impl FnOnce() -> Result<T, ansai_daemon::Error> + Send + 'static,
) -> anyhow::Result<T> {
    let done = runtime::block_on(async { tokio::task::spawn_blocking(request).await })?;
    Ok(done.map_err(|error| Fault::other(codes::OTHER, format!("the request panicked: {error}")))??)
}

/// The same for what may take longer than a second: then a terminal says what is going on.
pub(crate) fn ask_slow(global: &Global, request: Request, what: &'static str) -> anyhow::Result<Performed> {
    showing(what, || ask(global, request))
}

/// The same for what also needs the grants of the configuration while no daemon runs.
pub(crate) fn ask_granted(global: &Global, request: Request, what: &'static str) -> anyhow::Result<Performed> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = global.configuration(&interfaces)?;
    showing(what, || by_configuration(global, request, configuration))
}

fn showing<T>(what: &'static str, work: impl FnOnce() -> T) -> T {
    let (done, is_done) = sync_channel::<()>(0);
    let shown = std::thread::spawn(move || {
        if is_done.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
            let mut progress = Progress::new(true);
            progress.show(what);
            let _ = is_done.recv();
        }
    });
    let performed = work();
    drop(done);
    // Its line is removed before anything else is printed.
    let _ = shown.join();
    performed
}

/// A duration with its unit: `30m`, `2h 30m`.
pub(crate) fn duration(text: &str) -> Result<Millis, String> {
    // Minutes are as likely as seconds.
    if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("expected a number with a unit, such as `30m`, `2h 30m` or `7d`".to_owned());
    }
    quantity::milliseconds(text).map(Millis::new).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("2h 30m"), Ok(Millis::new(9_000_000)));
        for text in ["", "30", "30 apples", "-1h", "h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
