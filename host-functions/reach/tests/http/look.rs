//! What is sent, and what is told of an answer.

use ansai_core::Refusal;
use serde_json::json;

use crate::scene::{LONG, Scene, outcome, refused, status};
use crate::servers::{Manner, Server, answer};

#[test]
fn a_request_and_its_answer() {
    let headers = "retry-after: 7\r\nx-ratelimit-remaining: 3\r\nx-ratelimit-limit: 50\r\n";
    let server = Server::start(answer(200, headers, "all fine"));
    let scene = Scene::with(&server.origin());
    let found = scene.get("/health?x=1&y=..");
    assert_eq!(outcome(&found), status(200));
    let told = ["bytes", "complete", "contained", "retry-after", "quota-left", "quota"].map(|name| found[name].clone());
    assert_eq!(told, [json!(8), json!(true), json!(true), json!(7_000), json!(3), json!(50)]);
    assert!(found["first-byte"].as_u64().unwrap() <= found["took"].as_u64().unwrap(), "{found}");
    let sent = server.requests().remove(0).to_lowercase();
    assert!(sent.starts_with("get /health?x=1&y=.. http/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("\r\nhost: {}\r\n", server.address)), "{sent}");
    for name in ["authorization", "cookie", "accept-encoding"] {
        assert!(!sent.contains(&format!("\r\n{name}:")), "{sent}");
    }
}

#[test]
fn head_has_no_body() {
    let server = Server::start(Manner::Sends(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n".to_vec()));
    let request = json!({ "target": "site", "path": "/", "method": "head", "contains": null });
    let found = Scene::with(&server.origin()).ask(request, LONG);
    assert_eq!((outcome(&found), &found["bytes"]), (status(200), &json!(0)));
    assert!(server.requests()[0].starts_with("HEAD / "));
}

#[test]
fn every_status_is_an_answer_and_no_redirect_is_followed() {
    for code in [204, 301, 404, 429, 500, 503] {
        let to = "location: http://169.254.169.254/latest/meta-data/\r\n";
        let server = Server::start(answer(code, to, ""));
        assert_eq!(outcome(&Scene::with(&server.origin()).get("/")), status(code));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_text_of_the_body() {
    let server = Server::start(answer(200, "", "status: ok\n"));
    let scene = Scene::with(&server.origin());
    for (text, is_in) in [("ok", true), ("status: ok", true), ("OK", false)] {
        let request = json!({ "target": "site", "path": "/", "method": "get", "contains": text });
        assert_eq!(scene.ask(request, LONG)["contained"], is_in, "{text}");
    }
}

#[test]
fn at_most_64_kib_of_a_body_are_read() {
    for (length, bytes, complete) in [(65_536, 65_536, true), (65_537, 65_536, false), (5_000_000, 65_536, false)] {
        let server = Server::start(answer(200, "", &"a".repeat(length)));
        let found = Scene::with(&server.origin()).get("/");
        assert_eq!(
            (outcome(&found), &found["bytes"], &found["complete"]),
            (status(200), &bytes.into(), &complete.into())
        );
    }
}

#[test]
fn the_secret_is_sent_and_never_told() {
    let server = Server::start(Manner::Echoes);
    let mut scene = Scene::with(&server.origin());
    for (user, header) in [
        (None, "authorization: Bearer correct-horse-battery\r\n"),
        // `app:correct-horse-battery`
        (Some("app"), "authorization: Basic YXBwOmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==\r\n"),
    ] {
        scene.login(user, "correct-horse-battery\n");
        let search = |text: &str| {
            let request = json!({ "target": "site", "path": "/", "method": "get", "contains": text });
            scene.ask(request, LONG)
        };
        // The server repeats it. A policy that searches for parts of it could find it out.
        for part in ["correct-horse-battery", "correct-h", "YXBwOmNvcnJl"] {
            let found = search(part);
            assert_eq!((outcome(&found), &found["contained"]), (status(200), &json!(false)), "{part}");
            assert!(!found.to_string().contains("horse"), "{found}");
        }
        assert_eq!(search("GET / HTTP")["contained"], true);
        assert!(server.requests().last().unwrap().contains(header), "{:?}", server.requests().last());
    }
}

#[test]
fn a_secret_never_leaves_this_machine_readable() {
    // A documentation address: nothing is there, and nothing is called.
    let mut scene = Scene::with("http://192.0.2.1");
    scene.login(None, "correct-horse-battery");
    assert_eq!(outcome(&scene.get("/")), refused("denied"));
}

#[test]
fn a_secret_that_is_no_header_is_refused() {
    let server = Server::start(Manner::Echoes);
    let mut scene = Scene::with(&server.origin());
    for bad in ["two\nlines-of-it", "with\rreturn", "nul\0byte-in-it"] {
        scene.login(None, bad);
        let found = scene.get("/");
        assert_eq!(outcome(&found), refused("invalid"), "{bad:?}");
        assert!(!found.to_string().contains("lines"), "{found}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn requests_that_are_refused_are_not_sent_and_the_others_are() {
    let server = Server::start(answer(200, "", ""));
    let mut scene = Scene::with(&server.origin());
    scene.target("forbidden", &server.origin());
    scene.target("metadata", "http://169.254.169.254");
    scene.target("named-metadata", "http://0xa9fea9fe");
    scene.target("pages", "https://h.example/pages");
    scene.target("queue", &server.origin());
    scene.change("queue", |one| one.target.kind = "rabbitmq".into());
    scene.target("nothing", "");
    scene.change("nothing", |one| one.address = None);
    let expected = [
        ("site", "/", status(200)),
        ("site", "@evil.example/", refused("invalid")),
        ("site", "/../etc", refused("invalid")),
        ("site", "/a\r\nx: y", refused("invalid")),
        ("unknown", "/", refused("not-found")),
        ("forbidden", "/", refused("denied")),
        ("metadata", "/", refused("denied")),
        ("named-metadata", "/", refused("denied")),
        ("pages", "/", refused("invalid")),
        ("queue", "/", refused("invalid")),
        ("nothing", "/", refused("invalid")),
        ("site", "/last", status(200)),
    ];
    let requests = expected
        .iter()
        .map(|(target, path, _)| json!({ "target": target, "path": path, "method": "get", "contains": null }));
    let found = scene.look(&requests.collect(), LONG).unwrap();
    for (answer, (target, path, expected)) in found.iter().zip(&expected) {
        assert_eq!(outcome(answer), *expected, "{target} {path}");
        // A policy does not see addresses.
        assert!(!["127.0.0.1", "169.254", "0xa9", "h.example"].iter().any(|part| answer.to_string().contains(part)));
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_call_has_a_bounded_number_of_requests() {
    let one = json!({ "target": "site", "path": "/", "method": "get", "contains": null });
    let many = serde_json::Value::from(vec![one; 257]);
    assert!(matches!(Scene::with("http://127.0.0.1:1").look(&many, LONG), Err(Refusal::Invalid(_))));
}
