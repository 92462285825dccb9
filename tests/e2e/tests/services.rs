//! The policy `service-failure` on a host with a real systemd.

use std::time::{Duration, Instant};

use ansai_harness::{Ran, SystemdHost, binary, requires_root};
use serde_json::Value;

const CONFIG: &str = r#"
[daemon]
state_dir = "/var/lib/ansai"
mode = "enforce"
[policy.service-failure]
source = "/opt/policies/service-failure"
[policy.service-failure.attempts]
cooldown = "0s"
verify_within = "2s"
[policy.service-failure.settings]
units = ["e2e-*.service"]
settle = "3s"
[policy.service-failure.grant]
"ansai:service/service-probe" = { units = ["e2e-*.service"] }
"ansai:service/service-actions" = { units = ["e2e-*.service"] }
"#;
/// Maximum time until systemd has reached a state.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Services(pub(crate) SystemdHost);

impl Services {
    fn start() -> Services {
        Services::with(CONFIG)
    }

    /// With this configuration.
    pub(crate) fn with(config: &str) -> Services {
        let (ansai, policies) = (binary::ansai(), binary::policy("service-failure"));
        let policies = policies.parent().unwrap().parent().unwrap();
        let host = SystemdHost::start(&[(ansai.as_path(), "/usr/bin/ansai"), (policies, "/opt/policies")]);
        let services = Services(host);
        services.shell(&format!("mkdir -p /etc/ansai && cat > /etc/ansai/ansai.toml <<'EOF'\n{config}\nEOF"));
        services
    }

    pub(crate) fn shell(&self, script: &str) -> Ran {
        let ran = self.0.exec(&["sh", "-c", script]);
        ran.expect_code(0);
        ran
    }

    /// Writes the unit file of a service.
    pub(crate) fn unit(&self, name: &str, unit: &str, service: &str) {
        let text = format!("[Unit]\n{unit}\n[Service]\n{service}\n");
        self.shell(&format!(
            "cat > /usr/lib/systemd/system/{name}.service <<'EOF'\n{text}EOF\nsystemctl daemon-reload"
        ));
    }

    pub(crate) fn property(&self, name: &str, property: &str) -> String {
        self.0.exec(&["systemctl", "show", "-P", property, name]).stdout.trim().to_owned()
    }

    /// Waits until a property has a value.
    pub(crate) fn wait(&self, name: &str, property: &str, value: &str) {
        let begin = Instant::now();
        while self.property(name, property) != value {
            let found = self.property(name, property);
            assert!(begin.elapsed() < LIMIT, "{property} of {name} is {found}, not {value}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn once(&self) -> Ran {
        self.0.exec(&["ansai", "run", "--once", "--format", "json", "--config", "/etc/ansai/ansai.toml"])
    }

    /// Every recorded evaluation gives the same answer again, and the audit log is sound.
    pub(crate) fn replays(&self) {
        let replay = ["ansai", "replay", "--all", "--policies", "/opt/policies", "--state-dir", "/var/lib/ansai"];
        self.0.exec(&replay).expect_code(0);
        self.0.exec(&["ansai", "audit", "verify", "--state-dir", "/var/lib/ansai"]).expect_code(0);
    }
}

pub(crate) fn finding(ran: &Ran, key: &str) -> Value {
    let json = ran.json();
    let findings = json["instances"][0]["findings"].as_array().unwrap_or_else(|| panic!("{ran:?}"));
    findings.iter().find(|finding| finding["key"] == key).unwrap_or_else(|| panic!("{json:#}")).clone()
}

/// The steps of all plans of a finding: the name of the action, and the outcome.
pub(crate) fn steps(finding: &Value) -> Vec<(String, String)> {
    let plans = finding["plans"].as_array().unwrap();
    let steps = plans.iter().flat_map(|plan| plan["steps"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    steps.map(|step| (text(&step["action"]), text(&step["outcome"]))).collect()
}

#[test]
fn systemd_a_crashed_service_is_restarted_and_what_a_person_stopped_is_left_alone() {
    if !requires_root() {
        return;
    }
    let services = Services::start();
    services.unit("e2e-crash", "", "ExecStart=/bin/sh -c 'echo the-last-line-before-the-crash; exec sleep infinity'");
    services.unit("e2e-stopped", "", "ExecStart=/bin/sleep infinity");
    services.unit("e2e-masked", "", "ExecStart=/bin/sleep infinity");
    // As Java does when it is told to end.
    let java = r#"trap "exit 143" TERM; touch /run/e2e-java-runs; while :; do sleep 0.1; done"#;
    services.unit("e2e-java", "", &format!("ExecStart=/bin/sh -c '{java}'"));
    services.unit("e2e-job", "", "Type=oneshot\nExecStart=/bin/true");
    services.shell("systemctl start e2e-crash e2e-stopped e2e-masked e2e-job && systemctl stop e2e-stopped e2e-masked");
    services.shell("systemctl mask --runtime e2e-masked && journalctl --sync");
    services.shell("systemctl start e2e-java && until [ -e /run/e2e-java-runs ]; do sleep 0.1; done");
    services.shell("systemctl stop e2e-java || true");
    services.wait("e2e-java", "ActiveState", "failed");
    let run = services.property("e2e-crash", "InvocationID");
    services.shell("systemctl kill -s KILL e2e-crash");
    services.wait("e2e-crash", "ActiveState", "failed");

    let ran = services.once();
    let crash = finding(&ran, "e2e-crash.service");
    ran.expect_code(0);
    let expected = ["capture", "restart", "check-active"].map(|step| (step.to_owned(), "done".to_owned()));
    assert_eq!(steps(&crash), expected, "{crash:#}");
    assert_eq!(services.property("e2e-crash", "ActiveState"), "active");
    assert_ne!(services.property("e2e-crash", "InvocationID"), run);
    let evidence = services.0.exec(&["ansai", "evidence", "--state-dir", "/var/lib/ansai", "--format", "json"]);
    evidence.expect_code(0);
    assert!(evidence.stdout.contains("e2e-crash"), "{evidence:?}");

    for name in ["e2e-stopped", "e2e-masked", "e2e-job"] {
        assert_eq!(services.property(name, "ActiveState"), "inactive", "{name}");
    }
    assert_eq!(services.property("e2e-java", "ActiveState"), "failed", "it was stopped");
    let mentioned = ran.json()["instances"][0]["findings"].as_array().unwrap().clone();
    let (java, others): (Vec<Value>, Vec<Value>) =
        mentioned.into_iter().partition(|finding| finding["key"] == "e2e-java.service");
    assert!(java.iter().all(|finding| steps(finding).is_empty()), "{java:?}");
    assert_eq!(others.len(), 1, "what was stopped is no finding: {ran:?}");
    // It is healthy now, and nothing is done again.
    let ran = services.once();
    ran.expect_code(0);
    assert!(steps(&finding(&ran, "e2e-crash.service")).is_empty(), "{ran:?}");
    services.replays();
}

#[test]
fn systemd_a_service_that_reaches_its_start_limit_again_is_given_up_loudly() {
    if !requires_root() {
        return;
    }
    let services = Services::start();
    services.unit(
        "e2e-flap",
        "StartLimitIntervalSec=2\nStartLimitBurst=3",
        "ExecStart=/bin/false\nRestart=always\nRestartSec=100ms",
    );
    services.shell("systemctl start e2e-flap");
    services.wait("e2e-flap", "ActiveState", "failed");
    // Its own limit is respected: until it is over, the policy waits.
    let begin = Instant::now();
    let first = loop {
        let ran = services.once();
        if !steps(&finding(&ran, "e2e-flap.service")).is_empty() {
            break ran;
        }
        assert!(begin.elapsed() < LIMIT, "{ran:?}");
        std::thread::sleep(Duration::from_millis(500));
    };
    first.expect_code(3);
    let flap = finding(&first, "e2e-flap.service");
    let tried: Vec<String> = steps(&flap).into_iter().map(|(action, _)| action).collect();
    assert_eq!(tried, ["capture", "restart", "check-active"], "{flap:#}");
    services.wait("e2e-flap", "ActiveState", "failed");

    let second = services.once();
    second.expect_code(3);
    let flap = finding(&second, "e2e-flap.service");
    assert!(flap.to_string().contains("reached its start limit again after a restart"), "{flap:#}");
    assert!(steps(&flap).is_empty(), "{flap:#}");
    assert_eq!(services.property("e2e-flap", "ActiveState"), "failed");
    services.replays();
}
