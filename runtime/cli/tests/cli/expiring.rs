//! A list of revocations that ends is told ahead: by `ansai status`, `ansai doctor` and notifications, once for each state.

use std::time::{Duration, SystemTime};

use ansai_harness::server::referrers::ReferrersRegistry;

use crate::registry::KEY;
use crate::support::*;

/// Moves the time back at which the kept list was stored.
fn kept_for(place: &Scene, days: u64) {
    let directory = place.path("state/registry/revocations");
    for entry in std::fs::read_dir(directory).unwrap() {
        let file = std::fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400)).unwrap();
    }
}

/// Would break: a list that ends without a word, and then stops all upgrades.
#[test]
fn a_list_that_ends_is_told_ahead_and_once() {
    let place = Scene::new();
    for (file, text) in [("key.pem", KEY.0), ("key.pub", KEY.1)] {
        place.write(file, text);
    }
    permit(&place.path("key.pem"), 0o600);
    let registry = ReferrersRegistry::start();
    let name = format!("{}/acme/web", registry.host());
    place.policy("web", &sees("web"));
    place.ansai(&["push", "policies/web", &name, "--plain-http"]).code(0);
    place.ansai(&["sign", &format!("{name}:0.1.0"), "--key", "key.pem", "--plain-http"]).code(0);
    let told = place.path("told");
    let program = place.write("tell", format!("#!/bin/sh\ncat >> {}\n", told.display()));
    permit(&program, 0o755);
    let list = place.path("acme.revocations");
    place.configuration(&format!(
        "[[trust]]\nnames = [\"{}/*\"]\nkeys = [\"key.pub\"]\nrevocations = \"{}\"\n\
         [notify.channel.file]\nkind = \"command\"\ncommand = [\"{}\"]\n\
         [[notify.route]]\nkinds = [\"expiring\"]\nchannels = [\"file\"]\ngroup_wait = \"0s\"\n\
         [policy.web]\nsource = \"oci:{name}@^0.1\"\n[policy.web.grant]\n\"ansai:disk/disk-probe\" = {{}}\n",
        registry.host(),
        list.display(),
        program.display()
    ));
    let revoke = |more: &[&str]| {
        place.ansai(&[&["revoke", list.to_str().unwrap(), "--key", "key.pem"], more].concat()).code(0);
    };
    let pull = || place.ansai(&["pull", "--config", "ansai.toml", "--plain-http"]);
    let status = || -> Vec<String> {
        let said = place.ansai(&["status", "--config", "ansai.toml", "--format", "json"]).stdout;
        let status: serde_json::Value = serde_json::from_str(&said).unwrap();
        status["expiring"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    };
    let none: Vec<String> = Vec::new();
    let run = || place.ansai(&["run", "--once", "--config", "ansai.toml"]);
    let messages = || std::fs::read_to_string(&told).unwrap_or_default().matches("\"expiring\"").count();

    revoke(&["--name", "acme", "--expires", "30d"]);
    pull().code(0);
    let doctor = || place.ansai(&["doctor", "--config", "ansai.toml"]).stdout;
    run().code(0);
    assert_eq!(status(), none);
    assert!(doctor().contains("lists of revocations: valid, none expires soon"), "{}", doctor());
    assert_eq!(messages(), 0);
    // It was kept for so long that its end is near.
    revoke(&["--expires", "1d"]);
    pull().code(0);
    assert_eq!(status(), none, "a list for a day is not always near its end");
    kept_for(&place, 10);
    assert_eq!(status(), ["soon"]);
    let words = doctor();
    assert!(words.contains("serial 2, expires in ") && words.contains("its signer has to renew it"), "{words}");
    let shown = place.ansai(&["status", "--config", "ansai.toml"]).stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("Expiring") && shown.contains("ansai pull"), "{shown}");
    run().code(0);
    run().code(0);
    assert_eq!(messages(), 1, "{:?}", std::fs::read_to_string(&told));
    // A new one ends that. Without any, policies only observe.
    revoke(&["--expires", "30d"]);
    pull().code(0);
    assert_eq!(status(), none);
    std::fs::remove_dir_all(place.path("state/registry/revocations")).unwrap();
    assert_eq!(status(), ["missing"]);
    assert!(doctor().contains("missing  lists of revocations: no list of revocations of"), "{}", doctor());
    run().code(0);
    assert_eq!(messages(), 2, "{:?}", std::fs::read_to_string(&told));
    // Each end is told once, so a clock that jumped does not use up its notice.
    revoke(&["--expires", "30d"]);
    pull().code(0);
    let later = |more: &[&str]| {
        let arguments = [&["run", "--once", "--config", "ansai.toml"], more].concat();
        place.command(&arguments).clock_offset_hours(60 * 24).run();
    };
    later(&[]);
    assert_eq!(messages(), 2, "{:?}", std::fs::read_to_string(&told));
    later(&["--accept-clock"]);
    assert_eq!(messages(), 3, "{:?}", std::fs::read_to_string(&told));
}
