//! The policy `memory-leak` on a real service that leaks, on a host with a real systemd. Only the clock of ansai is
//! simulated: it is an hour ahead for each step of the leak.

use std::path::Path;

use ansai_harness::{Ran, SystemdHost, binary, faketime, requires_root};
use serde_json::Value;

const LIMIT_BYTES: u64 = 400_000_000;
/// What the service takes in each hour and never gives back.
const STEP_BYTES: u64 = 8_000_000;
const UNIT: &str = "e2e-leak.service";
/// Keeps a part of its memory at first, and more with each signal.
const PROGRAM: &str = r#"$m = 8_000_000; $SIG{USR1} = sub { push @kept, "a" x $m };
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

    fn configure(&self, more: &str) {
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
[policy.memory-leak.grant]
"ansai:process/cgroup-probe" = {{ units = ["e2e-*.service"] }}
"ansai:service/service-probe" = {{ units = ["e2e-*.service"] }}
"ansai:service/service-actions" = {{ units = ["e2e-*.service"] }}
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

fn steps(finding: &Value) -> Vec<String> {
    let plans = finding["plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let steps = plans.iter().flat_map(|plan| plan["steps"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    steps.map(|step| format!("{} {}", text(&step["action"]), text(&step["outcome"]))).collect()
}

#[test]
fn systemd_a_service_that_leaks_is_restarted_long_before_its_limit_and_once() {
    if !requires_root() {
        return;
    }
    let mut leaking = Leaking::start();
    leaking.configure("");
    let run = leaking.started();
    let mut restarted = None;
    // 60 MB and 8 MB an hour reach 400 MB after 42 h.
    for hour in 1..=40 {
        let ran = leaking.next_hour();
        let found = finding(&ran);
        let steps = steps(&found);
        if leaking.started() != run {
            assert_eq!(steps, ["capture done", "restart done", "check-active done"], "{found:#}");
            restarted = Some((hour, found));
            break;
        }
        assert!(steps.is_empty(), "{found:#}");
    }
    let Some((hour, found)) = restarted else { panic!("it was not found within 40 h") };
    println!("hour {hour}: {found:#}");
    // At least 12 hours before the limit, and at most two thirds of it in use.
    assert!(hour <= 30 && hour * STEP_BYTES + 70_000_000 < LIMIT_BYTES * 2 / 3 + 60_000_000, "{hour}");
    let second = leaking.started();
    // It leaks again, and is left alone for now.
    for _ in 0..8 {
        let ran = leaking.next_hour();
        assert!(steps(&finding(&ran)).is_empty(), "{ran:?}");
    }
    assert_eq!(leaking.started(), second, "it was restarted once");
    let replay = ["ansai", "replay", "--all", "--policies", "/opt/policies", "--state-dir", "/var/lib/ansai"];
    leaking.host.exec(&replay).expect_code(0);
    leaking.host.exec(&["ansai", "audit", "verify", "--state-dir", "/var/lib/ansai"]).expect_code(0);
}
