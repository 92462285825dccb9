//! Nothing is called without a grant.

use std::sync::Arc;

use ansai_core::{Refusal, Scope};
use serde_json::json;

use crate::pages::PAGES;
use crate::scene::{DISK, Scene, ask, patient};
use crate::servers::{Manner, Server};

#[tokio::test]
async fn a_call_without_a_grant_is_denied_with_the_line_to_add() {
    let mut scene = Scene::new(patient());
    let server = Server::start(Manner::Answers);
    scene.server("page", &server, None);
    let others = [(DISK.parse().unwrap(), Scope::default().into())].into();
    let reply = ask(scene.evaluation_with(Arc::new(others)), PAGES, "read", json!({ "target": "page" })).await;
    let line =
        format!("{PAGES}.read calls servers and is not granted; to allow it, add \"{PAGES}\" to [policy.web.grant]");
    assert_eq!(reply.unwrap_err(), Refusal::Denied(line));
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn a_target_of_another_instance_is_denied_before_it_counts() {
    let mut scene = Scene::new(patient());
    let server = Server::start(Manner::Answers);
    scene.server("forbidden", &server, None);
    for name in ["forbidden", "missing"] {
        let reply = scene.call("read", name).await;
        assert!(matches!(reply, Err(Refusal::Denied(_) | Refusal::NotFound(_))), "{reply:?}");
    }
    assert_eq!((server.accepted(), scene.remote().in_use()), (0, 0));
}
