//! Several tables of one grant on the live host, with real files: what probes see, and what one step may touch.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::event::Phase;
use ansai_core::{InstanceName, InterfaceName, Refusal, Scope, ScopeInForce, ScopeTables, Timestamp};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::action::{Begun, Fate, Proposed, StepContext};
use ansai_kit::backend::{Answer, Backend as _};
use ansai_kit::call::{Call, Reply};
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::host::Host;
use ansai_kit::target::Reach;
use ansai_local::files::{FILES_ACTIONS, FILES_PROBE, QUARANTINE_ACTIONS};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

const DAY: u64 = 24;

/// A directory with `log` and `tmp`, and files that are 8 days old when the test asks.
struct Scene {
    dir: tempfile::TempDir,
    now: Timestamp,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        for name in ["log/a", "log/b", "tmp/a", "tmp/b"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x".repeat(4096)).unwrap();
        }
        // The time of the last change of an inode cannot be set: the clock of the test goes forward.
        let ahead = Duration::from_secs(8 * DAY * 3600 + 60);
        let now = (std::time::SystemTime::now() + ahead).duration_since(std::time::UNIX_EPOCH).unwrap();
        Scene { dir, now: Timestamp::from_millis(now.as_millis().try_into().unwrap()) }
    }

    fn path(&self, below: &str) -> String {
        self.dir.path().canonicalize().unwrap().join(below).to_str().unwrap().to_owned()
    }

    /// Logs after 30 days, temporary files after 7.
    fn two_tables(&self) -> [Value; 2] {
        [
            json!({"roots": [self.path("log")], "min_age_hours": 30 * DAY, "hold_below_percent": 100}),
            json!({"roots": [self.path("tmp")], "min_age_hours": 7 * DAY, "hold_below_percent": 100}),
        ]
    }

    fn live(&self, granted: &[Value]) -> Live {
        let scopes = [&FILES_ACTIONS, &FILES_PROBE, &QUARANTINE_ACTIONS].map(|entry| {
            let of = &entry.interface;
            let table = |value: &Value| {
                let mut table = value.as_object().unwrap().clone();
                table.retain(|name, _| of.fields.iter().any(|field| field.name == name));
                Scope::parse(of.name.as_str(), of.fields, &table).unwrap()
            };
            let tables = ScopeTables::try_from(granted.iter().map(table).collect::<Vec<_>>()).unwrap();
            (of.name.clone(), ScopeInForce::of(of.fields, &ScopeTables::default(), &tables).unwrap())
        });
        let shared = LiveHost::new(Host::at("/"), ansai_host_functions::builtin(), 2, Duration::from_secs(60));
        let base = EvaluationState::new(Phase::Plan, Context::at(self.now), Arc::new(NoMemory));
        Live::new(shared, InstanceName::from_static("test"), Arc::new(scopes.into()), base)
    }

    fn selection(&self, root: &str, min_age_hours: u64) -> Value {
        let what = json!({
            "root": root, "globs": ["*"], "exclude": [], "min-age-hours": min_age_hours, "min-bytes": 0, "max-files": 0,
            "enough-bytes": 0,
        });
        json!({ "what": what, "reason": "a test" })
    }

    /// Does a proposed step under one of these tables, as the executor would; answers how many files it treated.
    fn apply(&self, step: &Proposed, granted: &Value, id: &str) -> usize {
        let scope = scope(granted);
        let doing = StepContext {
            host: &Host::at("/"),
            scope: &scope,
            reach: Reach::none(),
            now: self.now,
            step_id: id,
            arguments: &step.arguments,
            targets: &step.targets,
            stop: &std::sync::atomic::AtomicBool::new(false),
        };
        let (_, _, action) = ansai_host_functions::builtin().action(&step.action).unwrap();
        assert!(action.is_within(&scope, &step.targets).unwrap());
        let Begun::Finished(applied) = action.begin(&doing).unwrap() else { panic!("it is short") };
        applied.items.iter().filter(|item| item.fate == Fate::Done).count()
    }
}

fn scope(granted: &Value) -> Scope {
    let of = &FILES_ACTIONS.interface;
    let granted = Scope::parse(of.name.as_str(), of.fields, granted.as_object().unwrap()).unwrap();
    Scope::in_force(of.fields, &Scope::default(), &granted)
}

async fn ask(live: &mut Live, interface: &InterfaceName, function: &'static str, arguments: &Value) -> Reply {
    let arguments: Arc<RawValue> = to_raw_value(arguments).unwrap().into();
    match live.ask(Call { interface, function, arguments: &arguments }) {
        Answer::Now(reply) => reply.unwrap(),
        Answer::Later(later) => later.await.unwrap(),
    }
}

async fn propose(live: &mut Live, function: &'static str, arguments: &Value) -> Reply {
    ask(live, &FILES_ACTIONS.interface.name, function, arguments).await
}

fn items(reply: &Reply) -> u64 {
    let preview: Value = serde_json::from_str(reply.as_ref().unwrap().get()).unwrap();
    preview["items"].as_u64().unwrap()
}

fn denied(reply: &Reply) -> &str {
    match reply {
        Err(Refusal::Denied(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_directory_has_the_age_of_its_table() {
    let scene = Scene::new();
    let mut live = scene.live(&scene.two_tables());
    let (log, tmp) = (scene.path("log"), scene.path("tmp"));
    assert_eq!(items(&propose(&mut live, "remove", &scene.selection(&tmp, 7 * DAY)).await), 2);
    assert_eq!(items(&propose(&mut live, "remove", &scene.selection(&log, 30 * DAY)).await), 0, "they are too young");
    let refused = propose(&mut live, "remove", &scene.selection(&log, 7 * DAY)).await;
    for words in ["is 168, below the bound", "table 1 of 2"] {
        assert!(denied(&refused).contains(words), "{words}: {refused:?}");
    }
    // What contains both, a way from one to the other, and beside them.
    for root in [scene.path(""), scene.path("tmpx"), "/".to_owned()] {
        let root = if root.len() > 1 { root.trim_end_matches('/') } else { &root };
        denied(&propose(&mut live, "remove", &scene.selection(root, 30 * DAY)).await);
    }
    for root in [format!("{tmp}/../log"), format!("{tmp}/./a"), format!("{tmp}//a"), "tmp".into()] {
        let refused = propose(&mut live, "remove", &scene.selection(&root, 7 * DAY)).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{root}: {refused:?}");
    }
    // A link in one directory to the other leads nowhere.
    std::os::unix::fs::symlink(&log, Path::new(&tmp).join("link")).unwrap();
    let linked = propose(&mut live, "remove", &scene.selection(&format!("{tmp}/link"), 7 * DAY)).await;
    assert!(linked.is_err(), "{linked:?}");
    let (steps, _) = live.finish();
    assert_eq!(scene.apply(&steps[0], &scene.two_tables()[1], "one-0"), 2);
    assert!(Path::new(&log).join("a").exists() && !Path::new(&tmp).join("a").exists());
}

#[tokio::test]
async fn a_table_without_fields_permits_nothing_and_has_its_own_defaults() {
    let scene = Scene::new();
    let mut live = scene.live(&[json!({}), json!({"roots": [scene.path("tmp")]}), json!({"min_age_hours": 0})]);
    // 24 hours by default: the 0 is another table's.
    let young = propose(&mut live, "remove", &scene.selection(&scene.path("tmp"), 0)).await;
    assert!(denied(&young).contains("granted is min_age_hours = 24 in table 2 of 3"), "{young:?}");
    assert_eq!(items(&propose(&mut live, "remove", &scene.selection(&scene.path("tmp"), 24)).await), 2);
    let mut live = scene.live(&[json!({})]);
    let nothing = propose(&mut live, "remove", &scene.selection(&scene.path("tmp"), 24)).await;
    assert!(denied(&nothing).contains("granted is roots = []"), "{nothing:?}");
}

/// The policy chooses how many steps a plan has: one hundred of one file each were one hundred files.
#[tokio::test]
async fn the_steps_of_one_plan_share_the_bounds() {
    let scene = Scene::new();
    let (log, tmp) = (scene.path("log"), scene.path("tmp"));
    let first = |root: &str| {
        let mut arguments = scene.selection(root, 24);
        arguments["what"]["max-files"] = 1.into();
        arguments
    };
    let both = json!({"roots": [log, tmp], "max_files": 3});
    for (granted, expected) in [
        // One budget for both directories, and one for each action.
        (vec![both.clone()], [1, 1, 1, 0, 1]),
        (vec![json!({"roots": [log, tmp], "max_bytes": 8192})], [1, 1, 0, 0, 1]),
        // Each table has a budget of its own.
        (vec![json!({"roots": [log], "max_files": 1}), json!({"roots": [tmp], "max_files": 2})], [1, 0, 1, 1, 1]),
        (vec![json!({"roots": [log, tmp], "max_bytes": 0})], [0; 5]),
        (vec![json!({"roots": [log, tmp], "max_files": 0})], [0; 5]),
    ] {
        let mut live = scene.live(&granted);
        let mut found = Vec::new();
        for root in [&log, &log, &tmp, &tmp] {
            found.push(items(&propose(&mut live, "remove", &first(root)).await));
        }
        // What is compressed is no target of an earlier step.
        let left = scene.dir.path().join("tmp/c");
        std::fs::write(&left, "x".repeat(8192)).unwrap();
        found.push(items(&propose(&mut live, "compress", &scene.selection(&tmp, 24)).await).min(1));
        std::fs::remove_file(left).unwrap();
        assert_eq!(found, expected, "{granted:?}");
    }
}

#[tokio::test]
async fn a_step_that_gives_up_quarantined_files_stays_in_one_table() {
    let scene = Scene::new();
    let [log, tmp] =
        ["log", "tmp"].map(|name| json!({"roots": [scene.path(name)], "min_age_hours": 0, "hold_below_percent": 100}));
    let mut live = scene.live(&[log.clone(), tmp.clone()]);
    for (index, (name, table)) in [("log", &log), ("tmp", &tmp)].into_iter().enumerate() {
        assert_eq!(items(&propose(&mut live, "remove", &scene.selection(&scene.path(name), 0)).await), 2);
        let (steps, _) = std::mem::replace(&mut live, scene.live(&[log.clone(), tmp.clone()])).finish();
        assert_eq!(scene.apply(&steps[0], table, &format!("held{index}-0")), 2);
    }
    let held = ask(&mut live, &FILES_PROBE.interface.name, "list-held", &json!({})).await.unwrap();
    let held: Value = serde_json::from_str(held.get()).unwrap();
    let held = held["entries"].as_array().unwrap();
    assert_eq!((held.len(), held[0]["files"].as_u64()), (1, Some(4)), "a probe sees the files of both");

    let reclaim = json!({"mount": held[0]["mount"], "enough-bytes": 0, "reason": "a test"});
    // One file fits into a step of the first table, two into one of the second.
    let narrow = json!({"roots": [scene.path("log")], "max_files": 1});
    let wide = json!({"roots": [scene.path("log"), scene.path("tmp")], "max_files": 9});
    let mut live = scene.live(&[narrow.clone(), tmp.clone()]);
    let mut found = Vec::new();
    for _ in 0..4 {
        found.push(items(&ask(&mut live, &QUARANTINE_ACTIONS.interface.name, "reclaim", &reclaim).await));
    }
    assert_eq!(found, [1, 2, 0, 0], "the steps of one plan share the bounds of their table");
    let (steps, _) = live.finish();
    let (_, _, action) = ansai_host_functions::builtin().action(&steps[0].action).unwrap();
    let is_within = |step: &Proposed, table: &Value| action.is_within(&scope(table), &step.targets).unwrap();
    let found: Vec<[bool; 3]> =
        steps.iter().map(|step| [&narrow, &tmp, &wide].map(|table| is_within(step, table))).collect();
    assert_eq!(found[..2], [[true, false, true], [false, true, true]]);

    // What one wide table permitted is no step of two narrow ones.
    let mut live = scene.live(std::slice::from_ref(&wide));
    assert_eq!(items(&ask(&mut live, &QUARANTINE_ACTIONS.interface.name, "reclaim", &reclaim).await), 4);
    let (both, _) = live.finish();
    assert_eq!([&log, &tmp, &wide].map(|table| is_within(&both[0], table)), [false, false, true]);
    assert_eq!(scene.apply(&both[0], &wide, "all-0"), 4);
}
