//! The policy `memory-leak` in an emulated machine, whose kernel counts memory by version 2 of control groups: a service that leaks
//! is held by `memory.high` first, and restarted in its next window. Only the clock of ansai is simulated.

use ansai_harness::virtual_machine::Disk;
use ansai_harness::{Ran, VirtualMachine, binary, faketime, requires_virtual_machine};
use serde_json::Value;

use crate::leak::steps;

const PLACE: &str = "/srv/test";
const UNIT: &str = "e2e-leak.service";
const MIB: u64 = 1 << 20;
const LIMIT: u64 = 400 * MIB;
/// 90 % of the limit.
const HELD_AT: u64 = 360 * MIB;
/// Keeps 100 MB at first and 16 MB more with each signal.
const SERVICE: &str = r#"[Service]
MemoryMax=400M
MemorySwapMax=0
ExecStart=/usr/bin/perl /srv/test/leak
"#;
const PROGRAM: &str = r#"$m = 16_000_000; $SIG{USR1} = sub { push @kept, "a" x $m };
$n = 100_000_000; push @kept, "a" x $n; open(F, ">", "/run/e2e-leak-runs"); sleep 1 while 1"#;
/// Hours in which the windows are open, each for one hour.
const WINDOWS: [u64; 2] = [8, 10];

/// Three hours of growth are enough here, and a day is near.
const CONFIGURATION: &str = r#"[daemon]
state_dir = "/var/lib/ansai"
mode = "enforce"
[policy.memory-leak]
source = "/srv/test/memory-leak"
windows = [WINDOWS]
[policy.memory-leak.attempts]
cooldown = "0s"
verify_within = "5s"
[policy.memory-leak.settings]
units = ["e2e-*.service"]
min_size = "1M"
min_span = "3h"
warm_up = "0s"
first_day_horizon = "24h"
settle = "3s"
[policy.memory-leak.grant]
"ansai:process/cgroup-probe" = { units = ["e2e-*.service"] }
"ansai:service/service-probe" = { units = ["e2e-*.service"] }
"ansai:service/service-actions" = { units = ["e2e-*.service"] }
"ansai:service/service-memory-actions" = { units = ["e2e-*.service"] }
"#;

struct Leaking {
    machine: VirtualMachine,
    /// How far the clock of ansai is ahead, in minutes: then it begins ten minutes after a full hour, and no hour ends while
    /// ansai works.
    ahead: u64,
}

impl Leaking {
    fn boot() -> Leaking {
        let contents = tempfile::tempdir().unwrap();
        let place = contents.path();
        let library = faketime::environment(0).into_iter().find(|(name, _)| name == "LD_PRELOAD").unwrap().1;
        let policy = binary::policy("memory-leak");
        std::fs::create_dir(place.join("memory-leak")).unwrap();
        for name in ["policy.toml", "settings.schema.json", "memory-leak.wasm"] {
            std::fs::copy(policy.with_file_name(name), place.join("memory-leak").join(name)).unwrap();
        }
        std::fs::copy(binary::ansai(), place.join("ansai")).unwrap();
        std::fs::copy(library, place.join("faketime.so")).unwrap();
        std::fs::write(place.join("leak"), PROGRAM).unwrap();
        std::fs::write(place.join(UNIT), SERVICE).unwrap();
        std::fs::write(place.join("ansai.toml"), CONFIGURATION).unwrap();
        let mib = std::fs::metadata(place.join("ansai")).unwrap().len() / MIB + 64;
        let mut machine = VirtualMachine::new(&[Disk { mounted: PLACE, content: place, mib }]);
        machine.boot();
        let mut leaking = Leaking { machine, ahead: 0 };
        let minutes: u64 = leaking.shell("echo $(($(date +%s) / 60))").parse().unwrap();
        leaking.ahead = 60 - minutes % 60 + 10;
        let now = (minutes + leaking.ahead) / 60;
        let window = |hours: u64| {
            let hour = |hours: u64| format!("{:02}:00", (now + hours) % 24);
            format!("\"{}-{}\"", hour(hours), hour(hours + 1))
        };
        leaking.shell(&format!(
            "mkdir -p /etc/ansai && sed 's/WINDOWS/{}/' {PLACE}/ansai.toml >/etc/ansai/ansai.toml && \
             cp {PLACE}/{UNIT} /etc/systemd/system/ && systemctl daemon-reload && systemctl start {UNIT} && \
             until [ -e /run/e2e-leak-runs ]; do sleep .1; done",
            WINDOWS.map(window).join(", ")
        ));
        leaking
    }

    #[track_caller]
    fn shell(&mut self, line: &str) -> String {
        self.machine.exec(line).expect_code(0).stdout.trim().to_owned()
    }

    /// ansai, so many hours after the test began.
    fn ansai(&mut self, hours: u64, arguments: &str) -> Ran {
        let minutes = self.ahead + hours * 60;
        self.machine.exec(&format!(
            "LD_PRELOAD={PLACE}/faketime.so FAKETIME=+{minutes}m NO_FAKE_STAT=1 DONT_FAKE_MONOTONIC=1 \
             FAKETIME_DONT_FAKE_MONOTONIC=1 {PLACE}/ansai {arguments} --config /etc/ansai/ansai.toml"
        ))
    }

    /// In this hour the service is larger, and ansai looks once: the finding about the service.
    fn hour(&mut self, hours: u64) -> Value {
        self.shell(&format!("systemctl kill -s USR1 --kill-whom=main {UNIT}; sleep .5"));
        let ran = self.ansai(hours, "run --once --accept-clock --format json");
        let json = ran.json();
        let findings = json["instances"][0]["findings"].as_array().unwrap_or_else(|| panic!("{ran:?}"));
        findings.iter().find(|finding| finding["key"] == UNIT).unwrap_or_else(|| panic!("{json:#}")).clone()
    }

    fn invocation(&mut self) -> String {
        self.shell(&format!("systemctl show -P InvocationID {UNIT}"))
    }

    /// The limit as the kernel has it.
    fn high(&mut self) -> String {
        self.shell(&format!("cat /sys/fs/cgroup/system.slice/{UNIT}/memory.high"))
    }
}

/// Would break: a restart before the milder step, a limit that the kernel does not have, a step outside of the window, and a limit
/// that cannot be taken back.
#[test]
fn virtual_machine_a_service_that_leaks_is_held_first_and_restarted_in_its_next_window() {
    if !requires_virtual_machine() {
        return;
    }
    let mut leaking = Leaking::boot();
    let run = leaking.invocation();
    let mut found_at = None;
    for hours in 0..WINDOWS[0] {
        let found = leaking.hour(hours);
        if found["status"]["unhealthy"].is_string() {
            found_at.get_or_insert(hours);
            assert!(found["summary"].as_str().unwrap().contains("has grown by 15."), "by its trend: {found:#}");
        }
        assert!(steps(&found).iter().all(|step| step.ends_with(" -")), "nothing is done before the window: {found:#}");
    }
    assert!(found_at.is_some_and(|hours| hours >= 3), "{found_at:?}");
    assert_eq!(leaking.high(), "max");

    // The first window: it is held.
    let held = leaking.hour(WINDOWS[0]);
    assert_eq!(steps(&held), ["set-high done"], "{held:#}");
    assert_eq!(held["verified"]["unhealthy"], held["status"]["unhealthy"], "it leaks as before: {held:#}");
    assert_eq!((leaking.high(), leaking.invocation()), (HELD_AT.to_string(), run.clone()));
    let memory: u64 = leaking.shell(&format!("cat /sys/fs/cgroup/system.slice/{UNIT}/memory.current")).parse().unwrap();
    assert!((200 * MIB..LIMIT).contains(&memory), "{memory}");
    let plan = held["plans"][0]["plan"].as_str().unwrap().to_owned();

    // It goes on, and nothing is done between the windows.
    let between = leaking.hour(WINDOWS[0] + 1);
    assert!(between["status"]["unhealthy"].is_string(), "{between:#}");
    assert!(steps(&between).iter().all(|step| step.ends_with(" -")), "{between:#}");
    assert_eq!(leaking.invocation(), run);

    // The next window: it is restarted, and healthy.
    let restarted = leaking.hour(WINDOWS[1]);
    assert_eq!(steps(&restarted), ["capture done", "restart done", "check-active done"], "{restarted:#}");
    assert_eq!(restarted["verified"], "healthy", "{restarted:#}");
    assert_ne!(leaking.invocation(), run);

    // The limit outlives the restart, until somebody or the guard takes it back.
    assert_eq!(leaking.high(), HELD_AT.to_string());
    leaking.ansai(WINDOWS[1], &format!("undo {plan}")).expect_code(0);
    let systemd = leaking.shell(&format!("systemctl show -P MemoryHigh {UNIT}"));
    assert_eq!((leaking.high().as_str(), systemd.as_str()), ("max", "infinity"));
    leaking.ansai(WINDOWS[1], "audit verify").expect_code(0);
    leaking.machine.power_off();
}
