//! `ansai:packages` on fixture trees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "fixtures")]

use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{Outcome, Refusal, Reversibility, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Proposed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const NAME: &str = "ansai:packages/package-cache-actions.clean-cache";

struct Fixture {
    root: tempfile::TempDir,
    host: Host,
}

impl Fixture {
    fn new() -> Fixture {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path());
        let fixture = Fixture { root, host };
        fixture
            .file("proc/1/mountinfo", "1 0 0:99999 / / rw - ext4 /dev/a rw\n2 1 0:99998 / /var rw - ext4 /dev/b rw\n");
        fixture
    }

    fn apt() -> Fixture {
        let fixture = Fixture::new();
        fixture.file("usr/bin/apt-get", "");
        fixture.file("var/cache/apt/archives/lock", "");
        fixture.file("var/cache/apt/archives/a_1_amd64.deb", &"x".repeat(1 << 20));
        fixture.file("var/cache/apt/archives/partial/b_1_amd64.deb", &"x".repeat(1 << 16));
        fixture.file("var/cache/apt/pkgcache.bin", "x");
        fixture
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn caches(&self) -> Result<Value, Refusal> {
        let deadline = Deadline::after(Duration::from_secs(60));
        let ask = ProbeContext {
            host: &self.host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            deadline: &deadline,
        };
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, function) = registry.find("ansai:packages/package-cache-probe", "list-caches").unwrap();
        let Body::Probe(body) = function.body else { panic!("not a probe") };
        body.answer(&ask, &raw(&json!({}))).map(|reply| serde_json::from_str(reply.get()).unwrap())
    }

    fn propose(&self, manager: &str, earlier: &[Proposed]) -> Result<Proposed, Refusal> {
        let deadline = Deadline::after(Duration::from_secs(60));
        let ask = ProbeContext {
            host: &self.host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            deadline: &deadline,
        };
        let arguments = raw(&json!({"manager": manager, "reason": "full"}));
        let previewed =
            clean_cache().preview(&ask, &arguments, &earlier.iter().cloned().map(Arc::new).collect::<Vec<_>>())?;
        Ok(Proposed::new(NAME, arguments.into(), previewed))
    }

    fn doing<T>(&self, step: &Proposed, act: impl FnOnce(&StepContext<'_>) -> T) -> T {
        act(&StepContext {
            host: &self.host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            step_id: "plan-1",
            arguments: &step.arguments,
            targets: &step.targets,
            stop: &AtomicBool::new(false),
        })
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn clean_cache() -> &'static dyn Action {
    Registry::of(ansai_local::INTERFACES).action(NAME).unwrap().2
}

fn allocated(path: &Path) -> u64 {
    path.metadata().unwrap().blocks() * 512
}

#[test]
fn a_host_without_a_package_manager_has_no_cache() {
    let fixture = Fixture::new();
    assert_eq!(fixture.caches().unwrap(), json!({"entries": [], "skipped": 0}));
    for manager in ["apt", "dnf", "other", "pacman", "", "APT", "apt "] {
        assert!(matches!(fixture.propose(manager, &[]), Err(Refusal::Unsupported(_))), "{manager}");
    }
}

#[test]
fn a_manager_that_ansai_does_not_know_is_named() {
    let refused = Fixture::apt().propose("pac\u{1b}[31mman", &[]);
    let Err(Refusal::Unsupported(why)) = &refused else { panic!("{refused:?}") };
    assert_eq!(why, "ansai does not know the package manager `pac\\u{1b}[31mman`, only `apt` and `dnf`");
    let refused = Fixture::apt().propose(&"x".repeat(10_000), &[]);
    assert!(matches!(refused, Err(Refusal::Unsupported(why)) if why.len() < 200));
}

#[test]
fn packages_of_apt_are_counted() {
    let fixture = Fixture::apt();
    symlink("/etc/passwd", fixture.path("var/cache/apt/archives/link.deb")).unwrap();
    fixture.file("var/cache/apt/archives/notes.txt", "x");
    let caches = fixture.caches().unwrap();
    let bytes = allocated(&fixture.path("var/cache/apt/archives/a_1_amd64.deb"))
        + allocated(&fixture.path("var/cache/apt/archives/partial/b_1_amd64.deb"));
    let about = json!({"kind": "package-cache", "name": "/var/cache/apt/archives"});
    assert_eq!(about, json!(Fixture::apt().propose("apt", &[]).unwrap().preview.about), "a step is about the same");
    let entry = json!({
        "about": about, "manager": "apt", "path": "/var/cache/apt/archives", "bytes": bytes, "files": 2, "mount": "/var",
    });
    assert_eq!(caches, json!({"entries": [entry], "skipped": 1}));
}

#[test]
fn packages_of_dnf_are_counted() {
    for (version, cache) in [("dnf-3", "/var/cache/dnf"), ("dnf5", "/var/cache/libdnf5")] {
        let fixture = Fixture::new();
        std::fs::create_dir_all(fixture.path("usr/bin")).unwrap();
        symlink(version, fixture.path("usr/bin/dnf")).unwrap();
        let package = fixture.file(&format!("{}/updates-0123/packages/a.rpm", &cache[1..]), "x");
        fixture.file(&format!("{}/updates-0123/repodata/primary.xml", &cache[1..]), "x");
        fixture.file(&format!("{}/expired_repos.json", &cache[1..]), "x");
        let entry = &fixture.caches().unwrap()["entries"][0];
        assert_eq!((&entry["manager"], &entry["path"]), (&json!("dnf"), &json!(cache)));
        assert_eq!((&entry["bytes"], &entry["files"]), (&json!(allocated(&package)), &json!(1)));
        let step = fixture.propose("dnf", &[]).unwrap();
        assert_eq!(step.preview.sample, [format!("{cache}/updates-0123/packages/a.rpm")]);
    }
}

#[test]
fn a_cache_that_does_not_exist_is_empty() {
    let fixture = Fixture::new();
    std::fs::create_dir_all(fixture.path("var/lib/dpkg")).unwrap();
    let entry = &fixture.caches().unwrap()["entries"][0];
    assert_eq!((&entry["bytes"], &entry["files"], &entry["mount"]), (&json!(0), &json!(0), &json!("/var")));
    assert_eq!(fixture.propose("apt", &[]).unwrap().preview.items, 0);
}

#[test]
fn a_cache_that_is_a_link_is_not_followed() {
    let fixture = Fixture::apt();
    std::fs::rename(fixture.path("var/cache/apt/archives"), fixture.path("elsewhere")).unwrap();
    symlink("/elsewhere", fixture.path("var/cache/apt/archives")).unwrap();
    assert!(matches!(fixture.caches(), Err(Refusal::Unavailable(_))));
    assert!(matches!(fixture.propose("apt", &[]), Err(Refusal::Unavailable(_))));
}

#[test]
fn the_preview_names_what_the_command_would_remove() {
    use std::os::unix::ffi::OsStringExt as _;
    let fixture = Fixture::apt();
    fixture.file("var/cache/apt/archives/notes.txt", "x");
    let hostile = std::ffi::OsString::from_vec(b"\x1b[31m\xff\\.deb".to_vec());
    std::fs::write(fixture.path("var/cache/apt/archives").join(hostile), "x").unwrap();
    let linked = fixture.file("var/cache/apt/archives/linked.deb", &"x".repeat(1 << 20));
    std::fs::hard_link(&linked, fixture.path("kept")).unwrap();
    let step = fixture.propose("apt", &[]).unwrap();
    let preview = &step.preview;
    assert_eq!((preview.items, preview.reversible, preview.complete), (5, Reversibility::None, true));
    assert!(preview.frees_now_bytes >= (1 << 20) + (1 << 16) && preview.frees_now_bytes < 2 << 20, "{preview:?}");
    assert!(preview.sample.contains(&"/var/cache/apt/archives/\u{1b}[31m\\xff\\\\.deb".to_owned()), "{preview:?}");
    assert!(!preview.sample.iter().any(|path| path.ends_with("lock") || path.ends_with(".bin")), "{preview:?}");
    assert_eq!(preview.about.name, "/var/cache/apt/archives");
    let names = clean_cache().describe(&step.targets).names;
    assert_eq!(names, preview.sample, "every file, largest first");
    for number in 0..20 {
        fixture.file(&format!("var/cache/apt/archives/many-{number}.deb"), "x");
    }
    let many = fixture.propose("apt", &[]).unwrap();
    assert_eq!((clean_cache().describe(&many.targets).names.len(), many.preview.sample.len()), (25, 10));
    let again = fixture.propose("apt", &[step]).unwrap();
    assert_eq!((again.preview.items, again.preview.frees_now_bytes), (0, 0));
}

#[test]
fn another_root_is_previewed_but_not_cleaned() {
    let fixture = Fixture::apt();
    let step = fixture.propose("apt", &[]).unwrap();
    let refused = fixture.doing(&step, |doing| clean_cache().begin(doing));
    assert!(matches!(refused, Err(Refusal::Unsupported(_))), "{refused:?}");
    assert!(fixture.path("var/cache/apt/archives/a_1_amd64.deb").exists());
    let undone = fixture.doing(&step, |doing| clean_cache().undo(doing, &[]));
    assert!(matches!(undone, Err(Refusal::Unsupported(_))));
}

#[test]
fn what_became_of_it_is_found_by_looking() {
    let fixture = Fixture::apt();
    let step = fixture.propose("apt", &[]).unwrap();
    let resolve = || fixture.doing(&step, |doing| clean_cache().resolve(doing)).unwrap();
    let is = |applied: &Applied| (applied.outcome, applied.items.len());
    assert_eq!(is(&resolve()), (Outcome::Failed, 0));
    std::fs::remove_file(fixture.path("var/cache/apt/archives/a_1_amd64.deb")).unwrap();
    assert_eq!(is(&resolve()), (Outcome::Failed, 1));
    std::fs::remove_file(fixture.path("var/cache/apt/archives/partial/b_1_amd64.deb")).unwrap();
    assert_eq!(is(&resolve()), (Outcome::Done, 2));
}

#[test]
fn a_held_lock_is_busy() {
    let fixture = Fixture::new();
    std::fs::create_dir_all(fixture.path("usr/bin")).unwrap();
    symlink("dnf-3", fixture.path("usr/bin/dnf")).unwrap();
    fixture.file("var/cache/dnf/metadata_lock.pid", "4242\n");
    assert!(fixture.propose("dnf", &[]).is_ok(), "its holder is dead");
    std::fs::create_dir_all(fixture.path("proc/4242")).unwrap();
    assert!(matches!(fixture.propose("dnf", &[]), Err(Refusal::Busy(_))));
}

#[test]
fn a_protected_cache_is_denied() {
    let mut fixture = Fixture::apt();
    fixture.host = fixture.host.clone().protecting("/var/cache");
    assert!(matches!(fixture.propose("apt", &[]), Err(Refusal::Denied(_))));
}
