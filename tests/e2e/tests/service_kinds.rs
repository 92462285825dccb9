//! The kinds of failures that `service-failure` tells apart while the daemon runs, on a host with a real systemd.

use std::time::Duration;

use ansai_harness::{requires_root, until_ok};
use serde_json::Value;

use crate::services::Services;

const CONFIG: &str = r#"
[daemon]
state_dir = "/var/lib/ansai"
mode = "enforce"
[policy.service-failure]
source = "/opt/policies/service-failure"
every = "1s"
[policy.service-failure.attempts]
cooldown = "0s"
verify_within = "2s"
[policy.service-failure.settings]
units = ["e2e-*.service"]
settle = "5s"
[policy.service-failure.grant]
"ansai:service/service-probe" = { units = ["e2e-*.service"] }
"ansai:service/service-actions" = { units = ["e2e-*.service"] }
"#;

/// How long something may take that surely happens: at most, six services are treated one after the other.
const PATIENCE: Duration = Duration::from_secs(240);

/// Hangs at its first start, and answers its watchdog from the second one on.
const WATCHED: &str = "if mkdir /run/watched; then exec sleep infinity; fi
while :; do systemd-notify WATCHDOG=1; sleep 0.2; done";
const SLEEPS: &str = "ExecStart=/bin/sleep infinity";

fn start() -> Services {
    let services = Services::with(CONFIG);
    services.shell(&format!(
        "cat > /usr/bin/e2e-watched <<'EOF'\n#!/bin/sh\n{WATCHED}\nEOF\nchmod 755 /usr/bin/e2e-watched"
    ));
    services.unit("e2e-watched", "", "NotifyAccess=all\nWatchdogSec=10s\nExecStart=/usr/bin/e2e-watched");
    // Fails at its first start only, so it does not matter how soon it is started again.
    let once = "ExecStartPre=/bin/sh -c '! mkdir /run/database'";
    services.unit("e2e-database", "", &format!("Type=exec\n{once}\n{SLEEPS}"));
    // systemd forgets at once what has not been started and nothing names.
    let enabled = format!("{SLEEPS}\n[Install]\nWantedBy=multi-user.target");
    services.unit("e2e-app", "Requires=e2e-database.service\nAfter=e2e-database.service", &enabled);
    services.unit("e2e-far", "Requires=e2e-app.service\nAfter=e2e-app.service", &enabled);
    services.unit("e2e-job", "", "Type=oneshot\nExecStart=/bin/sh -c 'echo ran >> /run/job; exit 1'");
    services.unit("e2e-web", "", &format!("{enabled}\nAlias=e2e-www.service"));
    services.unit("e2e-worker@", "", SLEEPS);
    services.unit("e2e-masked", "", SLEEPS);
    services.shell(
        "systemctl enable e2e-web e2e-app e2e-far; systemctl start e2e-web e2e-worker@1 e2e-worker@2 e2e-masked",
    );
    services.shell("systemctl kill -s KILL e2e-masked");
    services.wait("e2e-masked", "ActiveState", "failed");
    services.shell("systemctl mask --runtime e2e-masked");
    services.shell("systemd-run --quiet --unit=the-daemon /usr/bin/ansai run --config /etc/ansai/ansai.toml");
    services
}

/// What ansai prints, one JSON document in each line.
fn asked(services: &Services, question: &[&str]) -> Result<Vec<Value>, String> {
    let command = [&["ansai"], question, &["--config", "/etc/ansai/ansai.toml", "--format", "json"]].concat();
    let ran = services.0.exec(&command);
    ran.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|_| format!("{ran:?}"))
}

/// The steps that began, oldest first: the action, and the unit.
fn begun(log: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let step = |record: &Value| {
        let (action, about) = (text(&record["action"]), text(&record["about"]["name"]));
        (action.rsplit('.').next().unwrap().to_owned(), about.trim_end_matches(".service").to_owned())
    };
    log.iter().map(|one| &one["record"]).filter(|record| record["event"] == "intent").map(step).collect()
}

/// Would break: dependants that stay down after the service that they need; a job that is repeated; a masked service that is
/// started; an alias with a finding of its own; an instance of a template that costs its siblings a restart.
#[test]
fn systemd_each_kind_of_failure_is_told_apart_while_the_daemon_runs() {
    if !requires_root() {
        return;
    }
    let services = start();
    // It knows how jobs end from its first evaluation on.
    until_ok("an evaluation", PATIENCE, || {
        let ran = services.0.exec(&["ansai", "status", "--config", "/etc/ansai/ansai.toml"]);
        if ran.stdout.contains("evaluated ") { Ok(()) } else { Err(format!("{ran:?}")) }
    });
    let run = |name: &str| services.property(name, "InvocationID");
    let before = ["e2e-web", "e2e-worker@1", "e2e-worker@2"].map(run);
    services.shell("systemctl start --no-block e2e-watched e2e-far e2e-job");
    services.shell("systemctl kill -s KILL e2e-www e2e-worker@1");

    let of = |steps: &[(String, String)], unit: &str| -> Vec<String> {
        steps.iter().filter(|step| step.1 == unit).map(|step| step.0.clone()).collect()
    };
    let restarted: &[&str] = &["capture", "restart", "check-active"];
    let expected: [(&str, &[&str]); 6] = [
        ("e2e-web", restarted),
        ("e2e-worker@1", restarted),
        ("e2e-watched", restarted),
        ("e2e-database", restarted),
        ("e2e-app", &["start", "check-active"]),
        ("e2e-far", &["start", "check-active"]),
    ];
    let steps = until_ok("each of them is treated and active", PATIENCE, || {
        let steps = begun(&asked(&services, &["audit", "show"])?);
        let is_well = |(unit, actions): &(&str, &[&str])| {
            of(&steps, unit).starts_with(&actions.iter().map(ToString::to_string).collect::<Vec<_>>())
                && services.property(unit, "ActiveState") == "active"
        };
        let is_told = of(&steps, "e2e-job") == ["capture"];
        if expected.iter().all(is_well) && is_told { Ok(steps) } else { Err(format!("{steps:?}")) }
    });
    // What was only not started is started, the nearest first, in the plan of its cause.
    let at = |action: &str, unit: &str| steps.iter().position(|one| one.0 == action && one.1 == unit).unwrap();
    let order = [at("restart", "e2e-database"), at("start", "e2e-app"), at("start", "e2e-far")];
    assert!(order.is_sorted(), "{steps:?}");
    assert_eq!([of(&steps, "e2e-app").len(), of(&steps, "e2e-far").len()], [2, 2], "{steps:?}");

    // A job is told, and not repeated.
    assert_eq!(services.shell("cat /run/job").stdout.trim(), "ran");
    assert_eq!(services.property("e2e-masked", "ActiveState"), "failed", "masked: it must not run");
    for unit in ["e2e-masked", "e2e-www", "e2e-worker@2"] {
        assert_eq!(of(&steps, unit), [""; 0], "{unit}: {steps:?}");
    }
    let after = ["e2e-web", "e2e-worker@1", "e2e-worker@2"].map(run);
    assert!(before[0] != after[0] && before[1] != after[1] && before[2] == after[2], "{before:?} {after:?}");
    let told = format!("{:?}", asked(&services, &["audit", "show"]).unwrap());
    assert!(told.contains("e2e-watched.service missed its watchdog"), "{told}");
    assert!(told.contains("e2e-web.service was killed by SIGKILL"), "{told}");
    assert!(!told.contains("e2e-www") && !told.contains("e2e-masked"), "{told}");
    services.shell("systemctl stop the-daemon");
    services.replays();
}
