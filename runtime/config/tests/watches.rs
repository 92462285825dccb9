//! `watch`: what wakes a policy, in the manifest and in the configuration.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod fixtures;

use ansai_config::{HostConfig, Manifest};
use ansai_core::watch::{LogMatch, Pressure, Priority, Resource, Watch};
use ansai_core::{Code, Millis, codes};
use fixtures::INTERFACES;

fn of_operator(list: &str) -> Result<Option<Vec<Watch>>, ansai_config::Diagnostics> {
    let text = format!("[policy.a]\nwatch = {list}\n");
    HostConfig::parse("ansai.toml", &text, INTERFACES).map(|config| config.policies["a"].watches.clone())
}

fn manifest(list: &str) -> String {
    format!("name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\nwatch = {list}\n")
}

#[test]
fn watches_are_read_and_survive_being_embedded() {
    let list = r#"[
        { file = "/etc/hosts" },
        { directory = "/" },
        { pressure = "memory", stall = "150ms" },
        { pressure = "io", stall = "1s", window = "10s" },
        { unit = "*.service" },
        { log = "nginx.service" },
        { log = "getty@tty1.service", priority = "warning" },
    ]"#;
    let pressure =
        |of, stall, window| Watch::Pressure(Pressure { of, stall: Millis::new(stall), window: Millis::new(window) });
    let log = |unit: &str, priority| Watch::Log(LogMatch { unit: unit.into(), priority });
    let expected = vec![
        Watch::File("/etc/hosts".into()),
        Watch::Directory("/".into()),
        pressure(Resource::Memory, 150, 2_000),
        pressure(Resource::Io, 1_000, 10_000),
        Watch::Unit("*.service".into()),
        log("nginx.service", Priority::Err),
        log("getty@tty1.service", Priority::Warning),
    ];
    assert_eq!(of_operator(list).unwrap(), Some(expected.clone()));
    let read = Manifest::parse("policy.toml", &manifest(list), INTERFACES).unwrap();
    assert_eq!(read.watches, expected);
    assert_eq!(Manifest::from_json("embedded", &read.to_json().to_string(), INTERFACES).unwrap(), read);
}

/// Would break: an empty list that is the same as none.
#[test]
fn the_operator_can_switch_them_off() {
    assert_eq!(of_operator("[]").unwrap(), Some(vec![]));
    let none = HostConfig::parse("ansai.toml", "[policy.a]\n", INTERFACES).unwrap();
    assert_eq!(none.policies["a"].watches, None);
}

#[test]
fn each_mistake_has_its_code_place_and_hint() {
    let many: String = (0..17).map(|number| format!("{{ file = \"/a{number}\" }}, ")).collect();
    let cases: &[(&str, Code, &str)] = &[
        // An unknown kind.
        (
            r#"[{ socket = "/run/a" }]"#,
            codes::UNKNOWN_KEY,
            "known here: `file`, `directory`, `pressure`, `unit`, `log`",
        ),
        (r#"[{ fiel = "/a" }]"#, codes::UNKNOWN_KEY, "did you mean `file`?"),
        (r#"[{ pressure = "disk", stall = "1s" }]"#, codes::UNKNOWN_WORD, ""),
        (r#"[{ file = "/a", directory = "/b" }]"#, codes::BAD_WATCH, "such as"),
        ("[{}]", codes::BAD_WATCH, "such as"),
        (r#"[{ file = "/a" }, { file = "/a" }]"#, codes::BAD_WATCH, "delete the line"),
        (r#"[{ file = "/a", stall = "1s" }]"#, codes::BAD_WATCH, "delete it"),
        (r#"[{ file = "a" }]"#, codes::BAD_PATH, "such as"),
        (r#"[{ directory = "/a/../b" }]"#, codes::BAD_PATH, "such as"),
        (r#"[{ file = "/" }]"#, codes::BAD_PATH, "such as"),
        (r#"[{ unit = "nginx" }]"#, codes::BAD_WATCH, "nginx.service"),
        (r#"[{ unit = ".service" }]"#, codes::BAD_WATCH, "nginx.service"),
        (r#"[{ unit = "a b.service" }]"#, codes::BAD_WATCH, "nginx.service"),
        (r#"[{ unit = "[.service" }]"#, codes::BAD_WATCH, "nginx.service"),
        (r#"[{ unit = "a.service", window = "1s" }]"#, codes::BAD_WATCH, "delete it"),
        (r#"[{ log = "*.service" }]"#, codes::BAD_WATCH, "nginx.service"),
        (r#"[{ log = "a.service", priority = "bad" }]"#, codes::UNKNOWN_WORD, ""),
        (r#"[{ file = "/a", priority = "err" }]"#, codes::BAD_WATCH, "delete it"),
        (r#"[{ pressure = "io" }]"#, codes::MISSING_KEY, "stall ="),
        (r#"[{ pressure = "io", stall = "3s" }]"#, codes::OUT_OF_RANGE, "cannot wait longer"),
        (r#"[{ pressure = "io", stall = "1s", window = "1m" }]"#, codes::OUT_OF_RANGE, ""),
        (r#"{ file = "/a" }"#, codes::WRONG_TYPE, "such as"),
        (r#"["/a"]"#, codes::WRONG_TYPE, ""),
    ];
    let many = format!("[{many}]");
    let many = [(many.as_str(), codes::TOO_MANY_ENTRIES, "watch a directory")];
    for (list, code, hint) in cases.iter().chain(&many) {
        let of_author = Manifest::parse("policy.toml", &manifest(list), INTERFACES).unwrap_err();
        for problems in [of_operator(list).unwrap_err(), of_author] {
            let entries = problems.entries();
            assert_eq!(entries.len(), 1, "{list}: {problems:?}");
            assert_eq!(entries[0].code, *code, "{list}");
            assert!(entries[0].line > 1, "{list}");
            assert!(entries[0].hint.as_deref().unwrap_or_default().contains(hint), "{list}: {:?}", entries[0].hint);
        }
    }
}
