//! The policy `memory-leak` on a real service that leaks, on a host with a real systemd. Only the clock of ansai is
//! simulated: it is an hour ahead for each step of the leak.

use std::path::Path;

use ansai_harness::{Ran, SystemdHost, binary, faketime, requires_root};
use serde_json::Value;

const LIMIT_BYTES: u64 = 400_000_000;
/// Hours until the window opens.
const WINDOW_IN: u64 = 28;
const UNIT: &str = "e2e-leak.service";
/// Keeps a part of its memory at first and more with each signal, and frees all of it with another one.
const PROGRAM: &str = r#"$m = 8_000_000; $SIG{USR1} = sub { push @kept, "a" x $m };
$SIG{USR2} = sub { @kept = () };
$n = 60_000_000; push @kept, "a" x $n; open(F, ">", "/run/e2e-leak-runs"); sleep 1 while 1"#;

struct Leaking {
    host: SystemdHost,
    /// Hours since the test began, on the clock of ansai.
    hour: i64,
}

impl Leaking {
    fn start() -> Leaking {
        let (ansai, policies) = (binary::ansai(), binary::policy("memory-leak"));
        let policies = policies.parent().unwrap().parent().unwrap();
        let library = faketime::environment(0).into_iter().find(|(name, _)| name == "LD_PRELOAD").unwrap().1;
        let binds: [(&Path, &str); 3] =
            [(&ansai, "/usr/bin/ansai"), (policies, "/opt/policies"), (Path::new(&library), "/opt/faketime.so")];
        let leaking = Leaking { host: SystemdHost::start(&binds), hour: 0 };
        leaking.shell(&format!(
            "cat > /opt/leak <<'EOF'\n{PROGRAM}\nEOF\n\
             printf '[Service]\\nExecStart=/usr/bin/perl /opt/leak\\n' > /usr/lib/systemd/system/{UNIT}\n\
             systemctl daemon-reload && systemctl start {UNIT} && until [ -e /run/e2e-leak-runs ]; do sleep 0.1; done"
        ));
        leaking
    }

    fn configure(&self, more: &str, settings: &str) {
        let host = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total: u64 = host.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
        let percent = LIMIT_BYTES as f64 / (total * 1024) as f64 * 100.0;
        self.shell(&format!(
            r#"mkdir -p /etc/ansai && cat > /etc/ansai/ansai.toml <<'EOF'
[daemon]
state_dir = "/var/lib/ansai"
mode = "enforce"
[policy.memory-leak]
source = "/opt/policies/memory-leak"
{more}
[policy.memory-leak.attempts]
cooldown = "0s"
verify_within = "5s"
[policy.memory-leak.settings]
units = ["e2e-*.service"]
min_size = "1M"
host_percent = {percent:.4}
settle = "3s"
{settings}
[policy.memory-leak.grant]
"ansai:process/cgroup-probe" = {{ units = ["e2e-*.service"] }}
"ansai:service/service-probe" = {{ units = ["e2e-*.service"] }}
"ansai:service/service-actions" = {{ units = ["e2e-*.service"] }}
"ansai:process/process-probe" = {{}}
"ansai:process/process-actions" = {{ units = ["e2e-*.service"], signals = ["usr2"] }}
EOF"#
        ));
    }

    fn shell(&self, script: &str) -> Ran {
        let ran = self.host.exec(&["sh", "-c", script]);
        ran.expect_code(0);
        ran
    }

    fn started(&self) -> String {
        self.host.exec(&["systemctl", "show", "-P", "InvocationID", UNIT]).stdout.trim().to_owned()
    }

    /// An hour later, the service is larger, and ansai looks once.
    fn next_hour(&mut self) -> Ran {
        self.hour += 1;
        self.shell(&format!("systemctl kill -s USR1 --kill-whom=main {UNIT}"));
        let run = format!(
            "LD_PRELOAD=/opt/faketime.so FAKETIME=+{}h NO_FAKE_STAT=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
             exec ansai run --once --accept-clock --format json --config /etc/ansai/ansai.toml",
            self.hour
        );
        self.host.exec(&["sh", "-c", &run])
    }
}

fn finding(ran: &Ran) -> Value {
    let json = ran.json();
    let findings = json["instances"][0]["findings"].as_array().unwrap_or_else(|| panic!("{ran:?}"));
    findings.iter().find(|finding| finding["key"] == UNIT).unwrap_or_else(|| panic!("{json:#}")).clone()
}

/// The steps of all plans, with what became of them.
pub(crate) fn steps(finding: &Value) -> Vec<String> {
    let plans = finding["plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let steps = plans.iter().flat_map(|plan| plan["steps"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap_or("-").rsplit('.').next().unwrap().to_owned();
    steps.map(|step| format!("{} {}", text(&step["action"]), text(&step["outcome"]))).collect()
}

#[test]
fn systemd_a_service_that_leaks_is_restarted_in_its_window_long_before_its_limit_and_once() {
    if !requires_root() {
        return;
    }
    let mut leaking = Leaking::start();
    // A window of two hours, 28 hours from now.
    let now: u64 = leaking.shell("date +%H").stdout.trim().parse().unwrap();
    let opens = (now + WINDOW_IN) % 24;
    leaking.configure(&format!("windows = [\"{opens:02}:00-{:02}:00\"]", (opens + 2) % 24), "");
    let run = leaking.started();
    let (mut found_at, mut restarted_at) = (None, None);
    // 60 MB and 8 MB an hour reach 400 MB after 42 h.
    for hour in 1..=40 {
        let ran = leaking.next_hour();
        let found = finding(&ran);
        let is_found = found["status"]["unhealthy"].is_string();
        found_at = found_at.or(is_found.then_some(hour));
        if leaking.started() != run {
            assert_eq!(steps(&found), ["capture done", "restart done", "check-active done"], "{found:#}");
            assert!(found["verified"] == "healthy", "{found:#}");
            ran.expect_code(0);
            restarted_at = Some(hour);
            break;
        }
        assert!(steps(&found).iter().all(|step| step.ends_with(" -")), "nothing is done before: {found:#}");
    }
    let (Some(found_at), Some(restarted_at)) = (found_at, restarted_at) else { panic!("found at {found_at:?}") };
    assert!((24..=27).contains(&found_at), "{found_at}");
    assert!((WINDOW_IN..=WINDOW_IN + 1).contains(&restarted_at), "{restarted_at}");
    let second = leaking.started();
    // It leaks again. It has its memory back, and is left alone.
    for _ in 0..4 {
        let found = finding(&leaking.next_hour());
        assert_eq!(found["status"], "healthy", "{found:#}");
        let bytes = found["evidence"][0]["value"]["count"].as_u64().unwrap();
        assert!(bytes < LIMIT_BYTES / 3, "{found:#}");
    }
    assert_eq!(leaking.started(), second, "it was restarted once");
    let replay = ["ansai", "replay", "--all", "--policies", "/opt/policies", "--state-dir", "/var/lib/ansai"];
    leaking.host.exec(&replay).expect_code(0);
    leaking.host.exec(&["ansai", "audit", "verify", "--state-dir", "/var/lib/ansai"]).expect_code(0);
}

#[test]
fn systemd_a_service_that_collects_garbage_on_a_signal_is_not_restarted() {
    if !requires_root() {
        return;
    }
    let mut leaking = Leaking::start();
    leaking.configure("", r#"collect = { units = ["e2e-*"], signal = "usr2" }"#);
    let run = leaking.started();
    let sent = (1..=30).find_map(|_| {
        let found = finding(&leaking.next_hour());
        (!steps(&found).is_empty()).then_some(found)
    });
    let sent = sent.unwrap();
    assert_eq!(steps(&sent), ["send done"], "{sent:#}");
    assert_eq!(sent["verified"], "healthy", "{sent:#}");
    assert_eq!(leaking.started(), run, "it was not restarted");
    let found = finding(&leaking.next_hour());
    assert_eq!(found["status"], "healthy", "{found:#}");
}
