//! `ansai:system` on this machine and on fixture trees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "fixtures")]

use std::path::Path;
use std::time::Duration;

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn ask(root: &Path, function: &str, arguments: &str) -> Result<Value, Refusal> {
    let host = Host::at(root);
    let deadline = Deadline::after(Duration::from_secs(60));
    let ask = ProbeContext {
        host: &host,
        scope: &Scope::default(),
        reach: Reach::none(),
        now: Timestamp::EPOCH,
        deadline: &deadline,
    };
    let arguments = RawValue::from_string(arguments.into()).unwrap();
    let registry = Registry::of(ansai_local::INTERFACES);
    let (_, function) = registry.find("ansai:system/system-probe", function).unwrap();
    let reply = match function.body {
        Body::Inline(body) => body.answer(&ask, &arguments),
        Body::Probe(body) => body.answer(&ask, &arguments),
        _ => panic!("not a probe"),
    };
    reply.map(|reply| serde_json::from_str(reply.get()).unwrap())
}

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn this_machine() {
    let root = Path::new("/");
    let load = ask(root, "load", "{}").unwrap();
    assert!(number(&load["cpus"]) >= 1.0 && number(&load["one"]) >= 0.0, "{load}");
    let memory = ask(root, "memory", "{}").unwrap();
    assert!(number(&memory["total-bytes"]) > number(&memory["available-bytes"]), "{memory}");
    assert!(number(&memory["swap-total-bytes"]) >= number(&memory["swap-free-bytes"]), "{memory}");
    let cpu = ask(root, "cpu", "{}").unwrap();
    for name in ["user", "system", "idle", "io-wait", "steal"] {
        assert!(cpu[name].is_u64(), "{cpu}");
    }
    assert!(number(&ask(root, "uptime", "{}").unwrap()) > 0.0);
    match ask(root, "pressure", r#"{"what":"memory"}"#) {
        Ok(stall) => {
            let shares =
                ["last10-seconds", "last60-seconds", "last300-seconds"].map(|name| number(&stall["some"][name]));
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{stall}");
            assert!(stall["some"]["total"].is_u64(), "{stall}");
        }
        Err(refusal) => assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}"),
    }
}

#[test]
fn limits_of_this_machine() {
    let root = Path::new("/");
    for function in ["open-files", "threads"] {
        let found = ask(root, function, "{}").unwrap();
        assert!(number(&found["used"]) >= 1.0 && number(&found["limit"]) > number(&found["used"]), "{found}");
    }
    assert!(ask(root, "clock-synchronized", "{}").unwrap().is_boolean());
    match ask(root, "restart-needed", "{}") {
        Ok(found) => assert!(found["needed"].is_boolean() && found["packages"].is_array(), "{found}"),
        Err(refusal) => assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}"),
    }
}

#[test]
fn limits_of_another_root() {
    let root = tree(&[
        ("proc/loadavg", "1.50 0.25 0.00 1/240 3\n"),
        ("proc/sys/fs/file-nr", "1504\t0\t2000\n"),
        ("proc/sys/kernel/threads-max", "191000\n"),
        ("proc/sys/kernel/pid_max", "32768\n"),
    ]);
    let is = |function: &str| ask(root.path(), function, "{}").unwrap();
    assert_eq!(is("open-files"), json!({"used": 1504, "limit": 2000}));
    assert_eq!(is("threads"), json!({"used": 240, "limit": 32768}));
    let refusal = ask(root.path(), "clock-synchronized", "{}").unwrap_err();
    assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}");
    std::fs::write(root.path().join("proc/sys/kernel/pid_max"), "0\n").unwrap();
    assert!(matches!(ask(root.path(), "threads", "{}").unwrap_err(), Refusal::Unavailable(_)));
}

#[test]
fn a_restart_is_needed_for_a_package_or_a_kernel_that_is_gone() {
    let kernel = ("proc/sys/kernel/osrelease", "6.1.0-49-amd64\n");
    let loaded = ("proc/modules", "ext4 1 2 - Live 0x0\n");
    let needed = |files: &[(&str, &str)]| {
        let root = tree(files);
        (ask(root.path(), "restart-needed", "{}").unwrap(), root)
    };
    let not = json!({"needed": false, "since": null, "packages": []});
    let other = ("lib/modules/6.1.0-50-amd64/modules.dep", "");
    assert_eq!(needed(&[kernel, ("etc/debian_version", "12.9\n")]).0, not);
    assert_eq!(needed(&[kernel, loaded, other, ("lib/modules/6.1.0-49-amd64/modules.dep", "")]).0, not);
    // A kernel without modules came from outside, as in a virtual machine.
    assert_eq!(needed(&[kernel, other, ("etc/debian_version", "12.9\n")]).0, not);
    assert_eq!(needed(&[kernel, loaded, other]).0, json!({"needed": true, "since": null, "packages": []}));
    // A directory of another program is no kernel.
    let container = tree(&[kernel, loaded, ("lib/modules/extra/x.ko", "")]);
    assert!(matches!(ask(container.path(), "restart-needed", "{}").unwrap_err(), Refusal::Unsupported(_)));

    let hostile = "\u{1b}[31mlinux\n".to_owned() + &"libc6\n".repeat(9) + &"x".repeat(300) + "\n\n";
    let many: String = (0..200).map(|number| format!("p{number}\n")).collect();
    let (found, _root) =
        needed(&[kernel, ("run/reboot-required", ""), ("run/reboot-required.pkgs", &(hostile + &many))]);
    let packages: Vec<&str> = found["packages"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(found["needed"] == true && found["since"].is_u64(), "{found}");
    assert_eq!((packages.len(), packages[1]), (64, "libc6"));
    assert!(packages.iter().all(|name| !name.contains('\u{1b}') && name.len() <= 203), "{packages:?}");

    // The list is a pipe that nobody writes to: a restart is needed all the same.
    let (_, root) = needed(&[kernel, ("run/reboot-required", "")]);
    let fifo = root.path().join("run/reboot-required.pkgs");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let found = ask(root.path(), "restart-needed", "{}").unwrap();
    assert_eq!((&found["needed"], &found["packages"]), (&true.into(), &json!([])));
}

#[test]
fn both_ways_of_reading_this_machine_agree() {
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/proc", elsewhere.path().join("proc")).unwrap();
    for (function, field) in [("memory", "/total-bytes"), ("memory", "/swap-total-bytes"), ("load", "/cpus")] {
        let here = ask(Path::new("/"), function, "{}").unwrap();
        let there = ask(elsewhere.path(), function, "{}").unwrap();
        assert_eq!(here.pointer(field).unwrap(), there.pointer(field).unwrap());
    }
    let seconds = |root: &Path| number(&ask(root, "uptime", "{}").unwrap()) / 1000.0;
    assert!((seconds(Path::new("/")) - seconds(elsewhere.path())).abs() < 3600.0);
}

#[test]
fn another_root_is_read_from_its_own_proc() {
    let root = tree(&[
        ("proc/loadavg", "1.50 0.25 0.00 1/2 3\n"),
        ("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1\ncpu1 1\ncpu2 1\n"),
        ("proc/meminfo", "MemTotal: 8 kB\nMemFree: 1 kB\nMemAvailable: 4 kB\nSwapTotal: 2 kB\nSwapFree: 2 kB\n"),
        ("proc/uptime", "12.34 5.00\n"),
        (
            "proc/pressure/io",
            "some avg10=50.00 avg60=1.00 avg300=0.00 total=7654321\nfull avg10=25.00 avg60=0.00 avg300=0.00 total=999\n",
        ),
        ("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5000\n"),
        ("proc/pressure/irq", "full avg10=0.00 avg60=0.00 avg300=0.00 total=6000\n"),
    ]);
    let is = |function: &str, arguments: &str| ask(root.path(), function, arguments).unwrap().to_string();
    assert_eq!(is("load", "{}"), r#"{"one":1.5,"five":0.25,"fifteen":0.0,"cpus":3}"#);
    assert_eq!(is("cpu", "{}"), r#"{"user":30,"system":160,"idle":40,"io-wait":50,"steal":80}"#);
    assert_eq!(
        is("memory", "{}"),
        r#"{"total-bytes":8192,"available-bytes":4096,"free-bytes":1024,"swap-total-bytes":2048,"swap-free-bytes":2048}"#
    );
    assert_eq!(is("uptime", "{}"), "12340");
    let half = |shares: [f64; 3], total: u64| {
        let [last10, last60, last300] = shares;
        json!({"last10-seconds": last10, "last60-seconds": last60, "last300-seconds": last300, "total": total})
    };
    let pressure = |what: &str| ask(root.path(), "pressure", &format!(r#"{{"what":"{what}"}}"#)).unwrap();
    let io = json!({"some": half([0.5, 0.01, 0.0], 7654), "full": half([0.25, 0.0, 0.0], 0)});
    assert_eq!(pressure("io"), io);
    // What the kernel does not measure is absent, and not 0.
    assert_eq!(pressure("cpu"), json!({"some": half([0.0; 3], 5), "full": null}));
    assert_eq!(pressure("irq"), json!({"some": null, "full": half([0.0; 3], 6)}));
}

#[test]
fn what_is_missing_or_odd_is_refused() {
    let empty = tree(&[]);
    for function in ["load", "cpu", "memory", "uptime", "open-files", "threads", "restart-needed"] {
        let refusal = ask(empty.path(), function, "{}").unwrap_err();
        assert!(matches!(refusal, Refusal::NotFound(_)), "{function}: {refusal}");
    }
    for what in ["cpu", "irq"] {
        let refusal = ask(empty.path(), "pressure", &format!(r#"{{"what":"{what}"}}"#)).unwrap_err();
        assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}");
    }
    let hostile = "cpu \u{1b}[31m 99999999999999999999999\n".repeat(10_000);
    let odd = tree(&[
        ("proc/loadavg", &hostile),
        ("proc/stat", &hostile),
        ("proc/meminfo", "MemTotal: 18446744073709551615 kB\n"),
        ("proc/uptime", "-1 inf\n"),
        ("proc/sys/fs/file-nr", &hostile),
        ("proc/pressure/cpu", "some avg10=nan avg60=0 avg300=0\n"),
    ]);
    for (function, arguments) in
        [("load", "{}"), ("cpu", "{}"), ("memory", "{}"), ("uptime", "{}"), ("pressure", r#"{"what":"cpu"}"#)]
            .into_iter()
            .chain([("open-files", "{}"), ("threads", "{}")])
    {
        let refusal = ask(odd.path(), function, arguments).unwrap_err();
        assert!(matches!(&refusal, Refusal::Unavailable(why) if !why.contains('\u{1b}')), "{function}: {refusal}");
    }
    let refusal = ask(odd.path(), "pressure", r#"{"what":"disk"}"#).unwrap_err();
    assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal}");
}
