//! As many evaluations as may run at the same time: nothing waits for ever, and nothing waits for what it holds itself.

use ansai_core::{ErrorKind, Limits, Mode, OnFailure, exit};
use ansai_supervisor::Instance;

use crate::scene::{ONE, Scene, fixed};
use crate::script::{How, Script, Step};

/// Detecting, planning and verifying each wait for a place. Would break: one that waits while it has one.
#[tokio::test(flavor = "multi_thread")]
async fn one_place_is_enough_to_heal_two_instances() {
    let scene = Scene::new();
    let names = [ONE, "two"];
    for name in names {
        let mark = scene.path(&format!("{name}.mark"));
        let script = Script::sick(vec![Step::mark(&mark)], OnFailure::Stop);
        scene.script_of(name, &script.healthy_once(mark));
    }
    let supervisor = scene.open_all(fixed(Mode::Enforce), names.map(|name| scene.instance(name)).into()).unwrap();
    supervisor.limit_evaluations(1);
    for report in supervisor.run_once().await {
        assert_eq!(report.exit_code(), exit::FINE, "{report:?}");
        assert_eq!(report.findings.len(), 1);
    }
    drop(supervisor);
    scene.finish().await;
}

/// An evaluation without end has its place until its time limit, and then the others have theirs.
#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_does_not_keep_the_only_place() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop).behaving(How::NeverEnds));
    scene.script_of("two", &Script::sick(vec![], OnFailure::Stop));
    let limits = Limits { fuel: u64::MAX / 2, deadline_ms: 300, ..Limits::default() };
    let endless = Instance { limits, ..scene.instance(ONE) };
    let supervisor = scene.open_all(fixed(Mode::Observe), vec![endless, scene.instance("two")]).unwrap();
    supervisor.limit_evaluations(1);
    let reports = supervisor.run_once().await;
    assert_eq!(reports[0].error_kind, Some(ErrorKind::Deadline));
    assert_eq!(reports[1].findings.len(), 1);
    drop(supervisor);
    scene.finish().await;
}
