//! What servers that hang cost others: nothing.

use ansai_core::Refusal;
use ansai_host_functions::remote::RemoteLimits;
use serde_json::json;

use crate::pages::PAGES;
use crate::scene::{DISK, SHORT, Scene, THREADS, ask, patient, text, until};
use crate::servers::{Manner, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disk_probes_are_answered_while_four_servers_hang() {
    let mut scene = Scene::new(patient());
    let mut servers = [(); 4].map(|()| Server::start(Manner::Silent));
    let names = ["a", "b", "c", "d"];
    names.iter().zip(&servers).for_each(|(name, server)| scene.server(name, server, None));
    let hanging = names.map(|name| tokio::spawn(scene.call("read", name)));
    until(|| servers.iter().all(|server| server.accepted() == 1)).await;

    // More calls of another evaluation than there are threads for local calls.
    for _ in 0..=THREADS {
        assert!(ask(scene.evaluation(), DISK, "list-filesystems", json!({})).await.is_ok());
        assert!(ask(scene.evaluation(), PAGES, "local", json!({})).await.is_ok());
    }
    assert!(hanging.iter().all(|call| !call.is_finished()), "the servers hang");
    let remote = scene.remote();
    assert_eq!((remote.in_use(), remote.hanging()), (4, 0));
    until(|| scene.live_host.pool.available_permits() == THREADS).await;

    servers.iter_mut().for_each(Server::close);
    for call in hanging {
        assert!(matches!(call.await.unwrap(), Err(Refusal::Unavailable(_))));
    }
    assert_eq!((remote.in_use(), remote.hanging()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_hang_get_so_many_threads_and_no_more() {
    let mut scene = Scene::new(patient());
    let mut servers: Vec<Server> = (0..10).map(|_| Server::start(Manner::Silent)).collect();
    let names: Vec<String> = (0..10).map(|index| format!("server-{index}")).collect();
    names.iter().zip(&servers).for_each(|(name, server)| scene.server(name, server, None));
    // Three calls of each: more than one server gets, and more than all get together.
    let three = names.iter().flat_map(|name| [name; 3]);
    let hanging: Vec<_> = three.map(|name| tokio::spawn(scene.call("read", name))).collect();
    let accepted = || servers.iter().map(Server::accepted).sum::<usize>();
    until(|| accepted() >= 16).await;
    for _ in 0..100 {
        assert!(ask(scene.evaluation(), PAGES, "local", json!({})).await.is_ok());
        assert_eq!((scene.remote().in_use(), accepted()), (16, 16));
        assert!(servers.iter().all(|server| server.accepted() <= 2));
    }
    servers.iter_mut().for_each(Server::close);
    for call in hanging {
        assert!(matches!(call.await.unwrap(), Err(Refusal::Unavailable(_))));
    }
    assert_eq!(scene.remote().in_use(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_for_its_server_no_longer_than_its_own_time() {
    let mut scene = Scene::new(RemoteLimits { calls_of_one: 1, ..patient() });
    let mut silent = Server::start(Manner::Silent);
    scene.server("silent", &silent, None);
    let first = tokio::spawn(scene.call("read", "silent"));
    until(|| silent.accepted() == 1).await;
    // It has no time for more than waiting.
    let live = scene.evaluation().ending_after(SHORT);
    let reply = ask(live, PAGES, "read", json!({ "target": "silent" })).await;
    assert!(matches!(&reply, Err(Refusal::TimedOut(why)) if why.contains("was not called in time")), "{reply:?}");
    assert_eq!((silent.accepted(), scene.remote().in_use(), scene.remote().hanging()), (1, 1, 0));
    silent.close();
    assert!(matches!(first.await.unwrap(), Err(Refusal::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_call_keeps_its_place_until_it_ends() {
    let mut scene = Scene::new(patient());
    let (mut silent, good) = (Server::start(Manner::Silent), Server::start(Manner::Answers));
    scene.server("silent", &silent, Some(SHORT));
    scene.server("good", &good, None);
    for abandoned in 1..=2 {
        let reply = scene.call("read", "silent").await;
        assert!(matches!(&reply, Err(Refusal::TimedOut(why)) if why.contains("target `silent`")), "{reply:?}");
        let remote = scene.remote();
        assert_eq!((remote.in_use(), remote.hanging()), (abandoned, abandoned));
    }
    until(|| silent.accepted() == 2).await;
    // Also for another evaluation: without a connection, and so without waiting.
    let reply = scene.call("read", "silent").await;
    assert!(matches!(&reply, Err(Refusal::Unavailable(why)) if why.contains("hang (2)")), "{reply:?}");
    assert_eq!((silent.accepted(), scene.remote().in_use()), (2, 2));
    assert_eq!(text(scene.call("read", "good").await).unwrap(), "ok");

    silent.close();
    until(|| scene.remote().in_use() == 0).await;
    assert_eq!(scene.remote().hanging(), 0);
    scene.server("silent", &good, None);
    assert_eq!(text(scene.call("read", "silent").await).unwrap(), "ok", "its places are free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_abandoned_calls_hold_every_place_no_server_is_waited_for() {
    let mut scene = Scene::new(RemoteLimits { calls: 2, calls_of_one: 1, ..patient() });
    let mut silent = [(); 2].map(|()| Server::start(Manner::Silent));
    let good = Server::start(Manner::Answers);
    ["a", "b"].iter().zip(&silent).for_each(|(name, server)| scene.server(name, server, Some(SHORT)));
    scene.server("good", &good, None);
    for name in ["a", "b"] {
        assert!(matches!(scene.call("read", name).await, Err(Refusal::TimedOut(_))));
    }
    let reply = scene.call("read", "good").await;
    assert!(matches!(&reply, Err(Refusal::Busy(why)) if why.contains("target `good`")), "{reply:?}");
    assert_eq!(good.accepted(), 0);
    silent[0].close();
    until(|| scene.remote().in_use() == 1).await;
    assert_eq!(text(scene.call("read", "good").await).unwrap(), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evaluation_that_ends_leaves_its_calls_behind() {
    let mut scene = Scene::new(patient());
    let mut silent = [(); 3].map(|()| Server::start(Manner::Silent));
    ["a", "b", "c"].iter().zip(&silent).for_each(|(name, server)| scene.server(name, server, None));
    let single = tokio::spawn(scene.call("read", "a"));
    until(|| silent[0].accepted() == 1).await;
    single.abort();
    assert!(single.await.unwrap_err().is_cancelled());
    until(|| scene.remote().hanging() == 1).await;

    let batch = tokio::spawn(scene.read_all(&["b", "c"]));
    until(|| silent.iter().all(|server| server.accepted() == 1)).await;
    batch.abort();
    assert!(batch.await.unwrap_err().is_cancelled());
    until(|| scene.remote().hanging() == 3).await;
    assert_eq!(scene.remote().in_use(), 3);

    silent.iter_mut().for_each(Server::close);
    until(|| scene.remote().in_use() == 0).await;
    assert_eq!(scene.remote().hanging(), 0);
}
