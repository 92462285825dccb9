//! What an administrator does with plans that wait for approval.

use std::process::Command;

use ansai_harness::{requires_root, until_ok};

use crate::orders::LIMIT;
use crate::plans::{Full, LOGS};
use crate::undo::running;

/// A file system that logs fill, and a policy that asks before it acts.
fn asking() -> Full {
    let full = Full::new();
    let text = std::fs::read_to_string(full.scene.path("ansai.toml")).unwrap();
    full.scene.configuration(&text.replace("mode = \"enforce\"", "mode = \"approve\""));
    full
}

/// The one plan that waits.
fn waiting(full: &Full) -> String {
    let plans = full.ansai(&["plans", "--open", "--format", "json"]).code(0).json();
    let [plan] = plans.as_array().unwrap().as_slice() else { panic!("{plans:#}") };
    assert_eq!(
        (&plan["state"], &plan["instance"], &plan["decided"]),
        (&"open".into(), &"disk-space".into(), &serde_json::Value::Null)
    );
    plan["plan"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_sees_a_plan_approves_it_and_undoes_it() {
    if !requires_root() {
        return;
    }
    let full = asking();
    let root = full.disk.path().display().to_string();
    full.ansai(&["plans"]).code(0).says("no plans");
    let seen = full.ansai(&["run", "--once"]).code(3).says("waits for");
    let plan = waiting(&full);
    seen.says(&format!("plan {plan}"));
    full.ansai(&["run", "--once", "--quiet"]).code(3);
    assert_eq!(waiting(&full), plan, "it waits under one name");
    full.ansai(&["plans"]).code(0).says(&plan).says("waits for approval until 20");

    let shown = full.ansai(&["plan", &plan]).code(0).says("touches").says("undo until 20").says("interrupts nothing");
    assert_eq!(shown.stdout.matches(&format!("{root}/app.log.")).count(), 10, "{}", shown.stdout);
    shown.says(&format!("ansai approve {plan}"));
    let all = full.ansai(&["plan", &plan, "-v"]).code(0);
    assert!(all.stdout.matches(&format!("{root}/app.log.")).count() > 10, "{}", all.stdout);
    let json = full.ansai(&["plan", &plan, "--format", "json"]).code(0).json();
    assert!(json["steps"][0]["names"].as_array().is_some_and(|names| names.len() > 10), "{json:#}");
    full.ansai(&["undo", &plan]).code(0).says("nothing to do: it was on hold, and not applied");
    assert_eq!(full.logs(), LOGS);

    full.ansai(&["approve", "20260101t000000-000-0000"]).code(2).complains("no plan 20260101t000000-000-0000");
    full.ansai(&["approve", &plan, "--reason", "agreed"])
        .code(0)
        .says("approved until 20")
        .says("(uid 0)")
        .says("agreed");
    full.ansai(&["approve", &plan]).code(4).complains("already approved").complains("plan-not-open");
    full.ansai(&["run", "--once"]).says("quarantined");
    assert!(full.logs() < LOGS);
    full.ansai(&["plans"]).code(0).says("begun, approved by ");
    full.ansai(&["approve", &plan]).code(4).complains("begun");
    full.ansai(&["audit", "show", "--plan", &plan]).code(0).says("approved by ").says("done: quarantined");
    full.ansai(&["undo", &plan]).code(0).says("reverted: restored");
    assert_eq!(full.logs(), LOGS);
}

/// Would break: an answer of the daemon that its client cannot read, or two approvals of one plan.
#[test]
fn through_a_running_daemon_one_of_two_people_approves() {
    if !requires_root() {
        return;
    }
    let full = asking();
    full.ansai(&["run", "--once"]).code(3);
    let plan = waiting(&full);
    let mut daemon = running(&full);
    full.ansai(&["plans"]).code(0).says(&plan).says("waits for approval until 20");
    full.ansai(&["plan", &plan]).code(0).says("touches").says(&format!("ansai reject {plan}"));
    let approve = || full.ansai(&["approve", &plan]);
    let both = std::thread::scope(|scope| [scope.spawn(approve), scope.spawn(approve)].map(|one| one.join().unwrap()));
    let mut codes = both.each_ref().map(|ran| ran.code);
    codes.sort();
    assert_eq!(codes, [0, 4], "{} {}", both[0], both[1]);
    until_ok("removed", LIMIT, || if full.logs() < LOGS { Ok(()) } else { Err(daemon.transcript()) });
    full.ansai(&["plans"]).code(0).says("begun, approved by ");
    full.ansai(&["approve", &plan]).code(4).complains("[plan-not-open]");
    full.ansai(&["approve", "20260101t000000-000-0000"]).code(2).complains("no plan 20260101t000000-000-0000");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.wait(LIMIT);
}

#[test]
fn what_is_rejected_or_changed_is_not_applied() {
    if !requires_root() {
        return;
    }
    let full = asking();
    full.ansai(&["run", "--once"]).code(3);
    let plan = waiting(&full);
    full.ansai(&["reject", &plan]).code(2).complains("--reason");
    full.ansai(&["approve", &plan]).code(0);
    // One of its files changes.
    let changed = std::fs::File::options().append(true).open(full.disk.path().join("app.log.20.gz")).unwrap();
    std::io::Write::write_all(&mut &changed, b"more").unwrap();
    full.ansai(&["run", "--once"]).code(3).says("waits for");
    assert_eq!(full.logs(), LOGS);
    full.ansai(&["audit", "show", "--plan", &plan]).code(0).says("no longer waits for approval");
    let next = waiting(&full);
    assert_ne!(next, plan);
    full.ansai(&["reject", &next, "--reason", "needed"]).code(0).says("rejected by ").says("needed");
    full.ansai(&["run", "--once"]).code(3).says("was rejected");
    full.ansai(&["plans", "--open"]).code(0).says("no plan waits for approval");
    assert_eq!(full.logs(), LOGS);
}

#[test]
fn another_user_decides_nothing() {
    if !requires_root() {
        return;
    }
    let full = asking();
    full.ansai(&["run", "--once"]).code(3);
    let plan = waiting(&full);
    // A way to the program and the state that every user can take.
    let open = |path: &std::path::Path| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, mode).unwrap();
    };
    open(full.scene.root());
    let program = full.scene.path("program");
    std::fs::copy(env!("CARGO_BIN_EXE_ansai"), &program).unwrap();
    open(&program);
    for verb in ["plans", "plan", "approve"] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).arg(verb);
        if verb != "plans" {
            command.arg(&plan);
        }
        let output = command.arg("--state-dir").arg(full.scene.state_dir()).output().unwrap();
        assert!(!output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(waiting(&full), plan);
}
