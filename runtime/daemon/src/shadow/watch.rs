//! Watches both versions of each policy, counts what differs, and says when the new one takes over or is held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::text::inert;
use ansai_core::{Event, InstanceName, Millis, Timestamp};
use ansai_events::{Item, Stream, Subscriber};
use ansai_registry::{HELD_AS_WIDER, Judgement, ShadowDifference, ShadowEnd, Store};
use ansai_storage::Directory;
use ansai_supervisor::clock;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::compare::{Pair, Side};
use crate::daemon::Daemon;
use crate::load::LoadedShadow;
use crate::pulled::{Shadowed, Vouched};
use crate::running::Running;

/// Events that wait to be looked at.
const WAITING_EVENTS: usize = 4_096;
/// What was counted is stored at least so often while something happens.
const SAVED: Duration = Duration::from_secs(60);
/// A version takes over only after it was compared so often.
const LEAST_COMPARED: u64 = 5;
/// So many times in a row the host could not evaluate it.
const MOST_FAILURES: u32 = 3;
/// The most characters of an error.
const MOST_ERROR: usize = 300;

/// Watches the versions that run beside pinned ones.
pub struct ShadowWatch {
    _subscribers: Vec<Subscriber>,
    over: UnboundedReceiver<ShadowOver>,
}

/// The end of a shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowOver {
    /// The instances.
    pub instances: Vec<InstanceName>,
    /// The new version.
    pub version: String,
    /// How it ended.
    pub end: ShadowEnd,
}

impl Daemon {
    /// Watches both versions of each policy from now on; `running` is this daemon, and evaluates nothing yet. How a shadow
    /// ends is recorded in the store before anybody is told.
    ///
    /// # Errors
    /// The system cannot create a thread.
    pub fn watch_shadows(&self, running: &Running, stream: &Stream) -> std::io::Result<ShadowWatch> {
        let (tell, over) = mpsc::unbounded_channel();
        let Some(shadow) = &running.shadow else {
            // It is never told anything.
            return Ok(ShadowWatch { _subscribers: Vec::new(), over });
        };
        let main = running.supervisor.clone();
        let watched = Watched {
            sources: sources(self.shadows()),
            judge: Box::new(may_take_over(self)),
            is_paused: Box::new(move || !main.orders().pauses.is_empty()),
            state_dir: self.state_directory().clone(),
            tell,
        };
        let watched = Arc::new(Mutex::new(watched));
        for quarantine in shadow.orders().quarantines {
            let event = Event::Quarantined(quarantine);
            hear(&watched, Side::New, &event);
        }
        let subscribe = |side: Side, name: &str, stream: &Stream| {
            let watched = watched.clone();
            stream.spawn(name, WAITING_EVENTS, move |item| {
                if let Item::Event(published) = item {
                    hear(&watched, side, &published.event);
                }
            })
        };
        let pinned = subscribe(Side::Pinned, "shadow-old", stream)?;
        let new = subscribe(Side::New, "shadow-new", shadow.events())?;
        Ok(ShadowWatch { _subscribers: vec![pinned, new], over })
    }
}

fn hear(watched: &Mutex<Watched>, side: Side, event: &Event) {
    watched.lock().unwrap_or_else(PoisonError::into_inner).hear(side, event, Instant::now(), clock::now());
}

fn sources(shadows: &[LoadedShadow]) -> BTreeMap<String, OfSource> {
    let mut sources: BTreeMap<String, OfSource> = BTreeMap::new();
    for one in shadows {
        let of = sources.entry(one.shadowed.pinned.source.clone()).or_insert_with(|| OfSource {
            shadowed: one.shadowed.clone(),
            is_wider: one.is_wider,
            pairs: BTreeMap::new(),
            failures: 0,
            last: None,
            saved: None,
            waits: None,
        });
        of.pairs.insert(one.ready.instance.name.clone(), Pair::new(one.ready.instance.every));
    }
    sources
}

/// Whether the signers of a version, as the configuration of the start has them, vouch for it now.
fn may_take_over(daemon: &Daemon) -> impl Fn(&str) -> Judged + Send + use<> {
    let of = |one: &LoadedShadow| (one.shadowed.pinned.source.clone(), one.ready.component.vouched.clone());
    let vouched: BTreeMap<String, Option<Vouched>> = daemon.shadows().iter().map(of).collect();
    let configuration = daemon.configuration().cloned();
    move |source: &str| {
        let (Some(Some(vouched)), Some(configuration)) = (vouched.get(source), &configuration) else {
            return Judged::Fine;
        };
        match vouched.judge(&configuration.vouching) {
            Err(error) => Judged::Refused(error.to_string()),
            Ok(Judgement::Verified { lists, .. }) => match lists.first() {
                Some(problem) => Judged::Waits(problem.to_string()),
                None => Judged::Fine,
            },
            Ok(Judgement::Uncovered) => Judged::Fine,
        }
    }
}

/// Whether a version may take over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Judged {
    Fine,
    /// Not now: a list of revocations has expired.
    Waits(String),
    Refused(String),
}

/// One source and the instances that run it.
struct OfSource {
    shadowed: Shadowed,
    is_wider: bool,
    pairs: BTreeMap<InstanceName, Pair>,
    /// How often in a row the host could not evaluate it.
    failures: u32,
    /// When the new version answered last, since it was last not evaluated. The clock of the machine may jump, this one not.
    last: Option<Instant>,
    saved: Option<Instant>,
    /// Why it does not take over yet, although its time is over.
    waits: Option<String>,
}

struct Watched {
    sources: BTreeMap<String, OfSource>,
    judge: Box<dyn Fn(&str) -> Judged + Send>,
    is_paused: Box<dyn Fn() -> bool + Send>,
    state_dir: Directory,
    tell: UnboundedSender<ShadowOver>,
}

impl Watched {
    fn hear(&mut self, side: Side, event: &Event, now: Instant, at: Timestamp) {
        let Some(name) = event.instance() else { return };
        let found = self.sources.iter_mut().find(|(_, of)| of.pairs.contains_key(name));
        let Some((source, of)) = found.map(|(source, of)| (source.clone(), of)) else { return };
        let is_news = of.hear(side, name, event, (now, at));
        let end = of.failed(side, event).or_else(|| of.over(&source, &self.judge, &self.is_paused));
        let is_due = of.saved.is_none_or(|saved| now.saturating_duration_since(saved) >= SAVED);
        if !(is_news || is_due || end.is_some()) {
            return;
        }
        let mut record = of.shadowed.record.clone();
        record.end.clone_from(&end);
        record.problem = record.problem.or_else(|| of.waits.clone());
        of.saved = Some(now);
        let stored = Store::create(&self.state_dir).and_then(|store| store.continue_shadow(&source, record));
        match (stored, end) {
            // An end that is not recorded is found again by the next event.
            (Err(error), _) => tracing::error!("what is known of the shadow of {source} is not recorded: {error}"),
            // Another one began, and a reload is due.
            (Ok(false), _) => {
                tracing::warn!("the shadow of {source} ended: another one began, which runs after a reload");
                self.sources.remove(&source);
            }
            (Ok(true), None) => {}
            (Ok(true), Some(end)) => {
                let version = of.shadowed.shadow.policy.version.clone();
                let instances: Vec<InstanceName> = of.pairs.keys().cloned().collect();
                self.sources.remove(&source);
                // Nobody listens any more if the daemon is stopping.
                let _ = self.tell.send(ShadowOver { instances, version, end });
            }
        }
    }
}

impl OfSource {
    /// Counts. Answers whether there is a new difference, or another problem.
    fn hear(&mut self, side: Side, name: &str, event: &Event, (now, at): (Instant, Timestamp)) -> bool {
        let Some(pair) = self.pairs.iter_mut().find(|(known, _)| known.as_str() == name).map(|(_, pair)| pair) else {
            return false;
        };
        let before = pair.compared;
        let differs = pair.hear(side, event, now);
        let record = &mut self.shadowed.record;
        record.compared = record.compared.saturating_add(pair.compared.saturating_sub(before));
        let mut is_news = false;
        for one in differs {
            let (instance, finding) = (name.to_owned(), one.finding);
            is_news |=
                record.count(ShadowDifference { instance, finding, old: one.old, new: one.new, times: 1, last: at });
        }
        match (side, event) {
            (Side::New, Event::Observed { .. }) => {
                let more = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
                record.watched = Millis::new(record.watched.get().saturating_add(Millis::from(more).get()));
                self.last = Some(now);
                self.failures = 0;
                is_news |= record.problem.take().is_some();
            }
            (Side::New, Event::Failed { error, .. }) => {
                is_news |= record.problem.as_ref() != Some(error);
                record.problem = Some(error.clone());
                self.last = None;
            }
            _ => {}
        }
        is_news
    }

    /// Whether the new version keeps failing.
    fn failed(&mut self, side: Side, event: &Event) -> Option<ShadowEnd> {
        if side == Side::Pinned {
            return None;
        }
        let faults = |faults: u32, kind: ansai_core::ErrorKind| {
            Some(ShadowEnd::Held(format!("{faults} faults in a row, the last one was {kind}")))
        };
        match event {
            Event::BackedOff { faults: number, kind, .. } => faults(*number, *kind),
            Event::Quarantined(one) => faults(one.faults, one.kind),
            Event::Failed { error, kind: None, .. } => {
                self.failures = self.failures.saturating_add(1);
                let error = inert(error, MOST_ERROR);
                (self.failures >= MOST_FAILURES).then(|| ShadowEnd::Held(format!("it cannot be evaluated: {error}")))
            }
            _ => None,
        }
    }

    /// Whether its time is over, and what follows.
    fn over(
        &mut self,
        source: &str,
        judge: &dyn Fn(&str) -> Judged,
        is_paused: &dyn Fn() -> bool,
    ) -> Option<ShadowEnd> {
        let Shadowed { shadow, record, .. } = &self.shadowed;
        if record.watched < shadow.lasts_ms || record.compared < LEAST_COMPARED {
            return None;
        }
        let mut why = Vec::new();
        let differences = record.differences();
        if differences > 0 && !shadow.accepts_differences {
            why.push(match differences {
                1 => "the two versions decide differently about 1 finding".to_owned(),
                more => format!("the two versions decide differently about {more} findings"),
            });
        }
        if self.is_wider && !shadow.accepts_wider {
            why.push(HELD_AS_WIDER.to_owned());
        }
        if !why.is_empty() {
            return Some(ShadowEnd::Held(why.join("; ")));
        }
        match judge(source) {
            Judged::Refused(error) => return Some(ShadowEnd::Held(error)),
            Judged::Waits(why) => {
                self.waits = Some(why);
                return None;
            }
            Judged::Fine => {}
        }
        // A person wants nothing to change now.
        if is_paused() {
            self.waits = Some("it takes over when the pause ends".to_owned());
            return None;
        }
        Some(ShadowEnd::TookOver)
    }
}

impl ShadowWatch {
    /// Waits until a shadow has ended. Cancelling it loses none.
    pub async fn over(&mut self) -> ShadowOver {
        match self.over.recv().await {
            Some(over) => over,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests;
