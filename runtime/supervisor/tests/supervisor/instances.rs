//! Several instances of one policy, and one supervisor for each state directory.

use ansai_core::{Mode, OnFailure, exit};
use ansai_supervisor::OpenError;
use ansai_supervisor::report::exit_code;

use crate::scene::{ONE, Scene, fixed};
use crate::script::{How, Script, Step};

#[tokio::test]
async fn each_goes_by_its_own_settings() {
    let scene = Scene::new();
    for name in [ONE, "two"] {
        let mark = scene.path(&format!("marked-by-{name}"));
        scene.script_of(name, &Script::sick(vec![Step::mark(&mark)], OnFailure::Stop).healthy_once(mark));
    }
    let instances = vec![scene.instance(ONE), scene.instance("two")];
    let reports = scene.open_all(fixed(Mode::Enforce), instances).unwrap().run_once().await;
    assert_eq!(exit_code(&reports), exit::FINE);
    assert!(scene.path("marked-by-one").exists() && scene.path("marked-by-two").exists());
    let incidents: Vec<_> = reports.iter().map(|report| report.instance.clone()).collect();
    assert_eq!(incidents, [ONE, "two"]);
    scene.finish().await;
}

#[tokio::test]
async fn one_that_traps_harms_no_other() {
    let scene = Scene::new();
    let mark = scene.path("a");
    scene.script(&Script::sick(vec![], OnFailure::Stop).behaving(How::Traps));
    scene.script_of("two", &Script::sick(vec![Step::mark(&mark)], OnFailure::Stop).healthy_once(mark));
    let instances = vec![scene.instance(ONE), scene.instance("two")];
    let reports = scene.open_all(fixed(Mode::Enforce), instances).unwrap().run_once().await;
    assert!(reports[0].error.as_ref().is_some_and(|error| error.contains("trapped")));
    assert_eq!((reports[0].exit_code(), reports[1].exit_code()), (exit::UNKNOWN, exit::FINE));
    assert!(scene.path("a").exists());
    scene.finish().await;
}

#[tokio::test]
async fn a_state_directory_has_one_supervisor() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let first = scene.open();
    let second = scene.open_with(fixed(Mode::Enforce));
    assert!(matches!(second, Err(OpenError::Audit(ansai_audit::OpenError::InUse(_)))));
    first.run_once().await;
    drop(first);
    scene.open();
    scene.finish().await;
}
