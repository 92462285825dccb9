//! Runs the daemon until it is to stop, or to go on with another configuration.

use std::collections::BTreeSet;
use std::time::Duration;

use ansai_core::codes;
use ansai_daemon::load::NotLoaded;
use ansai_daemon::{Daemon, Error, Running, ShadowOver, ShadowWatch, TrialWatch};
use ansai_events::Stream;
use ansai_registry::ShadowEnd;
use tokio::task::JoinHandle;

use crate::exit::{self, Fault};
use crate::output;
use crate::service_manager::{ServiceManager, attend};
use crate::signals::{Asked, Signals, stop_now};

/// How long the state directory may be in use by what has just stopped.
const LEAVING: Duration = Duration::from_secs(10);
/// How long after a refused load the daemon tries again to go back to an earlier version.
const AGAIN: Duration = Duration::from_secs(600);
/// Why a daemon stops to start again.
const SIGHUP: &str = "SIGHUP: starting again with the configuration of now";
const WENT_BACK: &str = "a new version failed: starting again with the last good one, and the configuration of now";
const SHADOW_OVER: &str = "a version that ran as a shadow ended: starting again with the configuration of now";
const PAUSE: Duration = Duration::from_millis(20);

/// Loads everything once more, from the same command line.
pub(crate) type Load = std::sync::Arc<dyn Fn() -> anyhow::Result<Daemon> + Send + Sync>;

/// Runs until a signal. After SIGHUP, everything is loaded again; if that works, the daemon stops in order and starts
/// with it. If it does not, the daemon goes on as it is.
pub(crate) async fn run(
    mut daemon: Daemon,
    load: &Load,
    tell: fn(&Daemon),
    stream: &Stream,
    (signals, manager): (&mut Signals, &ServiceManager),
) -> anyhow::Result<()> {
    let mut is_first = true;
    loop {
        let running = opened(&daemon, stream, is_first).await?;
        is_first = false;
        let mut trials = daemon.watch_trials(&running, stream)?;
        let mut shadows = daemon.watch_shadows(&running, stream)?;
        match until_signal(&running, &daemon, load, (&mut trials, &mut shadows), (signals, manager)).await {
            Some(next) => {
                tell(&next);
                daemon = next;
            }
            None => return Ok(()),
        }
    }
}

/// Opens the state directory. After a reload, what stopped may need a moment to let go of it.
async fn opened(daemon: &Daemon, stream: &Stream, is_first: bool) -> Result<Running, Error> {
    let began = tokio::time::Instant::now();
    loop {
        match daemon.open(stream.clone()) {
            Err(error) if error.code() == codes::IN_USE && !is_first && began.elapsed() < LEAVING => {
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

async fn until_signal(
    running: &Running,
    daemon: &Daemon,
    load: &Load,
    (trials, shadows): (&mut TrialWatch, &mut ShadowWatch),
    (signals, manager): (&mut Signals, &ServiceManager),
) -> Option<Daemon> {
    let (run, attending) = (running.run(), attend(manager, running));
    tokio::pin!(run, attending);
    let (mut next, mut is_stopping, mut why, mut why_again) = (None, false, SIGHUP, WENT_BACK);
    let mut loading: Option<JoinHandle<anyhow::Result<Daemon>>> = None;
    let mut again: Option<tokio::time::Instant> = None;
    loop {
        tokio::select! {
            () = &mut run => return next,
            never = &mut attending => match never {},
            asked = signals.next() => match asked {
                Asked::Stop(which) if is_stopping => stop_now(running, which).await,
                Asked::Stop(which) => {
                    (next, is_stopping, loading) = (None, true, None);
                    manager.stopping(which);
                    running.stop(which);
                }
                Asked::Reload if is_stopping || next.is_some() => {}
                Asked::Reload => {
                    manager.reloading();
                    why = SIGHUP;
                    let load = load.clone();
                    loading = Some(tokio::task::spawn_blocking(move || load()));
                }
            },
            // A load that is under way may have begun before this was recorded.
            ended = trials.failed(), if !is_stopping && next.is_none() && loading.is_none() => {
                tracing::warn!(instance = %ended.instance, "loading again to go back to the last good version");
                (again, why_again) = (Some(tokio::time::Instant::now()), WENT_BACK);
            }
            over = shadows.over(), if !is_stopping && next.is_none() && loading.is_none() => {
                told(&over);
                (again, why_again) = (Some(tokio::time::Instant::now()), SHADOW_OVER);
            }
            () = due(again), if !is_stopping && next.is_none() && loading.is_none() => {
                // Something else that is on disk now may be refused. Going back needs it mended, and nobody else tries.
                again = Some(tokio::time::Instant::now() + AGAIN);
                manager.reloading();
                why = why_again;
                let load = load.clone();
                loading = Some(tokio::task::spawn_blocking(move || load()));
            }
            loaded = finished(&mut loading) => {
                loading = None;
                match loaded.and_then(|loaded| usable(loaded, daemon)) {
                    Ok(loaded) => {
                        next = Some(loaded);
                        running.stop(why);
                    }
                    Err(error) => {
                        kept(&error);
                        manager.ready();
                    }
                }
            }
        }
    }
}

fn told(over: &ShadowOver) {
    let instances: Vec<String> = over.instances.iter().map(ToString::to_string).collect();
    let (instances, version) = (instances.join(", "), &over.version);
    match &over.end {
        ShadowEnd::TookOver => tracing::warn!("{instances}: version {version} takes over: loading again"),
        ShadowEnd::Held(why) => tracing::warn!("{instances}: version {version} does not take over: {why}"),
    }
}

/// Waits until then; for ever without a time.
async fn due(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What was loaded; waits for ever while nothing is being loaded.
async fn finished(loading: &mut Option<JoinHandle<anyhow::Result<Daemon>>>) -> anyhow::Result<Daemon> {
    match loading {
        Some(loading) => loading.await?,
        None => std::future::pending().await,
    }
}

/// Refuses what has fewer working instances because of a mistake. An instance that did not load before may still not
/// load.
fn usable(loaded: Daemon, before: &Daemon) -> anyhow::Result<Daemon> {
    // What went back to an earlier version runs, and so does what a new version does not take over from.
    let is_missing = |one: &&NotLoaded| ![codes::WENT_BACK, codes::SHADOW_HELD].contains(&one.error.code());
    let known: BTreeSet<&str> = before.not_loaded().iter().filter(is_missing).map(|one| one.name.as_str()).collect();
    let is_new = |one: &&NotLoaded| is_missing(one) && !known.contains(one.name.as_str());
    match loaded.not_loaded().iter().find(is_new) {
        Some(new) => Err(Fault::from(&new.error).into()),
        None if loaded.instances().is_empty() => {
            Err(Fault::usage(codes::NO_POLICY, "no instance would be left to run").into())
        }
        None => Ok(loaded),
    }
}

fn kept(error: &anyhow::Error) {
    match exit::fault(error) {
        Some(fault) => output::fault(&fault),
        None => output::fault(&Fault::other(codes::OTHER, format!("{error:#}"))),
    }
    output::tell("the configuration is not reloaded: ansai goes on with the one before");
}
