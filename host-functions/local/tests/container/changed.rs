//! Engines and things that are no longer, or never were, what was granted.

use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_core::{Outcome, Refusal};
use ansai_harness::requires_root;
use serde_json::{Value, json};

use super::fake::{Answer, Fake, json as reply};
use super::hostile::{ID, image, inspected};
use super::scene::{Scene, place};

/// Would break: a grant for the engine of a user that acts on root's, to which the user has made a link.
#[test]
fn the_engine_of_another_user_is_refused_before_it_is_asked() {
    if !requires_root() {
        return;
    }
    let fake = Fake::engine(|_| None);
    let look = |socket: PathBuf| {
        let (address, limit) = (format!("unix:{}", socket.display()), Duration::from_secs(5));
        Scene { address, limit, ..fake.scene() }.probe("look", None)
    };
    let (directory, link) = place();
    symlink(fake.socket(), &link).unwrap();
    symlink(fake.socket().parent().unwrap(), directory.path().join("run")).unwrap();
    assert!(look(link.clone()).is_ok(), "the link is root's");
    let asked = fake.requests().len();
    chown(directory.path(), Some(65534), None).unwrap();
    for path in [link, directory.path().join("run").join(fake.socket().file_name().unwrap())] {
        let refused = look(path).unwrap_err();
        assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains("engine runs as user 0")), "{refused}");
    }
    assert_eq!(fake.requests().len(), asked);
}

/// Would break: a newer engine that is refused; the file system of its state that is taken for the one of its images.
#[test]
fn newer_engines_are_asked_by_the_newest_version_that_is_known_here() {
    for (driver, store) in [("io.containerd.snapshotter.v1", ""), ("overlay2", "/var/lib/docker")] {
        let info = json!({ "DockerRootDir": "/var/lib/docker", "DriverStatus": [["driver-type", driver]] }).to_string();
        let fake = Fake::engine(move |request| match request {
            "GET /version" => Some(reply(r#"{"ApiVersion":"1.52","MinAPIVersion":"1.44","Version":"29.0.0"}"#)),
            "GET /info" => Some(reply(&info)),
            _ => None,
        });
        let look = Scene { limit: Duration::from_secs(5), ..fake.scene() }.probe("look", None).unwrap();
        assert_eq!((&look["version"], &look["store"]), (&json!("29.0.0"), &json!(store)), "{look:#}");
        assert!(look["mount"].is_null() || !store.is_empty(), "{look:#}");
    }
}

/// Would break: an image that gets a tag while the step removes others, and is removed with it.
#[test]
fn an_image_that_has_a_tag_by_now_stays() {
    let tagged = Arc::new(AtomicBool::new(false));
    let is_tagged = tagged.clone();
    let images = json!([image(ID, &[], 1_500_000_000)]).to_string();
    let fake = Fake::engine(move |request| match request {
        "GET /containers/json?all=1" => Some(reply("[]")),
        "GET /images/json" => Some(reply(&images)),
        request if request.starts_with("GET /images/") => {
            let tags: &[&str] = if is_tagged.load(Ordering::SeqCst) { &["app:1"] } else { &[] };
            Some(reply(&json!({ "RepoTags": tags }).to_string()))
        }
        request if request.starts_with("DELETE ") => Some(reply("[]")),
        _ => None,
    });
    let scene = Scene { limit: Duration::from_secs(5), ..fake.scene() };
    let step = scene.remove_images(true).unwrap();
    assert_eq!(step.previewed.preview.items, 1);
    tagged.store(true, Ordering::SeqCst);
    let applied = step.finish().unwrap();
    assert_eq!((applied.outcome, applied.detail.ends_with("1 skipped")), (Outcome::Done, true), "{}", applied.detail);
    assert!(fake.requests().iter().all(|request| !request.starts_with("DELETE ")));
}

/// Would break: a container that a person stops after the plan is started again.
#[test]
fn a_container_that_ended_meanwhile_is_not_started() {
    let finished = Arc::new(Mutex::new("0001-01-01T00:00:00Z"));
    let now = finished.clone();
    let fake = Fake::engine(move |request| match request {
        request if request.starts_with("POST ") => Some(Answer::Bytes(Vec::new())),
        request if request.contains(ID) => {
            let mut found: Value = serde_json::from_str(&inspected(ID, "/web", "2026-11-29T17:00:00Z")).unwrap();
            found["State"]["FinishedAt"] = json!(*now.lock().unwrap());
            Some(reply(&found.to_string()))
        }
        _ => None,
    });
    let scene = Scene { limit: Duration::from_secs(5), ..fake.scene() };
    let step = scene.restart(&format!("{ID}/2026-11-29T17:00:00Z")).unwrap();
    *finished.lock().unwrap() = "2026-11-29T18:00:00Z";
    let refused = step.finish().unwrap_err();
    assert!(matches!(&refused, Refusal::Changed(why) if why == "web ended meanwhile"), "{refused}");
    assert!(fake.requests().iter().all(|request| !request.starts_with("POST ")));
}

/// Would break: an environment whose masks fill the memory; a short value that nobody is told is shown.
#[test]
fn an_environment_that_cannot_be_masked_is_told() {
    for (value, refused) in [("short", false), (&*"x".repeat(70 << 10), true)] {
        let mut found: Value = serde_json::from_str(&inspected(ID, "/web", "2026-11-29T17:00:00Z")).unwrap();
        found["Config"]["Env"] = json!([format!("A={value}"), "EMPTY="]);
        let found = found.to_string();
        let fake = Fake::engine(move |request| match request {
            request if request.contains("/logs") => Some(reply("ready\n")),
            request if request.contains(ID) => Some(reply(&found)),
            _ => None,
        });
        let scene = Scene { limit: Duration::from_secs(5), ..fake.scene() };
        let arguments = json!({ "container": format!("{ID}/2026-11-29T17:00:00Z"), "lines": 10 });
        let done = scene.propose("container-actions.capture", arguments).unwrap().finish();
        match done {
            Err(why) => assert!(refused && matches!(why, Refusal::Unsupported(_)), "{why}"),
            Ok(applied) => {
                let words = "kept 1 line of the log of web; 1 value of its environment is not masked";
                assert_eq!((refused, applied.detail.as_str()), (false, words));
            }
        }
    }
}
