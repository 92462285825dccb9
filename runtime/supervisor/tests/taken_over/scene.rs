//! Instances whose workers were taken over, beside an honest one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ansai_audit::{Catalog, Reader};
use ansai_config::AuditLog;
use ansai_core::event::{Phase, Record, RecordingRef};
use ansai_core::{Event, InterfaceName, Limits, Millis, Mode, RetryPolicy, Scope, Shares};
use ansai_engine::Recording;
use ansai_engine::isolated::{TrustLevel, Workers};
use ansai_events::Stream;
use ansai_host_functions::live::LiveHost;
use ansai_kit::host::Host;
use ansai_storage::Directory;
use ansai_supervisor::authority::{EffectiveGrants, Fixed, scopes};
use ansai_supervisor::{Instance, Options, SafetyPolicy, Supervisor};

use crate::child;
use crate::support::{CHECK, LIST, engine, policy};

/// The honest instance.
pub(crate) const HONEST: &str = "honest";
/// The instance without a grant for the action that its component imports.
pub(crate) const WITHOUT_GRANT: &str = "plan-without-grant";
/// For a worker that never answers: soon at an end.
pub(crate) const SOON_MS: u64 = 1_500;
const ADVICE: &str = r#"(import "ansai:policy/advice@0.2.0" "may-fail" (func $may-fail (param i32 i32)))"#;

/// A state directory.
pub(crate) struct Scene(tempfile::TempDir);

/// An instance whose workers behave like this, with the behaviour as its name.
pub(crate) fn instance(behaviour: &'static str, limits: Limits) -> Instance {
    instance_in(&child::workers(behaviour), behaviour, limits)
}

/// An instance that shares workers with others.
pub(crate) fn instance_in(workers: &Arc<Workers>, name: &str, limits: Limits) -> Instance {
    let bytes = policy(&format!("{LIST} {CHECK} {ADVICE}"), "(call $list (i32.const 2048))", "");
    let loaded = engine().load_isolated((workers, TrustLevel::Unsigned), &bytes, None);
    Instance {
        name: name.parse().unwrap(),
        policy: loaded.unwrap(),
        version: "1.0.0".into(),
        settings: Arc::new(serde_json::json!({})),
        limits,
        shares: Shares::default(),
        retry_policy: RetryPolicy { cooldown: Millis::ZERO, max_attempts: 100, ..RetryPolicy::default() },
        approval_expires: Millis::from_hours(24),
        announce: Millis::ZERO,
        maintenance: Arc::default(),
        every: Millis::from_hours(1),
        timing: Arc::default(),
        watches: Arc::new([]),
    }
}

/// Few calls, and a deadline that is not reached on a busy machine either.
pub(crate) fn few() -> Limits {
    Limits { calls: 100, deadline_ms: 60_000, ..crate::support::limits() }
}

/// As [`few`], and soon at an end.
pub(crate) fn soon() -> Limits {
    Limits { deadline_ms: SOON_MS, ..few() }
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene(tempfile::tempdir().unwrap())
    }

    fn state_dir(&self) -> std::path::PathBuf {
        self.0.path().join("state")
    }

    /// In enforce mode: nothing but the grants holds a step back.
    pub(crate) fn open(&self, instances: Vec<Instance>) -> Supervisor {
        let registry = ansai_host_functions::builtin();
        let host = LiveHost::new(Host::at("/").protecting(self.state_dir()), registry, 2, Duration::from_secs(30));
        let grants = |instance: &Instance| {
            let (probe, action) = ("ansai:disk/disk-probe", "ansai:disk/disk-check-actions");
            let mut granted = vec![probe];
            let name = instance.name.as_str();
            if name.starts_with("plan-") && name != WITHOUT_GRANT {
                granted.push(action);
            }
            let granted = granted.into_iter().map(|name| (InterfaceName::from_static(name), Scope::default()));
            (instance.name.clone(), EffectiveGrants::new(scopes(BTreeMap::from_iter(granted)), Mode::Enforce))
        };
        let authority = Fixed::new(instances.iter().map(grants));
        let options = Options {
            state_dir: Directory::create(self.state_dir()).unwrap(),
            mode: Mode::Enforce,
            version: "0.0.0".into(),
            accept_clock: false,
            audit: AuditLog::default(),
            safety: SafetyPolicy::default(),
            events: Stream::new(),
        };
        Supervisor::open(options, Arc::new(host), Arc::new(authority), instances).unwrap()
    }

    /// Everything in the audit log so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        let Ok(reader) = Reader::open(self.state_dir().join("audit")) else { return Vec::new() };
        reader.map(|entry| serde_json::from_slice::<Record>(&entry.unwrap().payload).unwrap().event).collect()
    }

    /// Evaluations of an instance in the audit log, in their order, with the kind of the error and what is said of it.
    pub(crate) fn evaluated(&self, name: &str) -> Vec<Evaluated> {
        let of = |event| match event {
            Event::Evaluated { instance, phase, kind, result, recording, .. } if instance.as_str() == name => {
                let kind = kind.map(|kind| kind.to_string());
                let said = serde_json::to_string(&result).unwrap();
                Some(Evaluated { phase, kind, said, recording })
            }
            _ => None,
        };
        self.events().into_iter().filter_map(of).collect()
    }

    /// The recording that the audit log names, whose hash is that of the log.
    pub(crate) fn recording(&self, reference: &RecordingRef) -> Recording {
        let catalog = Catalog::open(self.state_dir().join("recordings")).unwrap();
        let sha256: [u8; 32] = hex::decode(&reference.sha256).unwrap().try_into().unwrap();
        serde_json::from_slice(&catalog.get_verified(&reference.id.parse().unwrap(), &sha256).unwrap()).unwrap()
    }

    pub(crate) fn verify(&self) {
        assert_eq!(ansai_audit::verify(self.state_dir().join("audit"), None).unwrap().torn_tail_bytes, 0);
    }
}

/// An evaluation, as the audit log has it.
#[derive(Debug)]
pub(crate) struct Evaluated {
    pub(crate) phase: Phase,
    /// The code of the error.
    pub(crate) kind: Option<String>,
    /// The result as JSON.
    pub(crate) said: String,
    pub(crate) recording: Option<RecordingRef>,
}
