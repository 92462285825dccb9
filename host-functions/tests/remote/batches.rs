//! Calls of several servers at once.

use ansai_core::Refusal;
use serde_json::json;

use crate::pages::{Found, PAGES};
use crate::scene::{SHORT, Scene, ask, patient, until};
use crate::servers::{Manner, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_timed_out_for_itself_alone() {
    let mut scene = Scene::new(patient());
    let mut silent = Server::start(Manner::Silent);
    let good = [(); 3].map(|()| Server::start(Manner::Answers));
    scene.server("silent", &silent, Some(SHORT));
    ["a", "b", "c"].iter().zip(&good).for_each(|(name, server)| scene.server(name, server, None));
    let entries = scene.read_all(&["a", "silent", "b", "c"]).await;
    let names: Vec<&str> = entries.iter().map(|entry| entry.target.as_str()).collect();
    assert_eq!(names, ["a", "silent", "b", "c"], "in the order of the call");
    assert!(matches!(entries[1].found, Found::Failed(Refusal::TimedOut(_))), "{entries:?}");
    for index in [0, 2, 3] {
        assert_eq!(entries[index].found, Found::Text("ok".into()));
    }
    assert_eq!((scene.remote().in_use(), scene.remote().hanging()), (1, 1));
    silent.close();
    until(|| scene.remote().in_use() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_calls_run_at_the_same_time() {
    let mut scene = Scene::new(patient());
    let mut silent = [(); 4].map(|()| Server::start(Manner::Silent));
    let names = ["a", "b", "c", "d"];
    names.iter().zip(&silent).for_each(|(name, server)| scene.server(name, server, None));
    let batch = tokio::spawn(scene.read_all(&names));
    // None of them ends before the others begin.
    until(|| silent.iter().all(|server| server.accepted() == 1)).await;
    assert!(!batch.is_finished());
    silent.iter_mut().for_each(Server::close);
    let entries = batch.await.unwrap();
    assert!(entries.iter().all(|entry| matches!(entry.found, Found::Failed(Refusal::Unavailable(_)))), "{entries:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_of_one_server_that_hangs_cost_two_places() {
    let mut scene = Scene::new(patient());
    let mut silent = Server::start(Manner::Silent);
    scene.server("silent", &silent, Some(SHORT));
    // The others do not wait for the end of the call.
    let entries = scene.read_all(&["silent"; 5]).await;
    let count = |is: fn(&Refusal) -> bool| {
        entries.iter().filter(|entry| matches!(&entry.found, Found::Failed(refusal) if is(refusal))).count()
    };
    let timed_out = count(|refusal| matches!(refusal, Refusal::TimedOut(_)));
    let unavailable = count(|refusal| matches!(refusal, Refusal::Unavailable(_)));
    assert_eq!((timed_out, unavailable), (2, 3), "{entries:?}");
    assert_eq!((scene.remote().in_use(), scene.remote().hanging()), (2, 2));
    silent.close();
    until(|| scene.remote().in_use() == 0).await;
}

#[tokio::test]
async fn each_refusal_is_that_of_one_server() {
    let mut scene = Scene::new(patient());
    let (good, forbidden) = (Server::start(Manner::Answers), Server::start(Manner::Answers));
    scene.server("good", &good, None);
    scene.server("forbidden", &forbidden, None);
    let entries = scene.read_all(&["forbidden", "good", "missing"]).await;
    let denied = "[policy.web.target.forbidden]";
    assert!(matches!(&entries[0].found, Found::Failed(Refusal::Denied(why)) if why.contains(denied)), "{entries:?}");
    assert_eq!(entries[1].found, Found::Text("ok".into()));
    assert!(matches!(entries[2].found, Found::Failed(Refusal::NotFound(_))), "{entries:?}");
    assert_eq!(forbidden.accepted(), 0);

    assert!(scene.read_all(&[]).await.is_empty());
    let many = vec!["good"; 257];
    let reply = ask(scene.evaluation(), PAGES, "read-all", json!({ "targets": many })).await;
    assert!(matches!(reply, Err(Refusal::Invalid(_))), "{reply:?}");
    // The server counts beside its answer.
    until(|| good.accepted() > 0).await;
    assert_eq!(good.accepted(), 1);
}
