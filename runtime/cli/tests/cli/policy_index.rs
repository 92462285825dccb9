//! The index of policies with the real program: made from a directory and a registry, searched, and hostile texts in it. Builds that
//! are compared, and what is said about them.

use std::os::unix::fs::PermissionsExt as _;

use ansai_harness::server::referrers::ReferrersRegistry;
use ansai_harness::{Ansai, Ran};

use crate::registry::{KEY, OTHER_KEY};
use crate::support::*;

fn with_keys(place: &Scene) {
    for (file, text) in [("key.pem", KEY.0), ("acme.pub", KEY.1), ("other.pub", OTHER_KEY)] {
        place.write(file, text);
    }
    permit(&place.path("key.pem"), 0o600);
}

#[test]
fn an_index_is_made_and_searched() {
    let place = Scene::new();
    with_keys(&place);
    let registry = ReferrersRegistry::start();
    let name = format!("{}/acme/web", registry.host());
    place.policy("web", &sees("web"));
    place.ansai(&["push", "policies/web", &name, "--plain-http"]).code(0);
    let at = format!("{name}:0.1.0");
    place.ansai(&["sign", &at, "--key", "key.pem", "--plain-http"]).code(0);
    let evil = manifest("evil", "").replace("a test", "a\\u001b[2J<script>alert(1)</script>");
    place.policy("evil", &with_sections(component("", "", ""), &evil, None));
    let make =
        ["index", "policies", &name, "--out", "public", "--key", "key.pem", "--signer", "acme.pub", "--plain-http"];
    place.ansai(&make).code(0).says("wrote index 1 with 2 policies to public");

    let index = ["--index", "public/index.json", "--index-key", "acme.pub"];
    let ask = |words: &[&str]| place.ansai(&[words, &index].concat());
    ask(&["search", "file", "systems"]).code(0).says("web 0.1.0").says(&name).says("signed by acme");
    // It would do nothing: the address says whether there is TLS.
    ask(&["search", "web", "--plain-http"]).code(2);
    ask(&["search", "nothing-like-it"]).code(0).says("no match among 2 policies");
    let evil = ask(&["search", "evil"]).code(0);
    assert!(!evil.stdout.contains('\u{1b}') && evil.stdout.contains("no known signer"), "{}", evil.stdout);
    ask(&["info", "evil"]).code(0).says("The index names no place");
    ask(&["info", "web"]).code(0).says("signed by").says("acme").says(&format!("source = \"oci:{at}\""));
    ask(&["info", "none"]).code(2).complains("error[not-in-registry]");
    let info: serde_json::Value =
        serde_json::from_str(&ask(&["info", "web", "--format", "json"]).code(0).stdout).unwrap();
    assert_eq!(info[0]["versions"][0]["signers"][0]["name"], "acme");
    assert_eq!(info[0]["versions"][0]["imports"][0], "ansai:disk/disk-probe@0.2.0");
    let page = std::fs::read_to_string(place.path("public/evil.html")).unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");

    // From the configuration.
    place.ansai(&["search", "web"]).code(2).complains("error[needs-configuration]").complains("[index]");
    let (file, key) = (place.path("public/index.json"), place.path("acme.pub"));
    let table = format!("[index]\nsource = \"{}\"\nkey = \"{}\"\n", file.display(), key.display());
    place.configuration(&table);
    place.ansai(&["search", "web", "--config", "ansai.toml"]).code(0).says("web 0.1.0");
    for (bad, code) in [
        (table.replace("key = ", "keys = "), "unknown-key"),
        (table.replace(&format!("\"{}\"", file.display()), "\"http://example.org/index.json\""), "plain-http"),
        (table.replace(&format!("\"{}\"", file.display()), "\"public/index.json\""), "bad-path"),
    ] {
        place.configuration(&bad);
        place.ansai(&["check", "--config", "ansai.toml"]).code(2).complains(&format!("[{code}]"));
    }

    // Another key, an older index, and one that this key has not signed.
    let first = std::fs::read(&file).unwrap();
    place.ansai(&make).code(0).says("wrote index 2");
    ask(&["search", "web"]).code(0);
    std::fs::write(&file, &first).unwrap();
    ask(&["search", "web"]).code(4).complains("error[bad-index]").complains("serial 1");
    let other = ["search", "web", "--index", "public/index.json", "--index-key", "other.pub"];
    place.ansai(&other).code(4).complains("error[bad-index]").complains("not signed by its key");
    place.write("public/index.json", "{}");
    place.ansai(&make).code(4).complains("error[bad-index]");
}

/// Would break: figures that are shown for another component than the one that was measured, or that hide a policy.
#[test]
fn figures_of_a_chaos_board_are_shown_with_their_policy() {
    let place = Scene::new();
    with_keys(&place);
    let registry = ReferrersRegistry::start();
    let name = format!("{}/acme/web", registry.host());
    place.policy("web", &sees("web"));
    place.ansai(&["push", "policies/web", &name, "--plain-http"]).code(0);
    place.policy("other", &quiet("other"));
    place.policy("broken", &quiet("broken"));
    let fault = |policy: &str, healed: &str| {
        format!(
            r#"{{"policy":"{policy}","fault":"disk-fill","what":"a disk is full","found_ms":1500,"healed_ms":{healed},"damage":0,"false_alarms":2}}"#
        )
    };
    let file = |faults: &str| format!(r#"{{"format":1,"measured":"a machine","faults":[{faults}]}}"#);
    place.write("policies/web/chaos.json", file(&fault("web", "2500")));
    place.write("policies/broken/chaos.json", "{}");
    place.write("board.json", file(&[fault("web", "null"), fault("other", "null")].join(",")));
    let make = ["index", "policies", &name, "--out", "public", "--key", "key.pem", "--plain-http"];
    let made = place.ansai(&[&make[..], &["--chaos", "board.json"]].concat());
    made.code(2).says("with 3 policies").complains("error[chaos-figures]").complains("broken/chaos.json");
    let index = ["--index", "public/index.json", "--index-key", "acme.pub"];
    let ask = |words: &[&str]| place.ansai(&[words, &index].concat()).code(0);
    // Those beside the policy count, also for the same component in the registry.
    ask(&["info", "web"])
        .says("chaos board: heals 1 of 1 fault, measured on a machine")
        .says("disk-fill (a disk is full): found after 1 s, healed after 2 s, damage: 0, false alarms: 2");
    ask(&["info", "other"]).says("heals 0 of 1 fault").says("found after 1 s, not healed");
    assert!(!ask(&["info", "broken"]).stdout.contains("chaos"));
    ask(&["search", "web"]).says("heals 1 of 1 fault");
    let found: serde_json::Value = serde_json::from_str(&ask(&["search", "web", "--format", "json"]).stdout).unwrap();
    assert_eq!(found[0]["versions"][0]["chaos"]["faults"][0]["healed_ms"], 2_500);
    let pages: Vec<String> = std::fs::read_dir(place.path("public"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .filter(|page| page.contains("<h2>Chaos board</h2>"))
        .collect();
    assert!(pages.len() == 2 && pages.iter().all(|page| page.contains("disk-fill")), "{}", pages.len());
    place.ansai(&[&make[..], &["--chaos", "none.json"]].concat()).code(2).complains("error[file-access]");
}

/// Would break: a policy that is missing without a word or stops all others, and one that looks harmless because its import is
/// unknown.
#[test]
fn a_policy_that_cannot_be_read_hides_no_other_one() {
    let place = Scene::new();
    with_keys(&place);
    place.policy("broken", b"not a component");
    place.write("policies/unbuilt/policy.toml", "");
    place.policy("web", &quiet("web"));
    let (known, unknown) = (b"disk-probe@0.2.0", b"dusk-probe@0.2.0");
    let mut dusk = sees("dusk");
    for at in 0..dusk.len() - known.len() {
        if dusk[at..].starts_with(known) {
            dusk[at..at + known.len()].copy_from_slice(unknown);
        }
    }
    place.policy("dusk", &dusk);
    let make = ["index", "policies", "--out", "new/public", "--key", "key.pem"];
    // The directory with index 6 was lost.
    let made = place.ansai(&[&make[..], &["--serial", "7"]].concat());
    assert_ne!(made.code, 0);
    made.says("wrote index 7 with 2 policies").complains("broken.wasm").complains("error[only-sources]");
    for created in ["new", "new/public"] {
        let mode = std::fs::metadata(place.path(created)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{created}");
    }
    let info = ["info", "dusk", "--index", "new/public/index.json", "--index-key", "acme.pub", "--format", "json"];
    let info: serde_json::Value = serde_json::from_str(&place.ansai(&info).code(0).stdout).unwrap();
    let ability = "use ansai:disk/dusk-probe@0.2.0, which this ansai does not know";
    assert_eq!(info[0]["versions"][0]["abilities"], serde_json::json!([ability]));
    assert!(place.ansai(&make).stdout.contains("wrote index 8 with 2 policies"));
}

/// Would break: a signed statement about bytes that the registry chose, or one more statement with each push.
#[test]
fn provenance_is_of_the_pushed_bytes_and_said_once() {
    let place = Scene::new();
    with_keys(&place);
    let registry = ReferrersRegistry::start();
    let name = format!("{}/acme/web", registry.host());
    let push = || place.ansai(&["push", "policies/web", &name, "--plain-http", "--key", "key.pem"]);
    let manifests = || registry.paths().iter().filter(|path| path.starts_with("acme/web/manifests/sha256:")).count();
    place.policy("web", &sees("web"));
    push().code(0).says("published: ");
    assert_eq!(manifests(), 2, "the policy, and what is said about it");
    push().code(0).says("published already: ");
    assert_eq!(manifests(), 2);

    place.policy("web", &quiet("web"));
    registry.keep_old("acme/web/manifests/0.1.0");
    push().code(4).complains("error[content-digest]");
    assert_eq!(manifests(), 3, "the other policy, and nothing about it");
}

/// In C, which builds in a second.
#[test]
fn a_build_is_compared_and_said() {
    let place = Scene::new();
    with_keys(&place);
    let made = place.ansai(&["new", "web", "--lang", "c"]);
    if made.code != 0 {
        panic!("{}", made.stderr);
    }
    let build = || Ansai::new().current_dir(place.root()).args(["build", "web", "--allow-root"]).run();
    let built = build();
    if built.stderr.contains("clang-19") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{}", built.stderr);
        eprintln!("skipped: this test needs clang-19");
        return;
    }
    built.expect_code(0);
    let registry = ReferrersRegistry::start();
    let name = format!("{}/acme/web", registry.host());
    let push = |flags: &[&str]| -> Ran {
        place.ansai(&[&["push", "web", &name, "--plain-http", "--reproducible", "--allow-root"], flags].concat())
    };
    let file = place.path("web/web.wasm");
    let good = std::fs::read(&file).unwrap();
    // A custom section that the sources do not give.
    std::fs::write(&file, [good.as_slice(), &[0, 2, 1, b'x']].concat()).unwrap();
    push(&[]).code(4).complains("error[not-reproducible]");
    assert!(registry.paths().is_empty(), "{:?}", registry.paths());
    std::fs::write(&file, &good).unwrap();
    push(&["--key", "key.pem"]).code(0).says("published: ");
    let at = format!("{name}:0.1.0");
    let verify = ["verify", &at, "--plain-http", "--key", "acme.pub"];
    // What was said about the build is no signature of the policy.
    place.ansai(&verify).code(4).complains("error[not-signed]");
    place.ansai(&["sign", &at, "--plain-http", "--key", "key.pem"]).code(0);
    place
        .ansai(&verify)
        .code(0)
        .says("signed by acme.pub")
        .says("provenance, according to acme.pub:")
        .says("a second build gave the same bytes");
    let json = place.ansai(&[&verify[..], &["--format", "json"]].concat()).code(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["provenance"][0]["reproduced"], true);
    assert_eq!(json["provenance"][0]["sources"].as_str().map(str::len), Some(64));
    // Other keys say nothing about it.
    place.ansai(&["verify", &at, "--plain-http", "--key", "other.pub"]).code(4);
    let make = ["index", &name, "--out", "public", "--key", "key.pem", "--signer", "acme.pub", "--plain-http"];
    place.ansai(&make).code(0);
    let index = ["info", "web", "--index", "public/index.json", "--index-key", "acme.pub"];
    place.ansai(&index).code(0).says("a second build gave the same bytes");
}
