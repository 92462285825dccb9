//! Control groups of both versions, of both at once, and of none.

use std::time::Duration;

use ansai_core::{Refusal, Scope};
use ansai_local::service::fields::UNITS;
use serde_json::{Value, json};

use crate::scene::{FakeProcess, Files, call, call_within, everything, names};

const RUN: &str = "0123456789abcdef0123456789abcdef";
const WEB: &str = "system.slice/web.service";

fn process<'a>(pid: u32, anonymous_kib: u64, cgroup: &'a str) -> FakeProcess<'a> {
    FakeProcess { pid, name: "web", started: 500, anonymous_kib, cgroup }
}

#[test]
fn version_2_tells_everything() {
    let host = Files::new(&[]);
    host.unified(WEB, 4_096);
    host.run("web.service", RUN);
    host.write(&format!("sys/fs/cgroup/{WEB}/cgroup.procs"), "8\n9\n");
    host.write(&format!("sys/fs/cgroup/{WEB}/worker/cgroup.procs"), "10\n");
    let usage = host.look("web.service").unwrap();
    let expected = json!({
        "about": { "kind": "unit", "name": "web.service" },
        "accounting": "unified",
        "invocation": RUN,
        "since": usage["since"],
        "total-bytes": 20_000,
        "anonymous-bytes": 4_096,
        "shared-bytes": 1_000,
        "page-cache-bytes": 8_000,
        "kernel-bytes": 500,
        "swapped-bytes": 300,
        "high-bytes": null,
        "limit-bytes": 1_048_576,
        "oom-kills": 4,
        "high-hits": 2,
        "limit-hits": 3,
        "cpu": 5,
        "throttled": 2,
        "memory-stall": {
            "some": { "last10-seconds": 0.5, "last60-seconds": 0.0, "last300-seconds": 0.0, "total": 9 },
            "full": { "last10-seconds": 0.25, "last60-seconds": 0.0, "last300-seconds": 0.0, "total": 7 },
        },
        "processes": 3,
        "tasks": 7,
    });
    assert_eq!(usage, expected);
    assert!(usage["since"].as_u64().unwrap() > 1_700_000_000_000, "the time of the link");
    assert_eq!(host.list(&[]).unwrap()["entries"], json!([expected]));
}

/// What is not there is absent, and never 0.
#[test]
fn what_the_kernel_does_not_tell_is_absent() {
    let host = Files::new(&[]);
    host.unified(WEB, 4_096);
    for file in
        ["memory.swap.current", "memory.events", "memory.pressure", "cpu.stat", "pids.current", "memory.current"]
    {
        host.remove(&format!("sys/fs/cgroup/{WEB}/{file}"));
    }
    host.write(&format!("sys/fs/cgroup/{WEB}/memory.stat"), "anon 5\nslab 10\nkernel_stack 20\npercpu 3\n");
    let usage = host.look("web.service").unwrap();
    for absent in [
        "total-bytes",
        "shared-bytes",
        "page-cache-bytes",
        "swapped-bytes",
        "oom-kills",
        "high-hits",
        "limit-hits",
        "cpu",
        "throttled",
        "memory-stall",
        "tasks",
        "since",
    ] {
        assert_eq!(usage[absent], Value::Null, "{absent}");
    }
    assert_eq!((&usage["anonymous-bytes"], &usage["kernel-bytes"]), (&json!(5), &json!(33)));
    assert_eq!(usage["invocation"], "");
}

#[test]
fn version_1_is_read_from_each_controller() {
    let host = Files::new(&[]);
    let file = |tree: &str, name: &str, text: &str| host.write(&format!("sys/fs/cgroup/{tree}/{WEB}/{name}"), text);
    host.write("sys/fs/cgroup/systemd/cgroup.procs", "1\n");
    file("systemd", "cgroup.procs", "8\n");
    file("memory", "memory.stat", "rss 1\ntotal_rss 4096\ntotal_cache 9000\ntotal_shmem 1000\ntotal_swap 300\n");
    file("memory", "memory.usage_in_bytes", "20000\n");
    file("memory", "memory.limit_in_bytes", "9223372036854771712\n");
    file("memory", "memory.failcnt", "3\n");
    file("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
    file("memory", "memory.kmem.usage_in_bytes", "500\n");
    file("cpuacct", "cpuacct.usage", "5000000\n");
    file("cpu", "cpu.stat", "nr_periods 1\nthrottled_time 2000000\n");
    file("pids", "pids.current", "7\n");
    host.process(&process(8, 50, ""));
    let usage = host.look("web.service").unwrap();
    assert_eq!(usage["accounting"], "legacy");
    for (name, expected) in [
        ("total-bytes", json!(20_000)),
        ("anonymous-bytes", json!(4_096)),
        ("shared-bytes", json!(1_000)),
        ("page-cache-bytes", json!(8_000)),
        ("kernel-bytes", json!(500)),
        ("swapped-bytes", json!(300)),
        ("high-bytes", Value::Null),
        ("limit-bytes", Value::Null),
        ("oom-kills", json!(4)),
        ("high-hits", Value::Null),
        ("limit-hits", json!(3)),
        ("cpu", json!(5)),
        ("throttled", json!(2)),
        ("processes", json!(1)),
        ("tasks", json!(7)),
        // The oldest process tells, because systemd does not.
        ("since", json!(1_000_005_000)),
    ] {
        assert_eq!(usage[name], expected, "{name}");
    }
    host.write(&format!("sys/fs/cgroup/memory/{WEB}/memory.limit_in_bytes"), "1048576\n");
    assert_eq!(host.look("web.service").unwrap()["limit-bytes"], 1_048_576);
}

/// Both versions, and the memory of this service is counted by neither: the sum over its processes.
#[test]
fn without_a_memory_controller_processes_are_added_up() {
    let host = Files::new(&[
        ("sys/fs/cgroup/systemd/cgroup.procs", "1\n"),
        ("sys/fs/cgroup/systemd/system.slice/web.service/cgroup.procs", "8\n9\n"),
        ("sys/fs/cgroup/unified/cgroup.controllers", "\n"),
        ("sys/fs/cgroup/unified/system.slice/web.service/cpu.stat", "usage_usec 5000\n"),
    ]);
    host.process(&process(8, 50, ""));
    host.process(&process(9, 70, ""));
    let usage = host.look("web.service").unwrap();
    assert_eq!(usage["accounting"], "processes");
    assert_eq!((&usage["anonymous-bytes"], &usage["swapped-bytes"]), (&json!(120 * 1_024), &json!(16 * 1_024)));
    for absent in ["total-bytes", "shared-bytes", "page-cache-bytes", "limit-bytes", "oom-kills"] {
        assert_eq!(usage[absent], Value::Null, "{absent}");
    }
    assert_eq!(usage["cpu"], 5, "counted by version 2");

    // A process in another namespace.
    host.write("sys/fs/cgroup/systemd/system.slice/web.service/cgroup.procs", "8\n9\n0\n");
    assert!(matches!(host.look("web.service"), Err(Refusal::Unavailable(_))));
    host.write("sys/fs/cgroup/systemd/system.slice/web.service/cgroup.procs", "8\n9\n");

    // One ends in the middle: the rest is the sum. One that cannot be read makes it unknown.
    std::fs::remove_dir_all(host.path("proc/9")).unwrap();
    assert_eq!(host.look("web.service").unwrap()["anonymous-bytes"], 50 * 1_024);
    host.write("proc/8/status", "Uid:\t0\t0\nVmRSS:\t5 MB\n");
    assert!(matches!(host.look("web.service"), Err(Refusal::Unavailable(_))));
    assert_eq!(host.list(&[]).unwrap()["skipped"], 1);
    std::fs::remove_dir_all(host.path("proc/8")).unwrap();
    assert!(matches!(host.look("web.service"), Err(Refusal::NotFound(_))), "no process is left");
}

#[test]
fn a_container_without_control_groups_is_told_by_its_processes_or_unsupported() {
    let host = Files::new(&[]);
    assert!(matches!(host.look("web.service"), Err(Refusal::Unsupported(_))));
    assert!(matches!(host.list(&[]), Err(Refusal::Unsupported(_))));
    host.process(&process(8, 50, "0::/\n"));
    assert!(matches!(host.list(&[]), Err(Refusal::Unsupported(_))));
    host.process(&process(9, 70, "0::/system.slice/web.service\n"));
    let usage = host.look("web.service").unwrap();
    assert_eq!((&usage["accounting"], &usage["anonymous-bytes"]), (&json!("processes"), &json!(70 * 1_024)));
    assert_eq!(usage["cpu"], 2_000, "of the processes");
    assert!(matches!(host.look("db.service"), Err(Refusal::NotFound(_))));
}

#[test]
fn a_restart_is_visible() {
    let host = Files::new(&[]);
    host.unified(WEB, 4_096);
    host.run("web.service", RUN);
    let before = host.look("web.service").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    host.run("web.service", "ffffffffffffffffffffffffffffffff");
    let after = host.look("web.service").unwrap();
    assert_ne!(before["invocation"], after["invocation"]);
    assert!(after["since"].as_u64() > before["since"].as_u64(), "{before} {after}");
    // What is no id is not passed on.
    host.run("web.service", "\u{1b}[2J");
    assert_eq!(host.look("web.service").unwrap()["invocation"], "");
}

#[test]
fn services_right_below_slices_are_listed_in_order_page_by_page() {
    let host = Files::new(&[]);
    for number in 0..300 {
        host.unified(&format!("system.slice/app{number:03}.service"), number);
    }
    host.unified("app.slice/app-web.slice/deep.service", 1);
    host.unified("system.slice/_cpu.service", 1);
    // What a user makes below a service or a scope is none of them, and scopes are no services.
    host.unified("user.slice/user-1000.slice/user@1000.service", 1);
    host.unified("user.slice/user-1000.slice/user@1000.service/x/app000.service", 1 << 40);
    host.unified("user.slice/user-1000.slice/session-3.scope", 1);
    host.unified("other/hidden.service", 1);
    let first = host.list(&[]).unwrap();
    assert_eq!((names(&first).len(), &first["complete"]), (256, &json!(false)));
    let second = call(
        &host.host(),
        &everything(),
        "cgroup-probe.list-usages",
        &json!({ "globs": [], "cursor": first["cursor"] }),
    )
    .unwrap();
    let all: Vec<&str> = names(&first).into_iter().chain(names(&second)).collect();
    let mut expected: Vec<String> = (0..300).map(|number| format!("app{number:03}.service")).collect();
    expected.extend(["cpu.service", "deep.service", "user@1000.service"].map(str::to_owned));
    assert_eq!(
        (all, &second["complete"], &second["cursor"]),
        (expected.iter().map(String::as_str).collect(), &json!(true), &Value::Null)
    );

    assert_eq!(
        names(&host.list(&["deep*", "app00[12].service"]).unwrap()),
        ["app001.service", "app002.service", "deep.service"]
    );
    assert!(matches!(host.list(&["["]), Err(Refusal::Invalid(_))));
    assert_eq!(host.look("deep.service").unwrap()["anonymous-bytes"], 1);
    assert_eq!(host.look("app000.service").unwrap()["anonymous-bytes"], 0, "not that of the user");

    // Only what is granted.
    let narrow = Scope::default().with_set(&UNITS, ["app01*"]);
    let page =
        call(&host.host(), &narrow, "cgroup-probe.list-usages", &json!({ "globs": [], "cursor": null })).unwrap();
    assert_eq!(names(&page).len(), 10);
    let look = json!({ "about": { "kind": "unit", "name": "deep.service" } });
    assert!(matches!(call(&host.host(), &narrow, "cgroup-probe.look", &look), Err(Refusal::Denied(_))));

    // Without time there is no answer, and the list goes on where it was.
    let late = call_within(
        &host.host(),
        &everything(),
        Duration::ZERO,
        "cgroup-probe.list-usages",
        &json!({ "globs": [], "cursor": "app" }),
    )
    .unwrap();
    assert_eq!((names(&late).len(), &late["complete"], &late["cursor"]), (0, &json!(false), &json!("app")));
}

/// On this machine, whatever it has.
#[test]
fn this_machine_answers_or_has_none() {
    let host = ansai_kit::host::Host::at("/");
    match call(&host, &everything(), "cgroup-probe.list-usages", &json!({ "globs": [], "cursor": null })) {
        Ok(page) => assert!(page["entries"].is_array(), "{page}"),
        Err(refusal) => assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}"),
    }
}
