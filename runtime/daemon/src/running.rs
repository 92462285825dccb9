//! A supervisor that is open over its instances.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_audit::Head;
use ansai_config::Export;
use ansai_isolation::at_rest::ProgramCode;
use ansai_kit::carrier::Carrier;
use ansai_notify::Notifier;
use ansai_supervisor::{InstanceReport, PendingStep, Supervisor, clock};

use crate::control::{Access, ControlError, Handler, Server};
use crate::expiry::Expiries;
use crate::load::NotLoaded;
use crate::shadow::Beside;

/// When the first evaluation of most policies is over.
const STARTED: Duration = Duration::from_secs(30);
/// How often memory is given back after that. What is used again takes less than a millisecond to come back.
const RARE: Duration = Duration::from_secs(3_600);
/// How long a run with `--once` waits for channels.
const TELLING: Duration = Duration::from_secs(10);

/// A running daemon; cheap to clone. Dropping it does not stop it: [`Running::stop`] does.
#[derive(Clone)]
pub struct Running {
    /// Before the supervisor, whose lock it needs.
    _control: Option<Arc<Server>>,
    pub(crate) supervisor: Supervisor,
    notifier: Option<Arc<Notifier>>,
    /// Evaluates new versions beside pinned ones.
    pub(crate) shadow: Option<Supervisor>,
    /// What answers requests, also those of this process.
    pub(crate) handler: Handler,
}

impl Running {
    /// Listens on the control socket from now on.
    ///
    /// # Errors
    /// The socket is not to be trusted.
    pub(crate) fn new(
        (supervisor, beside): (Supervisor, Beside),
        (notifier, has_channels): (Option<Notifier>, bool),
        not_loaded: &[NotLoaded],
        export: Option<(Export, Option<Arc<dyn Carrier>>)>,
        expiries: Option<Expiries>,
        control: (&Path, Access),
    ) -> Result<Running, ControlError> {
        for one in not_loaded {
            supervisor.note_not_loaded(&one.name, one.error.code().word(), &one.error.to_string());
        }
        if let Some((export, carrier)) = export {
            supervisor.export_heads(export, carrier);
        }
        let loaded = supervisor.instances().iter().map(|one| one.name.clone());
        let failed = not_loaded.iter().filter_map(|one| one.name.parse().ok());
        let notifier = notifier.map(Arc::new);
        let handler = Handler {
            supervisor: supervisor.clone(),
            notifier: notifier.clone(),
            has_channels,
            instances: Some(loaded.chain(failed).collect()),
            expiries,
            not_loaded: not_loaded.iter().map(|one| format!("{}: {}", one.name, one.error)).collect(),
            beside: beside.shown,
        };
        let (socket, access) = control;
        let control = Server::start(socket, access, handler.clone())?.map(Arc::new);
        Ok(Running { _control: control, supervisor, notifier, shadow: beside.supervisor, handler })
    }

    /// Evaluates every instance once, heals what may be healed, and reports.
    pub async fn run_once(&self) -> Vec<InstanceReport> {
        let reports = self.supervisor.run_once().await;
        self.told().await;
        reports
    }

    /// Evaluates the instances on their schedules until [`Running::stop`].
    pub async fn run(&self) {
        let resting = tokio::spawn(rest());
        let beside = self.shadow.clone().map(|shadow| tokio::spawn(async move { shadow.run().await }));
        self.supervisor.run().await;
        resting.abort();
        if let Some(shadow) = &self.shadow {
            shadow.stop("the version that it runs beside stops");
        }
        if let Some(beside) = beside
            && let Err(error) = beside.await
        {
            tracing::error!("the evaluation of new versions beside pinned ones panicked: {error}");
        }
        if let Some(notifier) = self.notifier.clone() {
            let _ = tokio::task::spawn_blocking(move || notifier.stop()).await;
        }
    }

    /// Waits a moment until what there is to tell is sent: nobody does it after a run with `--once`.
    async fn told(&self) {
        let Some(notifier) = self.notifier.clone() else { return };
        let telling = tokio::task::spawn_blocking(move || {
            notifier.finish(TELLING, clock::now());
            notifier.stop();
        });
        if let Err(error) = telling.await {
            tracing::error!("the end of notifications panicked; what waits is sent by the next run: {error}");
        }
    }

    /// Asks for an orderly stop; `why` is recorded.
    pub fn stop(&self, why: &str) {
        self.supervisor.stop(why);
    }

    /// Records that the program ends at once, without an orderly stop.
    pub fn interrupted(&self, why: &str) {
        self.supervisor.interrupted(why);
    }

    /// By how many milliseconds the time of day jumped, while it is in doubt and nothing is applied.
    pub fn clock_doubt(&self) -> Option<i64> {
        self.supervisor.clock_doubt()
    }

    /// Steps of an earlier run that wait until ansai may act.
    pub fn pending(&self) -> Vec<PendingStep> {
        self.supervisor.pending()
    }

    /// The newest head of the audit log.
    pub fn head(&self) -> Head {
        self.supervisor.head()
    }
}

/// Gives back memory that the start needed, and later what only rare work needed.
async fn rest() {
    let code = ProgramCode::find();
    let mut wait = STARTED;
    loop {
        tokio::time::sleep(wait).await;
        code.release();
        wait = RARE;
    }
}
