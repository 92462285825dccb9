//! The CI that `ansai new --ci` writes: it really builds, tests, publishes and signs a policy, and what it published is pulled and
//! trusted by another host.

use std::path::Path;
use std::time::Duration;

use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::oci::{DockerRegistry, LOGIN};
use ansai_harness::{Ansai, Invocation, binary};

use crate::authors::{target_dir, wasm_environment};

/// Would break: a script that publishes without its key, leaves the key or the login behind, or publishes what nobody can verify.
#[test]
fn the_ci_of_a_new_policy_publishes_what_another_host_trusts() {
    let Some(environment) = wasm_environment("the_ci_of_a_new_policy") else { return };
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    for dir in ["server", "temporary"] {
        std::fs::create_dir(at(dir)).unwrap();
    }
    let authority = Authority::root("test", LONG);
    let Some(registry) = DockerRegistry::start(&at("server"), &authority.issue(&["localhost"], LONG)) else { return };
    std::fs::write(at("ca.pem"), &authority.pem).unwrap();
    std::fs::write(at("passphrase"), "open sesame\n").unwrap();
    private(&at("passphrase"));
    let ansai = |arguments: &[&str]| Ansai::new().current_dir(place.path()).args(arguments).run();
    ansai(&["new", "ci-policy", "--lang", "rust", "--ci"]).code(0).says("ci/README.md");
    ansai(&["keys", "new", "signing.key", "--passphrase-file", "passphrase"]).code(0).says("signing.pub");
    let policy = at("ci-policy");
    let key = std::fs::read_to_string(at("signing.key")).unwrap();

    let publish = |arguments: &[&str], more: &[(&str, &str)]| {
        let path = format!("{}:{}", binary::ansai().parent().unwrap().display(), std::env::var("PATH").unwrap());
        let run = Invocation::of(policy.join("ci/publish")).args(arguments).limit(Duration::from_secs(280));
        let run = run.env("PATH", path).env("TMPDIR", at("temporary")).env("CARGO_TARGET_DIR", target_dir());
        let run = run.env("ANSAI_BUILD_OPTIONS", "--allow-root");
        let run = run.env("ANSAI_REGISTRY_OPTIONS", format!("--ca {}", at("ca.pem").display()));
        let run = environment.iter().fold(run, |run, (name, value)| run.env(name, value));
        more.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    };
    let settings = policy.join("ci/settings");
    let pinned = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, pinned.replace("ANSAI_VERSION=", "ANSAI_VERSION=9")).unwrap();
    publish(&[], &[]).code(1).complains("ci/settings pins ansai 9");
    let name = format!("{}/acme/ci-policy", registry.host);
    std::fs::write(&settings, pinned.replace("REPOSITORY=", &format!("REPOSITORY={name}"))).unwrap();
    publish(&["--publish", "more"], &[]).code(1).complains("usage");
    let other = publish(&["--publish"], &[("EXPECTED_VERSION", "v0.1.1")]).code(1);
    other.complains("policy.toml has version 0.1.0, and v0.1.1 is to be published");
    publish(&["--publish"], &[("EXPECTED_VERSION", "v0.1.0")]).code(1).complains("ci/signing.pub is missing");
    publish(&["--publish"], &[]).code(1).complains("ci/signing.pub is missing");
    std::fs::rename(at("signing.pub"), policy.join("ci/signing.pub")).unwrap();
    publish(&["--publish"], &[]).code(1).complains("the secret SIGNING_KEY is missing");

    let login = [("REGISTRY_USER", LOGIN.0), ("REGISTRY_PASSWORD", LOGIN.1), ("SIGNING_KEY", &*key)];
    let with = |passphrase| [&login[..], &[("COSIGN_PASSWORD", passphrase)]].concat();
    publish(&["--publish"], &with("wrong")).says("4 passed, 0 failed").complains("error[key-passphrase]");
    let pull = |to: &str| {
        let ran = Ansai::new().current_dir(place.path()).args(["pull", "--ca", "ca.pem"]).state_dir(at("host"));
        ran.arg(to).run()
    };
    let config = format!(
        "[daemon]\nmode = \"enforce\"\n[[trust]]\nnames = [\"{}/acme/*\"]\nkeys = [\"{}\"]\n",
        registry.host,
        policy.join("ci/signing.pub").display()
    );
    std::fs::write(at("ansai.toml"), config).unwrap();
    log_in(place.path(), &registry.host);
    let reference = format!("{name}:0.1.0");
    pull(&reference).code(2).complains("error[not-in-registry]");
    let published = publish(&["--publish"], &with("open sesame")).code(0).says(&format!("published {reference}"));
    for secret in [LOGIN.1, "open sesame", "ENCRYPTED"] {
        assert!(!published.stdout.contains(secret) && !published.stderr.contains(secret), "{secret}");
    }
    let left: Vec<_> = std::fs::read_dir(at("temporary")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");

    pull(&reference).code(0);
    let verify = Ansai::new().current_dir(place.path()).state_dir(at("host"));
    let verify = verify.args(["verify", &reference, "--ca", "ca.pem", "--config", "ansai.toml"]).run();
    verify.code(0).says("it may act");
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn log_in(place: &Path, host: &str) {
    std::fs::write(place.join("password"), LOGIN.1).unwrap();
    let script = "exec \"$0\" \"$@\" < password";
    let login = Invocation::of("/bin/sh").current_dir(place).args(["-c", script]).arg(binary::ansai());
    let login = login.args(["login", host, "--user", LOGIN.0, "--ca", "ca.pem"]).state_dir(place.join("host"));
    login.run().code(0);
}
