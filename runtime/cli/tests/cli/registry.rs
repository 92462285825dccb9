//! Policies from registries: published, pulled, pinned, run, listed, copied and removed, with a real registry.

use std::process::Stdio;

use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::oci::{DockerRegistry, LOGIN};

use crate::support::*;

/// A key for tests, and its public key.
pub(crate) const KEY: (&str, &str) = (
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMliTSmRKE+mNx3Xewn675VJpC/blTkkujeFmAfVZ/9R\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEADRfU+OatU4ESkXr2geYGfMFo6X0Kxc2q22Cvsp/FoV4=\n-----END PUBLIC KEY-----\n",
);
/// Of another pair.
const OTHER_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAlPFYl9mri6/zIfNf8P373He1vMVSTPcHAwXU2vLoqg0=\n-----END PUBLIC KEY-----\n";

/// A scene with a registry, its authority in `ca.pem`, and a kept login.
pub(crate) fn with_registry(place: &Scene) -> Option<DockerRegistry> {
    let authority = Authority::root("test", LONG);
    place.write("ca.pem", &authority.pem);
    place.write("server/none", "");
    let registry = DockerRegistry::start(&place.path("server"), &authority.issue(&["localhost"], LONG))?;
    log_in(place, &registry.host, LOGIN.1, 0);
    Some(registry)
}

fn log_in(place: &Scene, host: &str, password: &str, code: i32) {
    let file = place.write("password", format!("{password}\n"));
    let state = place.state_dir();
    let arguments = ["login", host, "--user", LOGIN.0, "--ca", "ca.pem", "--state-dir", state.to_str().unwrap()];
    let mut login = command(place.root(), &arguments);
    let ran = login.stdin(Stdio::from(std::fs::File::open(file).unwrap())).output().unwrap();
    assert_eq!(ran.status.code(), Some(code), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(password.is_empty() || !String::from_utf8_lossy(&ran.stdout).contains(password));
}

#[test]
fn a_policy_goes_through_a_registry_and_runs_as_it_is_pinned() {
    let place = Scene::new();
    let Some(registry) = with_registry(&place) else { return };
    let name = format!("{}/acme/web", registry.host);
    let version = |version: &str| {
        let manifest = manifest("web", SEES).replace("0.1.0", version);
        let import = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
        place.policy("web", &with_sections(component(import, "(call $list (i32.const 4096))", ""), &manifest, None));
        place.ansai(&["push", "policies/web", &name, "--ca", "ca.pem"])
    };
    version("0.1.0").code(0).says("published: ");
    version("0.1.0").code(0).says("published already");
    version("0.2.0").code(0);
    place.policy("web", &quiet("web"));
    place.ansai(&["push", "policies/web", &name, "--ca", "ca.pem"]).code(4).complains("error[version-exists]");
    place
        .ansai(&["push", "policies/web", &format!("{}/acme/other", registry.host), "--ca", "ca.pem"])
        .code(4)
        .complains("error[other-policy]");

    let source = format!("oci:{name}@^0.1");
    place.configuration(&format!(
        "[daemon]\nmode = \"enforce\"\n[policy.mine]\nsource = \"{source}\"\n[policy.mine.grant]\n\"ansai:disk/disk-probe\" = {{}}\n"
    ));
    let run = ["run", "--once", "--locked", "--config", "ansai.toml"];
    place.ansai(&run).code(4).complains("error[not-locked]").complains("ansai pull");
    place
        .ansai(&["pull", "--config", "ansai.toml", "--ca", "ca.pem"])
        .code(0)
        .says("acme/web:0.1.0")
        .says("pinned 1 policy");
    // The registry has a newer one; what is pinned runs.
    place.ansai(&run).code(0).complains("warning[pulled-observes]");
    place.ansai(&["check", "--config", "ansai.toml"]).code(0).says("mode observe").says("warning[pulled-observes]");
    let lock = std::fs::read_to_string(place.path("ansai.lock")).unwrap();
    assert!(lock.contains("ansai:disk/disk-probe") && lock.contains("version = \"0.1.0\""), "{lock}");

    // The lock file decides what runs, so nobody else may write it.
    permit(&place.path("ansai.lock"), 0o666);
    place.ansai(&run).code(4).complains("error[untrusted-configuration]").complains("chmod go-w");
    permit(&place.path("ansai.lock"), 0o644);
    // A tag that was moved since it was pinned is not pinned again.
    let pinned = lock.lines().find(|line| line.starts_with("digest = ")).unwrap();
    place.write("ansai.lock", lock.replace(pinned, &format!("digest = \"sha256:{}\"", "0".repeat(64))));
    let pull = ["pull", "--config", "ansai.toml", "--ca", "ca.pem"];
    place.ansai(&pull).code(4).complains("error[content-digest]").complains("acme/web:0.1.0: digest mismatch");
    assert!(std::fs::read_to_string(place.path("ansai.lock")).unwrap().contains(&"0".repeat(64)));
    place.write("ansai.lock", &lock);
    place.ansai(&pull).code(0).says("pinned 1 policy in ");

    let listed = place.ansai(&["list", "--format", "json"]).code(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["reference"], format!("{name}:0.1.0"));
    place.ansai(&["list"]).code(0).says("acme/web:0.1.0").says("sha256:");

    // Without the registry: the daemon does not need it. A copy goes to another host.
    drop(registry);
    place.ansai(&run).code(0);
    place.ansai(&["save", "-o", "usb"]).code(0).says("saved ");
    let state = place.path("other-state");
    let elsewhere = |arguments: &[&str]| {
        let state = state.to_str().unwrap();
        ansai_harness::Ansai::new().current_dir(place.root()).args(arguments).state_dir(state).run()
    };
    elsewhere(&run).code(2).complains("error[not-pulled]");
    // Another tool leaves out what is optional, and one policy that is missing keeps no other one from being loaded.
    let index = std::fs::read_to_string(place.path("usb/index.json")).unwrap();
    let mut foreign: serde_json::Value = serde_json::from_str(&index).unwrap();
    foreign.as_object_mut().unwrap().remove("mediaType");
    let missing = serde_json::json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": format!("sha256:{}", "0".repeat(64)),
        "size": 1,
        "annotations": { "org.opencontainers.image.ref.name": "a.example/acme/gone:1.0.0" },
    });
    foreign["manifests"].as_array_mut().unwrap().insert(0, missing);
    place.write("usb/index.json", foreign.to_string());
    elsewhere(&["load", "usb"]).code(2).says("loaded ").complains("error[not-pulled]").complains("a.example/acme/gone");
    place.write("usb/index.json", &index);
    elsewhere(&run).code(0);

    // What was changed on the disk does not run.
    let component = lock.lines().find_map(|line| line.strip_prefix("component = \"sha256:")).unwrap();
    let file = place.path("state/registry/blobs/sha256").join(component.trim_end_matches('"'));
    std::fs::write(&file, quiet("web")).unwrap();
    place.ansai(&run).code(4).complains("error[store-damaged]");
    place.ansai(&["load", "usb"]).code(0);
    place.ansai(&run).code(0);

    place.ansai(&["remove", &format!("{name}:0.1.0"), "--config", "ansai.toml"]).code(0).says("pins it");
    place.ansai(&run).code(0);
    // It has no name any more, and the other host needs it.
    place.ansai(&["save", "-o", "usb2", "--config", "ansai.toml"]).code(0).says("acme/web:0.1.0");
    std::fs::remove_file(place.path("ansai.lock")).unwrap();
    place.ansai(&run).code(4).complains("error[not-locked]");
    place.ansai(&["remove", &format!("{name}:0.1.0")]).code(2).complains("error[not-pulled]");
}

#[test]
fn a_policy_is_signed_and_verified() {
    let place = Scene::new();
    let Some(registry) = with_registry(&place) else { return };
    let name = format!("{}/acme/web", registry.host);
    place.policy("web", &sees("web"));
    place.ansai(&["push", "policies/web", &name, "--ca", "ca.pem"]).code(0);
    for (file, text) in [("key.pem", KEY.0), ("key.pub", KEY.1), ("other.pub", OTHER_KEY), ("none", "x")] {
        place.write(file, text);
    }
    let at = format!("{name}:0.1.0");
    let verify = |keys: &[&str]| {
        let keys: Vec<&str> = keys.iter().flat_map(|key| ["--key", key]).collect();
        place.ansai(&[&["verify", &at, "--ca", "ca.pem"], keys.as_slice()].concat())
    };
    verify(&["key.pub"]).code(4).complains("error[not-signed]");
    permit(&place.path("key.pem"), 0o644);
    let sign = ["sign", &at, "--key", "key.pem", "--ca", "ca.pem"];
    place.ansai(&sign).code(4).complains("error[secret-exposed]");
    permit(&place.path("key.pem"), 0o600);
    place.ansai(&sign).code(0).says("signed ");
    verify(&["key.pub"]).code(0).says("verified: ").says("signed by key.pub");
    verify(&["other.pub", "key.pub"]).code(0).says("signed by key.pub");
    verify(&["other.pub"]).code(4).complains("error[not-signed]");
    place
        .ansai(&["verify", &at, "--ca", "ca.pem", "--key", "key.pub", "--key", "key.pub", "--minimum", "2"])
        .code(4)
        .complains("error[not-signed]");
    verify(&["none"]).code(2).complains("error[bad-key]");
    verify(&["nowhere"]).code(2).complains("error[file-access]");
    place.ansai(&["sign", &at, "--key", "key.pub", "--ca", "ca.pem"]).code(2).complains("error[bad-key]");
    // To verify stores nothing under a name, and what was verified before is removed.
    let second = manifest("web", "").replace("0.1.0", "0.2.0");
    place.policy("web", &with_sections(component("", "", ""), &second, None));
    place.ansai(&["push", "policies/web", &name, "--ca", "ca.pem"]).code(0);
    let other = format!("{name}:0.2.0");
    place.ansai(&["verify", &other, "--ca", "ca.pem", "--key", "key.pub"]).code(4).complains("error[not-signed]");
    assert_eq!(std::fs::read_dir(place.path("state/registry/blobs/sha256")).unwrap().count(), 3);
    place.ansai(&["list"]).code(0).says("no policies stored");
}

#[test]
fn refused_logins_names_and_locks() {
    let place = Scene::new();
    for text in ["web", "acme/web:1", "registry.example/web", "https://registry.example/web:1"] {
        place.ansai(&["pull", text]).code(2).complains("error[bad-reference]");
    }
    place.ansai(&["pull", "127.0.0.1:1/web:1", "--plain-http"]).code(1).complains("error[registry-unreachable]");
    place.ansai(&["pull", "192.0.2.1:1/web:1", "--plain-http"]).code(4).complains("error[registry-without-tls]");
    place.ansai(&["list"]).code(0).says("no policies stored");
    place.ansai(&["save", "-o", "usb"]).code(0).says("no policies stored");
    place.ansai(&["load", "nowhere"]).code(1).complains("error[file-access]");
    place.policy("web", &quiet("web"));
    place.ansai(&["run", "policies", "--once", "--locked"]).code(4).complains("error[not-locked]");
    place.configuration("[policy.web]\nsource = \"policies/web\"\n");
    place.ansai(&["pull", "--config", "ansai.toml"]).code(0).says("no policy to pull: ");
    assert!(!place.path("ansai.lock").exists());
    let run = ["run", "--once", "--locked", "--config", "ansai.toml"];
    place.ansai(&run).code(4).complains("error[not-locked]").complains("policies/web");
    place.configuration("[policy.web]\nsource = \"oci:registry.example/../web:1\"\n");
    place.ansai(&run).code(4).complains("error[not-locked]");
    place.ansai(&["pull", "--config", "ansai.toml"]).code(2).complains("error[bad-reference]");
    place.write("ansai.lock", "version = 9\n");
    place.ansai(&run).code(2).complains("error[registry-file]").complains("ansai.lock");
    let Some(registry) = with_registry(&place) else { return };
    log_in(&place, &registry.host, "wrong", 4);
    log_in(&place, &registry.host, "", 2);
}
