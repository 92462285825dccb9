//! A tree of files, with ungranted files next to it, and evaluations on the live backend.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::event::Phase;
use ansai_core::scope::is_within;
use ansai_core::{
    InstanceName, Interface, InterfaceKind, Limits, Observation, Scope, ScopeInForce, ScopeTables, Severity, Status,
    Subject, Timestamp,
};
use ansai_engine::compile::Compiler;
use ansai_engine::engine::ENGINE_VERSION;
use ansai_engine::recording::{RECORDING_VERSION, RecordedEnd, RecordedReply};
use ansai_engine::replay::{Replayed, replay};
use ansai_engine::{Engine, Evaluation, EvaluationError, Policy, Recording};
use ansai_fuzz::random::Random;
use ansai_harness::Tree;
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::action::Proposed;
use ansai_kit::authorize::Scopes;
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::host::Host;
use ansai_local::files::fields::ROOTS;

/// Part of the name of each ungranted file, and of no call. If a reply contains it, something was read without a grant.
const PRECIOUS: &str = "precious";

/// What happened in evaluations.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    answered: usize,
    refused: usize,
    refused_by_the_gate: u64,
    proposed: usize,
    ended: usize,
    stopped: usize,
}

impl Seen {
    /// Whether everything happened at least once. Otherwise the test might check nothing.
    pub(crate) fn is_worth_something(&self) -> bool {
        // Few random calls are proposals that are permitted.
        self.answered.min(self.refused).min(self.ended).min(self.stopped) > 10
            && self.refused_by_the_gate > 10
            && self.proposed > 3
    }
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Seen) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.refused_by_the_gate += other.refused_by_the_gate;
        self.proposed += other.proposed;
        self.ended += other.ended;
        self.stopped += other.stopped;
    }
}

pub(crate) struct Scene {
    dir: tempfile::TempDir,
    pub(crate) engine: Engine,
    runtime: tokio::runtime::Runtime,
    before: Tree,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "granted/old.log",
            "granted/new\nline\u{1b}[31m.log",
            "granted/sub/deep/er.log",
            "granted/sub/x.gz",
            "outside/precious.log",
            "outside/sub/precious.gz",
            "granted-not/precious.log",
            "precious.log",
        ] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, vec![b'x'; 10_000]).unwrap();
        }
        for (to, link) in [("../outside", "granted/link"), ("../outside/precious.log", "granted/sub/file-link.log")] {
            std::os::unix::fs::symlink(to, dir.path().join(link)).unwrap();
        }
        std::fs::hard_link(dir.path().join("outside/precious.log"), dir.path().join("granted/hard.log")).unwrap();
        Scene {
            engine: Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            before: Tree::snapshot(dir.path()),
            dir,
        }
    }

    /// An absolute path in the tree.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.dir.path().display())
    }

    /// Some of the interfaces, with one to three tables of some of the roots each.
    pub(crate) fn grant(&self, random: &mut Random) -> Scopes {
        let mut scopes = BTreeMap::new();
        for interface in ansai_host_functions::builtin().interfaces() {
            if interface.kind == InterfaceKind::Base || random.once_in(4) {
                continue;
            }
            let tables: Vec<Scope> = (0..=random.below(3)).map(|_| self.table(&interface, random)).collect();
            let granted = ScopeTables::try_from(tables).unwrap();
            let scope = ScopeInForce::of(interface.fields, &ScopeTables::default(), &granted).unwrap();
            scopes.insert(interface.name.clone(), scope);
        }
        Arc::new(scopes)
    }

    fn table(&self, interface: &Interface, random: &mut Random) -> Scope {
        let roots = [["granted"].as_slice(), &["granted/sub"], &["granted/sub", "granted"], &[]];
        let roots: Vec<String> = roots[random.below(roots.len())].iter().map(|below| self.path(below)).collect();
        let mut table = serde_json::Map::new();
        for field in interface.fields {
            match field.name {
                "roots" => table.insert("roots".into(), roots.clone().into()),
                "min_age_hours" => table.insert("min_age_hours".into(), random.below(2).into()),
                _ => None,
            };
        }
        Scope::parse(interface.name.as_str(), interface.fields, &table).unwrap()
    }

    /// Evaluates `detect` and `plan` on the live host, checks the replies, and replays both.
    pub(crate) fn evaluate(&self, policy: &Policy, scopes: &Scopes, limits: &Limits) -> Seen {
        let mut seen = Seen::default();
        for phase in [Phase::Detect, Phase::Plan] {
            seen += self.runtime.block_on(self.one(policy, scopes, limits, phase));
        }
        seen
    }

    async fn one(&self, policy: &Policy, scopes: &Scopes, limits: &Limits, phase: Phase) -> Seen {
        let live_host = LiveHost::new(Host::at("/"), ansai_host_functions::builtin(), 2, Duration::from_secs(10));
        let state = EvaluationState::new(phase, context(), Arc::new(NoMemory));
        let live = Live::new(live_host, InstanceName::from_static("fuzz"), scopes.clone(), state);
        let finding = (phase == Phase::Plan).then(finding);
        let mut evaluation = match &finding {
            Some(finding) => policy.plan(live, limits, finding).await,
            None => policy.detect(live, limits).await,
        };
        if let Err(error) = &evaluation.answer {
            let text = error.to_string();
            assert!(!text.contains("the host failed"), "{text}");
            assert!(!text.contains(char::is_control) && text.len() < 5_000, "{text:?}");
        }
        self.check_calls(&evaluation, scopes, limits);
        let (proposed, _) = evaluation.backend.take().expect("a backend").finish();
        self.check_proposals(&proposed, &evaluation, scopes, limits);
        let answered = evaluation.calls.iter().filter(|call| matches!(call.reply, RecordedReply::Ok(_))).count();
        let seen = Seen {
            answered,
            refused: evaluation.calls.len() - answered,
            refused_by_the_gate: evaluation.usage.refused_calls,
            proposed: proposed.len(),
            ended: usize::from(evaluation.answer.is_ok()),
            stopped: usize::from(evaluation.answer.is_err()),
        };
        let recording = Recording {
            version: RECORDING_VERSION,
            engine: ENGINE_VERSION.into(),
            component: policy.info().digest.clone(),
            instance: InstanceName::from_static("fuzz"),
            phase,
            trigger: "schedule".into(),
            at: Timestamp::from_millis(1),
            finding,
            limits: limits.clone(),
            end: evaluation.end(),
            fuel: evaluation.usage.fuel,
            calls: evaluation.calls,
        };
        let text = serde_json::to_string(&recording).unwrap();
        let recording: Recording = serde_json::from_str(&text).unwrap();
        let (replayed, _) = replay(policy, &recording).await;
        let expected = match &evaluation.answer {
            _ if recording.end == RecordedEnd::Deadline => Replayed::Excluded,
            // The end of the stack depends on the program's own frames.
            Err(EvaluationError::Stack) => Replayed::Identical { fuel_compared: false },
            _ => Replayed::Identical { fuel_compared: true },
        };
        assert_eq!(replayed, expected, "{text:.2000}");
        seen
    }

    /// Checks that no ungranted call was answered, and that no reply contains anything from outside the grant.
    fn check_calls(&self, evaluation: &Evaluation<Live>, scopes: &Scopes, limits: &Limits) {
        assert!(evaluation.calls.len() as u64 <= limits.calls, "{} calls", evaluation.calls.len());
        for call in &evaluation.calls {
            let reply = match &call.reply {
                RecordedReply::Ok(reply) => reply.get().to_owned(),
                RecordedReply::Refused(refusal) => refusal.to_string(),
            };
            assert!(!reply.contains(PRECIOUS), "{}: {reply}", call.name());
            if let RecordedReply::Ok(reply) = &call.reply {
                let base = call.interface.package() == "ansai:policy";
                let scope = scopes.get(&call.interface);
                assert!(base || scope.is_some(), "{} was answered", call.name());
                if call.interface == "ansai:files/files-probe" {
                    let reply: serde_json::Value = serde_json::from_str(reply.get()).unwrap();
                    each_text(&reply, "path", &mut |path| within(path, scope.unwrap()));
                }
            }
        }
    }

    fn check_proposals(
        &self,
        proposed: &[Arc<Proposed>],
        evaluation: &Evaluation<Live>,
        scopes: &Scopes,
        limits: &Limits,
    ) {
        assert!(proposed.len() <= limits.proposals as usize, "{} proposals", proposed.len());
        assert_eq!(proposed.len(), evaluation.usage.proposals as usize);
        let previews = evaluation.calls.iter().filter(|call| call.interface.interface().ends_with("-actions"));
        let previews: Vec<&str> = previews
            .filter_map(|call| match &call.reply {
                RecordedReply::Ok(reply) => Some(reply.get()),
                RecordedReply::Refused(_) => None,
            })
            .collect();
        for (index, step) in proposed.iter().enumerate() {
            let interface = step.action.rsplit_once('.').unwrap().0;
            let scope = scopes.get(interface).unwrap_or_else(|| panic!("{} was proposed", step.action));
            assert_eq!(step.preview.step as usize, index, "a step has another's number");
            assert_eq!(previews[index], serde_json::to_string(&step.preview).unwrap());
            let all = serde_json::to_string(step).unwrap();
            assert!(!all.contains(PRECIOUS), "{all}");
            if interface == "ansai:files/files-actions" {
                step.preview.sample.iter().for_each(|path| within(path, scope));
            }
        }
    }

    /// Checks that the tree has not changed.
    pub(crate) fn check_unchanged(&self) {
        let changes = Tree::diff(&self.before, &Tree::snapshot(self.dir.path()));
        assert!(changes.is_empty(), "{changes:?}");
    }
}

fn within(path: &str, scope: &ScopeInForce) {
    assert!(scope.together().roots(&ROOTS).iter().any(|root| is_within(path, root)), "{path:?} is outside {scope:?}");
}

fn each_text(value: &serde_json::Value, name: &str, check: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::Array(list) => list.iter().for_each(|value| each_text(value, name, check)),
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| match value.as_str() {
            Some(text) if key == name => check(text),
            _ => each_text(value, name, check),
        }),
        _ => {}
    }
}

fn context() -> Context {
    Context {
        settings: Arc::new(serde_json::json!({"a": {"b": 1}})),
        open_incidents: vec![finding()],
        ..Context::at(Timestamp::from_millis(1_790_000_000_000))
    }
}

fn finding() -> Observation {
    Observation {
        key: "/".into(),
        about: Subject::new("filesystem", "/"),
        status: Status::Unhealthy(Severity::Warning),
        summary: "full".into(),
        evidence: vec![],
        related: vec![],
        distance: None,
    }
}
