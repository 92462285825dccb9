//! `list-processes`.

use ansai_core::Refusal;
use serde_json::{Value, json};

use crate::scene::{BOOT, FakeProcess, Files, call, everything};

fn list(host: &Files, by: &str, unit: Option<&str>, cursor: Option<&str>) -> Result<Value, Refusal> {
    let arguments = json!({ "by": by, "unit": unit, "cursor": cursor });
    call(&host.host(), &everything(), "process-probe.list-processes", &arguments)
}

fn pids(page: &Value) -> Vec<u64> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["pid"].as_u64().unwrap()).collect()
}

const WEB: &str = "0::/system.slice/web.service\n";

fn process<'a>(pid: u32, name: &'a str, anonymous_kib: u64, cgroup: &'a str) -> FakeProcess<'a> {
    FakeProcess { pid, name, started: 500, anonymous_kib, cgroup }
}

#[test]
fn processes_are_told_with_identity_and_unit_and_without_command_lines() {
    let host = Files::new(&[]);
    host.process(&process(8, "web", 50, WEB));
    host.write("proc/8/cmdline", "web\0--password=hunter22\0");
    host.write("proc/8/environ", "TOKEN=hunter22\0");
    let page = list(&host, "memory", None, None).unwrap();
    let expected = json!({
        "about": { "kind": "unit", "name": "web.service" },
        "identity": format!("8.500@{BOOT}"),
        "pid": 8,
        "name": "web",
        "state": "sleeping",
        "user": 33,
        "started": 1_000_005_000,
        "resident-bytes": 150 * 1_024,
        "anonymous-bytes": 50 * 1_024,
        "swapped-bytes": 8 * 1_024,
        "cpu": 2_000,
        "threads": 3,
        "open-files": 1,
    });
    assert_eq!(page, json!({ "entries": [expected], "skipped": 0, "complete": true, "cursor": null }));
}

/// Would break: a process that hides from the list in 65,536 groups, which are all in its `status`.
#[test]
fn a_process_in_many_groups_is_told() {
    let host = Files::new(&[]);
    host.process(&process(8, "web", 50, WEB));
    let groups: String = (0..65_536).map(|group| format!("{} ", 1_000_000 + group)).collect();
    let status = std::fs::read_to_string(host.path("proc/8/status")).unwrap();
    host.write("proc/8/status", &format!("Groups:\t{groups}\n{status}"));
    let page = list(&host, "memory", None, None).unwrap();
    assert_eq!((pids(&page), &page["skipped"]), (vec![8], &json!(0)));
}

#[test]
fn the_most_come_first_and_the_list_goes_on_where_it_ended() {
    let host = Files::new(&[]);
    for pid in 1..=200 {
        // Two of each size.
        host.process(&process(pid, "x", u64::from(pid / 2), if pid % 2 == 0 { WEB } else { "0::/\n" }));
    }
    let first = list(&host, "memory", None, None).unwrap();
    let cursor = first["cursor"].as_str().unwrap();
    let second = list(&host, "memory", None, Some(cursor)).unwrap();
    let all: Vec<u64> = pids(&first).into_iter().chain(pids(&second)).collect();
    let mut expected: Vec<u64> = (1..=200).collect();
    expected.sort_by_key(|pid| (std::cmp::Reverse(pid / 2), *pid));
    assert_eq!((pids(&first).len(), all), (128, expected));
    assert_eq!((&second["complete"], &second["cursor"]), (&json!(true), &Value::Null));

    assert_eq!(pids(&list(&host, "cpu", Some("web.service"), None).unwrap()).len(), 100);
    assert!(pids(&list(&host, "open-files", Some("none.service"), None).unwrap()).is_empty());
    host.write("proc/7/fd/1", "");
    assert_eq!(pids(&list(&host, "open-files", None, None).unwrap())[0], 7);
    for bad in ["", "x", "1", "1.x", "-1.1", "1.99999999999", "\u{1b}"] {
        assert!(matches!(list(&host, "memory", None, Some(bad)), Err(Refusal::Invalid(_))), "{bad:?}");
    }
    for bad in ["web", "", "../x.service", "a\nb.service"] {
        assert!(matches!(list(&host, "memory", Some(bad), None), Err(Refusal::Invalid(_))), "{bad:?}");
    }
}

#[test]
fn names_are_made_safe_and_cannot_pass_as_other_fields() {
    let host = Files::new(&[]);
    for (pid, name) in [(8, "a) R 1 ("), (9, "\u{1b}[2J"), (10, "a\nb"), (11, "\u{202e}txt"), (12, "")] {
        host.process(&process(pid, name, 50, WEB));
    }
    let page = list(&host, "memory", None, None).unwrap();
    assert_eq!((pids(&page), &page["skipped"]), (vec![8, 9, 10, 11, 12], &json!(0)));
    for entry in page["entries"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        assert!(!name.contains(['\u{1b}', '\n', '\u{202e}']), "{name:?}");
        assert_eq!(entry["identity"], format!("{}.500@{BOOT}", entry["pid"]));
    }
}

#[test]
fn what_cannot_be_read_is_counted_and_what_has_ended_or_is_of_the_kernel_is_not() {
    let host = Files::new(&[]);
    for pid in 8..=12 {
        host.process(&process(pid, "x", 50, WEB));
    }
    host.write("proc/9/stat", "9 (x) S 1\n");
    host.remove("proc/10/status");
    host.write("proc/11/stat", "11 (kworker) S 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n");
    std::fs::remove_dir_all(host.path("proc/12/fd")).unwrap();
    let page = list(&host, "memory", None, None).unwrap();
    assert_eq!((pids(&page), &page["skipped"], &page["complete"]), (vec![8, 12], &json!(1), &json!(true)));
    assert_eq!(page["entries"][1]["open-files"], Value::Null);
    // Without its start, nothing recognizes a process later.
    host.remove("proc/stat");
    assert!(matches!(list(&host, "memory", None, None), Err(Refusal::Unavailable(_))));
}

#[test]
fn this_process_is_on_this_machine() {
    let host = ansai_kit::host::Host::at("/");
    let mut cursor = Value::Null;
    loop {
        let arguments = json!({ "by": "memory", "unit": null, "cursor": cursor });
        let page = call(&host, &everything(), "process-probe.list-processes", &arguments).unwrap();
        let own = page["entries"].as_array().unwrap().iter().find(|entry| entry["pid"] == std::process::id());
        if let Some(own) = own {
            assert!(own["anonymous-bytes"].as_u64() > Some(100_000) && own["threads"].as_u64() > Some(0), "{own}");
            assert!(own["open-files"].as_u64() >= Some(3), "{own}");
            return;
        }
        cursor = page["cursor"].clone();
        assert!(cursor.is_string(), "{page}");
    }
}
