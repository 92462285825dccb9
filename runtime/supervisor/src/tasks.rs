//! Tasks that run beside the schedules: each heals an incident, or waits for a step of an earlier run.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts them, so that whoever ends can wait for all. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tasks(Arc<watch::Sender<usize>>);

/// One of them; dropped when it ends, also by a panic.
#[must_use]
pub(crate) struct Running(Tasks);

impl Tasks {
    pub(crate) fn new() -> Tasks {
        Tasks(Arc::new(watch::Sender::new(0)))
    }

    /// Counts work on a thread of the caller until the answer is dropped.
    pub(crate) fn begin(&self) -> Running {
        self.0.send_modify(|running| *running += 1);
        Running(self.clone())
    }

    /// Starts a task.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = self.begin();
        tokio::spawn(async move {
            let _running = running;
            task.await;
        });
    }

    /// Waits until none runs.
    pub(crate) async fn finish(&self) {
        // It cannot be closed: this end of it is held.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn all_are_waited_for_also_those_that_panic() {
        let tasks = Tasks::new();
        tasks.finish().await;
        let (go, goes) = oneshot::channel::<()>();
        let (ends, mut ended) = oneshot::channel();
        tasks.spawn(async move {
            let _ = goes.await;
            let _ = ends.send(());
        });
        tasks.spawn(async { panic!("on purpose") });
        let (finished, _) = tokio::join!(tasks.finish(), async { go.send(()) });
        assert_eq!((finished, ended.try_recv()), ((), Ok(())));
    }
}
