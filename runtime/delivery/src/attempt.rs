//! One attempt: a call that blocks, on a thread that may wait for it, and no longer than its limit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::message::Message;
use crate::target::Target;
use crate::transport::{self, SendError};

/// Beyond what a target may take: a call that blocks is given up then, not ended.
const GRACE: Duration = Duration::from_secs(15);
/// At the end of the program, for a command to be ended.
const LEAVE: Duration = Duration::from_millis(500);

/// Why a message did not arrive.
pub(crate) enum Stopped {
    /// The end of the program was asked for: no failure.
    Asked,
    Failed(SendError),
}

/// Sends one message.
pub(crate) async fn send(
    under_way: &Arc<Mutex<BTreeSet<String>>>,
    target: &Target,
    message: Message,
    limit: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Stopped> {
    let id = target.id();
    if !lock(under_way).insert(id.clone()) {
        return Err(Stopped::Failed(SendError::UnderWay));
    }
    let (target, set, asked) = (target.clone(), under_way.clone(), stopping.clone());
    let mut working = tokio::task::spawn_blocking(move || {
        let sent = transport::send(&target, &message, limit, &|| *asked.borrow());
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

/// Completes with true when the end is asked for, and with false where nobody can ask for it.
async fn until(stopping: &mut watch::Receiver<bool>) -> bool {
    stopping.wait_for(|asked| *asked).await.is_ok()
}

fn lock(under_way: &Mutex<BTreeSet<String>>) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}
