//! A new version while a step is under way.

use ansai_harness::requires_root;
use serde_json::Value;

use super::{DAEMON, Host, SERVICES};

/// Starts at once, except while `/run/e2e-slow` exists: then it waits for `/run/e2e-go`.
const SLOW: &str = r"ExecStartPre=/bin/sh -c 'while [ -e /run/e2e-slow ] && [ ! -e /run/e2e-go ]; do sleep 0.1; done'
ExecStart=/bin/sleep infinity";

fn of(records: &[Value], event: &str) -> Vec<Value> {
    records.iter().filter(|record| record["event"] == event).cloned().collect()
}

#[test]
fn systemd_a_step_under_way_survives_an_upgrade_and_the_state_is_kept() {
    if !requires_root() {
        return;
    }
    let host = Host::start(&[]);
    host.unit("e2e-slow", SLOW);
    host.shell("systemctl start e2e-slow && touch /run/e2e-slow");
    host.configure(&format!("{DAEMON}{SERVICES}"));
    host.run(&["ansai", "install-unit", "--enable"]).expect_code(0);
    host.shell("systemctl kill -s KILL e2e-slow");
    let restarts = |record: &Value| record["action"].as_str().is_some_and(|action| action.ends_with(".restart"));
    host.until("the restart is under way", || {
        of(&host.records(), "intent").iter().any(restarts) && host.property("e2e-slow", "ActiveState") == "activating"
    });
    let intent = of(&host.records(), "intent").into_iter().find(restarts).unwrap();

    let old = host.property("ansai", "MainPID");
    host.put_program();
    host.shell("systemctl restart ansai");
    assert_ne!(host.property("ansai", "MainPID"), old);
    assert_eq!(host.property("e2e-slow", "ActiveState"), "activating", "the step goes on");
    host.shell("touch /run/e2e-go");
    let is_of_step = |record: &Value| record["plan"] == intent["plan"] && record["step"] == intent["step"];
    host.until("the step has its outcome", || {
        of(&host.records(), "outcome").iter().any(|one| is_of_step(one) && one["outcome"] == "done")
    });
    host.until_property("ansai", "StatusText", "healthy");
    // It began once, and its incident is the one of before.
    let records = host.records();
    assert_eq!(of(&records, "intent").iter().filter(|one| restarts(one)).count(), 1, "{records:#?}");
    let opened = of(&records, "incident").into_iter().filter(|one| one["change"] == "opened").count();
    assert_eq!(opened, 1, "{records:#?}");
    host.shell("systemctl stop ansai");
    host.audit_is_sound();
}
