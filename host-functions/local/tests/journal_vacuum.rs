//! `ansai:journal` on fixture trees: the probe, previews and removals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "fixtures")]

use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use ansai_core::{InstanceName, Outcome, Preview, Refusal, Reversibility, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Fate, Proposed, StepContext};
use ansai_kit::authorize::authorize;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use ansai_local::journal::MIN_KEEP_BYTES;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const ID: &str = "845a9a182bbe4de5a8efdf59181149c3";
const NAME: &str = "ansai:journal/journal-vacuum-actions.vacuum";
/// A multiple of every block size.
const BIG: usize = 1 << 20;

struct Fixture {
    root: tempfile::TempDir,
    host: Host,
}

impl Fixture {
    fn new() -> Fixture {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("var/log/journal").join(ID)).unwrap();
        std::fs::create_dir_all(root.path().join("proc/1")).unwrap();
        let mounts = "1 0 0:99999 / / rw - ext4 /dev/a rw\n2 1 0:99998 / /var/log rw - ext4 /dev/b rw\n";
        std::fs::write(root.path().join("proc/1/mountinfo"), mounts).unwrap();
        let host = Host::at(root.path());
        Fixture { root, host }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("var/log/journal").join(ID).join(name)
    }

    /// Creates a file of 1 MiB that is this many hours old.
    fn file(&self, name: &str, hours: u64) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, vec![1; BIG]).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000 - hours * 3600)).unwrap();
        path
    }

    fn archived(&self, number: u64, hours: u64) -> PathBuf {
        self.file(&archived(number), hours)
    }

    fn usage(&self) -> Result<Value, Refusal> {
        let deadline = Deadline::after(Duration::from_secs(60));
        let ask = ProbeContext {
            host: &self.host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            deadline: &deadline,
        };
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, function) = registry.find("ansai:journal/journal-probe", "usage").unwrap();
        let Body::Probe(body) = function.body else { panic!("not a probe") };
        body.answer(&ask, &raw(&json!({}))).map(|reply| serde_json::from_str(reply.get()).unwrap())
    }

    fn propose(&self, keep: u64, earlier: &[Proposed]) -> Result<Proposed, Refusal> {
        let deadline = Deadline::after(Duration::from_secs(60));
        let ask = ProbeContext {
            host: &self.host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            deadline: &deadline,
        };
        let arguments = raw(&json!({"keep-bytes": keep, "reason": "full"}));
        let previewed =
            vacuum().preview(&ask, &arguments, &earlier.iter().cloned().map(Arc::new).collect::<Vec<_>>())?;
        Ok(Proposed::new(NAME, arguments.into(), previewed))
    }

    fn doing<T>(&self, step: &Proposed, stop: bool, act: impl FnOnce(&StepContext<'_>) -> T) -> T {
        act(&StepContext {
            host: &self.host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            step_id: "plan-1",
            arguments: &step.arguments,
            targets: &step.targets,
            stop: &AtomicBool::new(stop),
        })
    }

    fn apply(&self, step: &Proposed) -> Applied {
        match self.doing(step, false, |doing| vacuum().begin(doing)).unwrap() {
            Begun::Finished(applied) => applied,
            Begun::Running { .. } => panic!("not over"),
        }
    }
}

fn archived(number: u64) -> String {
    format!("system@{ID}-{number:016x}-000660c0079ea9ba.journal")
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn vacuum() -> &'static dyn Action {
    Registry::of(ansai_local::INTERFACES).action(NAME).unwrap().2
}

fn names(preview: &Preview) -> Vec<String> {
    preview.sample.iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

fn measure(applied: &Applied, name: &str) -> u64 {
    let measure = applied.measures.iter().find(|measure| measure.name == name).unwrap();
    serde_json::to_value(&measure.value).unwrap()["count"].as_u64().unwrap()
}

fn allocated(path: &Path) -> u64 {
    path.metadata().unwrap().blocks() * 512
}

#[test]
fn usage_tells_archived_from_active() {
    let fixture = Fixture::new();
    let old = fixture.archived(1, 10);
    let damaged = fixture.file("user-1000@000660c0079ea9ba-0123456789abcdef.journal~", 5);
    let active = fixture.file("system.journal", 0);
    fixture.file("notes.txt", 0);
    symlink("/etc/passwd", fixture.path(&archived(9))).unwrap();
    let namespace = fixture.root.path().join("var/log/journal").join(format!("{ID}.web"));
    std::fs::create_dir(&namespace).unwrap();
    std::fs::write(namespace.join("system.journal"), [0; 10]).unwrap();
    let other = fixture.root.path().join("var/log/journal/remote");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join(archived(1)), [0; 10]).unwrap();
    let usage = fixture.usage().unwrap();
    assert_eq!(usage["archived-bytes"], allocated(&old) + allocated(&damaged));
    assert_eq!(usage["active-bytes"], allocated(&active) + allocated(&namespace.join("system.journal")));
    assert_eq!((&usage["archived-files"], &usage["active-files"]), (&json!(2), &json!(2)));
    assert_eq!(usage["oldest"], (2_000_000_000u64 - 36_000) * 1000);
    assert_eq!(usage["mount"], "/var/log");
    assert_eq!(usage["skipped"], 1);
    let about = &fixture.propose(0, &[]).unwrap().preview.about;
    assert_eq!(usage["about"], json!({ "kind": "journal", "name": "/var/log/journal" }));
    assert_eq!(usage["about"], json!(about), "a step is about the same thing");
}

#[test]
fn without_archived_files_there_is_no_oldest() {
    let fixture = Fixture::new();
    assert_eq!(fixture.usage().unwrap()["oldest"], Value::Null);
    fixture.file("system.journal", 5);
    let usage = fixture.usage().unwrap();
    assert_eq!((&usage["oldest"], &usage["active-files"]), (&Value::Null, &json!(1)));
}

#[test]
fn no_journal_is_unsupported_and_a_link_is_not_followed() {
    let fixture = Fixture::new();
    let journal = fixture.root.path().join("var/log/journal");
    let elsewhere = fixture.root.path().join("elsewhere");
    std::fs::rename(&journal, &elsewhere).unwrap();
    assert!(matches!(fixture.usage(), Err(Refusal::Unsupported(_))));
    assert!(matches!(fixture.propose(0, &[]), Err(Refusal::Unsupported(_))));
    symlink("/elsewhere", &journal).unwrap();
    assert!(matches!(fixture.usage(), Err(Refusal::Unavailable(_))));
    assert!(matches!(fixture.propose(0, &[]), Err(Refusal::Unavailable(_))));
}

#[test]
fn links_above_are_followed_within_the_root() {
    let fixture = Fixture::new();
    fixture.archived(1, 1);
    let root = fixture.root.path();
    std::fs::rename(root.join("var/log"), root.join("logs")).unwrap();
    symlink("/logs", root.join("var/log")).unwrap();
    assert_eq!(fixture.usage().unwrap()["archived-files"], 1);
}

#[test]
fn a_directory_that_is_a_link_is_left_alone() {
    let fixture = Fixture::new();
    fixture.archived(1, 1);
    let journal = fixture.root.path().join("var/log/journal");
    std::fs::rename(journal.join(ID), fixture.root.path().join("victim")).unwrap();
    symlink("../../../victim", journal.join(ID)).unwrap();
    assert_eq!(fixture.usage().unwrap()["skipped"], 1);
    let step = fixture.propose(0, &[]).unwrap();
    assert_eq!((step.preview.items, step.preview.complete), (0, false));
}

#[test]
fn the_oldest_go_first_until_it_is_small_enough() {
    let fixture = Fixture::new();
    let paths: Vec<_> = (1..=4).map(|n| fixture.archived(n, n)).collect();
    fixture.file("system.journal", 100);
    let one = allocated(&paths[0]);
    let step = fixture.propose(3 * one, &[]).unwrap();
    assert_eq!(names(&step.preview), [archived(4), archived(3)]);
    assert_eq!((step.preview.items, step.preview.frees_now_bytes), (2, 2 * one));
    assert!(step.preview.reversible == Reversibility::None && step.preview.complete);
    assert!(paths.iter().all(|path| path.exists()), "a preview changed something");

    let further = fixture.propose(2 * one, std::slice::from_ref(&step)).unwrap();
    assert_eq!(names(&further.preview), [archived(2)]);

    let applied = fixture.apply(&step);
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert_eq!((measure(&applied, "freed-bytes"), measure(&applied, "removed-files")), (2 * one, 2));
    let there: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [true, true, false, false]);
    assert!(fixture.path("system.journal").exists());

    let resolved = fixture.doing(&step, false, |doing| vacuum().resolve(doing)).unwrap();
    assert_eq!((resolved.outcome, resolved.items.len()), (Outcome::Done, 2));
    let resolved = fixture.doing(&further, false, |doing| vacuum().resolve(doing)).unwrap();
    assert_eq!((resolved.outcome, resolved.items.len()), (Outcome::Failed, 0));
    let undone = fixture.doing(&step, false, |doing| vacuum().undo(doing, &applied.items));
    assert!(matches!(undone, Err(Refusal::Unsupported(_))));
}

#[test]
fn the_active_files_stay_whatever_is_asked() {
    let fixture = Fixture::new();
    let active = fixture.file("system.journal", 1000);
    let archived = fixture.archived(1, 1);
    let step = fixture.propose(0, &[]).unwrap();
    assert_eq!(step.preview.items, 1);
    fixture.apply(&step);
    assert!(active.exists() && !archived.exists());
}

#[test]
fn what_changed_or_has_several_links_is_left() {
    let fixture = Fixture::new();
    let (changed, linked, gone) = (fixture.archived(1, 9), fixture.archived(2, 8), fixture.archived(3, 7));
    let twice = fixture.archived(4, 6);
    std::fs::hard_link(&twice, fixture.root.path().join("backup")).unwrap();
    let step = fixture.propose(0, &[]).unwrap();
    assert_eq!(step.preview.items, 3);
    assert_eq!((step.preview.left_out[0].reason.as_str(), step.preview.left_out[0].items), ("several-links", 1));
    std::fs::write(&changed, "new").unwrap();
    std::fs::remove_file(&gone).unwrap();
    std::fs::rename(&linked, fixture.root.path().join("moved")).unwrap();
    symlink("/etc/passwd", &linked).unwrap();
    fixture.file("system.journal", 0);
    let applied = fixture.apply(&step);
    assert_eq!(applied.outcome, Outcome::Done);
    assert!(applied.items.iter().all(|item| matches!(item.fate, Fate::Skipped(_))), "{applied:?}");
    assert_eq!(measure(&applied, "freed-bytes"), 0);
    assert!(changed.exists() && linked.is_symlink() && twice.exists());
}

#[test]
fn less_than_agreed_is_never_kept() {
    let fixture = Fixture::new();
    let paths: Vec<_> = (1..=4).map(|n| fixture.archived(n, n)).collect();
    let one = allocated(&paths[0]);
    let step = fixture.propose(2 * one, &[]).unwrap();
    assert_eq!(step.preview.items, 2);
    // Another program removes the younger files meanwhile.
    std::fs::remove_file(&paths[0]).unwrap();
    std::fs::remove_file(&paths[1]).unwrap();
    let applied = fixture.apply(&step);
    assert_eq!(measure(&applied, "removed-files"), 0);
    assert!(paths[2].exists() && paths[3].exists());
}

#[test]
fn forged_targets_touch_nothing_else() {
    let fixture = Fixture::new();
    let victim = fixture.root.path().join(archived(1));
    std::fs::write(&victim, "x").unwrap();
    let mut step = fixture.propose(0, &[]).unwrap();
    let stat = victim.metadata().unwrap();
    let identity = json!({
        "dev": stat.dev(), "ino": stat.ino(), "size": 1,
        "mtime": [stat.mtime(), stat.mtime_nsec()], "ctime": [stat.ctime(), stat.ctime_nsec()],
    });
    let names =
        [("../../..", archived(1)), (ID, format!("../../../../{}", archived(1))), (ID, "system.journal".into())];
    let target = |(directory, name): (&str, String)| json!({"path": format!("{directory}/{name}"), "identity": identity, "allocated-bytes": 4096});
    step.targets = raw(&json!(names.map(target)));
    fixture.file("system.journal", 0);
    let applied = fixture.apply(&step);
    assert_eq!(measure(&applied, "removed-files"), 0, "{applied:?}");
    assert!(victim.exists());
}

#[test]
fn open_files_are_told_apart_on_this_machine() {
    // The fixture has the processes of this machine.
    let fixture = Fixture::new();
    std::fs::remove_dir_all(fixture.root.path().join("proc")).unwrap();
    symlink("/proc", fixture.root.path().join("proc")).unwrap();
    let (read, written, closed) = (fixture.archived(1, 9), fixture.archived(2, 8), fixture.archived(3, 7));
    let _reader = std::fs::File::open(&read).unwrap();
    let writer = std::fs::File::options().read(true).write(true).open(&written).unwrap();
    let step = fixture.propose(0, &[]).unwrap();
    assert_eq!(step.preview.items, 2);
    assert_eq!((step.preview.frees_now_bytes, step.preview.frees_later_bytes), (allocated(&closed), allocated(&read)));
    assert_eq!((step.preview.left_out[0].reason.as_str(), step.preview.left_out[0].items), ("open", 1));
    drop(writer);
    let step = fixture.propose(0, &[]).unwrap();
    assert_eq!(step.preview.items, 3);
    let _writer = std::fs::File::options().append(true).open(&written).unwrap();
    let expected = allocated(&closed);
    let applied = fixture.apply(&step);
    assert_eq!(measure(&applied, "freed-bytes"), expected);
    assert!(!read.exists() && !closed.exists() && written.exists());
}

#[test]
fn a_stop_ends_it_before_anything_is_touched() {
    let fixture = Fixture::new();
    let path = fixture.archived(1, 1);
    let step = fixture.propose(0, &[]).unwrap();
    let stopped = fixture.doing(&step, true, |doing| vacuum().begin(doing));
    match stopped {
        Ok(Begun::Finished(applied)) => {
            assert_eq!(applied.outcome, Outcome::Other);
            assert_eq!(measure(&applied, "removed-files"), 0);
        }
        other => panic!("{other:?}"),
    }
    assert!(path.exists());
}

#[test]
fn a_protected_journal_is_denied() {
    let mut fixture = Fixture::new();
    fixture.archived(1, 1);
    fixture.host = fixture.host.clone().protecting("/var/log");
    assert!(matches!(fixture.propose(0, &[]), Err(Refusal::Denied(_))));
}

#[test]
fn the_grant_bounds_what_is_kept() {
    let registry = Registry::of(ansai_local::INTERFACES);
    let (entry, function, _) = registry.action(NAME).unwrap();
    let scope = Scope::in_force(entry.interface.fields, &Scope::default(), &Scope::default());
    assert_eq!(scope.bytes(&MIN_KEEP_BYTES), 16 << 20);
    let call = |keep: Value, scope: &Scope| {
        authorize(
            &InstanceName::from_static("disk"),
            entry,
            function,
            Some(&scope.clone().into()),
            &raw(&json!({"keep-bytes": keep, "reason": ""})),
        )
    };
    assert!(matches!(call(json!(1), &scope), Err(Refusal::Denied(_))));
    assert!(call(json!(16 << 20), &scope).is_ok());
    assert!(call(json!(u64::MAX), &scope).is_ok());
    assert!(matches!(call(json!(-1), &scope), Err(Refusal::Invalid(_))));
    let wider = scope.with_number(&MIN_KEEP_BYTES, 1 << 30);
    assert!(matches!(call(json!(16 << 20), &wider), Err(Refusal::Denied(_))));
}

#[test]
fn odd_arguments_are_invalid() {
    let fixture = Fixture::new();
    let deadline = Deadline::after(Duration::from_secs(60));
    let ask = ProbeContext {
        host: &fixture.host,
        scope: &Scope::default(),
        reach: Reach::none(),
        now: Timestamp::EPOCH,
        deadline: &deadline,
    };
    for arguments in [json!({}), json!({"keep-bytes": "1", "reason": ""}), json!({"keep-bytes": 1}), json!([])] {
        let refused = vacuum().preview(&ask, &raw(&arguments), &[]);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{arguments}");
    }
}
