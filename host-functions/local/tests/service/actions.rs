//! What the actions do, and what they refuse.

use ansai_core::{Access, Outcome, Refusal, Scope, Touch};
use ansai_harness::requires_root;
use ansai_kit::action::{Begun, Work};
use ansai_local::service::fields::{MAX_RESTARTS, UNITS};
use serde_json::{Value, json};

use crate::scene::{Scene, UnitFile, doing, propose};

const UNITS_HERE: &[UnitFile] = &[
    // Runs unless it was broken; a reload leaves a trace.
    (
        "web.service",
        "[Service]\nType=exec\nExecStartPre=/usr/bin/test ! -e /run/web-broken\nExecStart=/bin/sleep 1000\nExecReload=/usr/bin/touch /run/web-reloaded\n[Install]\nAlias=www.service\nWantedBy=multi-user.target\n",
    ),
    ("app.service", "[Unit]\nRequires=web.service\nAfter=web.service\n[Service]\nExecStart=/bin/sleep 1000\n"),
    ("once.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'test ! -e /run/once-broken'\n"),
    ("hidden.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
    (
        "limited.service",
        "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n[Service]\nRestart=always\nExecStart=/bin/false\n",
    ),
    (
        "slow.service",
        "[Service]\nType=oneshot\nExecStartPre=/usr/bin/test ! -e /run/slow-broken\nExecStart=/bin/sh -c 'while [ ! -e /run/slow-go ]; do sleep 0.1; done'\n",
    ),
    ("off.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
];

fn unit(name: &str) -> Value {
    json!({ "unit": name })
}

#[track_caller]
fn refused(scene: &Scene, verb: &str, arguments: Value) -> Refusal {
    scene.propose(verb, arguments).map(|step| step.preview).unwrap_err()
}

#[test]
fn systemd_services_are_restarted_within_the_rules() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new(UNITS_HERE, &[]);
    scene.run("systemctl enable web.service; systemctl start web app");

    // A restart of what runs: another run, and its dependants with it.
    let step = scene.propose("restart", scene.restart("www.service")).unwrap();
    assert_eq!(step.preview.about.name, "web.service");
    assert!(step.preview.sample.iter().any(|line| line.starts_with("app.service")), "{:?}", step.preview.sample);
    let touch = |access, name: &str| Touch { subject: ansai_core::Subject::new("unit", name), access };
    let units = [touch(Access::Exclusive, "web.service"), touch(Access::Shared, "app.service")];
    // No upgrade runs meanwhile.
    let expected: Vec<Touch> = units.into_iter().chain(Work::Restart.touches()).collect();
    assert_eq!(*step.touches(), expected);
    let before = scene.look("web.service")["invocation"].clone();
    let applied = scene.finish(&step).unwrap();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert_ne!(scene.wait_for("web.service", "active")["invocation"], before);
    scene.wait_for("app.service", "active");

    // The same step again, and what a policy saw earlier: it was restarted meanwhile.
    assert!(matches!(scene.finish(&step), Err(Refusal::Changed(_))));
    let stale = json!({ "unit": "web.service", "invocation": before });
    assert!(matches!(refused(&scene, "restart", stale), Refusal::Changed(_)));
    // After a crash, what became of it is found out.
    let resolved = doing(&scene.host, &scene.scope, &step, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Done);

    // Reload, and reload once more after an undo.
    let reload = scene.propose("reload", unit("web.service")).unwrap();
    assert_eq!(scene.finish(&reload).unwrap().outcome, Outcome::Done);
    scene.run("rm /run/web-reloaded");
    let again = doing(&scene.host, &scene.scope, &reload, |action, doing| action.after_undo(doing)).unwrap();
    assert_eq!(again.outcome, Outcome::Done, "{again:?}");
    scene.run("rm /run/web-reloaded");
    assert!(matches!(refused(&scene, "reload", unit("app.service")), Refusal::Unsupported(_)));

    // Stopped by somebody: hands off.
    scene.run("systemctl stop app web");
    for (verb, arguments) in [("start", unit("web.service")), ("restart", scene.restart("web.service"))] {
        assert!(matches!(refused(&scene, verb, arguments), Refusal::Denied(_)), "{verb}");
    }
    assert!(matches!(refused(&scene, "start", unit("off.service")), Refusal::Denied(_)), "never started, not enabled");
    scene.run("systemctl mask hidden.service");
    assert!(matches!(refused(&scene, "start", unit("hidden.service")), Refusal::Denied(_)));
    assert!(matches!(refused(&scene, "start", unit("none.service")), Refusal::NotFound(_)));
    assert!(matches!(refused(&scene, "start", unit("web")), Refusal::Invalid(_)));
    assert!(matches!(
        refused(&scene, "start", unit("systemd-poweroff.service")),
        Refusal::Denied(_) | Refusal::Unsupported(_)
    ));

    // A failure that lasts, and one that was mended.
    scene.try_run("touch /run/web-broken; systemctl start web");
    let failed = scene.wait_for("web.service", "failed");
    let restart = json!({ "unit": "web.service", "invocation": failed["invocation"] });
    let applied = scene.finish(&scene.propose("restart", restart).unwrap()).unwrap();
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
    assert!(applied.detail.contains("web.service"), "{applied:?}");
    scene.run("rm /run/web-broken");
    assert_eq!(scene.outcome("start", unit("web.service")), Outcome::Done);
    assert!(matches!(refused(&scene, "start", unit("web.service")), Refusal::Changed(_)), "it runs");
    assert_eq!(scene.outcome("check-active", json!({ "unit": "web.service", "within": 1_000 })), Outcome::Done);

    // A one-shot.
    scene.try_run("touch /run/once-broken; systemctl start once");
    assert_eq!(scene.look("once.service")["active"], "failed");
    assert_eq!(scene.outcome("check-active", json!({ "unit": "once.service", "within": 1_000 })), Outcome::Failed);
    let reset = scene.propose("reset-failed", unit("once.service")).unwrap();
    // Proposed in the same plan, while it has failed.
    let then = scene.propose("restart", scene.restart("once.service")).unwrap();
    assert_eq!(reset.preview.items, 1);
    assert_eq!(scene.finish(&reset).unwrap().outcome, Outcome::Done);
    assert_eq!(scene.look("once.service")["active"], "inactive");
    assert_eq!(scene.propose("reset-failed", unit("once.service")).unwrap().preview.items, 0);
    scene.run("rm /run/once-broken");
    let applied = scene.finish(&then).unwrap();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert_eq!(scene.outcome("check-active", json!({ "unit": "once.service", "within": 1_000 })), Outcome::Done);

    // The grant: other units, and no restart left.
    let narrow = Scope::default().with_set(&UNITS, ["www.service"]).with_number(&MAX_RESTARTS, 3);
    assert!(matches!(propose(&scene.host, &narrow, "reload", unit("www.service")), Err(Refusal::Denied(_))));
    let none = Scope::default().with_set(&UNITS, ["*"]).with_number(&MAX_RESTARTS, 0);
    assert!(matches!(propose(&scene.host, &none, "restart", scene.restart("web.service")), Err(Refusal::Denied(_))));
}

#[test]
fn systemd_limits_of_starts_are_respected_and_slow_jobs_are_found_again() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new(UNITS_HERE, &[]);
    scene.try_run("systemctl start limited");
    // systemd keeps how it ended before its start limit.
    assert_eq!(scene.wait_for("limited.service", "failed")["ended"], "exit-code");
    for (verb, arguments) in [("restart", scene.restart("limited.service")), ("reset-failed", unit("limited.service"))]
    {
        let why = refused(&scene, verb, arguments);
        assert!(matches!(&why, Refusal::Busy(text) if text.contains("possible again in")), "{verb}: {why}");
    }

    // A job that runs, seen by a process that did not begin it.
    scene.try_run("touch /run/slow-broken; systemctl start slow; rm /run/slow-broken");
    let step = scene.propose("start", unit("slow.service")).unwrap();
    let begun = doing(&scene.host, &scene.scope, &step, |action, doing| action.begin(doing)).unwrap();
    let Begun::Running { handle, .. } = begun else { panic!("{begun:?}") };
    let poll = || doing(&scene.host, &scene.scope, &step, |action, doing| action.poll(doing, &handle));
    assert!(matches!(poll(), ansai_kit::action::Progress::Running { .. }));
    assert!(matches!(refused(&scene, "restart", scene.restart("slow.service")), Refusal::Busy(_)));
    let resolved = doing(&scene.host, &scene.scope, &step, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Unknown, "its job still runs");
    // The signal of its end is missed: the connection breaks meanwhile.
    scene.run("systemctl restart dbus.service; touch /run/slow-go");
    scene.wait_for_again("slow.service", "inactive");
    let applied = loop {
        match poll() {
            ansai_kit::action::Progress::Finished(applied) => break applied,
            ansai_kit::action::Progress::Running { .. } => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    };
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");

    // Cancelled: systemd takes the job away.
    scene.try_run("rm /run/slow-go; touch /run/slow-broken; systemctl start slow; rm /run/slow-broken");
    let step = scene.propose("start", unit("slow.service")).unwrap();
    let begun = doing(&scene.host, &scene.scope, &step, |action, doing| action.begin(doing)).unwrap();
    let Begun::Running { handle, .. } = begun else { panic!("{begun:?}") };
    let applied = doing(&scene.host, &scene.scope, &step, |action, doing| action.cancel(doing, &handle));
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
}
