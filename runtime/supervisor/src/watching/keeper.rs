//! Keeps one watch open: as long as it is permitted, and again whenever it ends.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::watch::{Wanted, WantedBy};
use ansai_core::{Code, Event, InstanceName, Measure, Refusal, Subject};
use ansai_kit::evaluation_state::Occurrence;
use ansai_kit::watch::{Sink, Source, WatchError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Mailbox;
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::pass::Passes;

/// How often an open watch is checked: whether it is still permitted, and whether it still watches the same.
const CHECK: Duration = Duration::from_secs(60);
/// The first pause before a watch is opened again. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How long opening may take before the operator is told.
const OPENING: Duration = Duration::from_secs(30);

/// Whether an instance may be woken by this now. What the operator wrote is granted by that.
pub(super) fn permitted(
    passes: &Passes,
    instance: &InstanceName,
    wanted: &Wanted,
    grants: &EffectiveGrants,
) -> Result<(), Refusal> {
    match wanted.by {
        WantedBy::Operator => Ok(()),
        WantedBy::Policy => passes.evaluator.host.may_watch(instance, &wanted.watch, &grants.scopes),
    }
}

/// Keeps one watch of one instance.
pub(super) struct Keeper {
    passes: Arc<Passes>,
    mailbox: Arc<Mailbox>,
    instance: InstanceName,
    wanted: Wanted,
    number: usize,
    /// What the operator was told last, until it works again.
    told: Option<Code>,
}

/// Puts what a source sees into the mailbox.
struct Post {
    mailbox: Arc<Mailbox>,
    number: usize,
    ended: watch::Sender<Option<WatchError>>,
}

impl Sink for Post {
    fn occurred(&self, what: &'static str, about: Subject, facts: Vec<Measure>) {
        let occurrence = Occurrence { what: what.into(), about, at: clock::now(), facts };
        self.mailbox.put(Some(self.number), occurrence);
    }

    fn lost(&self) {
        self.mailbox.put_lost(Some(self.number), clock::now());
    }

    fn ended(&self, why: WatchError) {
        self.ended.send_replace(Some(why));
    }
}

/// A source that is open.
struct Open {
    source: Arc<dyn Source>,
    ended: watch::Receiver<Option<WatchError>>,
}

impl Keeper {
    pub(super) fn new(
        passes: Arc<Passes>,
        mailbox: Arc<Mailbox>,
        instance: InstanceName,
        wanted: Wanted,
        number: usize,
    ) -> Keeper {
        Keeper { passes, mailbox, instance, wanted, number, told: None }
    }

    /// Never returns.
    pub(super) async fn run(mut self) {
        // Whether something may have happened while nothing watched.
        let (mut is_late, mut failures) = (false, 0_u32);
        loop {
            let why = match self.open().await {
                Ok(open) => {
                    if self.told.take().is_some() {
                        self.note(None);
                        is_late = true;
                    }
                    if is_late {
                        self.mailbox.put_lost(Some(self.number), clock::now());
                    }
                    let began = Instant::now();
                    let why = self.hold(open).await;
                    if began.elapsed() >= CHECK {
                        failures = 0;
                    }
                    why
                }
                Err(why) => why,
            };
            is_late = true;
            self.tell(&why);
            tokio::time::sleep(pause(failures)).await;
            failures = failures.saturating_add(1);
        }
    }

    async fn open(&mut self) -> Result<Open, WatchError> {
        self.check()?;
        let (ended, is_ended) = watch::channel(None);
        let post = Arc::new(Post { mailbox: self.mailbox.clone(), number: self.number, ended });
        let (host, watch) = (self.passes.evaluator.host.clone(), self.wanted.watch.clone());
        let mut opening = tokio::task::spawn_blocking(move || host.watch(&watch, post));
        let opened = match tokio::time::timeout(OPENING, &mut opening).await {
            Ok(opened) => opened,
            Err(_) => {
                let limit = OPENING.as_secs();
                self.tell(&WatchError::Unavailable(Refusal::TimedOut(format!("no answer within {limit} s"))));
                // Not tried a second time meanwhile: each try would cost a thread.
                opening.await
            }
        };
        let failed = |error| WatchError::Unavailable(Refusal::Other(format!("a fault of ansai: {error}")));
        Ok(Open { source: opened.map_err(failed)??.into(), ended: is_ended })
    }

    /// Waits until the watch ends or may not go on. It is closed then.
    async fn hold(&self, Open { source, mut ended }: Open) -> WatchError {
        loop {
            tokio::select! {
                biased;
                why = ended.wait_for(Option::is_some) => {
                    let why = why.ok().and_then(|why| why.clone());
                    return why.unwrap_or_else(|| WatchError::Ended("the source is gone".into()));
                }
                () = tokio::time::sleep(CHECK) => {}
            }
            if let Err(why) = self.check() {
                return why;
            }
            let source = source.clone();
            let is_current = tokio::task::spawn_blocking(move || source.is_current()).await;
            if !is_current.unwrap_or(false) {
                return WatchError::Ended("another one has taken its place".into());
            }
        }
    }

    /// Whether it is permitted now.
    fn check(&self) -> Result<(), WatchError> {
        let grants = self.passes.authority.effective_grants(&self.instance);
        let grants = grants.map_err(|error| WatchError::NotGranted(Refusal::Other(error)))?;
        permitted(&self.passes, &self.instance, &self.wanted, &grants).map_err(WatchError::NotGranted)
    }

    /// Once until it works again.
    fn tell(&mut self, why: &WatchError) {
        if self.told != Some(why.code()) {
            self.told = Some(why.code());
            self.note(Some(why));
        }
    }

    fn note(&self, why: Option<&WatchError>) {
        let (instance, watch) = (self.instance.clone(), self.wanted.watch.to_string());
        let error = why.map(|why| ansai_core::text::inert(&why.to_string(), 500));
        let kind = why.map(|why| why.code().word().to_owned());
        self.passes.journal.note(clock::now(), Event::Watch { instance, watch, error, kind });
    }
}

/// The pause before it is opened again, after so many failures in a row.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses = [0, 1, 2, 8, 9, 40, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300, 300]);
    }
}
