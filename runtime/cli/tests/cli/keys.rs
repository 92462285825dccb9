//! Keys that sign: made, encrypted, in a file or with a command, and what is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use ansai_harness::server::referrers::ReferrersRegistry;

use crate::registry::{KEY, OTHER_KEY};
use crate::support::*;

fn with_policy(place: &Scene) -> (ReferrersRegistry, String) {
    let registry = ReferrersRegistry::start();
    let name = format!("{}/acme/web", registry.host());
    place.policy("web", &sees("web"));
    place.ansai(&["push", "policies/web", &name, "--plain-http"]).code(0);
    (registry, format!("{name}:0.1.0"))
}

/// Would break: a key whose passphrase is not asked for, or one that other users can read.
#[test]
fn a_new_key_is_encrypted_and_signs_with_its_passphrase() {
    let place = Scene::new();
    let (_registry, at) = with_policy(&place);
    place.write("passphrase", "open sesame\n");
    permit(&place.path("passphrase"), 0o644);
    let new = ["keys", "new", "acme.key", "--passphrase-file", "passphrase"];
    place.ansai(&new).code(4).complains("error[secret-exposed]");
    permit(&place.path("passphrase"), 0o600);
    place.ansai(&new).code(0).says("acme.key").says("acme.pub");
    assert_eq!(std::fs::metadata(place.path("acme.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(place.path("acme.key")).unwrap().contains("ENCRYPTED SIGSTORE PRIVATE KEY"));
    place.ansai(&new).code(2).complains("error[exists]").complains("choose another name");
    place.ansai(&["keys", "new", "acme.pub", "--unencrypted"]).code(2).complains("name of a public key");

    let sign = |more: &[&str], password: Option<&str>| {
        let state = place.state_dir();
        let base = ["sign", &at, "--key", "acme.key", "--plain-http", "--state-dir", state.to_str().unwrap()];
        let mut sign = command(place.root(), &[&base, more].concat());
        match password {
            Some(password) => sign.env("COSIGN_PASSWORD", password),
            None => sign.env_remove("COSIGN_PASSWORD"),
        };
        let ran = sign.stdin(Stdio::null()).output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    for (password, words) in [(None, "standard input is not a terminal"), (Some("wrong"), "the passphrase is wrong")] {
        let (code, said) = sign(&[], password);
        assert!(code == Some(2) && said.contains("error[key-passphrase]") && said.contains(words), "{said}");
    }
    place.ansai(&["verify", &at, "--key", "acme.pub", "--plain-http"]).code(4).complains("error[not-signed]");
    assert_eq!(sign(&[], Some("open sesame")).0, Some(0));
    // The file goes before the variable.
    assert_eq!(sign(&["--passphrase-file", "passphrase"], Some("wrong")).0, Some(0));
    place.ansai(&["verify", &at, "--key", "acme.pub", "--plain-http"]).code(0).says("signed by acme.pub");

    place.ansai(&["keys", "new", "ci.key", "--unencrypted", "--kind", "ed25519"]).code(0);
    place.ansai(&["sign", &at, "--key", "ci.key", "--plain-http"]).code(0);
    place.ansai(&["verify", &at, "--key", "ci.pub", "--key", "acme.pub", "--minimum", "2", "--plain-http"]).code(0);
    // The same keys sign lists of revocations and indexes.
    place.ansai(&["revoke", "acme.revocations", "--key", "ci.key", "--name", "acme"]).code(0);
    let index = ["index", "policies", "--out", "public", "--key", "acme.key", "--passphrase-file", "passphrase"];
    place.ansai(&index).code(0);
}

/// Would break: a signature of a command that nobody has verified.
#[test]
fn a_command_signs_with_its_key() {
    let place = Scene::new();
    let (_registry, at) = with_policy(&place);
    let keys = [("key.pem", KEY.0), ("acme.pub", KEY.1), ("other.pub", OTHER_KEY)];
    for (file, text) in keys {
        place.write(file, text);
    }
    permit(&place.path("key.pem"), 0o600);
    let program = |name: &str, script: &str| {
        let path = place.write(name, format!("#!/bin/sh\n{script}\n"));
        permit(&path, 0o755);
        path.to_str().unwrap().to_owned()
    };
    let key = place.path("key.pem");
    let openssl = format!(
        "cat > \"$1/message\" && openssl pkeyutl -sign -rawin -inkey {} -in \"$1/message\" | base64 -w 20",
        key.display()
    );
    let signs = format!("{} {}", program("signs", &openssl), place.root().display());
    let sign = |command: &str, public: &str| {
        place.ansai(&["sign", &at, "--key-command", command, "--command-key", public, "--plain-http"])
    };
    sign(&signs, "other.pub").code(1).complains("error[signing-failed]").complains("no signature of its public key");
    let fails = program("fails", "echo 'the device is locked' >&2; exit 3");
    sign(&fails, "acme.pub").code(1).complains("error[signing-failed]").complains("the device is locked");
    sign(&program("noise", "head -c 100000 /dev/urandom"), "acme.pub").code(1).complains("error[signing-failed]");
    sign(&program("silent", "cat > /dev/null"), "acme.pub").code(1).complains("error[signing-failed]");
    sign("relative/program", "acme.pub").code(2).complains("not an absolute path");
    sign("", "acme.pub").code(2).complains("not an absolute path");
    let exposed = program("exposed", "exit 0");
    permit(std::path::Path::new(&exposed), 0o777);
    sign(&exposed, "acme.pub").code(1).complains("error[signing-failed]");
    place.ansai(&["verify", &at, "--key", "acme.pub", "--plain-http"]).code(4).complains("error[not-signed]");
    sign(&signs, "acme.pub").code(0).says("signed ");
    place.ansai(&["verify", &at, "--key", "acme.pub", "--plain-http"]).code(0).says("signed by acme.pub");

    place.ansai(&["sign", &at, "--plain-http"]).code(2).complains("a key that signs is missing");
    place.ansai(&["sign", &at, "--key-command", &signs, "--plain-http"]).code(2).complains("--command-key");
    place.write("pkcs8.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    permit(&place.path("pkcs8.pem"), 0o600);
    place.ansai(&["sign", &at, "--key", "pkcs8.pem", "--plain-http"]).code(2).complains("cosign import-key-pair");
}
