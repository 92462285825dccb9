//! Compares the pages about `policy.toml` and `ansai.toml` with the parser: every table lists exactly its keys,
//! defaults and bounds are those of the code, and the examples parse.

use std::path::Path;

use ansai_config::{Diagnostics, HostConfig, LimitsChange, Manifest};
use ansai_core::{Bytes, Limits, RetryPolicy, Shares};

/// A key that resembles none, so that the message lists all known keys.
const UNKNOWN: &str = "qqqqqqqqqqqqqqqq = 1";

/// Headings of a page, each with a document that has an unknown key in the described table.
const MANIFEST: &[(&str, &str)] = &[
    ("The manifest", "UNKNOWN"),
    ("`[schedule]`", "[schedule]\nUNKNOWN"),
    ("`[attempts]`", "[attempts]\nUNKNOWN"),
    ("`[[stage]]`", "[[stage]]\nname = \"a\"\nUNKNOWN"),
    ("`[capabilities.\"…\"]`", "[capabilities.\"ansai:disk/disk-probe\"]\nUNKNOWN"),
    ("`[limits]`", "[limits]\nUNKNOWN"),
    ("`[settings]`", "[settings]\nUNKNOWN"),
];
const HOST: &[(&str, &str)] = &[
    ("The configuration", "UNKNOWN"),
    ("`[daemon]`", "[daemon]\nUNKNOWN"),
    ("`[control]`", "[control]\nUNKNOWN"),
    ("`[audit]`", "[audit]\nUNKNOWN"),
    ("`[audit.export]`", "[audit.export]\nUNKNOWN"),
    ("`[notify]`", "[notify]\nUNKNOWN"),
    ("`[[notify.route]]`", "[[notify.route]]\nchannels = []\nUNKNOWN"),
    ("`[index]`", "[index]\nUNKNOWN"),
    ("`[host]`", "[host]\nUNKNOWN"),
    ("`[registry]`", "[registry]\nUNKNOWN"),
    ("`[[trust]]`", "[[trust]]\nnames = [\"a/*\"]\nkeys = [\"a\"]\nUNKNOWN"),
    ("`[target.NAME]`", "[target.a]\nkind = \"b\"\nUNKNOWN"),
    ("`[hook.NAME]`", "[hook.a]\ndoes = \"reads\"\nurl = \"http://127.0.0.1/\"\nUNKNOWN"),
    ("`[policy.NAME]`", "[policy.a]\nUNKNOWN"),
    ("`[policy.NAME.attempts]`", "[policy.a.attempts]\nUNKNOWN"),
    ("`[policy.NAME.incidents]`", "[policy.a.incidents]\nUNKNOWN"),
    ("`[policy.NAME.stages]`", "[[policy.a.stages]]\nname = \"a\"\nUNKNOWN"),
    ("`[policy.NAME.share]`", "[policy.a.share]\nUNKNOWN"),
    ("`[policy.NAME.target.TARGET]`", "[policy.a.target.b]\nUNKNOWN"),
];

type Parse = fn(&str) -> Result<(), Diagnostics>;

fn manifest(text: &str) -> Result<(), Diagnostics> {
    Manifest::parse("policy.toml", text, &ansai_host_functions::builtin().interfaces()).map(|_| ())
}

fn host(text: &str) -> Result<(), Diagnostics> {
    HostConfig::parse("ansai.toml", text, &ansai_host_functions::builtin().interfaces()).map(|_| ())
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// Cells of the table below a heading, row by row, without its header.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// The keys that the parser's message lists for the unknown key.
fn known(parse: Parse, document: &str) -> Vec<String> {
    let problems = parse(&document.replace("UNKNOWN", UNKNOWN)).unwrap_err();
    let entries = problems.entries();
    let entry = entries.iter().find(|entry| entry.message.contains("qqqqqqqqqqqqqqqq")).unwrap();
    let hint = entry.hint.as_deref().unwrap().strip_prefix("known here: ").unwrap();
    assert!(!hint.contains(" more"), "the hint names them all: {hint}");
    hint.split(", ").map(|key| code(key).to_owned()).collect()
}

#[test]
fn each_table_has_the_keys_that_the_parser_knows() {
    for (name, parse, places) in
        [("policy-toml.md", manifest as Parse, MANIFEST), ("ansai-toml.md", host as Parse, HOST)]
    {
        let page = page(name);
        for (heading, document) in places {
            let told: Vec<String> = table(&page, heading).iter().map(|row| code(&row[0]).to_owned()).collect();
            let mut known = known(parse, document);
            let mut sorted = told.clone();
            sorted.sort();
            known.sort();
            assert_eq!(sorted, known, "{name}, {heading}");
        }
    }
}

#[test]
fn examples_parse() {
    for (name, parse) in [("policy-toml.md", manifest as Parse), ("ansai-toml.md", host as Parse)] {
        let page = page(name);
        let shown = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let count = shown.map(|text| parse(text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"))).count();
        assert!(count > 0);
    }
}

#[test]
fn defaults_and_bounds_of_limits_are_those_of_the_code() {
    let rows = table(&page("policy-toml.md"), "`[limits]`");
    let lines: Vec<String> = rows.iter().map(|row| format!("{} = {}", code(&row[0]), code(&row[1]))).collect();
    let begin = "name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\n[limits]\n";
    let read = Manifest::parse("policy.toml", &format!("{begin}{}", lines.join("\n")), &[]).unwrap();
    let others = Limits {
        memory_bytes: Bytes::new(1),
        fuel: 1,
        deadline_ms: 1,
        call_deadline_ms: 1,
        calls: 1,
        argument_bytes: Bytes::new(1),
        reply_bytes: Bytes::new(1),
        proposals: 1,
        observations: 1,
        series: 1,
    };
    assert_eq!(read.limits.over(others), Limits::default());
    for row in rows {
        let key = code(&row[0]);
        // A value far out of bounds, in the format of the key.
        let value =
            if key.ends_with("deadline") { serde_json::json!("400 days") } else { serde_json::json!(u64::MAX >> 1) };
        let problems = LimitsChange::from_json(&serde_json::json!({ key: value }), "limits").unwrap_err();
        assert!(problems[0].1.ends_with(&format!("must be from {}", row[2])), "{key}: {} {problems:?}", row[2]);
    }
}

#[test]
fn defaults_of_attempts_are_those_of_the_code() {
    let rows = table(&page("ansai-toml.md"), "`[policy.NAME.attempts]`");
    // The default of one key is in the manifest.
    let (own, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[1].starts_with('`'));
    let lines: Vec<String> = own.iter().map(|row| format!("{} = {}", code(&row[0]), code(&row[1]))).collect();
    let read = HostConfig::parse("ansai.toml", &format!("[policy.a.attempts]\n{}", lines.join("\n")), &[]).unwrap();
    assert_eq!(read.policies["a"].attempts, RetryPolicy::default());
    assert_eq!((own.len(), others.len(), code(&others[0][0])), (3, 1, "verify_within"));
}

#[test]
fn defaults_of_shares_are_those_of_the_code() {
    let rows = table(&page("ansai-toml.md"), "`[policy.NAME.share]`");
    // The default of one key is a limit.
    let (own, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[1].starts_with('`'));
    let lines: Vec<String> = own.iter().map(|row| format!("{} = {}", code(&row[0]), code(&row[1]))).collect();
    let read = HostConfig::parse("ansai.toml", &format!("[policy.a.share]\n{}", lines.join("\n")), &[]).unwrap();
    assert_eq!(read.policies["a"].shares, Shares::default());
    assert_eq!((own.len(), others.len(), code(&others[0][0])), (6, 1, "open_incidents"));
    for wrong in ["processor_percent = 0", "audit_bytes = \"1KiB\"", "plans = 1", "notices = \"many\""] {
        assert!(host(&format!("[policy.a.share]\n{wrong}")).is_err(), "{wrong}");
    }
}
