//! `renewal-information-probe`, and authorities that answer well, badly or not at all.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_harness::pki::LONG as VALID;
use ansai_kit::host::{Deadline, ProbeContext};
use ansai_kit::registry::Body;
use ansai_kit::remote::Parts;
use ansai_reach::certificate::ENDPOINTS;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::carrier;
use crate::scene::{LONG, SHORT, Scene};
use crate::servers::{Manner, Server};
use crate::tls::{server_config, trust};

const ID: &str = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
const WINDOW: &str = r#"{"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T05:00:00+01:00"},
                        "explanationURL":"https://ca.example/why"}"#;
const HOUR: u64 = 3_600_000;

fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// An authority, and a host that trusts it.
struct Authority {
    scene: Scene,
    server: Server,
    config: Arc<rustls::ServerConfig>,
}

impl Authority {
    /// `at` is put after the address of the renewal information.
    fn start(information: Vec<u8>) -> Authority {
        let (pem, config) = server_config("127.0.0.1", VALID);
        let server = Server::start(Manner::Hangs(""));
        let scene = Scene::new();
        trust(&scene, &pem);
        let authority = Authority { scene, server, config };
        authority.becomes(vec![("/dir", authority.directory()), (&format!("/renewal/{ID}"), information)]);
        authority
    }

    fn becomes(&self, pages: Vec<(&str, Vec<u8>)>) {
        let pages = pages.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
        self.server.becomes(Manner::Pages(self.config.clone(), Arc::new(pages)));
    }

    fn inquiry(&self) -> Value {
        self.inquiry_about(ID)
    }

    fn ask(&self) -> Value {
        self.ask_about(&self.inquiry(), LONG)
    }

    fn ask_about(&self, inquiry: &Value, limit: Duration) -> Value {
        let granted = self.server.address.to_string();
        self.ask_within(&[&granted], inquiry, limit)
    }

    fn inquiry_about(&self, id: &str) -> Value {
        json!({"address": self.server.address.to_string(), "directory": "/dir", "certificate-id": id})
    }

    /// Its directory.
    fn directory(&self) -> Vec<u8> {
        answer(200, "", &json!({"renewalInfo": format!("https://{}/renewal/", self.server.address)}).to_string())
    }

    /// The answer to one inquiry, with the grant of these servers.
    fn ask_within(&self, granted: &[&str], inquiry: &Value, limit: Duration) -> Value {
        let registry = carrier::registry();
        let (_, function) = registry.find("ansai:certificate/renewal-information-probe", "ask").unwrap();
        let Body::Remote(body) = function.body else { panic!("not a call of servers") };
        let arguments = to_raw_value(&json!({"inquiries": [inquiry]})).unwrap();
        let Parts::Each(mut parts) = body.split(&arguments).unwrap() else { panic!("not a batch") };
        let scope = Scope::default().with_set(&ENDPOINTS, granted.iter().copied());
        let (reach, deadline) = (self.scene.reach(), Deadline::after(limit));
        let now = Timestamp::from_millis(784_111_777_000);
        let context = ProbeContext { host: &self.scene.host, scope: &scope, reach: &reach, now, deadline: &deadline };
        let part = parts.remove(0);
        let reply = (part.call)(&context).or_else(part.refused).unwrap();
        serde_json::from_str(reply.get()).unwrap()
    }
}

/// The kind of the refusal and its words; `renew` if there is a suggestion.
fn outcome(answer: &Value) -> (String, String) {
    let refusal = &answer["suggestion"]["nothing"];
    match serde_json::from_value::<Refusal>(refusal.clone()) {
        Ok(refused) => (refusal.as_object().unwrap().keys().next().unwrap().clone(), refused.to_string()),
        Err(_) => ("renew".to_owned(), answer["suggestion"]["renew"].to_string()),
    }
}

#[test]
fn an_authority_is_asked_once_within_a_minute() {
    let authority = Authority::start(answer(200, "retry-after: 7200\r\n", WINDOW));
    let found = authority.ask();
    let window = json!({"start": 1_735_790_400_000_u64, "end": 1_735_876_800_000_u64,
                        "explanation-url": "https://ca.example/why"});
    assert_eq!((&found["suggestion"]["renew"], &found["ask-again-after"]), (&window, &json!(2 * HOUR)));
    assert_eq!(found["inquiry"], authority.inquiry());
    authority.becomes(vec![]);
    assert_eq!(authority.ask(), found, "it would hang now");
    let requests = authority.server.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.split(' ').nth(1).unwrap()).collect();
    assert_eq!(paths, ["/dir", &format!("/renewal/{ID}")]);
    assert!(requests.iter().all(|request| request.starts_with("GET ")), "{requests:?}");
}

#[test]
fn when_to_ask_again_is_bounded() {
    for (header, expected) in [
        ("", 6 * HOUR),
        ("retry-after: 3600\r\n", HOUR),
        ("retry-after: Sun, 06 Nov 1994 10:49:37 GMT\r\n", 2 * HOUR),
        ("retry-after: 0\r\n", 60_000),
        ("retry-after: Sun, 06 Nov 1994 08:00:00 GMT\r\n", 60_000),
        ("retry-after: 99999999999999\r\n", 24 * HOUR),
        ("retry-after: -5\r\n", 6 * HOUR),
        ("retry-after: soon\r\n", 6 * HOUR),
    ] {
        let found = Authority::start(answer(200, header, WINDOW)).ask();
        assert_eq!(found["ask-again-after"], expected, "{header}");
    }
    let busy = Authority::start(answer(503, "retry-after: 600\r\n", "")).ask();
    assert_eq!((outcome(&busy).0.as_str(), &busy["ask-again-after"]), ("unavailable", &json!(600_000)));
}

#[test]
fn answers_that_are_none() {
    let times = |start: &str, end: &str| json!({"suggestedWindow": {"start": start, "end": end}}).to_string();
    let (early, late) = ("2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z");
    let deep = "[".repeat(60_000);
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\u{feff}{}",
        "<html>",
        deep.as_str(),
        r#"{"suggestedWindow":null}"#,
        r#"{"suggestedWindow":{"start":1,"end":2}}"#,
        &times(late, early),
        &times("", ""),
        &times("2025-01-02", late),
        &times("2025-13-02T04:00:00Z", late),
        &times("2025-01-02T04:00:00", late),
        &times(early, "99999-01-01T00:00:00Z"),
        &times(early, "tomorrow"),
    ] {
        let found = Authority::start(answer(200, "", body)).ask();
        let (kind, words) = outcome(&found);
        assert_eq!((kind.as_str(), &found["ask-again-after"]), ("invalid", &json!(HOUR)), "{body:.80}: {words}");
        assert!(words.len() < 200, "{words}");
    }
}

#[test]
fn windows_far_away_and_addresses_that_no_person_should_see() {
    let of = |start: &str, end: &str, url: &Value| {
        let body = json!({"suggestedWindow": {"start": start, "end": end}, "explanationURL": url}).to_string();
        Authority::start(answer(200, "", &body)).ask()["suggestion"]["renew"].clone()
    };
    let (past, future) = ("-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z");
    let window = of(past, future, &Value::Null);
    assert_eq!((&window["start"], &window["end"]), (&json!(0), &json!(253_402_207_200_000_u64)));
    let long = format!("https://ca.example/{}", "a".repeat(300));
    for bad in [
        json!("javascript:alert(1)"),
        json!("http://a/why"),
        json!("https://a/\u{1b}[2J"),
        json!("https://a/ b"),
        json!(5),
        json!("https://a/\u{202e}"),
        json!("https://a/`x`"),
        json!(long),
        json!(""),
    ] {
        assert_eq!(of(past, past, &bad)["explanation-url"], "", "{bad}");
    }
    assert_eq!(of(past, past, &json!("https://a/b?c=d"))["explanation-url"], "https://a/b?c=d");
}

#[test]
fn statuses_floods_and_servers_that_hang() {
    for (status, expected) in
        [(404, "not-found"), (301, "unavailable"), (400, "not-found"), (500, "unavailable"), (204, "unavailable")]
    {
        let found = Authority::start(answer(status, "location: https://127.0.0.1:1/\r\n", WINDOW)).ask();
        assert_eq!(outcome(&found).0, expected, "{status}");
        let after = if expected == "not-found" { 6 * HOUR } else { HOUR };
        assert_eq!(found["ask-again-after"], after, "{status}");
    }
    let flood = Authority::start(answer(200, "", &" ".repeat(65_537))).ask();
    assert_eq!(
        outcome(&flood),
        ("invalid".into(), Refusal::Invalid("its answer has more than 64 KiB".into()).to_string())
    );
    for bytes in [b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), answer(200, &format!("x: {}\r\n", "y".repeat(20_000)), "")] {
        assert_eq!(outcome(&Authority::start(bytes).ask()).0, "invalid");
    }
    let short = Authority::start(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_vec()).ask();
    assert_eq!(outcome(&short).0, "unavailable");
    let silent = Authority::start(Vec::new());
    silent.server.becomes(Manner::Hangs(""));
    let found = silent.ask_about(&silent.inquiry(), SHORT);
    assert_eq!(outcome(&found).0, "timed-out", "{found}");
}

#[test]
fn directories_that_lead_nowhere() {
    for (directory, expected) in [
        (json!({"newOrder": "https://127.0.0.1:1/new"}), "unsupported"),
        (json!({"renewalInfo": null}), "unsupported"),
        (json!({"renewalInfo": "https://127.0.0.1:1/renewal"}), "unsupported"),
        (json!({"renewalInfo": "https://169.254.169.254/latest"}), "unsupported"),
        (json!({"renewalInfo": "http://HERE/renewal"}), "invalid"),
        (json!({"renewalInfo": "https://HERE"}), "invalid"),
        (json!({"renewalInfo": "https://HERE/../x"}), "invalid"),
        (json!({"renewalInfo": "https://HERE/x?y"}), "invalid"),
        (json!({"renewalInfo": "https://HERE/x\r\ny: z"}), "invalid"),
        (json!({"renewalInfo": "https://me@HERE/x"}), "unsupported"),
        (json!({"renewalInfo": 5}), "invalid"),
        (json!([]), "invalid"),
    ] {
        let authority = Authority::start(Vec::new());
        let text = directory.to_string().replace("HERE", &authority.server.address.to_string());
        authority.becomes(vec![("/dir", answer(200, "", &text))]);
        assert_eq!(outcome(&authority.ask()).0, expected, "{text}");
        assert_eq!(authority.server.requests().len(), 1, "{text}");
    }
}

#[test]
fn what_is_no_inquiry_reaches_no_server() {
    let authority = Authority::start(answer(200, "", WINDOW));
    let here = authority.server.address.to_string();
    for (address, directory, id) in [
        (&*here, "dir", ID),
        (&here, "/a b", ID),
        (&here, "/a?b", ID),
        (&here, "/../dir", ID),
        (&here, "/%2e", ID),
        (&here, "/dir\r\nx: y", ID),
        (&here, "/dir", ""),
        (&here, "/dir", "abc"),
        (&here, "/dir", "a.b.c"),
        (&here, "/dir", "a/../b.c"),
        (&here, "/dir", ".c"),
        (&here, "/dir", "a."),
        ("127.0.0.1", "/dir", ID),
        ("127.0.0.1:0", "/dir", ID),
        ("me@127.0.0.1:443", "/dir", ID),
        (":443", "/dir", ID),
    ] {
        let inquiry = json!({"address": address, "directory": directory, "certificate-id": id});
        let found = authority.ask_about(&inquiry, LONG);
        assert_eq!(outcome(&found).0, "invalid", "{inquiry}: {found}");
    }
    assert!(authority.server.requests().is_empty());
}

/// Would break: a name that leads to this machine or to the metadata of a cloud.
#[test]
fn special_addresses_need_a_grant_that_names_them() {
    let authority = Authority::start(answer(200, "", WINDOW));
    let named = authority.ask_within(&["*:*"], &authority.inquiry(), LONG);
    assert_eq!(outcome(&named).0, "denied", "{named}");
    let metadata = json!({"address": "169.254.169.254:443", "directory": "/dir", "certificate-id": ID});
    let found = authority.ask_within(&["*:*"], &metadata, LONG);
    assert_eq!(outcome(&found).0, "denied", "{found}");
    assert!(authority.server.requests().is_empty());
}

/// Would break: the answer of this machine for a policy that must not ask it, because another one asked before.
#[test]
fn the_grant_of_another_policy_does_not_count() {
    let authority = Authority::start(answer(200, "", WINDOW));
    let granted = authority.server.address.to_string();
    for (grant, expected) in [("*:*", "denied"), (&granted, "renew"), ("*:*", "denied"), (&granted, "renew")] {
        let found = authority.ask_within(&[grant], &authority.inquiry(), LONG);
        assert_eq!(outcome(&found).0, expected, "{grant}: {found}");
    }
    assert_eq!(authority.server.requests().len(), 2);
}

#[test]
fn one_policy_without_time_does_not_count_for_others() {
    let authority = Authority::start(Vec::new());
    let id = format!("/renewal/{ID}");
    authority.server.becomes(Manner::Hangs(""));
    assert_eq!(outcome(&authority.ask_about(&authority.inquiry(), SHORT)).0, "timed-out");
    authority.becomes(vec![("/dir", authority.directory()), (&id, answer(200, "", WINDOW))]);
    assert_eq!(outcome(&authority.ask()).0, "renew");
}

#[test]
fn when_to_ask_a_directory_again_holds_for_all_its_certificates() {
    let authority = Authority::start(Vec::new());
    authority.becomes(vec![("/dir", answer(503, "retry-after: 600\r\n", ""))]);
    for id in ["aa.01", "aa.02", "aa.01"] {
        let found = authority.ask_about(&authority.inquiry_about(id), LONG);
        assert_eq!((outcome(&found).0.as_str(), &found["ask-again-after"]), ("unavailable", &json!(600_000)), "{id}");
    }
    assert_eq!(authority.server.requests().len(), 1);
}

/// Would break: a policy that invents certificates, until the authority blocks this host.
#[test]
fn an_authority_gets_no_more_than_300_requests_within_a_minute() {
    let authority = Authority::start(Vec::new());
    let paths: Vec<String> = (0..305).map(|number| format!("/renewal/aa.{number}")).collect();
    let pages = paths.iter().map(|path| (path.as_str(), answer(404, "", "")));
    authority.becomes(pages.chain([("/dir", authority.directory())]).collect());
    for number in 0..305 {
        let found = authority.ask_about(&authority.inquiry_about(&format!("aa.{number}")), LONG);
        let expected = if number < 299 { ("not-found", 6 * HOUR) } else { ("busy", HOUR) };
        assert_eq!(
            (outcome(&found).0.as_str(), &found["ask-again-after"]),
            (expected.0, &json!(expected.1)),
            "{number}"
        );
    }
    assert_eq!(authority.server.requests().len(), 300);
}

#[test]
fn an_authority_that_the_host_does_not_trust_is_told_nothing() {
    let authority = Authority::start(answer(200, "", WINDOW));
    trust(&authority.scene, &server_config("127.0.0.1", VALID).0);
    let found = authority.ask();
    assert_eq!((outcome(&found).0.as_str(), authority.server.requests().len()), ("unavailable", 0), "{found}");
}
