//! Guards that fire before their step changes anything: the disk is slow, or the machine sleeps.

use crate::guarded::{scene, told};
use crate::scene::{Scene, eventually};
use crate::script::Call;

/// The guard fires a quarter later.
const SHORT_MS: u64 = 1_000;
const FIRED: &str = "guard file\n";

/// Where the step lingers next; nowhere without a point.
fn stop_at(scene: &Scene, point: Option<&str>) {
    let (now, next) = (scene.path("stop-at"), scene.path("stop-at.next"));
    match point {
        None => std::fs::remove_file(now).unwrap(),
        Some(point) => {
            std::fs::write(&next, point).unwrap();
            std::fs::rename(next, now).unwrap();
        }
    }
}

/// Waits until the step is at the point.
async fn reached(scene: &Scene, point: &str) {
    eventually(|| (scene.text("reached") == point).then_some(())).await;
}

/// Lets the guard fire while the step is at the point.
async fn fires_at(scene: &Scene, point: &str) {
    reached(scene, point).await;
    eventually(|| (scene.text("history") == FIRED).then_some(())).await;
}

/// Would break: a step that acts when nothing puts it back any more.
#[tokio::test]
async fn a_step_whose_guard_has_fired_does_not_begin() {
    let scene = scene(Call::Set, SHORT_MS);
    stop_at(&scene, Some("armed"));
    let supervisor = scene.open();
    let fires = async {
        fires_at(&scene, "armed").await;
        stop_at(&scene, None);
    };
    tokio::join!(supervisor.run_once(), fires);
    assert_eq!(told(&scene), ["intent", "guarded", "outcome refused"]);
    assert_eq!((scene.text("file"), scene.text("history")), ("old".into(), FIRED.into()));
    drop(supervisor);
    scene.open().recover().await;
    assert_eq!(told(&scene).len(), 3, "nothing is left to recover");
    scene.finish().await;
}
