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
/// How often code is given back after that. What is used again takes less than a millisecond to come back. Without this, rare
/// work leaves its code behind: 9 MiB in the minute after the first time.
const OFTEN: Duration = Duration::from_secs(10);
/// After how many times free memory of the allocator is given back too, which takes longer the more there is: once an hour.
const RARELY: u32 = 360;
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
        let code = ProgramCode::find();
        let resting = tokio::spawn(rest(move |what| match what {
            Unused::Code => code.release_pages(),
            Unused::CodeAndHeap => code.release(),
        }));
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

/// What is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unused {
    /// Pages of code that are mapped.
    Code,
    /// And free memory of the allocator.
    CodeAndHeap,
}

/// Gives back memory that the start needed, and later what only rare work needed.
async fn rest(give_back: impl Fn(Unused)) {
    tokio::time::sleep(STARTED).await;
    loop {
        give_back(Unused::CodeAndHeap);
        for _ in 1..RARELY {
            tokio::time::sleep(OFTEN).await;
            give_back(Unused::Code);
        }
        tokio::time::sleep(OFTEN).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Would break: memory that is given back once, and never again; or the heap each time.
    #[tokio::test(start_paused = true)]
    async fn code_is_given_back_often_and_the_heap_rarely() {
        let given = Mutex::new(Vec::new());
        let count = |what| given.lock().map(|all| all.iter().filter(|one| **one == what).count()).unwrap_or_default();
        let resting = rest(|what| given.lock().map(|mut all| all.push(what)).unwrap_or_default());
        let hour = STARTED + OFTEN * RARELY - Duration::from_secs(1);
        assert!(tokio::time::timeout(hour, resting).await.is_err());
        assert_eq!((count(Unused::CodeAndHeap), count(Unused::Code)), (1, RARELY as usize - 1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_given_back_while_the_program_starts() {
        let given = Mutex::new(0);
        let resting = rest(|_| given.lock().map(|mut all| *all += 1).unwrap_or_default());
        assert!(tokio::time::timeout(STARTED - Duration::from_secs(1), resting).await.is_err());
        assert_eq!(given.into_inner().unwrap_or(1), 0);
    }
}
