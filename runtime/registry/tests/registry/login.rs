//! Tokens: who gets the login, and what a registry may ask for.

use std::sync::{Arc, Mutex};

use ansai_core::codes;
use ansai_harness::server::oci::{LyingRegistry, Say};
use ansai_registry::{Client, Connection, Digest, Login, RegistryError};
use zeroize::Zeroizing;

use crate::artifact::{COMPONENT, content, reference, registry, serve, store};

fn login() -> Option<Login> {
    Some(Login { user: "deploy".to_owned(), secret: Zeroizing::new("open sesame".to_owned()) })
}

fn fetch(registry: &LyingRegistry, login: Option<Login>) -> Result<(), RegistryError> {
    let place = tempfile::tempdir().unwrap();
    let connection = Connection { plain: true, ..Connection::default() };
    let client = Client::new(&registry.host(), &connection, login).unwrap();
    client.fetch(&reference(&registry.host(), ":1.0.0"), &store(place.path())).map(drop)
}

fn host_of(headers: &str) -> &str {
    headers.split("host: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default()
}

/// Wants a token; `token` answers who asks for one.
fn with_tokens(challenge: &str, token: impl Fn(&str, &str) -> Say + Send + Sync + 'static) -> LyingRegistry {
    let challenge = challenge.to_owned();
    LyingRegistry::start(Arc::new(move |_, path, headers| {
        let host = host_of(headers);
        if path.starts_with("/token") {
            return token(path, headers);
        }
        if headers.contains("authorization: bearer good\r\n") {
            return serve(&content(), path);
        }
        Say::Answer(401, format!("www-authenticate: {}\r\n", challenge.replace("HOST", host)), Vec::new())
    }))
}

const CHALLENGE: &str = "Bearer realm=\"http://HOST/token\",service=\"s\",scope=\"repository:secret:pull,push,delete\"";

#[test]
fn a_token_is_asked_for_with_the_login_and_our_scope() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    let registry = with_tokens(CHALLENGE, move |path, headers| {
        keep.lock().unwrap().push((path.to_owned(), headers.contains("authorization: basic zgvwbg95om9wzw4gc2vzyw1l")));
        Say::Answer(200, String::new(), br#"{"token":"good"}"#.to_vec())
    });
    fetch(&registry, login()).unwrap();
    // Once: it is used again for the content.
    assert_eq!(*seen.lock().unwrap(), [("/token?service=s&scope=repository:web:pull".to_owned(), true)]);
    fetch(&registry, None).unwrap();
    assert!(!seen.lock().unwrap()[1].1, "without a login there is none to send");
}

#[test]
fn a_token_server_that_misbehaves() {
    let say = |say: fn() -> Say| with_tokens(CHALLENGE, move |_, _| say());
    for (registry, code) in [
        (say(|| Say::Answer(401, String::new(), Vec::new())), codes::REGISTRY_LOGIN),
        (say(|| Say::Answer(200, String::new(), b"{}".to_vec())), codes::REGISTRY_ANSWER),
        (say(|| Say::Answer(200, String::new(), br#"{"token":"a\r\nx: y"}"#.to_vec())), codes::REGISTRY_ANSWER),
        (say(|| Say::Answer(200, String::new(), vec![b' '; 1 << 20])), codes::REGISTRY_TOO_LARGE),
        (say(|| Say::Answer(200, String::new(), br#"{"token":"bad"}"#.to_vec())), codes::REGISTRY_LOGIN),
        // A redirect would carry the login elsewhere.
        (say(|| Say::Answer(307, "location: http://127.0.0.1:1/\r\n".to_owned(), Vec::new())), codes::REGISTRY_ANSWER),
        (with_tokens("Bearer realm=\"http://169.254.169.254/\"", |_, _| unreachable!()), codes::REGISTRY_REDIRECT),
        (with_tokens("Bearer realm=\"https://127.0.0.1/\"", |_, _| unreachable!()), codes::REGISTRY_REDIRECT),
        (with_tokens("Bearer realm=\"file:///etc/passwd\"", |_, _| unreachable!()), codes::REGISTRY_REDIRECT),
        (with_tokens("Negotiate", |_, _| unreachable!()), codes::REGISTRY_LOGIN),
    ] {
        let refused = fetch(&registry, login()).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(!refused.to_string().contains("sesame"));
    }
}

#[test]
fn storage_that_a_registry_leads_to_names_no_token_server() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keep = asked.clone();
    let storage = LyingRegistry::start(Arc::new(move |_, path, headers| {
        keep.lock().unwrap().push((path.to_owned(), headers.contains("authorization")));
        let host = host_of(headers);
        let challenge = format!("www-authenticate: {}\r\n", CHALLENGE.replace("HOST", host));
        match path.starts_with("/token") {
            true => Say::Answer(200, String::new(), br#"{"token":"good"}"#.to_vec()),
            false => Say::Answer(401, challenge, Vec::new()),
        }
    }));
    let to = format!("location: http://{}/content\r\n", storage.host());
    let blob = format!("/v2/web/blobs/{}", Digest::of(COMPONENT));
    let leads = registry(content(), move |path, _| (path == blob).then(|| Say::Answer(307, to.clone(), Vec::new())));
    assert_eq!(fetch(&leads, login()).unwrap_err().code(), codes::REGISTRY_LOGIN);
    assert_eq!(*asked.lock().unwrap(), [("/content".to_owned(), false)]);
}

#[test]
fn without_tls_only_this_machine_is_asked() {
    let connection = Connection { plain: true, ..Connection::default() };
    // An address for documentation: nothing is sent to it.
    let client = Client::new("192.0.2.1:5000", &connection, login()).unwrap();
    assert_eq!(client.check_login().unwrap_err().code(), codes::REGISTRY_WITHOUT_TLS);
}

#[test]
fn a_login_is_shown_to_nobody() {
    assert!(!format!("{:?}", login()).contains("sesame"));
}
