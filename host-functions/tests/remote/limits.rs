//! How much time a call is given.

use std::time::Duration;

use serde_json::json;

use crate::pages::PAGES;
use crate::scene::{LONG, Scene, ask, patient};

/// Milliseconds.
async fn given(scene: &Scene, target: &str, evaluation: Duration) -> u64 {
    let live = scene.evaluation().ending_after(evaluation);
    let reply = ask(live, PAGES, "time-left", json!({ "target": target })).await.unwrap();
    serde_json::from_str(reply.get()).unwrap()
}

#[tokio::test]
async fn a_call_gets_a_third_of_what_is_left_and_no_more_than_its_limit() {
    let mut scene = Scene::new(patient());
    scene.target("page", "127.0.0.1:1", None);
    scene.target("quick", "127.0.0.1:1", Some(Duration::from_secs(1)));
    assert!(given(&scene, "page", Duration::from_secs(9)).await <= 3_000);
    assert!(given(&scene, "page", 3 * LONG).await > 3_000);
    assert!(given(&scene, "quick", 3 * LONG).await <= 1_000);
    assert!(given(&scene, "quick", Duration::from_millis(2_400)).await <= 800);
    scene.call_limit = Some(Duration::from_secs(2));
    assert!(given(&scene, "page", 3 * LONG).await <= 2_000, "the instance has a limit");
    scene.target("slow", "127.0.0.1:1", Some(Duration::from_secs(60)));
    assert!(given(&scene, "slow", 3 * LONG).await > 2_000, "the target has another one");
    let scene = {
        let mut scene = Scene::new(Default::default());
        scene.target("page", "127.0.0.1:1", None);
        scene
    };
    assert!(given(&scene, "page", 3 * LONG).await <= 5_000, "the default");
}
