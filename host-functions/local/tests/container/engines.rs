//! What real engines show: Docker and Podman.

use std::time::{Duration, Instant};

use ansai_harness::server::ContainerEngine;
use serde_json::json;

use super::scene::Scene;

/// Would break: a field that one of the engines writes in another way.
#[test]
fn docker_shows_containers_images_and_volumes() {
    let Some(engine) = ContainerEngine::docker(None) else { return };
    let scene = Scene::new(&engine.socket());
    let look = scene.probe("look", None).unwrap();
    assert_eq!((&look["name"], &look["store"]), (&json!("docker"), &json!(engine.store().to_str().unwrap())));
    assert_eq!(look["about"], json!({ "kind": "target", "name": "ct" }));
    assert!(look["mount"].is_string() && look["version"].as_str().unwrap().starts_with(char::is_numeric), "{look}");
    let labels = [
        "--label",
        "heal=yes",
        "--label",
        "com.docker.compose.project=shop",
        "--label",
        "com.docker.compose.depends_on=db:service_healthy:false,cache",
        "--label",
        "password=hunter2hunter2",
    ];
    let health = ["--health-cmd", "true", "--health-interval", "1s", "--restart", "on-failure"];
    engine.container(
        "web",
        &[&labels[..], &health, &["-v", "kept:/data", "-v", "/scratch"]].concat(),
        &["sleep", "1000"],
    );
    engine.container("done", &[], &["sh", "-c", "exit 3"]);
    let began = Instant::now();
    while scene.container("web")["health"] != "healthy" || scene.container("done")["state"] != "exited" {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(100));
    }
    let web = scene.container("web");
    assert_eq!(web["about"], json!({ "kind": "container", "name": "ct/web" }));
    assert_eq!(
        (&web["state"], &web["project"], &web["needs"]),
        (&json!("running"), &json!("shop"), &json!(["db", "cache"]))
    );
    assert_eq!((&web["restarts-itself"], &web["image"]), (&json!(true), &json!("localhost/busybox:1")));
    assert!(web["labels"].as_array().unwrap().contains(&json!("heal=yes")), "{web:#}");
    assert!(!web.to_string().contains("hunter2"), "{web:#}");
    let done = scene.container("done");
    assert_eq!(
        (&done["exit-code"], &done["restarts-itself"], &done["health"]),
        (&json!(3), &json!(false), &json!("none"))
    );
    assert!(done["finished"].is_u64() && done["started"].is_u64(), "{done:#}");

    let old = engine.load_image(None, "2020-01-01T00:00:00Z", 1);
    let images = scene.list("list-images");
    let used: Vec<bool> = images.iter().map(|image| image["used"].as_bool().unwrap()).collect();
    assert_eq!(used.iter().filter(|used| **used).count(), 1, "{images:#?}");
    let dangling = images.iter().find(|image| image["id"] == *old).unwrap();
    assert_eq!((&dangling["tags"], &dangling["created"]), (&json!([]), &json!(1_577_836_800_000_u64)));

    let volumes = scene.list("list-volumes");
    let named: Vec<(bool, bool)> =
        volumes.iter().map(|one| (one["named"].as_bool().unwrap(), one["used"].as_bool().unwrap())).collect();
    assert!(named.contains(&(true, true)) && named.contains(&(false, true)) && named.len() == 2, "{volumes:#?}");
}

#[test]
fn podman_shows_containers_images_and_volumes() {
    let Some(engine) = ContainerEngine::podman(None) else { return };
    let scene = Scene::new(&engine.socket());
    let look = scene.probe("look", None).unwrap();
    assert_eq!((&look["name"], &look["store"]), (&json!("podman"), &json!(engine.store().to_str().unwrap())));
    let health = ["--health-cmd", "test ! -e /tmp/dead", "--health-interval", "disable", "--health-retries", "1"];
    engine.container(
        "web",
        &[&["--label", "heal=yes"][..], &health, &["-v", "kept:/data", "-v", "/scratch"]].concat(),
        &["sleep", "1000"],
    );
    engine.run(&["healthcheck", "run", "web"]);
    let web = scene.container("web");
    assert_eq!(
        (&web["state"], &web["health"], &web["restarts-itself"]),
        (&json!("running"), &json!("healthy"), &json!(false))
    );
    engine.run(&["exec", "web", "touch", "/tmp/dead"]);
    engine.cli(&["healthcheck", "run", "web"]);
    assert_eq!(scene.container("web")["health"], "unhealthy");
    let old = engine.load_image(None, "2020-01-01T00:00:00Z", 1);
    let images = scene.list("list-images");
    let is_used = |id: &str| images.iter().find(|image| image["id"] == *id).map(|image| image["used"] == true);
    assert_eq!((images.len(), is_used(&old)), (2, Some(false)), "{images:#?}");
    let volumes = scene.list("list-volumes");
    assert!(volumes.iter().all(|one| one["used"] == true) && volumes.len() == 2, "{volumes:#?}");

    // What a stopped container uses stays; what nothing uses goes.
    let mut scene = scene;
    scene.later = 200;
    scene.opt_in();
    assert_eq!(scene.remove_volumes().unwrap().previewed.preview.items, 0);
    let applied = scene.remove_images(true).unwrap().finish().unwrap();
    assert!(!engine.has_image(&old) && engine.has_image("localhost/busybox:1"), "{applied:#?}");
    engine.run(&["rm", "-f", "-t", "0", "web"]);
    let step = scene.remove_volumes().unwrap();
    assert_eq!(step.previewed.preview.items, 1);
    step.finish().unwrap();
    let left = scene.list("list-volumes");
    assert_eq!(left.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), ["kept"]);
}
