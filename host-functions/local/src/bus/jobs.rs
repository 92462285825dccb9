//! The results of systemd's jobs. systemd tells each once, and forgets it.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};

use zbus::export::futures_core::Stream;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, message};

use super::{BusError, locked};

/// The most results that are kept. A step looks for its own within seconds.
const MOST: usize = 1_024;
/// The longest name that is kept, in bytes: that of a unit.
const MOST_BYTES: usize = 255;

/// How a job ended: `done`, `failed`, `dependency`, `timeout`, `canceled`, `skipped`, …
pub(crate) type JobResult = String;

/// What was heard since the connection was opened.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    /// By the path of the job.
    by_path: BTreeMap<String, JobResult>,
    /// The last one of each unit.
    by_unit: BTreeMap<String, JobResult>,
    /// Path and unit of each, oldest first.
    order: VecDeque<(String, String)>,
}

impl Jobs {
    /// Asks systemd for its signals, and keeps what comes until the connection ends.
    pub(super) async fn listen(connection: &Connection) -> Result<Arc<Jobs>, BusError> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender("org.freedesktop.systemd1")
            .interface("org.freedesktop.systemd1.Manager")
            .member("JobRemoved")
            .path("/org/freedesktop/systemd1")
            .build()?;
        let stream = MessageStream::for_match_rule(rule, connection, None).await?;
        // systemd may not be on a bus that has just restarted yet. A connection without its signals would stay deaf.
        connection
            .call_method(
                Some("org.freedesktop.systemd1"),
                "/org/freedesktop/systemd1",
                Some("org.freedesktop.systemd1.Manager"),
                "Subscribe",
                &(),
            )
            .await?;
        let jobs = Arc::new(Jobs::default());
        tokio::spawn(keep(stream, Arc::downgrade(&jobs)));
        Ok(jobs)
    }

    /// The result of a job, if it has ended.
    pub(crate) fn of_job(&self, path: &str) -> Option<JobResult> {
        locked(&self.0).by_path.get(path).cloned()
    }

    /// The result of the last job of a unit, by its canonical name.
    pub(crate) fn of_unit(&self, id: &str) -> Option<JobResult> {
        locked(&self.0).by_unit.get(id).cloned()
    }

    fn heard(&self, path: String, unit: String, result: String) {
        if [&path, &unit, &result].iter().any(|text| text.len() > MOST_BYTES) {
            return;
        }
        let mut heard = locked(&self.0);
        while heard.order.len() >= MOST {
            let Some((path, unit)) = heard.order.pop_front() else { break };
            heard.by_path.remove(&path);
            if !heard.order.iter().any(|(_, later)| *later == unit) {
                heard.by_unit.remove(&unit);
            }
        }
        heard.by_path.insert(path.clone(), result.clone());
        heard.by_unit.insert(unit.clone(), result);
        heard.order.push_back((path, unit));
    }
}

/// The next signal that was sent to everyone; `None` if the connection ended.
pub(crate) async fn next(stream: &mut MessageStream) -> Option<Message> {
    loop {
        match std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await {
            // systemd sends its signals to everyone, and the bus checks who sent them. What is addressed to this
            // process can be from anyone: the bus needs no rule for it, and zbus compares no sender with a name.
            Some(Ok(message)) if message.header().destination().is_none() => return Some(message),
            // What cannot be read ends the connection.
            Some(Ok(_) | Err(_)) => continue,
            None => return None,
        }
    }
}

async fn keep(mut stream: MessageStream, jobs: Weak<Jobs>) {
    while let Some(message) = next(&mut stream).await {
        let Some(jobs) = jobs.upgrade() else { return };
        let body = message.body();
        if let Ok((_, path, unit, result)) = body.deserialize::<(u32, OwnedObjectPath, String, String)>() {
            jobs.heard(path.as_str().to_owned(), unit, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_results_are_kept() {
        let jobs = Jobs::default();
        for number in 0..5_000 {
            jobs.heard(format!("/job/{number}"), format!("{}.service", number % 2_000), format!("r{number}"));
        }
        assert_eq!(jobs.of_job("/job/4999").as_deref(), Some("r4999"));
        assert_eq!(jobs.of_job("/job/3000"), None);
        assert_eq!(jobs.of_unit("999.service").as_deref(), Some("r4999"));
        assert_eq!(jobs.of_unit("1500.service"), None);
        jobs.heard("/job/x".into(), "u".repeat(300), "done".into());
        assert_eq!(jobs.of_job("/job/x"), None);
        assert_eq!(locked(&jobs.0).order.len(), MOST);
    }
}
