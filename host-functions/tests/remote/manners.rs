//! Servers that drip, close or do not exist, and a probe that fails.

use ansai_core::Refusal;

use crate::scene::{SHORT, Scene, patient, text, until};
use crate::servers::{Manner, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drips_is_slow_and_not_healthy() {
    let mut scene = Scene::new(patient());
    let mut drips = Server::start(Manner::Drips);
    scene.server("drips", &drips, Some(SHORT));
    // Each byte arrives in time, and the answer does not. This call ends by itself, while the server still sends.
    assert!(matches!(scene.call("read-in-time", "drips").await, Err(Refusal::TimedOut(_))));
    until(|| scene.remote().in_use() == 0).await;
    assert_eq!(scene.remote().hanging(), 0);
    // This one does not.
    assert!(matches!(scene.call("read", "drips").await, Err(Refusal::TimedOut(_))));
    assert_eq!((scene.remote().in_use(), scene.remote().hanging()), (1, 1));
    drips.close();
    until(|| scene.remote().in_use() == 0).await;
    assert_eq!(scene.remote().hanging(), 0);
}

#[tokio::test]
async fn a_server_that_closes_is_unavailable_and_one_that_answers_is_not() {
    let mut scene = Scene::new(patient());
    let (closes, answers) = (Server::start(Manner::Closes), Server::start(Manner::Answers));
    scene.server("closes", &closes, None);
    scene.server("answers", &answers, None);
    let reply = scene.call("read", "closes").await;
    assert!(matches!(&reply, Err(Refusal::Unavailable(why)) if why.ends_with("sent nothing")), "{reply:?}");
    for function in ["read", "read-in-time"] {
        assert_eq!(text(scene.call(function, "answers").await).unwrap(), "ok");
    }
    assert_eq!((scene.remote().in_use(), scene.remote().hanging()), (0, 0));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unavailable() {
    let mut scene = Scene::new(patient());
    // A label of 64 bytes: the resolver refuses it without a query.
    scene.target("nowhere", &format!("{}.invalid:80", "a".repeat(64)), None);
    let reply = scene.call("read", "nowhere").await;
    assert!(matches!(reply, Err(Refusal::Unavailable(_))), "{reply:?}");
    assert_eq!((scene.remote().in_use(), scene.remote().hanging()), (0, 0));
}

#[tokio::test]
async fn a_probe_that_panics_gives_its_places_back() {
    let mut scene = Scene::new(patient());
    let answers = Server::start(Manner::Answers);
    scene.server("page", &answers, None);
    // More often than there are places for one server.
    for _ in 0..3 {
        let reply = scene.call("panic", "page").await;
        assert!(matches!(&reply, Err(Refusal::Other(why)) if why.contains("failed inside the host")), "{reply:?}");
    }
    assert_eq!((scene.remote().in_use(), scene.remote().hanging()), (0, 0));
    assert_eq!(text(scene.call("read", "page").await).unwrap(), "ok");
}
