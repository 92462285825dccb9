//! Misbehaving guests: each ends with a named error and does not affect other policies.

mod table;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ansai_harness::{Ran, Scene, guest};
use serde_json::Value;

use table::{BYTES, Expected, GUESTS, MAPPED, Row};

use crate::scene::records;

/// Maximum memory of one run: ansai itself, 64 MiB for one guest, and the compiler's memory.
const MOST_MEMORY: u64 = 160 << 20;
/// Guest code runs in the process of ansai.
const THREAD: &str = "thread";
/// Guest code runs in worker processes.
const PROCESS: &str = "process";
/// One guest for each way to end that differs where memory is mapped in a worker.
const MAPPED_IN_WORKERS: &[&str] = &["endless-loop", "memory-growth", "recursion", "huge-argument"];
/// Number of parallel rows.
const WORKERS: usize = 4;

/// Two policies, side by side: the guest and a healthy one.
struct Pair(Scene);

impl Pair {
    fn new(bytes: &[u8], limits: &str, isolation: &str) -> Pair {
        let scene = Scene::new();
        scene.policy("guest", bytes);
        scene.guest("healthy");
        scene.configuration(&format!(
            r#"[daemon]
isolation = {isolation:?}
[policy.guest]
source = {:?}
[policy.guest.limits]
{limits}
[policy.guest.grant]
"ansai:disk/disk-probe" = {{}}
"ansai:disk/disk-check-actions" = {{}}
"ansai:files/files-probe" = {{ roots = ["/var/log"] }}
"ansai:files/files-actions" = {{ roots = ["/var/log"] }}
[policy.healthy]
source = {:?}
[policy.healthy.grant]
"ansai:disk/disk-probe" = {{}}
"#,
            scene.path("policies/guest"),
            scene.path("policies/healthy"),
        ));
        Pair(scene)
    }

    /// How many different ends the names of compiled components have.
    fn configurations(&self) -> usize {
        let files = std::fs::read_dir(self.0.path("state/compiled")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let ends = names.filter(|name| name.ends_with(".bin")).map(|name| name.split_once('-').unwrap().1.to_owned());
        ends.collect::<BTreeSet<_>>().len()
    }

    fn ansai(&self, arguments: &[&str]) -> Ran {
        self.0.command(arguments).arg("--config").arg(self.0.path("ansai.toml")).run()
    }

    fn run(&self) -> Ran {
        self.ansai(&["run", "--once", "--format", "json"])
    }

    /// All records of the audit log.
    fn audit(&self) -> Vec<Value> {
        records(&self.0.state_dir())
    }
}

/// Problems of one row.
#[derive(Default)]
struct Wrong(String);

impl Wrong {
    fn unless(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            let _ = writeln!(self.0, "  {}", what());
        }
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, is: T, expected: T) {
        self.unless(is == expected, || format!("{what} is {is:?}, expected {expected:?}"));
    }
}

fn instance<'a>(json: &'a Value, name: &str) -> &'a Value {
    let instances = json["instances"].as_array().expect("instances");
    instances.iter().find(|instance| instance["instance"] == name).unwrap_or(&Value::Null)
}

/// Runs a row and returns its problems; `configurations` is the number of wasmtime configurations that compile the two
/// policies, `isolation` where they run.
fn check(row: &Row, bytes: &[u8], configurations: usize, isolation: &str) -> (String, u64) {
    let mut wrong = Wrong::default();
    let place = Pair::new(bytes, row.limits, isolation);
    let ran = place.run();
    let json = ran.json();
    let audit = place.audit();
    wrong.same("the exit code", ran.code, i32::from(row.code));
    expected(&mut wrong, row, &json, &audit);
    harmless(&mut wrong, &ran, &json, &audit);
    let verified = place.ansai(&["audit", "verify"]);
    wrong.same("the code of `audit verify`", verified.code, 0);
    if !matches!(row.expected, Expected::NotLoaded(_)) {
        let replayed = place.ansai(&["replay", "--all"]);
        // A deadline depends on the machine's speed, so such a recording is not replayed.
        let code = if row.expected == Expected::Stopped("deadline") { 5 } else { 0 };
        wrong.unless(replayed.code == code, || format!("replayed: {}", replayed.stdout));
        wrong.same("how the memory of the two is made", place.configurations(), configurations);
    }
    wrong.unless(ran.peak_memory <= MOST_MEMORY, || format!("{} bytes in memory", ran.peak_memory));
    (wrong.0, ran.peak_memory)
}

/// Checks that the report and the audit log name the error.
fn expected(wrong: &mut Wrong, row: &Row, json: &Value, audit: &[Value]) {
    let guest = instance(json, "guest");
    let finding = &guest["findings"][0];
    let evaluated = audit.iter().filter(|record| record["instance"] == "guest" && record["event"] == "evaluated");
    let recorded: Vec<&Value> = evaluated.map(|record| &record["kind"]).collect();
    match row.expected {
        Expected::NotLoaded(kind) => {
            wrong.same("not loaded", &json["not_loaded"][0]["error_kind"], &kind.into());
            let noted = audit.iter().find(|record| record["event"] == "not-loaded");
            wrong.same("the audit log", noted.map(|record| &record["kind"]), Some(&kind.into()));
        }
        Expected::Stopped(kind) => {
            wrong.same("the error", &guest["error_kind"], &kind.into());
            wrong.same("the audit log", recorded, vec![&kind.into()]);
        }
        Expected::PlanStopped(kind) => {
            wrong.same("the plan's error", &finding["plans"][0]["error_kind"], &kind.into());
            wrong.same("the audit log", recorded, vec![&Value::Null, &kind.into()]);
        }
        Expected::Told(refusal) => {
            wrong.same("what it was told", &finding["key"], &refusal.into());
            wrong.same("the audit log", recorded, vec![&Value::Null]);
        }
        Expected::GaveUp(refusal) => {
            wrong.same("its decision", &finding["plans"][0]["decision"]["give-up"], &refusal.into());
            wrong.same("the audit log", recorded, vec![&Value::Null; 2]);
        }
        Expected::Answered => {
            wrong.same("the error", &guest["error"], &Value::Null);
            wrong.unless(!finding.is_null(), || "it found nothing".into());
            wrong.unless(recorded.iter().all(|kind| kind.is_null()), || format!("the audit log has {recorded:?}"));
        }
    }
    if !matches!(row.expected, Expected::NotLoaded(_)) {
        wrong.same("what was not loaded", json["not_loaded"].as_array().map(Vec::len), Some(0));
    }
}

/// Checks that the other policy works, ansai did not panic, and no output contains control characters.
fn harmless(wrong: &mut Wrong, ran: &Ran, json: &Value, audit: &[Value]) {
    let healthy = instance(json, "healthy");
    wrong.same("the healthy one's status", &healthy["findings"][0]["status"], &"healthy".into());
    wrong.same("the healthy one's error", &healthy["error"], &Value::Null);
    let told = audit.iter().any(|record| record["event"] == "evaluated" && record["instance"] == "healthy");
    wrong.unless(told, || "the healthy one is not in the audit log".into());
    for words in ["panicked", "the pass failed", "failed inside the host"] {
        let said = ran.stderr.contains(words) || ran.stdout.contains(words);
        let noted = audit.iter().any(|record| record.to_string().contains(words));
        wrong.unless(!said && !noted, || format!("`{words}`: {}", ran.stderr));
    }
    for text in [&ran.stdout, &ran.stderr] {
        let active = text.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'));
        wrong.unless(active.is_none(), || format!("{active:?} is in the output"));
    }
}

#[test]
fn every_misbehaving_guest_ends_with_a_kind_and_affects_nobody() {
    let rows = GUESTS.iter().map(|row| (row, guest::of_file(row.guest)));
    check_all(&rows.chain(BYTES.iter().map(|(row, bytes)| (row, bytes()))).collect::<Vec<_>>(), 1, THREAD);
}

/// The component has so much data that its memory is not copied into the pool, which has its own limits. The guests run in the
/// process of ansai.
#[test]
fn so_does_every_guest_whose_memory_is_mapped() {
    let files = GUESTS.iter().map(|row| (row, guest::of_file(row.guest)));
    let bytes = BYTES.iter().map(|(row, bytes)| (row, bytes()));
    let loaded = files.chain(bytes).filter(|(row, _)| !matches!(row.expected, Expected::NotLoaded(_)));
    let rows = loaded.chain(MAPPED.iter().map(|(row, bytes)| (row, bytes())));
    check_all(&rows.map(|(row, bytes)| (row, guest::with_data(bytes, 1 << 20))).collect::<Vec<_>>(), 2, THREAD);
}

/// A worker ends as the process of ansai does, and `ansai replay` gives the same in one process.
#[test]
fn in_a_worker_a_misbehaving_guest_ends_the_same_way() {
    let rows = GUESTS.iter().map(|row| (row, guest::of_file(row.guest)));
    let rows = rows.chain(BYTES.iter().map(|(row, bytes)| (row, bytes())));
    let loaded = rows.filter(|(row, _)| !matches!(row.expected, Expected::NotLoaded(_)));
    check_all(&loaded.collect::<Vec<_>>(), 1, PROCESS);
}

/// The same with memory that a worker maps: a replay in one process compares the fuel.
#[test]
fn in_a_worker_so_does_a_guest_whose_memory_is_mapped() {
    let rows = GUESTS.iter().filter(|row| MAPPED_IN_WORKERS.contains(&row.guest));
    let rows: Vec<_> = rows.map(|row| (row, guest::with_data(guest::of_file(row.guest), 1 << 20))).collect();
    assert_eq!(rows.len(), MAPPED_IN_WORKERS.len());
    check_all(&rows, 2, PROCESS);
}

#[allow(clippy::print_stdout, reason = "a figure for people")]
fn check_all(rows: &[(&Row, Vec<u8>)], configurations: usize, isolation: &str) {
    let next = AtomicUsize::new(0);
    let (wrong, most) = (Mutex::new(String::new()), Mutex::new((0, "")));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((row, bytes)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let checked = catch_unwind(AssertUnwindSafe(|| check(row, bytes, configurations, isolation)));
                    let (found, memory) =
                        checked.unwrap_or_else(|_| ("  it did not end as it should, see above\n".into(), 0));
                    if !found.is_empty() {
                        let _ = writeln!(wrong.lock().unwrap(), "{}:\n{found}", row.guest);
                    }
                    let mut most = most.lock().unwrap();
                    *most = (*most).max((memory, row.guest));
                }
            });
        }
    });
    let (memory, name) = most.into_inner().unwrap();
    println!("{} rows; the most memory: {} MiB ({name})", rows.len(), memory >> 20);
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_guest_has_a_row() {
    let files: BTreeSet<String> = std::fs::read_dir(guest::directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut rows: Vec<&str> = GUESTS.iter().map(|row| row.guest).collect();
    rows.extend(["healthy", "changing-key", "log-flood"]);
    let set: BTreeSet<String> = rows.iter().map(|row| (*row).to_owned()).collect();
    assert_eq!(files, set);
    assert_eq!(rows.len(), set.len(), "a guest has two rows");
}

/// A policy whose keys are always new fills neither the state nor the report, and its first findings stay open.
#[test]
fn incidents_of_one_policy_are_bounded() {
    let place = Pair::new(&guest::of_file("changing-key"), "observations = 2", THREAD);
    for (run, kind) in [Value::Null, Value::Null, "incidents".into(), "incidents".into()].into_iter().enumerate() {
        let ran = place.run();
        let json = ran.expect_code(3).json();
        let guest = instance(&json, "guest");
        assert_eq!(guest["error_kind"], kind, "run {run}: {guest:#}");
        let open = guest["findings"].as_array().unwrap().iter().filter(|finding| finding["incident"].is_string());
        assert_eq!(open.count(), (run + 1).min(2), "run {run}: {guest:#}");
        assert_eq!(instance(&json, "healthy")["findings"][0]["status"], "healthy");
    }
    place.ansai(&["audit", "verify"]).expect_code(0);
}

/// A policy's log is limited in lines and bytes, and safe for terminals.
#[test]
fn a_flood_of_log_lines_is_cut() {
    let place = Pair::new(&guest::of_file("log-flood"), "", THREAD);
    let ran = place.run();
    let json = ran.expect_code(0).json();
    let log = instance(&json, "guest")["log"].as_array().unwrap();
    assert_eq!(log.len(), 200);
    assert!(log.iter().all(|line| line[1].as_str().unwrap().len() == 1024));
    assert!(ran.stderr.contains("dropped 300 log lines"), "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
    replays(&place);
}

fn replays(place: &Pair) {
    let ran = place.ansai(&["replay", "--all"]);
    ran.expect_code(0);
}

/// Plans refer to steps by the host's own numbers. One call takes a number from a policy, `may-fail`; the host compares it
/// with the steps of the same plan.
#[test]
fn only_may_fail_takes_a_step_from_a_policy() {
    let wit = ansai_harness::binary::repository().join("wit");
    let mut named = Vec::new();
    for package in std::fs::read_dir(wit).unwrap() {
        for file in std::fs::read_dir(package.unwrap().path()).unwrap() {
            named.extend(uses(&file.unwrap().path()));
        }
    }
    let expected = [
        "type step-ref = u32;",
        // In a preview and in a result of a step.
        "step: step-ref,",
        "step: step-ref,",
        "use types.{duration, step-ref, recommendation, refusal};",
        "may-fail: func(step: step-ref) -> result<_, refusal>;",
    ];
    assert_eq!(named, expected);
}

fn uses(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().filter(|line| line.contains("step-ref")).map(|line| line.trim().to_owned()).collect()
}
