//! A daemon in this process: what it loads, what it refuses, and one pass over its instances.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ansai_core::{Event, Mode, codes, exit};
use ansai_daemon::undo::{UndoRequest, undo};
use ansai_daemon::{Builder, Configuration, Daemon, Error, history, state};
use ansai_engine::Compiler;
use ansai_events::{Item, Stream};
use ansai_harness::scene::permit;
use ansai_harness::{Scene, requires_root};
use ansai_supervisor::report::FindingState;

fn configuration(scene: &Scene, text: &str) -> Configuration {
    Configuration::open(&scene.configuration(text), &ansai_host_functions::builtin().interfaces()).unwrap()
}

fn builder(scene: &Scene) -> Builder {
    Daemon::builder(Compiler::InProcess).paths([scene.path("policies")]).state_dir(scene.state_dir())
}

/// The audit log.
fn events(scene: &Scene) -> Vec<Event> {
    let entries = history::entries(&scene.state_dir(), 1).unwrap().unwrap();
    entries.map(|entry| history::record(&entry.unwrap()).unwrap().event).collect()
}

fn is_evaluated(item: &Item) -> bool {
    matches!(item, Item::Event(published) if matches!(published.event, Event::Evaluated { .. }))
}

fn code(result: Result<Daemon, Error>) -> &'static str {
    result.err().unwrap().code().word()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_pass_observes_and_records_what_did_not_load() {
    let scene = Scene::new();
    scene.guest("healthy");
    scene.write("policies/broken/broken.wasm", "not WebAssembly");
    let daemon = builder(&scene).load().unwrap();
    assert_eq!(daemon.mode(), Mode::Observe);
    assert_eq!(daemon.instances()[0].instance.name.as_ref(), "healthy");
    let broken = &daemon.not_loaded()[0];
    assert_eq!((broken.error.code(), broken.error.exit_code()), (codes::NOT_WASM, exit::USAGE));
    assert_eq!(std::fs::metadata(daemon.state_dir()).unwrap().permissions().mode() & 0o777, 0o700);

    let stream = Stream::new();
    let mut seen = stream.subscribe("test", 100);
    let running = daemon.open(stream).unwrap();
    let again = daemon.open(Stream::new()).err().unwrap();
    assert_eq!(again.code(), codes::IN_USE, "{again}");
    let reports = running.run_once().await;
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].findings[0].state(), FindingState::Healthy, "{:?}", reports[0]);
    assert!(running.head().sequence > 1);
    drop(running);

    assert!(std::iter::from_fn(|| seen.try_next()).any(|item| is_evaluated(&item)));
    let events = events(&scene);
    assert!(events.iter().any(|event| matches!(event, Event::Evaluated { .. })), "{events:?}");
    let noted = events.iter().find_map(|event| match event {
        Event::NotLoaded { name, kind, .. } => Some((name.clone(), kind.clone())),
        _ => None,
    });
    let (name, kind) = noted.unwrap();
    assert!(name.ends_with("broken.wasm") && kind == "not-wasm", "{name} {kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_runs_until_it_is_stopped() {
    let scene = Scene::new();
    scene.guest("healthy");
    let daemon = builder(&scene).load().unwrap();
    let stream = Stream::new();
    let mut seen = stream.subscribe("test", 100);
    let running = daemon.open(stream).unwrap();
    let task = tokio::spawn({
        let running = running.clone();
        async move { running.run().await }
    });
    while !is_evaluated(&seen.next().await.unwrap()) {}
    running.stop("the test is over");
    task.await.unwrap();
    assert!(matches!(events(&scene).last(), Some(Event::Stopped { .. })), "{:?}", events(&scene));
}

#[test]
fn a_mistyped_path_leaves_nothing_behind() {
    let scene = Scene::new();
    assert_eq!(code(builder(&scene).load()), "file-access");
    assert!(!scene.path("state").exists());
}

#[test]
fn a_state_directory_that_another_user_can_change_starts_nothing() {
    let scene = Scene::new();
    scene.guest("healthy");
    let below = scene.path("above/state");
    let load = || builder(&scene).state_dir(below.clone()).load();
    drop(load().unwrap());
    for (part, mode) in [("above/state", 0o1777), ("above/state", 0o702), ("above", 0o702)] {
        permit(&scene.path(part), mode);
        let error = load().err().unwrap();
        assert_eq!((error.code(), error.exit_code()), (codes::STATE_DIRECTORY, exit::REFUSED), "{error}");
        let part = std::fs::canonicalize(scene.path(part)).unwrap();
        assert!(error.to_string().starts_with(&format!("{} is writable", part.display())), "{error}");
        assert_eq!(error.hint().unwrap(), format!("chmod go-w {}", part.display()));
        let request = UndoRequest { plan: "p".into(), step: None, by: "test".into() };
        assert_eq!(undo(None, &below, &request).err().unwrap().code(), codes::STATE_DIRECTORY);
        permit(&part, 0o700);
    }
    // As /tmp is: others can add a directory, and not exchange this one.
    permit(&scene.path("above"), 0o1777);
    drop(load().unwrap());
}

/// Every file and directory below a directory.
fn all_below(directory: &Path) -> Vec<PathBuf> {
    let (mut all, mut left) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(place) = left.pop() {
        for entry in std::fs::read_dir(&place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path.clone());
            }
            all.push(path);
        }
    }
    all
}

/// The table is what a run leaves: whatever ansai writes, it opens again, and refuses if others could have written it.
/// Would break: a kind of file that is opened without the check.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_state_directory_is_used_that_another_user_can_change() {
    let scene = Scene::new();
    scene.guest("healthy");
    let daemon = builder(&scene).load().unwrap();
    drop(daemon.open(Stream::new()).unwrap().run_once().await);
    drop(daemon);
    let state = std::fs::canonicalize(scene.state_dir()).unwrap();
    for name in ["outbox", "outbox/target"] {
        std::fs::create_dir(state.join(name)).unwrap();
        permit(&state.join(name), 0o700);
    }
    for name in ["plans/p.plan.zst", "plans/p.0.items.zst", "outbox/target/1.message", "audit.key.next"] {
        std::fs::write(state.join(name), "").unwrap();
        permit(&state.join(name), 0o600);
    }
    let refused = |why: &str, path: &Path| {
        let error = builder(&scene).load().err().unwrap();
        let shown = path.display().to_string();
        assert_eq!((error.code(), error.exit_code()), (codes::STATE_DIRECTORY, exit::REFUSED), "{shown}: {error}");
        assert!(error.to_string().starts_with(&format!("{shown} {why}")), "{error}");
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
        let request = UndoRequest { plan: "p".into(), step: None, by: "test".into() };
        let undone = undo(None, &scene.state_dir(), &request).err().unwrap();
        assert_eq!((undone.code(), undone.exit_code()), (codes::STATE_DIRECTORY, exit::REFUSED), "{shown}");
        assert_eq!(state::check(&state).err().unwrap().code(), codes::STATE_DIRECTORY, "{shown}");
    };
    let all = all_below(&state);
    let names: Vec<&str> = all.iter().map(|path| path.strip_prefix(&state).unwrap().to_str().unwrap()).collect();
    for known in ["audit/lock", "audit.key", "audit.head", "state.db", "compiled/key", "recordings", "plans", "ballast"]
    {
        assert!(names.contains(&known), "{known}: {names:?}");
    }
    let elsewhere = scene.path("elsewhere");
    for path in &all {
        let mode = std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        permit(path, mode | 0o002);
        refused("is writable by other users", path);
        permit(path, mode);
        if requires_root() {
            std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
            refused("belongs to user 65534", path);
            std::os::unix::fs::chown(path, Some(0), None).unwrap();
        }
        std::fs::rename(path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, path).unwrap();
        refused("is a symbolic link", path);
        std::fs::remove_file(path).unwrap();
        if elsewhere.is_file() {
            std::fs::hard_link(&elsewhere, path).unwrap();
            refused("has several names", path);
            std::fs::remove_file(path).unwrap();
        }
        std::fs::rename(&elsewhere, path).unwrap();
    }
    drop(builder(&scene).load().unwrap());
}

#[test]
fn a_state_directory_is_no_link_and_in_no_directory_of_another_user() {
    let scene = Scene::new();
    scene.guest("healthy");
    let load = |path: PathBuf| builder(&scene).state_dir(path).load();
    drop(load(scene.path("real/state")).unwrap());
    std::os::unix::fs::symlink("real", scene.path("above")).unwrap();
    std::os::unix::fs::symlink("state", scene.path("real/link")).unwrap();
    for link in ["above/state", "real/link", "real/link/new"] {
        let error = load(scene.path(link)).err().unwrap();
        assert_eq!((error.code(), error.exit_code()), (codes::STATE_DIRECTORY, exit::REFUSED), "{error}");
        assert!(error.hint().unwrap().starts_with("pass the path that it leads to: "), "{:?}", error.hint());
    }
    if requires_root() {
        // As in the home of a user: that user can put another directory there.
        std::os::unix::fs::chown(scene.path("real"), Some(65_534), None).unwrap();
        for below in ["real/state", "real/new"] {
            let error = load(scene.path(below)).err().unwrap();
            assert_eq!(error.exit_code(), exit::REFUSED);
            assert!(error.to_string().contains("/real belongs to user 65534"), "{error}");
        }
        assert!(!scene.path("real/new").exists());
    }
}

/// Would break: a policy that acts although another user can exchange it.
#[test]
fn a_policy_that_another_user_can_change_does_not_enforce_unless_it_is_pinned() {
    let scene = Scene::new();
    let component = scene.guest("healthy");
    let load = |text: &str, ceiling| {
        builder(&scene).configuration(Some(configuration(&scene, text))).ceiling(ceiling).load().unwrap()
    };
    let enforce = "[policy.healthy]\nmode = \"enforce\"\n";
    permit(&scene.path("policies"), 0o757);
    let daemon = load(enforce, None);
    let refused = &daemon.not_loaded()[0].error;
    assert_eq!((refused.code(), refused.exit_code()), (codes::UNTRUSTED_POLICY, exit::REFUSED), "{refused}");
    assert!(refused.to_string().contains("/policies is writable by other users (mode 0757)"), "{refused}");
    assert_eq!(load(enforce, Some(Mode::Observe)).mode(), Mode::Observe, "looking is safe");
    let digest = ansai_engine::component::inspect(&std::fs::read(component).unwrap()).unwrap().digest;
    assert_eq!(load(&format!("{enforce}sha256 = \"{digest}\"\n"), None).mode(), Mode::Enforce);
    permit(&scene.path("policies"), 0o755);
    assert_eq!(load(enforce, None).mode(), Mode::Enforce);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_exchanged_while_it_runs_redirects_nothing() {
    let scene = Scene::new();
    scene.guest("healthy");
    let daemon = builder(&scene).load().unwrap();
    // With the directories that would be written in, so that a write by path would succeed.
    for name in ["audit", "recordings", "plans"] {
        std::fs::create_dir_all(scene.path("evil").join(name)).unwrap();
    }
    std::fs::rename(scene.state_dir(), scene.path("moved")).unwrap();
    std::os::unix::fs::symlink(scene.path("moved"), scene.state_dir()).unwrap();
    let running = daemon.open(Stream::new()).unwrap();
    std::fs::remove_file(scene.state_dir()).unwrap();
    std::os::unix::fs::symlink(scene.path("evil"), scene.state_dir()).unwrap();
    assert_eq!(running.run_once().await.len(), 1);
    drop(running);
    let count = |directory: &str| std::fs::read_dir(scene.path(directory)).unwrap().count();
    assert_eq!(["evil", "evil/audit", "evil/recordings", "evil/plans"].map(count), [3, 0, 0, 0]);
    assert!(scene.path("moved/audit.head").exists() && count("moved/recordings") > 1);
    let entries = history::entries(&scene.path("moved"), 1).unwrap().unwrap();
    let events: Vec<Event> = entries.map(|entry| history::record(&entry.unwrap()).unwrap().event).collect();
    assert!(events.iter().any(|event| matches!(event, Event::Evaluated { .. })), "{events:?}");
}

#[test]
fn what_may_be_enforced_is_decided_before_anything_runs() {
    let scene = Scene::new();
    scene.guest("healthy");
    let enforce = "[policy.healthy]\nmode = \"enforce\"\n";
    assert_eq!(code(builder(&scene).ceiling(Some(Mode::Enforce)).load()), "needs-configuration");
    let trusted = builder(&scene).configuration(Some(configuration(&scene, enforce))).load().unwrap();
    assert_eq!(trusted.mode(), Mode::Enforce);
    let lowered = builder(&scene).configuration(Some(configuration(&scene, enforce))).ceiling(Some(Mode::Observe));
    assert_eq!(lowered.load().unwrap().mode(), Mode::Observe);

    let path = scene.path("ansai.toml");
    permit(&path, 0o666);
    let writable = Configuration::open(&path, &ansai_host_functions::builtin().interfaces()).unwrap();
    let error = builder(&scene).configuration(Some(writable.clone())).load().err().unwrap();
    assert_eq!((error.code(), error.exit_code()), (codes::UNTRUSTED_CONFIGURATION, exit::REFUSED));
    assert!(error.hint().unwrap().starts_with("chmod go-w"), "{:?}", error.hint());
    let observing = builder(&scene).configuration(Some(writable)).ceiling(Some(Mode::Observe)).load().unwrap();
    assert_eq!(observing.warnings()[0].code, codes::UNTRUSTED_CONFIGURATION);
}

#[test]
fn a_configuration_names_what_runs() {
    let scene = Scene::new();
    scene.guest("healthy");
    let daemon = builder(&scene).configuration(Some(configuration(&scene, "[policy.other]\n"))).load().unwrap();
    assert_eq!(daemon.not_loaded()[0].error.code(), codes::UNKNOWN_POLICY);
    assert!(daemon.not_configured()[0].starts_with("healthy ("), "{:?}", daemon.not_configured());
    let empty = builder(&scene).configuration(Some(configuration(&scene, ""))).load().unwrap();
    assert_eq!(empty.open(Stream::new()).err().unwrap().code(), codes::NOT_CONFIGURED);
}
