//! TLS with good and bad certificates.

use std::sync::Arc;

use ansai_harness::pki::{Authority, LONG, Validity};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::scene::{SHORT, Scene, no_answer, outcome, refused, status};
use crate::servers::{Manner, Server, answer};

/// 2020.
const PAST: Validity = (1_577_836_800, 1_577_923_200);
/// 2090.
const FUTURE: Validity = (3_786_912_000, 3_786_998_400);

/// An authority in PEM, and a server with a certificate of it for this name.
fn certificate(name: &str, validity: Validity) -> (String, Manner) {
    let (pem, config) = server_config(name, validity);
    (pem, Manner::Tls(config))
}

/// The same without what the server does.
pub(crate) fn server_config(name: &str, validity: Validity) -> (String, Arc<rustls::ServerConfig>) {
    let authority = Authority::root("ansai test", LONG);
    let issued = authority.issue(&[name], validity);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(issued.der)], PrivateKeyDer::try_from(issued.key_der).unwrap());
    (authority.pem, Arc::new(config.unwrap()))
}

/// Makes the host trust these certificates.
pub(crate) fn trust(scene: &Scene, pem: &str) {
    let file = scene.path().join("etc/ssl/certs/ca-certificates.crt");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, pem).unwrap();
}

/// The outcome with a certificate that the host trusts, and how many requests the server read.
fn ask(name: &str, validity: Validity) -> ((String, serde_json::Value), String, usize) {
    let mut scene = Scene::new();
    let (pem, manner) = certificate(name, validity);
    let server = Server::start(manner);
    scene.target("site", &format!("https://{}", server.address));
    scene.login(None, "correct-horse-battery");
    trust(&scene, &pem);
    let found = scene.get("/");
    let detail = found["outcome"]["no-answer"]["detail"].as_str().unwrap_or_default().to_owned();
    (outcome(&found), detail, server.requests().len())
}

#[test]
fn a_certificate_that_the_host_trusts() {
    assert_eq!(ask("127.0.0.1", LONG), (status(204), String::new(), 1));
}

/// The secret is in the request, so a server that cannot prove its name must not get one.
#[test]
fn certificates_that_are_not_valid_for_the_server() {
    for (name, validity, detail) in [
        ("other.example", LONG, "its certificate is for another name"),
        ("127.0.0.1", PAST, "its certificate has expired"),
        ("127.0.0.1", FUTURE, "its certificate is not valid yet"),
    ] {
        assert_eq!(ask(name, validity), (no_answer("tls"), detail.to_owned(), 0));
    }
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    let mut scene = Scene::new();
    let (other, _) = certificate("127.0.0.1", LONG);
    let (_, manner) = certificate("127.0.0.1", LONG);
    let server = Server::start(manner);
    scene.target("site", &format!("https://{}", server.address));
    trust(&scene, &other);
    assert_eq!(outcome(&scene.get("/")).0, "no-answer");
    assert_eq!((outcome(&scene.get("/")), server.requests().len()), (no_answer("tls"), 0));
}

#[test]
fn a_server_without_tls_and_a_host_without_certificates() {
    let server = Server::start(answer(200, "", ""));
    let mut scene = Scene::new();
    scene.target("site", &format!("https://{}", server.address));
    assert_eq!(outcome(&scene.get("/")), refused("unsupported"));
    trust(&scene, "-----BEGIN CERTIFICATE-----\nnonsense\n");
    assert_eq!(outcome(&scene.get("/")), refused("unavailable"));
}

#[test]
fn a_server_that_hangs_in_the_handshake() {
    let mut scene = Scene::new();
    let (pem, _) = certificate("127.0.0.1", LONG);
    let server = Server::start(Manner::Hangs(""));
    scene.target("site", &format!("https://{}", server.address));
    trust(&scene, &pem);
    let request = serde_json::json!({ "target": "site", "path": "/", "method": "get", "contains": null });
    assert_eq!(outcome(&scene.ask(request, SHORT)), no_answer("timed-out"));
}
