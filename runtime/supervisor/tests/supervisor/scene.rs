//! A state directory with supervisors over it, and what must hold of it at the end of every test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ansai_audit::{Catalog, Reader};
use ansai_config::AuditLog;
use ansai_core::event::{Intent, Phase, Record};
use ansai_core::{Bytes, Event, InterfaceName, Limits, Millis, Mode, Outcome, RetryPolicy, Scope, Shares};
use ansai_engine::recording::RecordedEnd;
use ansai_engine::replay::{Replayed, replay};
use ansai_engine::{Compiler, Engine, Policy, Recording};
use ansai_events::{Item, Published, Stream, Subscription};
use ansai_harness::debug_text::debug_texts;
use ansai_host_functions::live::LiveHost;
use ansai_kit::host::Host;
use ansai_kit::host_access::HostAccess;
use ansai_kit::registry::Registry;
use ansai_storage::Directory;
use ansai_supervisor::authority::{Authority, EffectiveGrants, Fixed, scopes};
use ansai_supervisor::{Instance, OpenError, Options, SafetyPolicy, Supervisor};
use serde_json::Value;

use crate::guest;
use crate::quarantine;
use crate::script::{self, Script};
use crate::slow_actions::{self, Handle};

/// The instance where there is one.
pub(crate) const ONE: &str = "one";

/// How long something may take that surely happens: never waited for in full.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    path: PathBuf,
    policy: Policy,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) audit: AuditLog,
    pub(crate) approval_expires: Millis,
    pub(crate) announce: Millis,
    /// What the supervisor sees of the host.
    pub(crate) host: fn(LiveHost) -> Arc<dyn HostAccess>,
    subscriptions: Mutex<Vec<Subscription>>,
    state_dir: PathBuf,
    /// Whether the operator accepts the time of day.
    pub(crate) accept_clock: bool,
    _own: Option<tempfile::TempDir>,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let own = tempfile::tempdir().unwrap();
        let scene = Scene::at(own.path());
        Scene { _own: Some(own), ..scene }
    }

    /// Over a directory that is another process's to remove.
    pub(crate) fn at(path: &Path) -> Scene {
        Scene {
            path: path.to_owned(),
            policy: loaded(guest::component()),
            retry_policy: RetryPolicy { cooldown: Millis::ZERO, max_attempts: 100, ..RetryPolicy::default() },
            audit: AuditLog::default(),
            approval_expires: Millis::from_hours(24),
            announce: Millis::ZERO,
            host: |live| Arc::new(live),
            subscriptions: Mutex::default(),
            state_dir: path.join("state"),
            accept_clock: false,
            _own: None,
        }
    }

    /// With a policy that could remove files.
    pub(crate) fn with_files(self) -> Scene {
        Scene { policy: loaded(guest::component_with_files()), ..self }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// With the state in another directory, which exists or can be made.
    pub(crate) fn with_state_in(self, state_dir: PathBuf) -> Scene {
        Scene { state_dir, ..self }
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.state_dir.clone()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Sets what the one instance says from now on.
    pub(crate) fn script(&self, script: &Script) {
        self.script_of(ONE, script);
    }

    pub(crate) fn script_of(&self, instance: &str, script: &Script) {
        let (path, next) = (self.path(&format!("{instance}.json")), self.path(&format!("{instance}.next")));
        std::fs::write(&next, serde_json::to_vec(script).unwrap()).unwrap();
        std::fs::rename(next, path).unwrap();
    }

    pub(crate) fn instance(&self, name: &str) -> Instance {
        Instance {
            name: name.parse().unwrap(),
            policy: self.policy.clone(),
            version: "1.0.0".into(),
            settings: Arc::new(serde_json::json!({"script": self.path(&format!("{name}.json"))})),
            limits: Limits { memory_bytes: Bytes::from_mib(4), fuel: 5_000_000, ..Limits::default() },
            shares: Shares::default(),
            retry_policy: self.retry_policy.clone(),
            approval_expires: self.approval_expires,
            announce: self.announce,
            maintenance: Arc::default(),
            every: Millis::from_hours(1),
            timing: Arc::default(),
            watches: Arc::new([]),
        }
    }

    /// The one instance with everything granted, in enforce mode.
    pub(crate) fn open(&self) -> Supervisor {
        self.open_with(fixed(Mode::Enforce)).unwrap()
    }

    pub(crate) fn open_with(&self, authority: impl Authority + 'static) -> Result<Supervisor, OpenError> {
        self.open_all(authority, vec![self.instance(ONE)])
    }

    pub(crate) fn open_all(
        &self,
        authority: impl Authority + 'static,
        instances: Vec<Instance>,
    ) -> Result<Supervisor, OpenError> {
        let state_dir = Directory::create(self.state_dir()).unwrap();
        let stream = Stream::new();
        self.subscriptions.lock().unwrap().push(stream.subscribe("test", 10_000));
        let (mode, accept_clock) = (Mode::Enforce, self.accept_clock);
        let (version, audit) = ("0.0.0".into(), self.audit.clone());
        let safety = SafetyPolicy::default();
        let options = Options { state_dir, mode, version, audit, accept_clock, safety, events: stream };
        let live_host =
            LiveHost::new(Host::at("/").protecting(self.state_dir()), registry(), 2, Duration::from_secs(30));
        Supervisor::open(options, (self.host)(live_host), Arc::new(authority), instances)
    }

    /// What subscribers of all supervisors so far have seen since the last call.
    pub(crate) fn published(&self) -> Vec<Arc<Published>> {
        let mut subscriptions = self.subscriptions.lock().unwrap();
        let items = subscriptions.iter_mut().flat_map(|one| std::iter::from_fn(|| one.try_next()));
        let event = |item| match item {
            Item::Event(published) => published,
            Item::Missed { count } => panic!("{count} events missed"),
        };
        items.map(event).collect()
    }

    /// Everything in the audit log so far, except for plans from before the test.
    pub(crate) fn events(&self) -> Vec<Event> {
        let Ok(reader) = Reader::open(self.state_dir().join("audit")) else { return Vec::new() };
        let record = |payload: &[u8]| serde_json::from_slice::<Record>(payload).unwrap().event;
        let events = reader.map(|entry| record(&entry.unwrap().payload));
        events.filter(|event| event.plan().is_none_or(|plan| !plan.starts_with(quarantine::EARLIER))).collect()
    }

    /// Outcomes in the audit log: step number and what became of it.
    pub(crate) fn outcomes(&self) -> Vec<(u32, Outcome)> {
        let outcome = |event| match event {
            Event::Outcome { step, outcome, .. } => Some((step, outcome)),
            _ => None,
        };
        self.events().into_iter().filter_map(outcome).collect()
    }

    /// Steps whose intent is in the audit log.
    pub(crate) fn intents(&self) -> Vec<u32> {
        let intent = |event| match event {
            Event::Intent(intent) => Some(intent.step),
            _ => None,
        };
        self.events().into_iter().filter_map(intent).collect()
    }

    /// The process of the latest step that was let run by itself, once it does run.
    pub(crate) async fn running(&self) -> Handle {
        let handle = eventually(|| {
            self.events().into_iter().rev().find_map(|event| match event {
                Event::Running { handle, .. } => Some(handle),
                _ => None,
            })
        });
        serde_json::from_value(handle.await).unwrap()
    }

    /// Recordings with the hashes that the audit log has of them, oldest first.
    pub(crate) fn recordings(&self) -> Vec<Recording> {
        let catalog = Catalog::open(self.state_dir().join("recordings")).unwrap();
        let reference = |event| match event {
            Event::Evaluated { recording, .. } => recording,
            _ => None,
        };
        let references = self.events().into_iter().filter_map(reference);
        let content = |reference: ansai_core::event::RecordingRef| {
            let sha256: [u8; 32] = hex::decode(&reference.sha256).unwrap().try_into().unwrap();
            catalog.get_verified(&reference.id.parse().unwrap(), &sha256).unwrap()
        };
        references.map(|reference| serde_json::from_slice(&content(reference)).unwrap()).collect()
    }

    /// Recordings of one phase, by trigger.
    pub(crate) fn recorded(&self, phase: Phase, trigger: &str) -> Vec<Recording> {
        let wanted = |recording: &Recording| recording.phase == phase && recording.trigger == trigger;
        self.recordings().into_iter().filter(wanted).collect()
    }

    /// What must hold at the end of every test: the log verifies and has no text for
    /// programmers, each outcome has one intent before it, no step
    /// has two, and every recording replays to the same.
    pub(crate) async fn finish(self) {
        let verified = ansai_audit::verify(self.state_dir().join("audit"), None).unwrap();
        assert_eq!(verified.torn_tail_bytes, 0);
        for entry in Reader::open(self.state_dir().join("audit")).unwrap() {
            let record: Value = serde_json::from_slice(&entry.unwrap().payload).unwrap();
            assert!(debug_texts(&record).is_empty(), "a person reads this: {record:#}");
        }
        let mut steps: BTreeMap<(String, u32), (u32, u32)> = BTreeMap::new();
        for event in self.events() {
            match event {
                Event::Intent(Intent { plan, step, .. }) => {
                    let seen = steps.entry((plan, step)).or_default();
                    *seen = (seen.0 + 1, seen.1);
                    assert_eq!(*seen, (1, 0), "one intent, before the outcome");
                }
                Event::Outcome { plan, step, outcome, .. } => {
                    let seen = steps.entry((plan, step)).or_default();
                    *seen = (seen.0, seen.1 + 1);
                    assert_eq!(seen.1, 1, "one outcome");
                    assert!(seen.0 == 1 || outcome == Outcome::Refused, "{outcome} without an intent");
                }
                _ => {}
            }
        }
        let recordings = self.recordings();
        assert!(!recordings.is_empty(), "a test evaluates something");
        for recording in &recordings {
            let (replayed, _) = replay(&self.policy, recording).await;
            let expected = match recording.end {
                RecordedEnd::Deadline => Replayed::Excluded,
                _ => Replayed::Identical { fuel_compared: true },
            };
            assert_eq!(replayed, expected, "{recording:?}");
        }
    }
}

fn loaded(component: &[u8]) -> Policy {
    Engine::new(registry(), None, Compiler::InProcess).unwrap().load(component).unwrap()
}

fn registry() -> Registry {
    ansai_host_functions::builtin().with(&script::SCRIPT_PROBE).with(&slow_actions::SLOW_ACTIONS)
}

/// Everything that the policy asks for.
pub(crate) fn all_grants(mode: Mode) -> EffectiveGrants {
    grants_of_marks(mode, u64::MAX)
}

/// The same with so many marks of one file within a day.
pub(crate) fn grants_of_marks(mode: Mode, most: u64) -> EffectiveGrants {
    let everywhere = Scope::default()
        .with_set(&slow_actions::PLACES, ["/"])
        .with_number(&slow_actions::MOST_NUMBER, u64::MAX)
        .with_number(&slow_actions::MOST_MARKS, most);
    let unbounded = [script::NAME, InterfaceName::from_static("ansai:disk/disk-check-actions")];
    let mut all = BTreeMap::from(unbounded.map(|name| (name, Scope::default())));
    all.insert(slow_actions::NAME, everywhere);
    EffectiveGrants::new(scopes(all), mode)
}

/// Everything but the actions.
pub(crate) fn grants_without_actions() -> EffectiveGrants {
    EffectiveGrants::new(scopes(BTreeMap::from([(script::NAME, Scope::default())])), Mode::Enforce)
}

/// For instances `one` and `two`, and it does not change.
pub(crate) fn fixed(mode: Mode) -> Fixed {
    Fixed::new([ONE, "two"].map(|name| (name.parse().unwrap(), all_grants(mode))))
}

/// Waits for what surely happens.
pub(crate) async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
