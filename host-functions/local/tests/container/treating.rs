//! Restart, evidence and check of real containers.

use ansai_core::{Outcome, Refusal, Scope};
use ansai_harness::server::ContainerEngine;
use ansai_local::container::fields::{CONTAINERS, LABELS, MAX_RESTARTS};
use serde_json::json;

use super::scene::Scene;

fn granted(containers: &str, labels: &[&str]) -> Scope {
    Scope::default()
        .with_set(&CONTAINERS, [containers])
        .with_set(&LABELS, labels.iter().copied())
        .with_number(&MAX_RESTARTS, 3)
}

/// Would break: a container without a granted label that is restarted; a value of the environment in the evidence.
#[test]
fn containers_are_restarted_checked_and_kept_as_evidence() {
    let Some(engine) = ContainerEngine::docker(None) else { return };
    let mut scene = Scene::new(&engine.socket());
    let secret = "shop-Secret-8472";
    let script = "echo \"using $SHOP\"; echo ready >&2; exec sleep 1000";
    engine.container(
        "web",
        &["--label", "heal=yes", "-e", &format!("SHOP={secret}"), "--stop-timeout", "1"],
        &["sh", "-c", script],
    );
    engine.container("bare", &[], &["sleep", "1000"]);
    engine.container("broken", &["--label", "heal=yes"], &["false"]);
    let (web, bare) = (scene.identity("web"), scene.identity("bare"));

    let denied = |scene: &Scene, identity: &str| match scene.restart(identity).map(|_| ()) {
        Err(Refusal::Denied(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(denied(&scene, &bare).contains("no label of bare"));
    for scope in [granted("db", &["*"]), granted("*", &[]), granted("*", &["heal=no"]), granted("*", &["heal"])] {
        let all = std::mem::replace(&mut scene.scope, scope);
        denied(&scene, &web);
        scene.scope = all;
    }
    let all = std::mem::replace(&mut scene.scope, granted("b*", &["*"]));
    assert!(scene.restart(&bare).is_ok());
    scene.scope = all;

    let evidence = scene.propose("container-actions.capture", json!({ "container": web, "lines": 10 })).unwrap();
    let applied = evidence.finish().unwrap();
    let texts: Vec<String> =
        applied.evidence.iter().map(|one| String::from_utf8_lossy(&one.content).into_owned()).collect();
    assert_eq!((applied.outcome, texts.len()), (Outcome::Done, 2));
    assert!(texts.iter().all(|text| !text.contains("8472")), "{texts:?}");
    assert!(texts[0].contains("\"SHOP\"") && texts[1].contains("using ***") && texts[1].contains("ready"), "{texts:?}");

    let step = scene.restart(&web).unwrap();
    assert_eq!(step.previewed.preview.about.name, "ct/web");
    let applied = step.finish().unwrap();
    assert_eq!((applied.outcome, applied.detail.as_str()), (Outcome::Done, "web was restarted"));
    assert_ne!(scene.identity("web"), web);
    // The same step again, and its evidence, are for the old run.
    assert!(matches!(step.finish(), Err(Refusal::Changed(_))));
    assert!(matches!(evidence.finish(), Err(Refusal::Changed(_))));
    assert_eq!(step.act(|action, doing| action.resolve(doing)).unwrap().outcome, Outcome::Done);

    let check = |name: &str, within: u64| {
        scene
            .propose("container-actions.check-healthy", json!({ "name": name, "within": within }))
            .unwrap()
            .finish()
            .unwrap()
    };
    assert_eq!(check("web", 10_000).outcome, Outcome::Done);
    let ended = check("broken", 10_000);
    assert_eq!((ended.outcome, ended.detail.contains("has ended")), (Outcome::Failed, true), "{}", ended.detail);
    let gone = scene.propose("container-actions.check-healthy", json!({ "name": "nobody", "within": 1_000 }));
    assert!(matches!(gone.map(|_| ()), Err(Refusal::NotFound(_))));

    engine.run(&["pause", "bare"]);
    scene.scope = granted("*", &["*"]);
    assert!(denied(&scene, &scene.identity("bare")).contains("paused"));
    engine.run(&["rm", "-f", "web"]);
    let removed = scene.restart(&web).map(|_| ());
    assert!(matches!(removed, Err(Refusal::NotFound(_))), "{removed:?}");
}
