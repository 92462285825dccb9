//! One look at this host: an evaluation in observe mode, in a worker process, with state that is removed afterwards.

use std::path::Path;
use std::sync::Arc;

use ansai_daemon::Daemon;
use ansai_engine::isolated::Workers;
use ansai_events::Stream;

use crate::commands::run;
use crate::exit::{self, Fault};
use crate::global::Global;
use crate::output::report::RunReport;
use crate::{compiler, environment, runtime};

/// What the look gave.
pub(super) enum Look {
    /// Findings, and what it would propose.
    Report(Box<RunReport>),
    /// The policy cannot run without a configuration, such as one with required settings. All else is still told.
    Fault(Box<Fault>),
}

pub(super) fn at_this_host(component: &Path, workers: &Arc<Workers>, global: &Global) -> Look {
    match look(component, workers, global) {
        Ok(report) => Look::Report(Box::new(report)),
        Err(error) => {
            let other = || Fault::other(ansai_core::codes::OTHER, format!("{error:#}"));
            Look::Fault(Box::new(exit::fault(&error).unwrap_or_else(other)))
        }
    }
}

fn look(component: &Path, workers: &Arc<Workers>, global: &Global) -> anyhow::Result<RunReport> {
    let place = environment::temporary_directory()?;
    let state = tempfile::Builder::new().prefix("ansai-try-").tempdir_in(place)?;
    let daemon = Daemon::builder(compiler::compiler())
        .paths([component.to_owned()])
        .share(global.share())
        .state_dir(state.path().join("state"))
        .workers(workers.clone())
        .distrust_paths()
        .load()?;
    if let Some(one) = daemon.not_loaded().first() {
        return Err(Fault::from(&one.error).into());
    }
    runtime::block_on(async {
        let running = daemon.open(Stream::new())?;
        let reports = running.run_once().await;
        Ok(run::report(&daemon, reports, &running).0)
    })?
}
