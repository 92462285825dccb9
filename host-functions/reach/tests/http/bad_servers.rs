//! Servers that hang, flood, drip, lie and close: each is a typed outcome within its time.

use serde_json::{Value, json};

use crate::scene::{LONG, SHORT, Scene, no_answer, outcome, status};
use crate::servers::{Manner, Server, answer};

fn get(server: &Server, limit: std::time::Duration) -> Value {
    let request = json!({ "target": "site", "path": "/", "method": "get", "contains": null });
    Scene::with(&server.origin()).ask(request, limit)
}

const LONG_BODY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf";

#[test]
fn servers_that_hang_or_drip() {
    for manner in [
        Manner::Hangs(""),
        Manner::Hangs("HTTP/1.1 200"),
        Manner::Hangs("HTTP/1.1 200 OK\r\nx: y\r\n"),
        Manner::Hangs(LONG_BODY),
        Manner::Hangs("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        Manner::Drips("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
        Manner::Drips("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", "a"),
        Manner::Drips("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n"),
        // Interim answers without an end.
        Manner::Drips("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
    ] {
        let server = Server::start(manner);
        let found = get(&server, SHORT);
        assert_eq!(outcome(&found), no_answer("timed-out"), "{found}");
    }
}

#[test]
fn a_status_without_the_rest_is_told_and_is_no_answer() {
    let server = Server::start(Manner::Hangs(LONG_BODY));
    let found = get(&server, SHORT);
    let detail = "status 200, then 4 bytes of the body: it did not answer in time";
    assert_eq!((&found["outcome"]["no-answer"]["detail"], &found["bytes"]), (&json!(detail), &json!(4)));
}

#[test]
fn servers_that_close_too_early() {
    for text in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n", LONG_BODY] {
        let server = Server::start(Manner::Sends(text.into()));
        let found = get(&server, LONG);
        assert_eq!(outcome(&found), no_answer("closed"), "{text:?}: {found}");
    }
}

#[test]
fn servers_that_do_not_speak_http() {
    for text in [
        "garbage\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "220 mail.example.org ESMTP\r\n",
        "\0\0\0\0\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let server = Server::start(Manner::Sends(text.into()));
        let found = get(&server, LONG);
        assert_eq!(outcome(&found), no_answer("invalid-answer"), "{text:?}: {found}");
    }
}

#[test]
fn endless_headers_and_bodies_are_cut() {
    let headers = Server::start(Manner::Floods("HTTP/1.1 200 OK\r\n", "x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"));
    assert_eq!(outcome(&get(&headers, LONG)), no_answer("invalid-answer"));
    let one_header = Server::start(Manner::Floods("HTTP/1.1 200 OK\r\nx: ", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"));
    assert_eq!(outcome(&get(&one_header, LONG)), no_answer("invalid-answer"));
    let body = Server::start(Manner::Floods("HTTP/1.1 200 OK\r\n\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    let found = get(&body, LONG);
    assert_eq!((outcome(&found), &found["bytes"], &found["complete"]), (status(200), &65_536.into(), &false.into()));
}

#[test]
fn no_server_at_all() {
    let found = Scene::with("http://127.0.0.1:1").get("/");
    assert_eq!(outcome(&found), no_answer("connection-refused"));
    // A name below `.invalid` never exists (RFC 2606).
    let found = Scene::with("http://nothing.invalid").get("/");
    assert_eq!(outcome(&found), no_answer("name-not-resolved"), "{found}");
    assert!(!found.to_string().contains("nothing.invalid"), "a policy does not see addresses: {found}");
}

#[test]
fn the_words_of_a_server_are_not_told() {
    let server = Server::start(Manner::Sends(b"HTTP/1.1 200 \x1b[2Jred\r\nx-secret: hunter2\x1b\r\n\r\n".to_vec()));
    let found = get(&server, LONG).to_string();
    assert!(!found.contains("hunter2") && !found.contains("red"), "{found}");
    let server = Server::start(answer(500, "x-secret: hunter2\r\n", "hunter2"));
    assert!(!get(&server, LONG).to_string().contains("hunter2"));
}

#[test]
fn waits_and_quotas_that_are_lies_are_absent_or_bounded() {
    for (header, name, expected) in [
        ("retry-after: -5", "retry-after", Value::Null),
        ("retry-after: 999999999999", "retry-after", json!(31_622_400_000_u64)),
        ("retry-after: tomorrow", "retry-after", Value::Null),
        ("x-ratelimit-remaining: 1e9", "quota-left", Value::Null),
        ("x-ratelimit-limit: \u{7f}", "quota", Value::Null),
    ] {
        let server = Server::start(answer(429, &format!("{header}\r\n"), ""));
        let found = get(&server, LONG);
        assert_eq!(found[name], expected, "{header}: {found}");
    }
}
