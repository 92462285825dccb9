//! Web servers that refuse, hang, redirect, or close; signatures and tokens.

use std::io::Write as _;
use std::time::{Duration, Instant};

use ansai_notify::channel::Fault;
use ansai_notify::message::Kind;
use serde_json::json;

use crate::fixture::{Place, Scripted, channel, file, message, read_request, send};

const LIMIT: Duration = Duration::from_secs(5);
const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn answer(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 7\r\n\r\nno\u{1b}[31m")
}

fn outcome(answer: &str) -> Fault {
    let server = Scripted::http(&[answer]);
    send(&*channel(json!({ "kind": "webhook", "url": server.url("/hook") })), &message(Kind::Opened), LIMIT)
        .unwrap_err()
}

#[test]
fn each_status_says_whether_to_try_again() {
    for (status, is_never) in [
        ("400 Bad Request", true),
        ("404 Not Found", true),
        ("410 Gone", true),
        ("401 Unauthorized", false),
        ("500 Oops", false),
        ("503 Busy", false),
    ] {
        let fault = outcome(&answer(status));
        assert_eq!(matches!(fault, Fault::Never { .. }), is_never, "{status}: {fault}");
        assert!(!fault.to_string().contains('\u{1b}'), "{fault}");
    }
    let busy = outcome("HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert!(matches!(busy, Fault::Later { after: Some(after), .. } if after == Duration::from_secs(7)), "{busy:?}");
}

/// Would break: a client that follows. A receiver could send it to a service of this host or network.
#[test]
fn redirects_are_not_followed() {
    let other = Scripted::http(&[FINE]);
    let redirect = format!(
        "HTTP/1.1 307 Temporary\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        other.url("/private")
    );
    let fault = outcome(&redirect);
    assert!(matches!(&fault, Fault::Never { why } if why.contains("redirects are not followed")), "{fault}");
    assert!(other.received.lock().unwrap().is_empty());
}

#[test]
fn without_an_answer_it_is_unknown_whether_it_arrived() {
    let closes = Scripted::start(|_, stream| read_request(&stream));
    let hook = channel(json!({ "kind": "webhook", "url": closes.url("/") }));
    let fault = send(&*hook, &message(Kind::Opened), LIMIT).unwrap_err();
    assert!(matches!(fault, Fault::Unknown { .. }), "{fault:?}");
    let hangs = Scripted::start(|_, stream| {
        let request = read_request(&stream);
        std::thread::sleep(Duration::from_secs(2));
        request
    });
    let hook = channel(json!({ "kind": "webhook", "url": hangs.url("/") }));
    let began = Instant::now();
    let fault = send(&*hook, &message(Kind::Opened), Duration::from_millis(500)).unwrap_err();
    assert!(matches!(fault, Fault::Unknown { .. }), "{fault:?}");
    assert!(began.elapsed() < Duration::from_secs(2));
    let nobody = ansai_harness::server::free_port();
    let hook = channel(json!({ "kind": "webhook", "url": format!("http://127.0.0.1:{nobody}/") }));
    let fault = send(&*hook, &message(Kind::Opened), LIMIT).unwrap_err();
    assert!(matches!(fault, Fault::Later { .. }), "{fault:?}");
}

/// Would break: reading an answer to its end.
#[test]
fn an_endless_answer_is_cut() {
    let server = Scripted::start(|_, mut stream| {
        let request = read_request(&stream);
        let _ = stream.write_all(b"HTTP/1.1 500 Oops\r\n\r\n");
        let _ = stream.set_write_timeout(Some(Duration::from_secs(3)));
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
        request
    });
    let hook = channel(json!({ "kind": "webhook", "url": server.url("/") }));
    let fault = send(&*hook, &message(Kind::Opened), LIMIT).unwrap_err();
    assert!(fault.to_string().len() < 1_000, "{fault}");
}

#[test]
fn requests_are_signed_and_secrets_stay_out_of_answers() {
    let place = Place::new();
    let (key, token) =
        (place.write("key", "a-signing-key-of-a-test"), place.write("token", "a-bearer-token-of-a-test\n"));
    let echo =
        "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 34\r\n\r\nbad token a-bearer-token-of-a-test";
    let server = Scripted::http(&[FINE, echo]);
    let hook =
        channel(json!({ "kind": "webhook", "url": server.url("/hook"), "secret": file(&key), "token": file(&token) }));
    send(&*hook, &message(Kind::Healed), LIMIT).unwrap();
    let fault = send(&*hook, &message(Kind::Healed), LIMIT).unwrap_err();
    assert!(!fault.to_string().contains("a-bearer-token-of-a-test"), "{fault}");
    let text = server.received.lock().unwrap()[0].clone();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let found = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix(&format!("{name}: ")).map(str::to_owned));
        found.unwrap_or_else(|| panic!("{name}: {head}"))
    };
    assert_eq!(header("authorization"), "bearer a-bearer-token-of-a-test");
    assert_eq!(header("idempotency-key"), "m-1");
    let signed = format!("{}.{body}", header("ansai-timestamp"));
    let input = place.write("signed", &signed);
    let ran = ansai_harness::Invocation::of("openssl")
        .args(["dgst", "-sha256", "-hmac", "a-signing-key-of-a-test"])
        .arg(input)
        .run();
    let expected = ran.stdout.trim().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(header("ansai-signature"), format!("v1={expected}"));
}

#[test]
fn a_token_that_others_can_read_is_not_sent() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let token = place.write("token", "a-bearer-token-of-a-test");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = Scripted::http(&[FINE]);
    let hook = channel(json!({ "kind": "webhook", "url": server.url("/"), "token": file(&token) }));
    let fault = send(&*hook, &message(Kind::Healed), LIMIT).unwrap_err();
    assert!(fault.to_string().contains("secret-exposed"), "{fault}");
    assert!(server.received.lock().unwrap().is_empty());
}

#[test]
fn a_template_writes_the_body() {
    let place = Place::new();
    let template = place.write("body.json", "{\"title\": {{ subject }}, \"sev\": {{ notices[0].severity }}}");
    let server = Scripted::http(&[FINE]);
    let hook = channel(json!({ "kind": "webhook", "url": server.url("/"), "template": template }));
    // A digest or a storm has notices too; only the samples without would fail.
    send(&*hook, &message(Kind::Healed), LIMIT).unwrap();
    let (_, body) = server.requests(1).remove(0);
    assert_eq!(body, json!({ "title": "[ansai] web1: RESOLVED disk /var (healed in 41 s)", "sev": "critical" }));
}
