//! Runs one attempt: a blocking call on its own thread, with a time limit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_kit::carrier::Carrier;
use tokio::sync::watch;

use crate::message::Message;
use crate::target::Target;
use crate::transport::{self, SendError};

/// Extra time beyond the target's limit. After it, a blocking call is abandoned, because it cannot be stopped.
const GRACE: Duration = Duration::from_secs(15);
/// At the end of the program, the time for a command to stop.
const LEAVE: Duration = Duration::from_millis(500);

/// Why a message did not arrive.
pub(crate) enum Stopped {
    /// The program is stopping, which is not a failure.
    Asked,
    Failed(SendError),
}

/// How messages are sent.
pub(crate) struct Attempts {
    /// Targets whose last attempt is still running, by id.
    pub(crate) under_way: Arc<Mutex<BTreeSet<String>>>,
    /// What posts to URLs; `None`: this process.
    pub(crate) carrier: Option<Arc<dyn Carrier>>,
    /// For one attempt.
    pub(crate) limit: Duration,
}

impl Attempts {
    /// Sends one message.
    pub(crate) async fn send(
        &self,
        target: &Target,
        message: Message,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        let (id, limit) = (target.id(), self.limit);
        if !lock(&self.under_way).insert(id.clone()) {
            return Err(Stopped::Failed(SendError::UnderWay));
        }
        let (target, set, asked) = (target.clone(), self.under_way.clone(), stopping.clone());
        let carrier = self.carrier.clone();
        let mut working = tokio::task::spawn_blocking(move || {
            let sent = transport::send(&target, &message, carrier.as_deref(), (limit, &|| *asked.borrow()));
            lock(&set).remove(&id);
            sent
        });
        let is_stopping = *stopping.borrow();
        let given = if is_stopping { LEAVE } else { limit.saturating_add(GRACE) };
        let ended = tokio::select! {
            ended = tokio::time::timeout(given, &mut working) => ended,
            true = until(&mut stopping), if !is_stopping => match tokio::time::timeout(LEAVE, &mut working).await {
                Err(_) => return Err(Stopped::Asked),
                ended => ended,
            },
        };
        match ended {
            Ok(Ok(Err(SendError::Stopping))) => Err(Stopped::Asked),
            Ok(Ok(sent)) => sent.map_err(Stopped::Failed),
            Ok(Err(panic)) => Err(Stopped::Failed(std::io::Error::other(panic).into())),
            Err(_) => Err(Stopped::Failed(SendError::TimeLimit(limit))),
        }
    }
}

/// Returns true when a stop is requested, or false if nobody can request one any more.
async fn until(stopping: &mut watch::Receiver<bool>) -> bool {
    stopping.wait_for(|asked| *asked).await.is_ok()
}

fn lock(under_way: &Mutex<BTreeSet<String>>) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}
