use super::*;
use crate::calls::{
    CLEAN, COMPRESS, JOURNAL_PROBE, JOURNAL_VACUUM_ACTIONS, PACKAGE_CACHE_ACTIONS, PACKAGE_CACHE_PROBE,
};
use crate::calls::{QUARANTINE_ACTIONS, RECLAIM, REMOVE, VACUUM};
use crate::detect::detect;
use crate::imports::ansai::disk::disk_probe::Inodes;
use crate::imports::ansai::files::files_probe::{self, DeletedFile, DeletedFiles, File, Files, Holder, Usages};
use crate::imports::ansai::files::files_probe::{Location, Locations};
use crate::imports::ansai::journal::journal_probe::JournalUsage;
use crate::imports::ansai::packages::package_cache_probe::{Cache, Caches};
use crate::testing::{filesystem, listing, settings};
use ansai_sdk::testing::{self, StandIn};
use ansai_sdk::{Attempt, Measure, OnFailure, Outcome, Refusal, Status, StepResult, Subject};

const MEASURE: &str = "ansai:files/files-probe.measure-files";
const LIST: &str = "ansai:files/files-probe.list-files";
const LARGEST: &str = "ansai:files/files-probe.largest-directories";
const ACTIONS: [&str; 5] = [REMOVE, COMPRESS, RECLAIM, VACUUM, CLEAN];
const ROOTS: &str = r#"{"roots": ["/var/log", "/tmp"], "min_age_hours": 24}"#;

/// A file system of 1,000 bytes, `available` of them free, and a grant for everything.
fn host(available: u64) -> StandIn {
    [JOURNAL_PROBE, JOURNAL_VACUUM_ACTIONS, PACKAGE_CACHE_PROBE, PACKAGE_CACHE_ACTIONS]
        .into_iter()
        .fold(listing(vec![filesystem("/", 1000, available)]), |host, interface| host.grants(interface, "{}"))
        .grants(FILES_PROBE, ROOTS)
        .grants(FILES_ACTIONS, ROOTS)
        .grants(QUARANTINE_ACTIONS, ROOTS)
}

fn usages(root: &str, files: u64, bytes: u64) -> Usages {
    let about = Subject::new("directory", root);
    let entry = files_probe::Usage { about, path: root.into(), files, bytes, oldest: None, newest: None };
    Usages { entries: vec![entry], complete: true, skipped: 0, cursor: None }
}

/// Files below a root that match any query.
fn with_files(host: StandIn, root: &str, files: u64) -> StandIn {
    host.answers_with(MEASURE, &format!("root: {root:?}"), usages(root, files, files * 100))
}

fn listed(path: &str) -> Files {
    let file = File { path: path.into(), bytes: 1, modified: 0, links: 1, open: false };
    Files { entries: vec![file], complete: true, skipped: 0, cursor: None }
}

/// Answers every action with the same preview.
fn promising(host: StandIn, now: u64, later: u64, items: u64) -> StandIn {
    ACTIONS.into_iter().fold(host, |host, action| host.answers(action, preview(now, later, items)))
}

fn preview(frees_now_bytes: u64, frees_later_bytes: u64, items: u64) -> Preview {
    Preview { items, frees_now_bytes, frees_later_bytes, ..testing::preview(Subject::new("x", "x")) }
}

/// What the host says of the file systems of a directory, and of the mount points below it.
fn located(host: StandIn, root: &str, places: &[(&str, &str)]) -> StandIn {
    let location =
        |(path, name): &(&str, &str)| Location { about: Subject::new("filesystem", *name), path: (*path).to_owned() };
    let entries = places.iter().map(location).collect();
    host.answers_with("ansai:files/files-probe.locate", &format!("({root:?}"), Locations { entries, complete: true })
}

/// The directories that files are removed from or compressed in.
fn cleaned(host: &Host) -> Vec<String> {
    decide(host);
    let roots = steps(host).into_iter().filter_map(|step| {
        let rest = step.strip_prefix("remove ").or(step.strip_prefix("compress "))?;
        rest.split(' ').next().map(str::to_owned)
    });
    let mut roots: Vec<String> = roots.collect();
    roots.dedup();
    roots
}

#[test]
fn the_host_says_which_file_system_a_directory_is_on() {
    // Another disk is mounted at /var/log and at /tmp/x, though only /data is listed.
    let tmp = [("/tmp", "/"), ("/tmp/x", "/data"), ("/tmp/y", "/")];
    let host = located(located(everything(50), "/var/log", &[("/var/log", "/data")]), "/tmp", &tmp);
    assert_eq!(cleaned(&host.host()), ["/tmp", "/tmp/y"]);
    // And the other way: the disk that is full is not where its directory's path says.
    let full = located(everything(50), "/var/log", &[("/var/log", "/")]);
    assert_eq!(cleaned(&located(full, "/tmp", &[("/tmp", "/data")]).host()), ["/var/log"]);
    // By their paths if the host cannot tell.
    assert_eq!(cleaned(&everything(50).host()), ["/var/log", "/tmp"]);
}

#[test]
fn a_directory_behind_a_link_is_told() {
    let linked = Refusal::Invalid("/var/log leads through a symbolic link (/var/log to /data/log)".into());
    let host = host(50).refuses("ansai:files/files-probe.locate", linked).host();
    let why = given_up(&host);
    assert!(why.contains("/var/log to /data/log"), "{why}");
}

fn quarantines(held: Held) -> Quarantines {
    Quarantines { entries: vec![held], complete: true, skipped: 0 }
}

fn everything(available: u64) -> StandIn {
    let held = Held { mount: "/".into(), files: 1, bytes: 10, first_expires: 0, last_expires: u64::MAX };
    let journal = JournalUsage {
        about: Subject::new("journal", "/var/log/journal"),
        archived_bytes: 1 << 40,
        active_bytes: 1,
        archived_files: 1,
        active_files: 1,
        oldest: Some(0),
        mount: "/".into(),
        skipped: 0,
    };
    let path = "/var/cache/apt";
    let about = Subject::new("package-cache", path);
    let cache = Cache { about, manager: "apt".into(), path: path.into(), bytes: 9, files: 1, mount: "/".into() };
    let host = with_files(with_files(host(available), "/var/log", 5), "/tmp", 5)
        .answers_with(LIST, "**/*.log.*", listed("/var/log/a.log.1"))
        .answers_with(LIST, "[\"**/*.log\"]", listed("/var/log/idle.log"))
        .answers("ansai:files/files-probe.list-held", quarantines(held))
        .answers("ansai:journal/journal-probe.usage", journal)
        .answers("ansai:packages/package-cache-probe.list-caches", Caches { entries: vec![cache], skipped: 0 });
    promising(host, 10, 0, 1)
}

fn decide(host: &Host) -> Decision {
    let settings = settings(|_| {});
    let seen = detect(&settings, host).unwrap();
    let finding = seen.into_iter().find(|one| matches!(one.status, Status::Unhealthy(_))).unwrap();
    host.stand_in().forget_calls();
    plan(&settings, host, &finding).unwrap()
}

/// Calls of actions, with their important arguments.
fn steps(host: &Host) -> Vec<String> {
    host.stand_in().calls().iter().filter(|call| call.contains("-actions.")).map(|call| step(call)).collect()
}

fn step(call: &str) -> String {
    let (name, arguments) = call.split_once('(').unwrap();
    let verb = name.rsplit('.').next().unwrap();
    let field = |name: &str| {
        let (_, rest) = arguments.split_once(&format!("{name}: "))?;
        rest.split([',', '}']).next().map(|value| value.trim().trim_matches('"').to_owned())
    };
    match field("root") {
        None => format!("{verb} {}", arguments.rsplit_once(", \"").unwrap().0.replace('"', "")),
        Some(root) => {
            let from = field("cursor").filter(|cursor| cursor != "None");
            let from = from.map(|cursor| format!(" from {cursor}")).unwrap_or_default();
            format!("{verb} {root} {} {}{from}", field("max-files").unwrap(), field("enough-bytes").unwrap())
        }
    }
}

fn given_up(host: &Host) -> String {
    match decide(host) {
        Decision::GiveUp(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_steps_in_order_with_what_is_still_needed() {
    let host = everything(80).host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(
        steps(&host),
        [
            "reclaim /, 171",
            "clean-cache apt",
            "remove /var/log 0 151",
            "compress /var/log 0 141",
            "compress /var/log 0 131",
            "vacuum 104857600",
            "remove /tmp 0 111"
        ]
    );
}

#[test]
fn compresses_first_if_no_log_is_old_enough_to_remove() {
    let host = with_files(with_files(everything(80), "/var/log", 0), "/tmp", 0).host();
    decide(&host);
    assert_eq!(
        steps(&host),
        ["reclaim /, 171", "clean-cache apt", "compress /var/log 0 151", "compress /var/log 0 141", "vacuum 104857600"]
    );
}

#[test]
fn one_step_gives_up_quarantined_files_of_one_table() {
    let tables = r#"[{"roots": ["/var/log"]}, {"roots": ["/tmp"]}]"#;
    let host = everything(80).grants(QUARANTINE_ACTIONS, tables);
    let host =
        host.answers_with(RECLAIM, ", 171", preview(5, 0, 1)).answers_with(RECLAIM, ", 166", preview(0, 0, 0)).host();
    decide(&host);
    assert_eq!(steps(&host)[..3], ["reclaim /, 171", "reclaim /, 166", "clean-cache apt"]);
}

#[test]
fn stops_when_it_is_enough() {
    let host = everything(80).answers(CLEAN, preview(161, 0, 1)).host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(steps(&host), ["reclaim /, 171", "clean-cache apt"]);
}

#[test]
fn what_is_freed_later_counts_for_a_warning_only() {
    let later = |available| promising(everything(available), 0, 200, 1).host();
    let warning = later(180);
    decide(&warning);
    assert_eq!(steps(&warning), ["clean-cache apt"]);
    let critical = later(80);
    decide(&critical);
    assert_eq!(steps(&critical).len(), 7);
}

#[test]
fn quarantine_that_ends_soon_is_waited_for_at_a_warning() {
    let soon = StandIn::NOW + 2 * 3_600_000;
    let holding = |bytes| {
        let held = Held { mount: "/".into(), files: 1, bytes, first_expires: soon, last_expires: soon };
        everything(150).answers("ansai:files/files-probe.list-held", quarantines(held))
    };
    let decision = decide(&holding(101).host());
    assert_eq!(decision, Decision::Wait("quarantine frees 101 B within 2 h".into()));
    // The quarantine frees less than needed, so the rest is proposed.
    let host = holding(95).answers(CLEAN, preview(6, 0, 1)).host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(steps(&host), ["clean-cache apt"]);
}

#[test]
fn nothing_granted_gives_up_and_says_what_to_grant() {
    let host = listing(vec![filesystem("/", 1000, 80)]).host();
    let why = given_up(&host);
    for words in ["package-cache-probe is not granted", "files-actions is not granted", "grant ansai:files/files-probe"]
    {
        assert!(why.contains(words), "{why}");
    }
    assert!(steps(&host).is_empty());
}

#[test]
fn a_refusal_is_explained_and_does_not_stop_the_rest() {
    let denied = || Refusal::Denied("no grant covers it".into());
    assert_eq!(decide(&everything(80).refuses(REMOVE, denied()).host()), Decision::Apply(OnFailure::Stop));
    let why = given_up(&ACTIONS.into_iter().fold(everything(80), |host, action| host.refuses(action, denied())).host());
    assert!(why.contains("remove /tmp: denied: no grant covers it"), "{why}");
}

#[test]
fn files_that_are_too_young_are_counted() {
    let young = |host: StandIn, root: &str, files: u64| {
        // The query for files of any age has an age of 0, after the last pattern that it excludes.
        with_files(host, root, 0).answers_with(
            MEASURE,
            match root {
                "/tmp" => "\"**/*.pid\"], min-age-hours: 0",
                _ => "\"**/Maildir/**\"], min-age-hours: 0",
            },
            usages(root, files, files),
        )
    };
    let host = young(young(host(80), "/tmp", 16), "/var/log", 1).host();
    let why = given_up(&host);
    let expected = "nothing eligible to clean (1 file in /var/log younger than 30 d, 16 files in /tmp younger than 7 d); / is 92 % full";
    assert!(why.starts_with(expected), "{why}");
}

/// In the host's report, steps on files are about their file system; the arguments name the directory.
fn result(action: &str, about: &str, root: &str, outcome: Outcome) -> StepResult {
    let (about, detail) = (Subject::new("filesystem", about), "freed 3 bytes".into());
    let arguments = format!(r#"{{"what":{{"root":"{root}"}},"reason":"full"}}"#);
    let (action, measures) = (action.into(), vec![]);
    StepResult { step: 0, action, arguments, about, outcome, reason: None, detail, measures }
}

fn attempt(steps: Vec<StepResult>) -> Attempt {
    testing::attempt("/", steps)
}

#[test]
fn a_step_that_failed_is_not_repeated() {
    let mut last = attempt(vec![
        result(RECLAIM, "/", "/", Outcome::Done),
        result(CLEAN, "/var/cache/apt", "", Outcome::Refused),
        result(REMOVE, "/", "/var/log", Outcome::Failed),
        result(COMPRESS, "/", "/var/log", Outcome::Done),
        result(COMPRESS, "/", "/var/log", Outcome::Done),
        result(VACUUM, "/var/log/journal", "", Outcome::Failed),
        result(REMOVE, "/", "/tmp", Outcome::Failed),
    ]);
    // It failed for only some of its files.
    last.steps[6].measures = vec![Measure::bytes("freed-bytes", 7)];
    let expected = ["reclaim /, 171", "compress /var/log 0 161", "compress /var/log 0 151", "remove /tmp 0 141"];
    let second = everything(80).with_attempt(last.clone()).host();
    decide(&second);
    assert_eq!(steps(&second), expected);
    let done = attempt(vec![result(RECLAIM, "/", "/", Outcome::Done)]);
    let third = everything(80).with_attempt(last).with_attempt(done).host();
    decide(&third);
    assert_eq!(steps(&third), expected);
}

#[test]
fn next_to_nothing_after_an_attempt_is_given_up_with_reasons() {
    let directory = |path: &str, bytes| usages(path, 1, bytes).entries.remove(0);
    let largest = Usages {
        entries: vec![directory("/var/log/app", 700), directory("/var/log/web", 100)],
        complete: true,
        skipped: 0,
        cursor: None,
    };
    let unit = Some(Subject::new("unit", "app.service"));
    let java = Holder { about: unit, process: "java".into(), pid: 42, identity: "7@boot".into() };
    let deleted = DeletedFile {
        path: "/var/log/app/old.log".into(),
        bytes: 50,
        mount: "/".into(),
        holders: vec![java],
        more_holders: 3,
    };
    let host = promising(everything(80), 1, 0, 1)
        .with_attempt(attempt(vec![result(REMOVE, "/", "/var/log", Outcome::Done)]))
        .answers_with(LARGEST, "(\"/var/log\", 1,", largest)
        .remembers("directories:/var/log", r#"{"at":1,"values":{"/var/log/app":300}}"#)
        .answers(
            "ansai:files/files-probe.list-deleted-open",
            DeletedFiles { entries: vec![deleted], complete: true, skipped: 0 },
        )
        .host();
    let why = given_up(&host);
    for words in [
        "cleaning would free only 7 B of the 171 B needed",
        "tried: remove / (done: freed 3 bytes)",
        "largest: /var/log/app with 700 B, /var/log/web with 100 B",
        "grown since last healthy: /var/log/app by 400 B",
        "50 B of /var/log/app/old.log held open by app.service (java, pid 42) and 3 more",
        "quarantine holds 10 B",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[test]
fn a_quarantine_that_cannot_be_read_is_not_empty() {
    let unreadable = |host: StandIn| {
        let nothing = Quarantines { entries: vec![], complete: false, skipped: 1 };
        host.answers("ansai:files/files-probe.list-held", nothing)
    };
    let why = given_up(&unreadable(host(80)).host());
    assert!(why.contains("what quarantine holds is unknown: not all of it can be read"), "{why}");
    // Its bytes are unknown, so nothing is given up or waited for.
    let host = unreadable(everything(80)).host();
    decide(&host);
    assert_eq!(steps(&host)[0], "clean-cache apt");
}

#[test]
fn what_is_measured_excludes_what_a_step_excludes() {
    let host = everything(80).host();
    decide(&host);
    let calls = host.stand_in().calls();
    let excluded = |call: &String| {
        let (_, rest) = call.split_once("exclude: ").unwrap();
        rest.split_once(", min-age-hours").unwrap().0.to_owned()
    };
    let of = |name: &str| {
        let call = calls.iter().find(|call| call.starts_with(name) && call.contains("root: \"/tmp\""));
        excluded(call.unwrap())
    };
    assert_eq!(of(MEASURE), of(REMOVE));
    assert!(of(REMOVE).contains("**/ssh-*/**"));
}

#[test]
fn without_inodes_as_much_of_the_quarantine_as_is_granted_is_given_up() {
    let mut full = filesystem("/", 1000, 900);
    full.inodes = Some(Inodes { total: 1000, free: 50 });
    let listed = crate::imports::ansai::disk::disk_probe::Filesystems { entries: vec![full], skipped: 0 };
    let host = everything(900).answers("ansai:disk/disk-probe.list-filesystems", listed).host();
    decide(&host);
    assert_eq!(steps(&host)[0], "reclaim /, 0");
}

#[test]
fn inodes_take_the_most_files_first() {
    let mut full = filesystem("/", 1000, 900);
    full.inodes = Some(Inodes { total: 1000, free: 150 });
    let entries = vec![full];
    let host = with_files(with_files(everything(900), "/var/log", 3), "/tmp", 50)
        .answers(
            "ansai:disk/disk-probe.list-filesystems",
            crate::imports::ansai::disk::disk_probe::Filesystems { entries, skipped: 0 },
        )
        .answers(REMOVE, preview(1, 0, 40))
        .host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(steps(&host), ["remove /tmp 101 0", "remove /var/log 61 0"]);
}

/// Would break: an empty file that goes to quarantine, where it keeps its inode, counts as freed.
#[test]
fn empty_files_in_quarantine_free_no_inode() {
    let second_step = |reversible| {
        let mut full = filesystem("/", 1000, 900);
        full.inodes = Some(Inodes { total: 1000, free: 50 });
        let listed = crate::imports::ansai::disk::disk_probe::Filesystems { entries: vec![full], skipped: 0 };
        let host = with_files(with_files(everything(900), "/var/log", 3), "/tmp", 50)
            .answers("ansai:disk/disk-probe.list-filesystems", listed)
            .answers(RECLAIM, preview(0, 0, 0))
            .answers(REMOVE, Preview { reversible, ..preview(0, 0, 40) })
            .host();
        decide(&host);
        steps(&host).last().cloned()
    };
    assert_eq!(second_step(Reversibility::None).as_deref(), Some("remove /var/log 161 0"));
    assert_eq!(second_step(Reversibility::Fully).as_deref(), Some("remove /var/log 201 0"));
}

#[test]
fn a_forecast_is_advice_and_removes_nothing() {
    let host = everything(250).host();
    let status = Status::Unhealthy(Severity::Notice);
    let finding = Observation::new("/", Subject::new("filesystem", "/"), status, "full in 9 h");
    let decision = plan(&settings(|_| {}), &host, &finding);
    assert!(matches!(&decision, Ok(Decision::Recommend(list)) if list[0].summary == "full in 9 h"), "{decision:?}");
    assert!(steps(&host).is_empty());
}

#[test]
fn a_finding_that_is_over_needs_nothing() {
    let settings = settings(|_| {});
    let finding = detect(&settings, &everything(80).host()).unwrap().remove(0);
    assert!(matches!(plan(&settings, &everything(300).host(), &finding), Ok(Decision::Wait(_))));
    assert!(matches!(plan(&settings, &listing(vec![]).host(), &finding), Err(Failure::CouldNotTell(_))));
}

#[test]
fn a_root_too_large_for_one_scan_is_covered_by_several_plans() {
    let part = |files, cursor: Option<&str>| Usages {
        complete: cursor.is_none(),
        cursor: cursor.map(str::to_owned),
        ..usages("/tmp", files, files)
    };
    let only_tmp = r#"{"roots": ["/tmp"], "min_age_hours": 24}"#;
    let scanning = |items, place: Option<String>| {
        let host = host(80)
            .grants(FILES_PROBE, only_tmp)
            .grants(FILES_ACTIONS, only_tmp)
            .answers_with(MEASURE, "None)", part(0, Some("1")))
            .answers_with(MEASURE, "Some(\"1\"))", part(7, Some("2")))
            .answers_with(MEASURE, "Some(\"2\"))", part(0, None))
            .answers(REMOVE, preview(items * 30, 0, items));
        let host = place.iter().fold(host, |host, place| host.remembers("place:temporary:/tmp", place)).host();
        let decision = decide(&host);
        (decision, steps(&host), host.recall("place:temporary:/tmp"))
    };
    let (decision, asked, place) = scanning(0, None);
    assert!(matches!(&decision, Decision::Wait(why) if why.contains("/tmp")), "{decision:?}");
    assert_eq!(asked, ["remove /tmp 0 171"]);
    // The second scan found some, so the step starts there.
    let (decision, asked, place) = scanning(7, place);
    assert_eq!(decision, Decision::Apply(OnFailure::Stop));
    assert_eq!(asked, ["remove /tmp 0 171 from Some(\"1\")"]);
    // The last scan ends the round; only now nothing is left to try.
    let (decision, asked, place) = scanning(0, place);
    assert!(matches!(decision, Decision::GiveUp(_)), "{decision:?}");
    assert_eq!(asked, ["remove /tmp 0 171 from Some(\"2\")"]);
    let (decision, asked, _) = scanning(0, place);
    assert!(matches!(decision, Decision::Wait(_)), "{decision:?}");
    assert_eq!(asked, ["remove /tmp 0 171"]);
}
