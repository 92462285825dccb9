use super::*;
use crate::bindings::ansai::files::files_probe::DeletedFile;
use crate::bindings::ansai::packages::packages_probe::Cache;
use crate::bindings::ansai::policy::types::StepResult;
use crate::detect::detect;
use crate::stand_in::{StandIn, filesystem};

const ALL: &str = r#"{
    "ansai:files/files-probe": {"roots": ["/var/log", "/tmp"]},
    "ansai:files/files-actions": {"roots": ["/var/log", "/tmp"], "min_age_hours": 24},
    "ansai:journal/journal-probe": {}, "ansai:journal/journal-actions": {},
    "ansai:packages/packages-probe": {}, "ansai:packages/packages-actions": {}
}"#;

/// One file system of 1,000 bytes with so many left, and everything granted.
fn host(available: u64) -> StandIn {
    StandIn { scopes: ALL.into(), ..StandIn::with(vec![filesystem("/", 1000, available)]) }
}

fn everything(available: u64) -> StandIn {
    let mut host = host(available);
    host.files = vec![("/var/log", 5, 500), ("/tmp", 5, 500)];
    host.names = vec!["/var/log/a.log.1", "/var/log/idle.log"];
    host.held = vec![Held { mount: "/".into(), files: 1, bytes: 10, oldest_until: 0, newest_until: u64::MAX }];
    host.journal = Some(JournalUsage {
        archived_bytes: 1 << 40,
        active_bytes: 1,
        archived_files: 1,
        active_files: 1,
        oldest: 0,
        mount: "/".into(),
        skipped: 0,
    });
    host.caches =
        vec![Cache { manager: Manager::Apt, path: "/var/cache/apt".into(), bytes: 9, files: 1, mount: "/".into() }];
    for name in ["remove", "compress", "reclaim", "vacuum", "clean"] {
        host.previews.insert(name, (10, 0, 1));
    }
    host
}

fn decide(host: &StandIn) -> Decision {
    let finding = detect(host).unwrap().into_iter().find(|one| matches!(one.status, Status::Unhealthy(_))).unwrap();
    host.calls.borrow_mut().clear();
    plan(host, &finding).unwrap()
}

fn steps(host: &StandIn) -> Vec<String> {
    host.calls.borrow().iter().filter(|call| !call.starts_with("largest")).cloned().collect()
}

#[test]
fn the_ladder_in_order_with_what_is_still_needed() {
    let host = everything(80);
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(
        steps(&host),
        [
            "reclaim / 171",
            "clean Manager::Apt",
            "remove /var/log 0 151",
            "compress /var/log 141",
            "compress /var/log 131",
            "vacuum 104857600",
            "remove /tmp 0 111"
        ]
    );
}

#[test]
fn compresses_first_where_no_log_is_past_its_time() {
    let mut host = everything(80);
    host.files = vec![("/var/log", 0, 0), ("/tmp", 0, 0)];
    decide(&host);
    assert_eq!(
        steps(&host),
        ["reclaim / 171", "clean Manager::Apt", "compress /var/log 151", "compress /var/log 141", "vacuum 104857600"]
    );
}

#[test]
fn stops_when_it_is_enough() {
    let mut host = everything(80);
    host.previews.insert("clean", (161, 0, 1));
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(steps(&host), ["reclaim / 171", "clean Manager::Apt"]);
}

#[test]
fn what_comes_back_later_counts_for_a_warning_only() {
    for (available, expected) in [(150, 2), (80, 7)] {
        let mut host = everything(available);
        host.previews.insert("remove", (0, 900, 1));
        decide(&host);
        assert_eq!(steps(&host).len(), expected, "{:?}", steps(&host));
    }
}

#[test]
fn quarantine_that_ends_soon_is_waited_for_at_a_warning() {
    let mut host = everything(150);
    let soon = host.now() + 2 * 3_600_000;
    host.held = vec![Held { mount: "/".into(), files: 1, bytes: 101, oldest_until: soon, newest_until: soon }];
    assert!(matches!(decide(&host), Decision::Wait(why) if why.contains("2 hours")));
    // Not all that is needed: the rest is proposed.
    host.held[0].bytes = 95;
    host.previews.insert("clean", (6, 0, 1));
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(steps(&host), ["clean Manager::Apt"]);
}

#[test]
fn nothing_granted_gives_up_and_says_what_would_help() {
    let host = StandIn { scopes: "{}".into(), ..everything(80) };
    let Decision::GiveUp(why) = decide(&host) else { panic!("gave no reason") };
    for words in ["packages-probe is not granted", "files-actions is not granted", "grant ansai:files/files-probe"] {
        assert!(why.contains(words), "{why}");
    }
    assert!(steps(&host).is_empty());
}

#[test]
fn refusals_are_told_and_do_not_stop_the_rest() {
    let mut host = everything(80);
    host.previews.remove("remove");
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    host.previews.clear();
    let Decision::GiveUp(why) = decide(&host) else { panic!("gave no reason") };
    assert!(why.contains("remove /tmp: denied: no grant for remove"), "{why}");
}

fn attempt(action: &str, about: &str, outcome: Outcome) -> Attempt {
    Attempt {
        at: 0,
        stage: String::new(),
        verified: Status::Unhealthy(Severity::Critical),
        steps: vec![StepResult {
            action: action.into(),
            about: Subject { kind: "directory".into(), name: about.into() },
            outcome,
            detail: "freed 3 bytes".into(),
            measures: vec![],
        }],
    }
}

#[test]
fn what_failed_is_not_tried_again() {
    let mut host = everything(80);
    decide(&host);
    // As the host tells it: steps on files are about their file system.
    let result = |action: &str, about: &str, outcome| attempt(action, about, outcome).steps.remove(0);
    let mut last = attempt(ladder::RECLAIM, "/", Outcome::Done);
    last.steps.extend([
        result("ansai:packages/packages-actions.clean-cache", "/var/cache/apt", Outcome::Refused),
        result(ladder::REMOVE, "/", Outcome::Failed),
        result("ansai:files/files-actions.compress", "/", Outcome::Done),
        result("ansai:files/files-actions.compress", "/", Outcome::Done),
        result("ansai:journal/journal-actions.vacuum", "/var/log/journal", Outcome::Failed),
        result(ladder::REMOVE, "/", Outcome::Failed),
    ]);
    // Some of its files only.
    last.steps[6].measures = vec![crate::evidence::bytes("freed-bytes", 7)];
    host.attempts = vec![last];
    for _ in 0..2 {
        decide(&host);
        let steps = steps(&host);
        assert_eq!(steps, ["reclaim / 171", "compress /var/log 161", "compress /var/log 151", "remove /tmp 0 141"]);
        // A later plan still knows.
        host.attempts.push(attempt(ladder::RECLAIM, "/", Outcome::Done));
    }
}

#[test]
fn next_to_nothing_after_an_attempt_is_given_up_with_reasons() {
    let mut host = everything(80);
    host.attempts = vec![attempt(ladder::REMOVE, "/var/log", Outcome::Done)];
    for name in ["remove", "compress", "reclaim", "vacuum", "clean"] {
        host.previews.insert(name, (1, 0, 1));
    }
    host.directories
        .borrow_mut()
        .extend([("/var/log".into(), "/var/log/app".into(), 700), ("/var/log".into(), "/var/log/web".into(), 100)]);
    host.store
        .borrow_mut()
        .insert("directories:/var/log".into(), r#"{"at":1,"directories":{"/var/log/app":300}}"#.into());
    host.deleted = vec![DeletedFile {
        process: "java".into(),
        pid: 42,
        path: "/var/log/app/old.log".into(),
        bytes: 50,
        mount: "/".into(),
    }];
    let Decision::GiveUp(why) = decide(&host) else { panic!("gave no reason") };
    for words in [
        "would bring back only 7 bytes of the 171 bytes",
        "tried: remove /var/log (done, freed 3 bytes)",
        "largest: /var/log/app with 700 bytes, /var/log/web with 100 bytes",
        "/var/log/app by 400 bytes",
        "java (pid 42) 50 bytes of /var/log/app/old.log",
        "wait in quarantine",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[test]
fn inodes_take_the_most_files_first() {
    let mut host = everything(900);
    if let Ok(filesystems) = &mut host.filesystems {
        filesystems.entries[0].free_inodes = 150;
    }
    host.files = vec![("/var/log", 3, 500), ("/tmp", 50, 1)];
    host.previews.insert("remove", (1, 0, 40));
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(steps(&host), ["remove /tmp 101 0", "remove /var/log 61 0"]);
}

#[test]
fn a_forecast_is_advice_and_removes_nothing() {
    let mut host = everything(250);
    let finding = Observation {
        key: "/".into(),
        about: Subject { kind: "filesystem".into(), name: "/".into() },
        status: Status::Unhealthy(Severity::Notice),
        summary: "full in 9 hours".into(),
        evidence: vec![],
        related: vec![],
    };
    host.names.clear();
    assert!(matches!(plan(&host, &finding), Ok(Decision::Recommend(list)) if list[0].summary == "full in 9 hours"));
    assert!(steps(&host).is_empty());
}

#[test]
fn better_by_now_needs_nothing() {
    let host = everything(80);
    let finding = detect(&host).unwrap().remove(0);
    let better = everything(300);
    assert!(matches!(plan(&better, &finding), Ok(Decision::Wait(_))));
    let gone = StandIn::with(vec![]);
    assert!(matches!(plan(&gone, &finding), Err(Failure::CouldNotTell(_))));
}

#[test]
fn a_root_too_large_for_one_look_is_covered_by_several_plans() {
    let mut host = host(80);
    host.scopes = ALL.replace("\"/var/log\", ", "");
    host.parts = vec![("/tmp", vec![0, 7, 0])];
    host.previews.insert("remove", (0, 0, 0));
    let (waiting, asked) = (decide(&host), steps(&host));
    assert!(matches!(&waiting, Decision::Wait(why) if why.contains("/tmp")), "{waiting:?}");
    assert!(asked[0].starts_with("remove /tmp") && !asked[0].contains("from"), "{asked:?}");
    // The second look found some: the step begins there.
    host.previews.insert("remove", (200, 0, 7));
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert!(steps(&host)[0].ends_with("from 1"), "{:?}", steps(&host));
    // The last one ends the round; only now is there nothing left to try.
    host.previews.insert("remove", (0, 0, 0));
    assert!(matches!(decide(&host), Decision::GiveUp(_)));
    assert!(steps(&host)[0].ends_with("from 2"), "{:?}", steps(&host));
    assert!(matches!(decide(&host), Decision::Wait(_)));
    assert!(!steps(&host)[0].contains("from"), "{:?}", steps(&host));
}
