//! Commands for authors of policies: `ansai new`, `ansai build`, `ansai test`.
#![expect(clippy::print_stderr, reason = "a skip is printed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ansai_harness::{Ansai, Invocation, KILLED, Then, binary};
use rustix::io::Errno;

/// The environment in which cargo can build for WebAssembly; `None` if there is none.
pub(crate) fn wasm_environment(test: &str) -> Option<Vec<(&'static str, String)>> {
    const NAMES: [&str; 3] =
        ["RUSTC", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"];
    let script =
        "environment=$(\"$0\") || exit 200; eval \"$environment\"; for name; do printf '%s\\n' \"${!name:-}\"; done";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(binary::repository().join("scripts/wasm-env"))
        .args(NAMES)
        .output()
        .unwrap();
    if !output.status.success() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no compiler for wasm32-unknown-unknown");
        eprintln!("skipped {test}: no compiler for wasm32-unknown-unknown");
        return None;
    }
    let values = String::from_utf8(output.stdout).unwrap();
    Some(NAMES.into_iter().zip(values.lines().map(str::to_owned)).filter(|(_, value)| !value.is_empty()).collect())
}

/// Shared, so that dependencies are compiled once for all tests.
pub(crate) fn target_dir() -> PathBuf {
    binary::ansai().parent().unwrap().join("policies-of-tests")
}

fn new(parent: &Path, name: &str) -> Invocation {
    new_in("rust", parent, name)
}

fn new_in(language: &str, parent: &Path, name: &str) -> Invocation {
    Ansai::new().args(["new", name, "--lang", language, "--dir"]).arg(parent)
}

fn build(environment: &[(&'static str, String)], dir: &Path) -> Invocation {
    let build = Ansai::new().args(["build", "--allow-root"]).arg(dir).limit(Duration::from_secs(280));
    environment.iter().fold(build.env("CARGO_TARGET_DIR", target_dir()), |build, (name, value)| build.env(name, value))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{}: no {from}", path.display());
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_new_policy_builds_and_passes_its_scenarios_and_the_same_source_gives_the_same_bytes() {
    let Some(environment) = wasm_environment("a_new_policy_builds") else { return };
    let parents = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let made = parents.each_ref().map(|parent| {
        let said = new(parent.path(), "my-policy").run();
        let dir = parent.path().join("my-policy");
        said.expect_code(0);
        assert!(said.stdout.contains(&format!("ansai build {}", dir.display())), "{}", said.stdout);
        assert_eq!(names(parent.path()), ["my-policy"]);

        let built = build(&environment, &dir).run();
        built.expect_code(0);
        for words in [
            "can see how full file systems are",
            "ansai:disk/disk-probe (required); author says: to see how full file systems are",
            "ansai:files/files-actions (optional); author says: to remove old temporary files",
            "can propose to remove, compress and rotate files under directories that you choose (suggested: /var/tmp)",
        ] {
            assert!(built.stdout.contains(words), "{words}\n{}", built.stdout);
        }
        let tested = Ansai::new().arg("test").arg(&dir).run();
        tested.expect_code(0);
        assert!(tested.stdout.contains("4 passed, 0 failed"), "{}", tested.stdout);
        std::fs::read(dir.join("my-policy.wasm")).unwrap()
    });
    assert!(made[0] == made[1], "two builds of one source differ");
}

/// The cache directory of the user who runs the tests.
pub(crate) fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    cache.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache"))
}

/// For the other languages, with the tools that `scripts/setup test` installs.
fn builds_and_passes_as_it_is_made(language: &str) {
    let tools = cache().join("ansai/tools");
    if !["js", "py"].iter().all(|place| tools.join(place).is_dir()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{language} needs the tools of scripts/setup test");
        eprintln!("skipped {language}: scripts/setup test has not installed the tools");
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    new_in(language, parent.path(), "my-policy").run().expect_code(0);
    let dir = parent.path().join("my-policy");
    let tools = [("ANSAI_JS_TOOLS", tools.join("js")), ("ANSAI_PY_TOOLS", tools.join("py"))];
    let tools = tools.map(|(name, dir)| (name, dir.to_str().unwrap().to_owned()));
    let built = build(&tools, &dir).run();
    built.expect_code(0);
    assert!(built.stdout.contains("can see how full file systems are"), "{}", built.stdout);
    let tested = Ansai::new().arg("test").arg(&dir).limit(Duration::from_secs(120)).run();
    tested.expect_code(0);
    assert!(tested.stdout.contains("4 passed, 0 failed"), "{}", tested.stdout);
}

#[test]
fn a_new_policy_in_typescript_builds_and_passes_its_scenarios() {
    builds_and_passes_as_it_is_made("typescript");
}

#[test]
fn a_new_policy_in_javascript_builds_and_passes_its_scenarios() {
    builds_and_passes_as_it_is_made("javascript");
}

#[test]
fn a_new_policy_in_python_builds_and_passes_its_scenarios() {
    builds_and_passes_as_it_is_made("python");
}

#[test]
fn a_new_policy_in_c_builds_and_passes_its_scenarios() {
    builds_and_passes_as_it_is_made("c");
}

#[test]
fn a_new_policy_in_go_builds_and_passes_its_scenarios() {
    builds_and_passes_as_it_is_made("go");
}

/// A draft is fast to build, is written elsewhere, and passes the same scenarios.
#[test]
fn a_draft_is_written_elsewhere_and_decides_the_same() {
    let Some(environment) = wasm_environment("a_draft") else { return };
    let parent = tempfile::tempdir().unwrap();
    new(parent.path(), "mine").run().expect_code(0);
    let (dir, place) = (parent.path().join("mine"), tempfile::tempdir().unwrap());
    let built = build(&environment, &dir).arg("--draft").arg(place.path()).run();
    built.expect_code(0);
    assert!(built.stdout.contains("fast draft build"), "{}", built.stdout);
    assert_eq!(names(place.path()), ["mine.wasm"]);
    assert!(!dir.join("mine.wasm").exists());
    let mut test = Ansai::new().arg("test").arg(place.path());
    for name in names(&dir.join("scenarios")) {
        test = test.arg("--scenario").arg(dir.join("scenarios").join(name));
    }
    let tested = test.run();
    tested.expect_code(0);
    assert!(tested.stdout.contains("4 passed, 0 failed"), "{}", tested.stdout);
}

/// An author requests a capability in the manifest, and can then call it: no other file has to change.
#[test]
fn a_capability_is_added_in_the_manifest_alone() {
    let Some(environment) = wasm_environment("a_capability_is_added") else { return };
    let parent = tempfile::tempdir().unwrap();
    new(parent.path(), "more").run().expect_code(0);
    let dir = parent.path().join("more");
    let call = "let levels = Levels";
    change(&dir.join("src/lib.rs"), call, &format!("let _ = imports::ansai::system::system_probe::uptime();\n{call}"));
    let refused = build(&environment, &dir).run();
    refused.expect_code(2);
    assert!(refused.stderr.contains("system"), "{}", refused.stderr);
    assert!(!dir.join("more.wasm").exists());

    let asked = "[capabilities.\"ansai:system/system-probe\"]\nreason = \"to know when it was started\"\n\n[settings]";
    change(&dir.join("policy.toml"), "[settings]", asked);
    build(&environment, &dir).run().expect_code(0);
    let described = Ansai::new().args(["inspect", "--format", "json"]).arg(&dir).run().expect_code(0).json();
    let imports: Vec<&str> =
        described[0]["imports"].as_array().unwrap().iter().map(|import| import["name"].as_str().unwrap()).collect();
    let probes: Vec<&str> = imports.into_iter().filter(|name| !name.starts_with("ansai:policy/")).collect();
    assert_eq!(
        probes,
        ["ansai:disk/disk-probe@0.2.0", "ansai:files/files-actions@0.2.0", "ansai:system/system-probe@0.2.0"]
    );
}

#[test]
fn the_example_in_rust_passes_the_shared_scenarios() {
    let ran = Ansai::new().arg("test").arg(binary::repository().join("policies/examples/disk-space-rust")).run();
    ran.expect_code(0);
    let shared = names(&binary::repository().join("policies/examples/scenarios")).len();
    assert!(ran.stdout.contains(&format!("{shared} passed, 0 failed")), "{}", ran.stdout);
}

#[test]
fn a_missing_toolchain_is_reported_with_its_install_command() {
    let parent = tempfile::tempdir().unwrap();
    new(parent.path(), "mine").run().expect_code(0);
    let dir = parent.path().join("mine");
    let empty = format!("--sysroot={}", parent.path().display());
    for (name, value, command) in [
        ("RUSTC", "/nonexistent/rustc", "apt-get install cargo"),
        ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", &empty, "rustup target add wasm32-unknown-unknown"),
    ] {
        let ran = build(&[(name, value.to_owned())], &dir).run();
        ran.expect_code(2);
        assert!(ran.stderr.contains(command), "{}", ran.stderr);
    }
}

#[test]
fn existing_directories_and_invalid_names_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    new(parent.path(), "mine").run().expect_code(0);
    change(&parent.path().join("mine/README.md"), "# mine", "# kept");
    let again = new(parent.path(), "mine").run();
    again.expect_code(2);
    assert!(again.stderr.contains("already exists") && again.stderr.contains("--dir"), "{}", again.stderr);
    assert!(std::fs::read_to_string(parent.path().join("mine/README.md")).unwrap().starts_with("# kept"));
    for name in ["Mine", "my_policy", "a--b", "a-", "../a", ""] {
        let refused = new(parent.path(), name).run();
        refused.expect_code(2);
        assert!(refused.stderr.contains("is not a valid name for a policy"), "{name}: {}", refused.stderr);
    }
    let unknown = Ansai::new().args(["new", "a", "--lang", "cobol"]).run();
    unknown.expect_code(2);
    assert!(unknown.stderr.contains("rust") && unknown.stderr.contains("python"), "{}", unknown.stderr);
    assert_eq!(names(parent.path()), ["mine"]);
}

/// Fails or kills the command at each call that changes a file. A failure leaves nothing; after a kill there is no
/// policy, and a second attempt removes the leftovers of the first.
#[test]
fn a_policy_is_made_whole_or_not_at_all() {
    let run = |decide: &mut dyn FnMut(usize) -> Then| {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().to_owned();
        let mut calls = 0;
        let ran = new(&root, "whole").run_stopping(|call| {
            if !call.paths.iter().any(|path| path.starts_with(&root)) {
                return Then::Go;
            }
            calls += 1;
            decide(calls)
        });
        (parent, ran, calls)
    };
    let (parent, ran, calls) = run(&mut |_| Then::Go);
    ran.expect_code(0);
    assert_eq!(names(parent.path()), ["whole"]);
    assert!(calls > 40, "{calls}");
    for point in 1..=calls {
        let at = |then: Then| move |call: usize| if call == point { then } else { Then::Go };
        let (parent, ran, _) = run(&mut at(Then::Fail(Errno::NOSPC)));
        assert!(ran.code != 0 && names(parent.path()).is_empty(), "{point}: {} {:?}", ran.stderr, names(parent.path()));
        let (parent, ran, _) = run(&mut at(Then::Kill));
        ran.expect_code(KILLED);
        assert!(!parent.path().join("whole").exists(), "{point}");
        new(parent.path(), "whole").run().expect_code(0);
        assert_eq!(names(parent.path()), ["whole"], "{point}");
    }
}
