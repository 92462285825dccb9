//! A new version that runs beside the pinned one before it takes over, with a real registry and a real daemon.

use ansai_harness::until;
use rustix::process::Signal;

use crate::orders::{LIMIT, daemon};
use crate::registry::{KEY, with_registry};
use crate::support::*;

/// The same policy as another version: the texts have the same length.
fn as_version(mut component: Vec<u8>, version: &str) -> Vec<u8> {
    let (old, new) = (br#""version":"0.1.0""#, format!(r#""version":"{version}""#));
    assert_eq!(old.len(), new.len());
    let at = component.windows(old.len()).position(|window| window == old).unwrap();
    component[at..at + old.len()].copy_from_slice(new.as_bytes());
    component
}

fn push(place: &Scene, name: &str, component: &[u8]) {
    place.policy("web", component);
    place.ansai(&["push", "policies/web", name, "--ca", "ca.pem"]).code(0);
}

/// A host that runs version 1.0.0 from a registry, evaluated each second.
struct Host {
    place: Scene,
    name: String,
    config: String,
    _registry: ansai_harness::server::oci::DockerRegistry,
}

impl Host {
    fn new(mode: &str) -> Option<Host> {
        let place = Scene::new();
        let registry = with_registry(&place)?;
        let name = format!("{}/acme/web", registry.host);
        push(&place, &name, &as_version(quiet("web"), "1.0.0"));
        let text = "[policy.mine]\nmode = \"MODE\"\nevery = \"1s\"\nsource = \"oci:NAME@^1\"\n";
        let config = place.configuration(&text.replace("NAME", &name).replace("MODE", mode));
        let config = config.to_str().unwrap().to_owned();
        let host = Host { place, name, config, _registry: registry };
        host.ansai(&["pull", "--ca", "ca.pem"]).code(0);
        Some(host)
    }

    fn ansai(&self, arguments: &[&str]) -> ansai_harness::Ran {
        self.place.ansai(&[arguments, &["--config", &self.config]].concat())
    }

    fn update(&self, arguments: &[&str]) -> ansai_harness::Ran {
        self.ansai(&[&["update", "--ca", "ca.pem"], arguments].concat())
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.place.path("ansai.lock")).unwrap()
    }

    /// The version that runs, as the daemon says.
    fn runs(&self, version: &str) {
        until(&format!("version {version} runs"), LIMIT, || {
            let status = self.ansai(&["status", "--format", "json"]);
            let status: serde_json::Value = serde_json::from_str(&status.stdout).ok()?;
            (status["instances"][0]["version"] == version).then_some(())
        });
    }

    fn shadow(&self) -> serde_json::Value {
        let shown = self.update(&["--show-shadow", "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        shown["shadows"][0].clone()
    }
}

#[test]
fn a_version_that_decides_the_same_takes_over_and_is_pinned_by_the_next_update() {
    let Some(host) = Host::new("observe") else { return };
    host.ansai(&["run", "--once", "--locked"]).code(0);
    push(&host.place, &host.name, &as_version(quiet("web"), "1.1.0"));
    for bad in ["0", "7", "91d", "-1d", "soon"] {
        host.update(&["mine", "--shadow", bad]).code(2);
    }
    // Nobody has seen how it decides.
    let lock = host.lock();
    let unseen = host.update(&["--accept-differences", "mine@1.1.0"]).code(2);
    unseen
        .complains("error[not-a-shadow]: mine@1.1.0 did not run as a shadow")
        .complains("ansai update mine --shadow 7d");
    assert_eq!(host.lock(), lock);
    let begun = host.update(&["mine", "--shadow", "7d"]).code(0);
    begun.says("mine: 1.1.0 runs as a shadow of 1.0.0").says("recorded evaluation").says("0 different");
    let (pinned, shadow) = host.lock().split_once("[[shadow]]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(pinned.contains("version = \"1.0.0\"") && shadow.contains("version = \"1.1.0\""), "{}", host.lock());
    // A timer pins nothing meanwhile, and what is fetched does not go.
    let lock = host.lock();
    host.update(&[]).code(0).says("mine: stays at 1.0.0: a shadow runs");
    host.update(&["--dry-run"]).code(0).says("mine: stays at 1.0.0");
    assert_eq!(host.lock(), lock);
    host.ansai(&["list"]).code(0).says("acme/web:1.1.0").says("runs as a shadow");
    host.ansai(&["run", "--once", "--locked"]).code(0);
    // Another host has the lock file and nothing else.
    std::fs::remove_dir_all(host.place.state_dir().join("registry/blobs")).unwrap();
    host.ansai(&["pull", "--ca", "ca.pem"]).code(0);
    assert_eq!(host.lock(), lock);
    host.ansai(&["run", "--once", "--locked"]).code(0);

    let running = daemon(&host.place, &host.config);
    let status = until("the shadow is shown", LIMIT, || {
        let status = host.ansai(&["status"]).stdout;
        status.contains("1.1.0 beside 1.0.0").then_some(status)
    });
    assert!(status.contains("0 differences"), "{status}");
    // The machine ends in the middle of it.
    running.killed();
    assert_eq!(host.shadow()["state"], "running");
    host.update(&["mine", "--shadow", "2s"]).code(0).says("mine: 1.1.0 runs as a shadow of 1.0.0");
    let lock = host.lock();
    let running = daemon(&host.place, &host.config);
    running.wait_for_line("version 1.1.0 takes over", LIMIT);
    host.runs("1.1.0");
    assert_eq!(host.lock(), lock, "the lock file is the operator's");
    running.wait_for_line("took-over", LIMIT);
    drop(running);

    // It fails in its first evaluations, and a person lets it run again.
    let digest = host.shadow()["digest"].as_str().unwrap().to_owned();
    let verdict = serde_json::json!({ digest: { "at": 1, "verdict": { "faulty": "3 faults in a row" } } });
    host.place.write("state/registry/trials.json", verdict.to_string());
    let back = host.ansai(&["run", "--once", "--locked"]);
    assert!(back.stderr.contains("error[went-back]"), "{}", back.stderr);
    host.update(&["--retry", "mine"]).code(0).says("acme/web:1.1.0 may run again");
    let again = host.ansai(&["run", "--once", "--locked"]).code(0);
    again.complains("warning[took-over]").complains("ansai update");
    host.update(&["--dry-run"]).code(0);
    assert_eq!(host.lock(), lock);
    host.update(&[]).code(0).says("mine: pinned 1.1.0, which took over");
    let lock = host.lock();
    assert!(lock.contains("[[earlier]]") && !lock.contains("[[shadow]]"), "{lock}");
    // What is pinned already is no mistake.
    host.update(&["--accept-differences", "mine@1.1.0"]).code(0);
    assert_eq!(host.lock(), lock);
    let again = host.ansai(&["run", "--once", "--locked"]).code(0);
    assert!(!again.stderr.contains("took-over"), "{}", again.stderr);
}

#[test]
fn a_version_that_decides_otherwise_is_held_and_acts_and_tells_nobody() {
    let Some(host) = Host::new("enforce") else { return };
    push(&host.place, &host.name, &as_version(sick("web"), "1.1.0"));
    // A person accepts another version, which says nothing about this one.
    host.update(&["mine", "--shadow", "2s", "--accept-differences", "mine@1.0.9"]).code(0);
    let running = daemon(&host.place, &host.config);
    running.wait_for_line("version 1.1.0 does not take over", LIMIT);
    until("the pinned version goes on, and the end is told", LIMIT, || {
        host.ansai(&["status"]).stdout.contains("the two versions decide differently").then_some(())
    });
    host.runs("1.0.0");
    let audit = host.ansai(&["audit", "show"]).code(0).stdout;
    assert!(audit.contains("mine: not loaded (shadow-held)"), "{audit}");
    assert!(!audit.contains("critical"), "the findings of a shadow are told nobody: {audit}");
    host.ansai(&["incidents"]).code(0);
    drop(running);

    let shown = host.update(&["--show-shadow", "mine"]).code(7);
    let shown = shown.says("held: the two versions decide differently").says("- healthy").says("+ critical");
    assert!(!shown.stdout.contains(['\u{1b}', '\u{202e}']), "{}", shown.stdout);
    let shadow = host.shadow();
    assert_eq!((&shadow["state"], &shadow["live"][0]["new"][0]), (&"held".into(), &"critical".into()), "{shadow}");
    let lock = host.lock();
    host.update(&[]).code(7).says("its shadow is held");
    host.update(&["--accept-wider", "mine@1.1.0"]).code(7);
    assert_eq!(host.lock(), lock);
    // A newer one does not take the place of what a person has seen.
    push(&host.place, &host.name, &as_version(quiet("web"), "1.2.0"));
    host.update(&[]).code(7).says("its shadow is held");
    host.update(&["--accept-differences", "mine@1.1.0"]).code(0).says("mine: pinned 1.1.0");
    assert!(!host.lock().contains("[[shadow]]"), "{}", host.lock());
    host.update(&["--show-shadow"]).code(0).says("no version runs beside a pinned one");
}

#[test]
fn a_version_that_traps_ends_as_a_shadow_and_the_pinned_one_goes_on() {
    let Some(host) = Host::new("observe") else { return };
    push(&host.place, &host.name, &as_version(traps("web"), "1.1.0"));
    host.update(&["--shadow", "7d"]).code(0).says("mine: 1.1.0 runs as a shadow");
    let running = daemon(&host.place, &host.config);
    running.wait_for_line("version 1.1.0 does not take over: 3 faults in a row", LIMIT);
    host.runs("1.0.0");
    until("it is told", LIMIT, || host.ansai(&["status"]).stdout.contains("3 faults in a row").then_some(()));
    let audit = host.ansai(&["audit", "show"]).code(0).stdout;
    assert!(!audit.contains("backed off"), "the pinned version was not slowed down: {audit}");

    // A second one in its place begins again, from nothing; its end is a person's.
    push(&host.place, &host.name, &as_version(quiet("web"), "1.2.0"));
    host.update(&["mine"]).code(7).says("its shadow is held");
    host.update(&["mine", "--shadow", "7d"]).code(0).says("mine: 1.2.0 runs as a shadow");
    assert_eq!(host.shadow()["compared"], 0);
    running.signal(Signal::HUP);
    until("the second one is compared", LIMIT, || {
        host.ansai(&["status"]).stdout.contains("1.2.0 beside 1.0.0").then_some(())
    });
    host.update(&["--end-shadow", "mine"]).code(0).says("mine: 1.2.0 no longer runs");
    running.signal(Signal::HUP);
    until("it has ended", LIMIT, || {
        let status = host.ansai(&["status"]).stdout;
        (!status.contains("beside") && status.contains("mine")).then_some(())
    });
    assert!(!host.lock().contains("[[shadow]]"));
    host.update(&["--end-shadow", "mine"]).code(0).says("nothing to end");
    host.update(&["--end-shadow", "yours"]).code(2).complains("[unknown-instance]");
}

#[test]
fn a_version_that_is_revoked_meanwhile_ends_as_a_shadow() {
    let place = Scene::new();
    let Some(registry) = with_registry(&place) else { return };
    let name = format!("{}/acme/web", registry.host);
    for (file, text) in [("key.pem", KEY.0), ("key.pub", KEY.1)] {
        place.write(file, text);
    }
    permit(&place.path("key.pem"), 0o600);
    let publish = |version: &str| {
        push(&place, &name, &as_version(quiet("web"), version));
        let at = format!("{name}:{version}");
        place.ansai(&["sign", &at, "--key", "key.pem", "--ca", "ca.pem"]).code(0);
    };
    publish("1.0.0");
    let list = place.path("acme.revocations");
    let list = list.to_str().unwrap();
    let revoke = |more: &[&str]| place.ansai(&[&["revoke", list, "--key", "key.pem"], more].concat()).code(0);
    revoke(&["--name", "acme"]);
    let trust = format!("[[trust]]\nnames = [\"{name}\"]\nkeys = [\"key.pub\"]\nrevocations = \"{list}\"\n");
    let policy = format!("[policy.mine]\nevery = \"1s\"\nsource = \"oci:{name}@^1\"\n");
    let config = place.configuration(&format!("{trust}{policy}"));
    let config = config.to_str().unwrap();
    let ask =
        |command: &str, more: &[&str]| place.ansai(&[&[command, "--config", config, "--ca", "ca.pem"], more].concat());
    ask("pull", &[]).code(0);
    publish("1.1.0");
    ask("update", &["--shadow", "7d"]).code(0).says("mine: 1.1.0 runs as a shadow");
    let running = daemon(&place, config);
    until("it runs", LIMIT, || {
        place.ansai(&["status", "--config", config]).stdout.contains("1.1.0 beside 1.0.0").then_some(())
    });
    revoke(&["--versions", "web@1.1.0", "--reason", "deletes too much"]);
    // It fetches the list, and pins nothing newer than what a shadow runs beside.
    ask("pull", &[]).code(0);
    running.wait_for_line("version 1.1.0 does not take over", LIMIT);
    until("the reason is told", LIMIT, || {
        place.ansai(&["status", "--config", config]).stdout.contains("deletes too much").then_some(())
    });
    let lock = std::fs::read_to_string(place.path("ansai.lock")).unwrap();
    assert!(lock.split("[[shadow]]").next().unwrap().contains("version = \"1.0.0\""), "{lock}");
}
