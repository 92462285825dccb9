//! What the contract cannot hold is a failure that names the field, in every language; so are exceptions, with their line,
//! and what a policy does not have. Without the code that surrounds a policy, these end as bare traps or as other values.

use ansai_devkit::scenario::{Scenario, run};

use crate::example::{built, change, copy, subject, told};
use crate::project::Project;

/// What `detect` does with the setting `directory`, and words of the failure.
type Cases = &'static [(&'static str, &'static [&'static str])];

fn scenario(directory: &str, inodes: u64) -> String {
    format!(
        "description = \"a\"\n[settings]\ndirectory = \"/{directory}\"\n[[reply]]\ncall = \
         \"ansai:disk/disk-probe.list-filesystems\"\n[reply.ok]\nskipped = 0\n[[reply.ok.entries]]\nabout = {{ kind = \
         \"filesystem\", name = \"/\" }}\nmount = \"/\"\nkind = \"ceph\"\ndevice = \"a\"\nread-only = false\nremote = \
         false\ntotal-bytes = 100\navailable-bytes = 50\nreserved-bytes = 0\ninodes = {{ total = {inodes}, free = 0 \
         }}\n[expect]\nfailure = {{ invalid-settings = \"none\" }}\n"
    )
}

fn check(name: &str, words: &[&str], problems: &str) {
    eprintln!("{name}: {problems}");
    assert!(!problems.is_empty() && !problems.contains("trap"), "{name}: {problems}");
    for word in words {
        assert!(problems.contains(word), "{name}: no {word:?} in {problems}");
    }
}

fn all_fail(project: &Project, cases: Cases) {
    std::fs::remove_dir_all(project.path().join("scenarios")).unwrap();
    std::fs::create_dir(project.path().join("scenarios")).unwrap();
    for (name, _) in cases {
        std::fs::write(project.path().join(format!("scenarios/{name}.toml")), scenario(name, 1)).unwrap();
    }
    let ran = project.scenarios();
    for (name, words) in cases {
        check(name, words, &told(&ran.iter().find(|(found, _)| found == name).unwrap().1));
    }
}

const JAVASCRIPT: Cases = &[
    ("surrogate", &["observations[0].summary is ", "valid Unicode"]),
    ("surrogate-key", &["observations[0].key is "]),
    ("fraction", &["observations[0].evidence[0].value.val is 1.5; it must be an integer"]),
    ("negative", &["value.val is -1"]),
    ("nan-count", &["value.val is NaN; it must be an integer"]),
    ("two64", &["value.val is 18446744073709552000"]),
    ("bigint", &["value.val is the BigInt 5"]),
    ("infinite", &["value.val is Infinity; it must be a finite number"]),
    ("distance", &["observations[0].distance is NaN"]),
    ("undefined-summary", &["observations[0].summary is undefined; it must be a string"]),
    ("number-summary", &["observations[0].summary is 42"]),
    ("no-key", &["observations[0].key is undefined"]),
    ("no-about", &["observations[0].about is null; it must be an object"]),
    ("hole", &["observations[0] is undefined"]),
    ("bad-status", &["observations[0].status is ", "sick"]),
    ("bad-tag", &["observations[0].status.tag is ", "gone"]),
    ("bad-severity", &["observations[0].status.val is ", "critical"]),
    ("bad-unit", &["observations[0].evidence[0].unit is "]),
    ("null-evidence", &["observations[0].evidence is null; it must be a list"]),
    ("bad-relation", &["observations[0].related[1].how is "]),
    ("nothing", &["observations is undefined; it must be a list"]),
    ("promise", &["detect returns a promise", "async"]),
    ("async-throw", &["detect returns a promise"]),
    ("throw-text", &["plain text", "was thrown"]),
    ("throw-null", &["null was thrown"]),
    ("throw-object", &["a", "was thrown"]),
    ("throw-circular", &["an object was thrown"]),
    ("throw-error", &["TypeError: boo \u{fffd} (", "policy.js line 13)"]),
    ("payload", &["dreadful", "could-not-tell"]),
    ("argument", &["TypeError: "]),
    ("bad-argument", &["write: level is ", "policy.js line 16)"]),
    ("date", &["Date.now is not available", "evaluation.now", "policy.js line 17)"]),
    ("new-date", &["new Date() is not available", "evaluation.now"]),
    ("console", &["console", "write", "policy.js line 19)"]),
    ("timer", &["setTimeout", "evaluation.lookAgain"]),
    ("fetch", &["fetch", "call a probe"]),
    ("random", &["Math.random is not available"]),
    ("own", &["no files: nobody said \u{fffd}"]),
];

#[test]
fn of_javascript() {
    let Some(project) = crate::javascript::javascript("crossing::of_javascript") else { return };
    std::fs::write(project.path().join("policy.js"), include_str!("crossing/policy.js")).unwrap();
    all_fail(&project, JAVASCRIPT);
}

/// Some network file systems report 2^64 - 1 inodes. The glue gives them as -1.
#[test]
fn large_counts_reach_a_policy_in_javascript() {
    let Some(project) = crate::javascript::javascript("crossing::large_counts…") else { return };
    std::fs::write(project.path().join("policy.js"), include_str!("crossing/policy.js")).unwrap();
    let built = project.build().unwrap();
    let subject = subject(&built);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (inodes, shown) in [
        (u64::MAX, "18446744073709552000"),
        (1 << 63, "9223372036854776000"),
        ((1 << 63) - 1, "9223372036854776000"),
        (1 << 53, "9007199254740992"),
        (0, "0"),
    ] {
        let scenario = Scenario::parse("inline.toml", &scenario("inodes", inodes)).unwrap();
        let problems = told(&runtime.block_on(run(&subject, &scenario)).unwrap());
        assert!(problems.contains(&format!("\"summary\": \"{shown} number\"")), "{inodes}: {problems}");
    }
}

const PYTHON: Cases = &[
    ("surrogate", &["observations[0].summary is ", "lone surrogates"]),
    ("negative", &["observations[0].evidence[0].value.value is -1; it must be an integer"]),
    ("fraction", &["value.value is 1.5"]),
    ("two64", &["value.value is 18446744073709551616"]),
    ("truth", &["value.value is True; it must be an integer"]),
    ("nan", &["value.value is nan; it must be a finite number"]),
    ("distance", &["observations[0].distance is inf"]),
    ("none-summary", &["observations[0].summary is None; it must be a string"]),
    ("int-summary", &["observations[0].summary is 42"]),
    ("bad-status", &["observations[0].status is ", "one of Status_Healthy"]),
    ("bad-severity", &["observations[0].status.value is 'critical'; it must be one of Severity.NOTICE"]),
    ("none", &["observations is None; it must be a list"]),
    ("tuple", &["observations is a tuple; it must be a list"]),
    ("generator", &["observations is a generator"]),
    ("dict", &["observations[0] is a dict; it must be of the class Observation"]),
    ("async", &["detect is asynchronous: remove `async`"]),
    ("exit", &["SystemExit: 3", "policy.py line "]),
    ("keyboard", &["KeyboardInterrupt"]),
    ("raise-surrogate", &["ValueError: boo ", "(boom, policy.py line 24)"]),
    ("deep", &["RecursionError"]),
    ("argument", &["list_filesystems takes no arguments"]),
    ("bad-argument", &["write: level is 'loud'; it must be one of Level."]),
    ("missing-argument", &["write: message is missing"]),
    ("open", &["open is not available", "probes", "policy.py line "]),
    ("path", &["open is not available"]),
    ("print", &["print is not available: use `log.write`"]),
    ("stderr", &["sys.stderr is not available"]),
    ("input", &["input is not available"]),
    ("time", &["time.time is not available", "evaluation.now"]),
    ("from-time", &["time.time is not available"]),
    ("sleep", &["time.sleep is not available", "look_again"]),
    ("localtime", &["time.localtime is not available"]),
    ("datetime", &["datetime.now is not available", "evaluation.now"]),
    ("today", &["is not available", "evaluation.now"]),
    ("listdir", &["os.listdir is not available"]),
    ("exists", &["os.stat is not available"]),
    ("urandom", &["os.urandom is not available: a policy has no random numbers"]),
];

#[test]
fn of_python() {
    let Some(project) = Project::copy("examples/disk-space-python", "crossing::of_python") else { return };
    std::fs::write(project.path().join("policy.py"), include_str!("crossing/policy.py")).unwrap();
    all_fail(&project, PYTHON);
}

const C: Cases = &[
    ("nothing", &["plan returned true without a decision"]),
    ("no-failure", &["plan returned false without a failure"]),
    ("text", &["decision.wait is not valid UTF-8"]),
    ("recommended", &["decision.recommend[0].detail is not valid UTF-8"]),
    ("tag", &["decision is none of the contract's cases"]),
    ("on-failure", &["decision.apply is none of the contract's cases"]),
    ("failure-text", &["plan: the text of the failure is not valid UTF-8"]),
    ("detect-key", &["observations[0].key is not valid UTF-8"]),
    ("detect-about", &["observations[0].about.name is not valid UTF-8"]),
    ("detect-unit", &["observations[0].evidence[0].unit is none of the contract's cases"]),
    ("detect-number", &["observations[0].evidence[0].value is not a finite number"]),
    ("detect-evidence", &["observations[0].evidence[1].value is not valid UTF-8"]),
    ("detect-severity", &["observations[0].status is none of the contract's cases"]),
    ("detect-related", &["observations[0].related[0].how is none of the contract's cases"]),
    ("detect-no-failure", &["detect returned false without a failure"]),
];

#[test]
fn of_c() {
    let dir = copy("disk-space-c");
    std::fs::write(dir.path().join("policy.c"), include_str!("crossing/policy.c")).unwrap();
    let Some(built) = built("crossing::of_c", dir.path()) else { return };
    let subject = subject(&built);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (name, words) in C {
        let plan = "[[expect.observations]]\nkey = \"k\"\n[[expect.plan]]\nfinding = \"k\"\ndecision = { give-up = \"a\" }\nsteps = []\n";
        let detects = scenario(name, 1);
        let text = match name.strip_prefix("detect-") {
            Some(_) => detects,
            None => detects.split_once("[expect]").unwrap().0.to_owned() + plan,
        };
        let scenario = Scenario::parse("inline.toml", &text).unwrap();
        check(name, words, &told(&runtime.block_on(run(&subject, &scenario)).unwrap()));
    }
}

const GO: Cases = &[
    ("panic", &["the policy panicked: a\u{fffd}b (", "policy.go line "]),
    ("summary", &["observations[0].Summary is not valid UTF-8"]),
    ("evidence", &["observations[0].Evidence[1].Value is not valid UTF-8"]),
    ("status", &["observations[0].Status is not valid UTF-8"]),
    ("number", &["observations[0].Evidence[0].Value is not a finite number"]),
    ("distance", &["observations[0].Distance is not a finite number"]),
    ("failure", &["the text of the failure is not valid UTF-8: a\u{fffd}b"]),
    ("error", &["a\u{fffd}b"]),
    ("argument", &["an argument is not valid UTF-8: ", "policy.go line "]),
];

#[test]
fn of_go() {
    let dir = copy("disk-space-go");
    let detect = include_str!("crossing/detect.go").to_owned() + "\nfunc detected() (";
    change(&dir, "policy.go", "func Detect() (", &detect);
    let Some(built) = built("crossing::of_go", dir.path()) else { return };
    let (subject, runtime) =
        (subject(&built), tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    for (name, words) in GO {
        let scenario = Scenario::parse("inline.toml", &scenario(name, 1)).unwrap();
        check(name, words, &told(&runtime.block_on(run(&subject, &scenario)).unwrap()));
    }
}
