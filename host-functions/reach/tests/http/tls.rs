//! TLS with good and bad certificates.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::scene::{SHORT, Scene, no_answer, outcome, refused, status};
use crate::servers::{Manner, Server, answer};

/// Times of the certificates, as openssl has them.
const NOW: [&str; 2] = ["20200101000000Z", "20900101000000Z"];
const PAST: [&str; 2] = ["20200101000000Z", "20200102000000Z"];
const FUTURE: [&str; 2] = ["20900101000000Z", "20900102000000Z"];

/// A self-signed certificate with this name, in PEM; `None`, with the reason printed, if openssl is missing.
fn certificate(directory: &Path, name: &str, [begin, end]: [&str; 2]) -> Option<(Vec<u8>, Manner)> {
    let place = directory.display();
    let path = |name: &str| format!("{place}/{name}");
    let [key, request, certificate, settings] = ["key.pem", "request.pem", "certificate.pem", "openssl.cnf"].map(path);
    let text = format!(
        "[ca]\ndefault_ca=d\n[d]\ndatabase={place}/index\nnew_certs_dir={place}\nserial={place}/serial\ndefault_md=sha256\npolicy=p\n\
         x509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n[e]\nsubjectAltName={name}\n\
         basicConstraints=critical,CA:FALSE\n[req]\ndistinguished_name=n\n[n]\n"
    );
    std::fs::write(&settings, text).unwrap();
    std::fs::write(path("index"), "").unwrap();
    std::fs::write(path("serial"), "01").unwrap();
    let (asked, signed) = (
        vec![
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=ansai test",
        ],
        vec!["ca", "-batch", "-selfsign", "-notext", "-startdate", begin, "-enddate", end],
    );
    for (arguments, more) in [
        (asked, ["-keyout", &key, "-config", &settings, "-out", &request]),
        (signed, ["-keyfile", &key, "-config", &settings, "-out", &certificate]),
    ] {
        let mut command = Command::new("openssl");
        command.args(&arguments).args(more);
        if arguments[0] == "ca" {
            command.args(["-in", &request]);
        }
        match command.output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "openssl: {error}");
                eprintln!("skipped, openssl: {error}");
                return None;
            }
        }
    }
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap());
    Some((std::fs::read(certificate).unwrap(), Manner::Tls(Arc::new(config.unwrap()))))
}

/// Makes the host trust these certificates.
fn trust(scene: &Scene, pem: &[u8]) {
    let file = scene.path().join("etc/ssl/certs/ca-certificates.crt");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, pem).unwrap();
}

/// The outcome with a certificate that the host trusts, and how many requests the server read.
fn ask(name: &str, times: [&str; 2]) -> Option<((String, serde_json::Value), String, usize)> {
    let mut scene = Scene::new();
    let (pem, manner) = certificate(scene.path(), name, times)?;
    let server = Server::start(manner);
    scene.target("site", &format!("https://{}", server.address));
    scene.login(None, "correct-horse-battery");
    trust(&scene, &pem);
    let found = scene.get("/");
    let detail = found["outcome"]["no-answer"]["detail"].as_str().unwrap_or_default().to_owned();
    Some((outcome(&found), detail, server.requests().len()))
}

#[test]
fn a_certificate_that_the_host_trusts() {
    let Some(found) = ask("IP:127.0.0.1", NOW) else { return };
    assert_eq!(found, (status(204), String::new(), 1));
}

/// The secret is in the request, so a server that cannot prove its name must not get one.
#[test]
fn certificates_that_are_not_valid_for_the_server() {
    for (name, times, detail) in [
        ("DNS:other.example", NOW, "its certificate is for another name"),
        ("IP:127.0.0.1", PAST, "its certificate has expired"),
        ("IP:127.0.0.1", FUTURE, "its certificate is not valid yet"),
    ] {
        let Some(found) = ask(name, times) else { return };
        assert_eq!(found, (no_answer("tls"), detail.to_owned(), 0));
    }
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    let mut scene = Scene::new();
    let Some((other, _)) = certificate(scene.path(), "IP:127.0.0.1", NOW) else { return };
    let Some((_, manner)) = certificate(scene.path(), "IP:127.0.0.1", NOW) else { return };
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
    trust(&scene, b"-----BEGIN CERTIFICATE-----\nnonsense\n");
    assert_eq!(outcome(&scene.get("/")), refused("unavailable"));
}

#[test]
fn a_server_that_hangs_in_the_handshake() {
    let mut scene = Scene::new();
    let Some((pem, _)) = certificate(scene.path(), "IP:127.0.0.1", NOW) else { return };
    let server = Server::start(Manner::Hangs(""));
    scene.target("site", &format!("https://{}", server.address));
    trust(&scene, &pem);
    let request = serde_json::json!({ "target": "site", "path": "/", "method": "get", "contains": null });
    assert_eq!(outcome(&scene.ask(request, SHORT)), no_answer("timed-out"));
}
