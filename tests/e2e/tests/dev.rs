//! `ansai dev` builds and checks again whenever a source changes, whatever fails in between.

use std::path::Path;
use std::time::Duration;

use ansai_harness::{Daemon, Invocation, binary, guest};
use rustix::process::Signal;

const LIMIT: Duration = Duration::from_secs(120);
const LIB: &str = r#"
#[unsafe(link_section = "component-type")]
pub static WORLD: [u8; include_bytes!("world.bin").len()] = *include_bytes!("world.bin");
// All zeros: no observations.
static ANSWER: [u32; 4] = [0; 4];
#[unsafe(no_mangle)]
pub extern "C" fn detect() -> *const u32 { ANSWER.as_ptr() }
#[unsafe(no_mangle)]
pub extern "C" fn plan(_: i32) -> *const u32 { ANSWER.as_ptr() }
#[unsafe(no_mangle)]
pub extern "C" fn cabi_realloc(_: i32, _: i32, _: i32, _: i32) -> i32 { core::panic!("no memory") }
"#;
const SCENARIO: &str = "description = \"nothing is found\"\n[expect]\nobservations = []\n";

/// A policy without dependencies, which compiles fast and needs no package registry.
fn policy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &[u8]| std::fs::write(dir.path().join(path), text).unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    write(
        "policy.toml",
        b"name = \"small\"\nversion = \"1.2.3\"\ndescription = \"a test\"\n[schedule]\nevery = \"60s\"\n",
    );
    write(
        "Cargo.toml",
        b"[package]\nname = \"small\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[workspace]\n[lib]\ncrate-type = \
          [\"cdylib\"]\n[profile.release]\nstrip = true\npanic = \"abort\"\n",
    );
    write("Cargo.lock", b"version = 4\n\n[[package]]\nname = \"small\"\nversion = \"1.2.3\"\n");
    write("src/world.bin", &guest::world());
    write("src/lib.rs", LIB.as_bytes());
    dir
}

/// `ansai dev` in the environment that builds the project's own policies; `None`, with a reason, if there is no
/// compiler.
#[allow(clippy::print_stderr, reason = "the reason of a skip")]
fn dev(dir: &Path, arguments: &[&str]) -> Option<Daemon> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache").into_os_string());
    let wasm_env = binary::repository().join("scripts/wasm-env");
    let environment = std::process::Command::new("bash").arg(wasm_env).env("XDG_CACHE_HOME", &cache).output().unwrap();
    if !environment.status.success() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no compiler for wasm32-unknown-unknown");
        eprintln!("skipped: no compiler for wasm32-unknown-unknown");
        return None;
    }
    let dev = Invocation::of("bash")
        .args(["-c", "eval \"$0\"; exec \"$@\""])
        .arg(String::from_utf8(environment.stdout).unwrap())
        .arg(binary::ansai())
        .args(["dev", "--allow-root"])
        .arg(dir)
        .args(arguments)
        .env("CARGO_TARGET_DIR", dir.join("target"));
    Some(dev.spawn())
}

fn ends(mut daemon: Daemon) {
    daemon.signal(Signal::INT);
    daemon.wait(LIMIT).expect_code(0);
}

#[test]
fn a_policy_is_built_and_run_again_after_each_change() {
    let policy = policy();
    let Some(daemon) = dev(policy.path(), &[]) else { return };
    daemon.wait_for_line("dev: built in", LIMIT);
    daemon.wait_for_line("dev: evaluated in", LIMIT);
    daemon.wait_for_line("dev: watching", LIMIT);
    let lib = policy.path().join("src/lib.rs");
    std::fs::write(&lib, "broken").unwrap();
    daemon.wait_for_line("dev: changed: src/lib.rs", LIMIT);
    daemon.wait_for_line("dev: build failed", LIMIT);
    daemon.wait_for_line("error: ", LIMIT);
    std::fs::write(policy.path().join("policy.toml"), "nme = 1").unwrap();
    daemon.wait_for_nth_line(2, "dev: build failed", LIMIT);
    daemon.wait_for_line("did you mean `name`?", LIMIT);
    std::fs::write(policy.path().join("policy.toml"), MANIFEST).unwrap();
    std::fs::write(&lib, format!("{LIB}// Changed.\n")).unwrap();
    daemon.wait_for_nth_line(2, "dev: evaluated in", LIMIT);
    assert!(!policy.path().join("small.wasm").exists(), "a draft is nothing to ship");
    ends(daemon);
}

const MANIFEST: &str = "name = \"small\"\nversion = \"1.2.4\"\ndescription = \"a test\"\n[schedule]\nevery = \"60s\"\n";

#[test]
fn a_scenario_replaces_this_host_and_is_watched_too() {
    let policy = policy();
    let scenario = policy.path().join("nothing.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let Some(daemon) = dev(policy.path(), &["--scenario", scenario.to_str().unwrap()]) else { return };
    daemon.wait_for_line("1 passed, 0 failed", LIMIT);
    daemon.wait_for_line("dev: watching", LIMIT);
    std::fs::write(&scenario, SCENARIO.replace("[]", "[{ key = \"/\" }]")).unwrap();
    daemon.wait_for_line("0 passed, 1 failed", LIMIT);
    ends(daemon);
}

#[test]
fn a_directory_without_a_policy_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ran = ansai_harness::Ansai::new().arg("dev").arg(dir.path()).run();
    assert!(ran.expect_code(2).stderr.contains("it has no policy.toml"), "{}", ran.stderr);
}
