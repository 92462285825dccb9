//! Hooks that are URLs: servers that answer, hang, lie and close.

use std::time::{Duration, Instant};

use ansai_core::hook::{Does, HookCall, Method};
use ansai_core::{Outcome, Refusal};
use ansai_kit::host::Deadline;
use serde_json::json;

use crate::scene::{LONG, Scene, hook, url};
use crate::server::Server;

fn reads(scene: &Scene, server: &Server) {
    scene.add("health", hook(Does::Reads, url(Method::Get, &server.url("/health"))));
}

#[test]
fn a_status_says_whether_it_is_healthy() {
    let scene = Scene::new();
    for (head, healthy) in [
        ("200 OK", json!(true)),
        ("299 Odd", json!(true)),
        ("503 Service Unavailable", json!(false)),
        ("500 Internal Server Error", json!(false)),
        ("404 Not Found", json!(null)),
        ("401 Unauthorized", json!(null)),
        ("429 Too Many Requests", json!(null)),
    ] {
        let server = Server::saying(head, br#"{"status": "UP", "busy": 3, "components": {"db": {}}}"#);
        reads(&scene, &server);
        let answer = scene.ask("health").unwrap();
        assert_eq!((&answer["healthy"], &answer["exit-code"]), (&healthy, &json!(null)), "{head}");
        assert_eq!(answer["http-status"], head[..3].parse::<u32>().unwrap());
        assert_eq!((&answer["facts"][0]["value"]["text"], &answer["skipped"]), (&json!("UP"), &json!(1)));
        assert!(server.requests()[0].starts_with("GET /health HTTP/1.1\r\n"));
    }
}

/// Would break: a server that sends ansai elsewhere, where it would show its secret.
#[test]
fn a_redirect_is_not_followed() {
    let scene = Scene::new();
    let elsewhere = Server::saying("200 OK", b"");
    let head = format!("302 Found\r\nlocation: {}", elsewhere.url("/"));
    let server = Server::saying(&head, b"moved");
    reads(&scene, &server);
    scene.change("health", |access| access.secret = Some(scene.secret("token", "a-long-secret-word")));
    let answer = scene.ask("health").unwrap();
    assert_eq!((&answer["healthy"], &answer["http-status"]), (&json!(null), &json!(302)));
    assert_eq!(elsewhere.requests(), [""; 0]);
    assert!(server.requests()[0].to_ascii_lowercase().contains("authorization: bearer a-long-secret-word\r\n"));
}

#[test]
fn a_secret_goes_into_its_header_and_nowhere_else() {
    let scene = Scene::new();
    let server =
        Server::saying("200 OK", br#"{"message": "you sent a-long-secret-word", "echo": "a-long-secret-word"}"#);
    let HookCall::Url { method, url, shown, .. } = url(Method::Get, &server.url("/x")) else { panic!() };
    let secret_header = Some("X-Api-Key".to_owned());
    scene.add("health", hook(Does::Reads, HookCall::Url { method, url, shown, secret_header }));
    scene.change("health", |access| access.secret = Some(scene.secret("token", "a-long-secret-word\n")));
    let answer = scene.ask("health").unwrap().to_string();
    assert!(!answer.contains("secret-word"), "{answer}");
    let request = server.requests()[0].to_ascii_lowercase();
    assert!(request.contains("x-api-key: a-long-secret-word\r\n") && !request.contains("authorization"), "{request}");
    // Two words would be two headers, or worse.
    for bad in ["two words", "a\r\nhost: elsewhere", "é", " "] {
        scene.change("health", |access| access.secret = Some(scene.secret("token", bad)));
        let refused = scene.ask("health").unwrap_err();
        assert!(matches!(&refused, Refusal::Unavailable(_)), "{refused}");
        assert_eq!(server.requests().len(), 1);
    }
    // Without its path.
    scene.change("health", |access| {
        access.secret = Some(ansai_kit::secret::SecretSource::File(scene.path("nothing")));
    });
    let refused = scene.ask("health").unwrap_err().to_string();
    assert!(refused.contains("secret") && !refused.contains("nothing"), "{refused}");
}

#[test]
fn values_stay_in_their_place_and_a_post_has_them_as_json() {
    let scene = Scene::new();
    let server = Server::saying("200 OK", b"");
    let mut gc = hook(Does::Acts, url(Method::Post, &server.url("/gc/{pool}?token=hidden&p={pool}")));
    gc.parameters.insert("pool".into(), vec!["a/../b?x#y z".into()]);
    scene.add("gc", gc);
    let mut step = scene.run_step("gc", json!([{ "name": "pool", "value": "a/../b?x#y z" }]));
    let preview = step.preview().unwrap();
    let shown = preview.sample.join("\n");
    assert!(shown.starts_with("run POST http://127.0.0.1:") && !shown.contains("hidden"), "{shown}");
    let applied = step.finish().unwrap();
    assert_eq!((applied.outcome, applied.detail.as_str()), (Outcome::Done, "ran gc"));
    let request = server.requests()[0].clone();
    let encoded = "a%2F..%2Fb%3Fx%23y%20z";
    assert!(request.starts_with(&format!("POST /gc/{encoded}?token=hidden&p={encoded} HTTP/1.1\r\n")), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, json!({ "hook": "gc", "parameters": { "pool": "a/../b?x#y z" } }));
    let server = Server::saying("500 Oops", b"no memory left");
    scene.add("gc", hook(Does::Acts, url(Method::Post, &server.url("/gc"))));
    let failed = scene.run("gc");
    assert_eq!(
        (failed.outcome, failed.detail.as_str()),
        (Outcome::Failed, "gc answered with status 500: no memory left")
    );
}

#[test]
fn a_server_that_hangs_costs_its_limit_only() {
    let scene = Scene::new();
    let server = Server::start(None);
    reads(&scene, &server);
    scene.limit("health", 300);
    assert!(matches!(scene.ask("health"), Err(Refusal::TimedOut(_))));
    // Half of an answer, and then nothing.
    scene.limit("health", 60_000);
    let (began, deadline) = (Instant::now(), Deadline::after(Duration::from_millis(200)));
    assert!(matches!(scene.ask_until("health", json!([]), &deadline), Err(Refusal::TimedOut(_))));
    assert!(began.elapsed() < LONG);
    scene.add("gc", hook(Does::Acts, url(Method::Post, &server.url("/gc"))));
    scene.limit("gc", 300);
    assert_eq!(scene.run("gc").outcome, Outcome::Failed);
}

#[test]
fn what_is_no_answer_is_unavailable_and_an_act_without_one_is_unknown() {
    let scene = Scene::new();
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"healthy\"".to_vec();
    for answer in [Vec::new(), b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), b"HTTP/1.1 20".to_vec(), cut, vec![0xff; 100_000]] {
        let server = Server::start(Some(answer));
        reads(&scene, &server);
        let refused = scene.ask("health").unwrap_err();
        assert!(matches!(refused, Refusal::Unavailable(_)), "{refused}");
        scene.add("gc", hook(Does::Acts, url(Method::Post, &server.url("/gc"))));
        let applied = scene.run("gc");
        assert_eq!((applied.outcome, applied.items.len()), (Outcome::Unknown, 0), "{}", applied.detail);
    }
    // Nobody listens: nothing was sent, so the step did not begin.
    let gone = Server::saying("200 OK", b"").url("/gc");
    scene.add("gc", hook(Does::Acts, url(Method::Post, &gone)));
    let mut step = scene.run_step("gc", json!([]));
    step.preview().unwrap();
    assert!(matches!(step.begin(), Err(Refusal::Unavailable(_))));
}

#[test]
fn a_huge_answer_is_read_in_part() {
    let scene = Scene::new();
    let mut body = br#"{"healthy": false, "a": ""#.to_vec();
    body.resize(20 << 20, b'x');
    let server = Server::saying("200 OK", &body);
    reads(&scene, &server);
    let answer = scene.ask("health").unwrap();
    assert_eq!((&answer["healthy"], &answer["facts"]), (&json!(null), &json!([])));
    assert!(answer["message"].as_str().unwrap().chars().count() <= 501);
    let head = format!("200 OK\r\n{}", "x-filler: y\r\n".repeat(10_000));
    let server = Server::saying(head.trim_end(), b"");
    reads(&scene, &server);
    assert!(matches!(scene.ask("health"), Err(Refusal::Unavailable(_))));
}
