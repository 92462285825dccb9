//! Looking without running.

use crate::support::*;

#[test]
fn check_finds_what_running_would() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    place.write("policies/src/policy.toml", "name = \"src\"\n");
    let ran =
        place.ansai(&["check", "policies"]).code(2).says("ok     p (policies/p/p.wasm)").says("error  policies/src");
    ran.complains("lacks");
    place.write("ansai.toml", "[policy.p]\nmode = \"enforce\"\n");
    let ran = place.ansai(&["check", "policies/p", "--config", "ansai.toml"]).code(4);
    ran.complains("required capability").complains("[policy.p.grant]");
    assert!(!place.path("state").exists());
}

#[test]
fn check_tells_what_no_step_may_touch() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let grants = place.ansai(&["check", "policies", "--suggest-grants"]).code(0).stdout;
    place.write("ansai.toml", &grants);
    let check = ["check", "policies", "--config", "ansai.toml"];
    let ran = place.ansai(&check).code(0).says("ok     [never], unit by default: ansai*, init.scope, ");
    ran.says("ssh.*").says("systemd-journald*").says("NetworkManager*");
    let never = "[never]\nunit = [\"drbd*\", \"a.service\"]\n[never.allow]\nunit = [\"getty@tty1.service\"]\n";
    place.write("ansai.toml", format!("{never}{grants}"));
    let ran = place.ansai(&check).code(0).says("ok     [never], unit: drbd*, a.service\n");
    ran.says("ok     [never.allow], unit: getty@tty1.service\n");
    place.write("ansai.toml", format!("[never]\nunit = [\"drbd\"]\n{grants}"));
    place.ansai(&check).code(2).complains("bad-pattern");
}

/// Whether the directory itself is a link, or one above it.
#[test]
fn check_tells_which_granted_directory_is_behind_a_link() {
    let place = Scene::new();
    let import = r#"(import "ansai:files/files-probe@0.2.0" "locate" (func (param i32 i32 i32)))"#;
    let asks = r#","capabilities":{"ansai:files/files-probe":{"reason":"to see","scope":{"roots":"operator"}}}"#;
    let looks = component_of("", "import ansai:files/files-probe@0.2.0;", import, "", "");
    place.policy("p", &with_sections(looks, &manifest("p", asks), None));
    std::fs::create_dir_all(place.path("data/log")).unwrap();
    std::os::unix::fs::symlink("data", place.path("var")).unwrap();
    std::os::unix::fs::symlink("data/log", place.path("log")).unwrap();
    let roots = ["log", "var/log", "data/log"].map(|name| format!("{:?}", place.path(name)));
    let grant = format!("\"ansai:files/files-probe\" = {{ roots = [{}] }}\n", roots.join(", "));
    place.write("ansai.toml", format!("[policy.p]\nmode = \"observe\"\n[policy.p.grant]\n{grant}"));
    let ran = place.ansai(&["check", "policies", "--config", "ansai.toml"]).code(0);
    ran.says("warning[linked-root]:")
        .says("/log is a symbolic link to data/log")
        .says("/var is a symbolic link to data");
}

#[test]
fn check_tells_how_long_a_call_of_a_server_may_take() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let grants = place.ansai(&["check", "policies", "--suggest-grants"]).code(0).stdout;
    let check = ["check", "policies", "--config", "ansai.toml"];
    place.write("ansai.toml", &grants);
    assert!(!place.ansai(&check).code(0).stdout.contains("call limit"), "no server is named");
    let target = "[target.cache]\nkind = \"redis\"\n";
    let used = "[policy.p.target.cache]\n";
    place.write("ansai.toml", format!("{target}{grants}{used}"));
    place
        .ansai(&check)
        .code(0)
        .says("ok     [daemon], call limit 5 s by default\n")
        .says("ok     [target.cache], redis\n");
    let daemon = "[daemon]\ncall_limit = \"2s\"\n";
    let limited = grants.replace("[policy.p]\n", "[policy.p]\ncall_limit = \"800ms\"\n");
    place.write("ansai.toml", format!("{daemon}{target}call_limit = \"9s\"\n{limited}{used}"));
    let ran = place.ansai(&check).code(0).says("ok     [daemon], call limit 2 s\n");
    let ran = ran.says("ok     [target.cache], redis, call limit 9 s\n");
    ran.says("ok     [policy.p], mode observe, call limit 800 ms, every 1 min\n");
    place.write("ansai.toml", format!("[daemon]\ncall_limit = \"1h\"\n{grants}"));
    place.ansai(&check).code(2).complains("`call_limit` is 1 h, but must be from 100 ms to 20 s");
}

/// Would break: a watch of the manifest that needs no grant, or one of the operator that needs one.
#[test]
fn what_wakes_an_instance_is_shown_and_a_watch_without_a_grant_is_told() {
    let place = Scene::new();
    let watch = r#""60000ms","watch":[{"file":"/etc/hosts"}]"#;
    let manifest = manifest("p", "").replace(r#""60000ms""#, watch);
    place.policy("p", &with_sections(component("", "", ""), &manifest, None));
    place.ansai(&["inspect", "policies/p"]).code(0).says("woken by file /etc/hosts");
    let check = ["check", "--config", "ansai.toml"];
    let with = |lines: &str| place.write("ansai.toml", format!("[policy.p]\nsource = \"policies/p\"\n{lines}\n"));
    with("");
    let ran = place.ansai(&check).code(0).says("every 1 min, woken by file /etc/hosts\n");
    ran.says("warning[watch-not-granted]: p is not woken by file /etc/hosts").says("[policy.p.grant]");
    with("watch = [{ file = \"/etc/hosts\" }, { pressure = \"io\", stall = \"100ms\" }]");
    let ran = place.ansai(&check).code(0);
    assert!(!ran.stdout.contains("watch-not-granted"), "{}", ran.stdout);
    ran.says("woken by file /etc/hosts (operator); io pressure, 100 ms of 2 s (operator)\n");
    with("watch = []");
    place.ansai(&check).code(0).says("[policy.p], mode observe, every 1 min\n");
    with("watch = [{ socket = \"/run/a\" }]");
    place.ansai(&check).code(2).complains("[unknown-key]").complains("ansai.toml:3").complains("`pressure`");
}

#[test]
fn suggested_grants_are_a_configuration() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let grants = place.ansai(&["check", "policies", "--suggest-grants"]).code(0).says("[policy.p.grant]").stdout;
    place.write("ansai.toml", grants);
    place.ansai(&["check", "policies", "--config", "ansai.toml"]).code(0).says("ok     [policy.p], mode observe");
    let ran = place.ansai(&["run", "policies", "--once", "--config", "ansai.toml"]).code(0);
    assert!(ran.stderr.is_empty(), "the source and the path are one file: {}", ran.stderr);
    // Complete: it needs no path.
    place.ansai(&["run", "--once", "--config", "ansai.toml"]).code(0).says("p: nothing to check");
}

#[test]
fn without_a_directory_the_policy_of_this_one_is_meant() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    place.write("policies/p/policy.toml", "name = \"p\"\n");
    let here = |verb| place.command(&[verb]).current_dir(place.path("policies/p"));
    here("check").run().code(2).complains("policy.toml").complains("lacks");
    let built = here("build").run();
    assert!(!built.stderr.contains("required arguments"), "{}", built.stderr);
    std::fs::remove_file(place.path("policies/p/policy.toml")).unwrap();
    here("test").run().code(2).complains("no scenarios");
}

#[test]
fn a_pinned_instance_runs_only_this_component() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    let sha256 = place.ansai(&["inspect", "policies/p", "--format", "json"]).code(0).json()[0]["sha256"].clone();
    let pin = |sha256: &str| format!("[policy.p]\nsource = \"policies/p\"\nsha256 = \"{sha256}\"\n");
    place.write("ansai.toml", pin(sha256.as_str().unwrap()));
    place.ansai(&["check", "--config", "ansai.toml"]).code(0).says("[policy.p], mode observe");
    place.policy("p", &sees("p"));
    let refused = place.ansai(&["check", "--config", "ansai.toml"]).code(4).complains("other-component");
    refused.complains("sha256 = \"");
    place.ansai(&["run", "--once", "--config", "ansai.toml"]).code(4).complains("other-component");
    place.write("ansai.toml", pin("ABC"));
    place.ansai(&["check", "--config", "ansai.toml"]).code(2).complains("bad-digest");
}

#[test]
fn inspect_lists_the_functions_that_are_imported_and_marks_what_the_author_says() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let ran = place.ansai(&["inspect", "policies/p"]).code(0).says("      imports list-filesystems");
    ran.says("Author says (nothing verifies it)\ndescription  a test\n").says("(required); author says: to see");
    let one = place.ansai(&["inspect", "policies/p", "--format", "json"]).code(0).json()[0].clone();
    let probe = one["imports"].as_array().unwrap().iter().find(|one| one["kind"] == "probe").unwrap().clone();
    assert!(probe["functions"].as_array().unwrap().contains(&"list-filesystems".into()), "{probe:#}");
}

#[test]
fn inspect_says_what_a_policy_can_do() {
    let place = Scene::new();
    let schema = r#"{"type":"object","properties":{"level":{"type":"integer","default":5,"description":"how full"}}}"#;
    place.policy("p", &sees("p"));
    place.policy("s", &with_settings("s", schema));
    let ran = place.ansai(&["inspect", "policies/p"]).code(0).says("can see how full file systems are");
    ran.says("required").says("cannot propose any change");
    place.ansai(&["inspect", "policies/s/s.wasm"]).code(0).says("level (whole number, default 5)").says("how full");
    let described = place.ansai(&["inspect", "policies/p", "--format", "json"]).code(0).json();
    assert_eq!(described[0]["manifest"]["name"], "p");
    assert_eq!(described[0]["sha256"].as_str().unwrap().len(), 64);
}

/// Appends a custom section to a component.
fn section(mut component: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    use wasm_encoder::ComponentSection as _;
    wasm_encoder::CustomSection { name: name.into(), data: data.into() }.append_to_component(&mut component);
    component
}

fn producers(tool: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    [
        &[2][..],
        &text("language"),
        &[1],
        &text("rust"),
        &text(""),
        &text("processed-by"),
        &[1],
        &text(tool),
        &text("1.2"),
    ]
    .concat()
}

#[test]
fn inspect_says_where_a_policy_reaches_and_what_it_is_made_of() {
    let place = Scene::new();
    let actions = "ansai:files/files-actions";
    let asks = |scope: &str| {
        let more = format!(r#","capabilities":{{"{actions}":{{"reason":"to tidy up",{scope}}}}}"#);
        with_sections(imports(&format!("{actions}@0.2.0")), &manifest("p", &more), None)
    };
    let component = section(
        asks(r#""scope":{"roots":["/srv/a","/srv/b"],"min_age_hours":48}"#),
        "ansai:licence",
        b"\n  MIT License\n\nPermission\n",
    );
    place.policy(
        "p",
        &section(section(component, "producers", &producers("tool")), "ansai:readme", b"# p\nread \x1b[31mme"),
    );
    let ran = place
        .ansai(&["inspect", "policies/p"])
        .code(0)
        .says("files under /srv/a, /srv/b\n")
        .says("(optional); author says: to tidy up");
    let ran = ran.says("min_age_hours: at least 48 hours, requested").says("max_files: at most 10000, default");
    let ran = ran.says("languages    rust\n").says("tool 1.2").says("MIT License (27 B").says("readme       16 B");
    ran.says("exports detect and plan").says("all imports available; no WASI").says("deadline");
    place.ansai(&["inspect", "policies/p", "--licence"]).code(0).says("MIT License\n\nPermission\n");
    place.ansai(&["inspect", "policies/p", "--readme"]).code(0).says("# p\nread \\u{1b}[31mme\n");
    let one = place.ansai(&["inspect", "policies/p", "--format", "json"]).code(0).json()[0].clone();
    assert_eq!(
        (one["languages"][0]["name"].as_str(), one["licence_title"].as_str()),
        (Some("rust"), Some("MIT License"))
    );
    assert_eq!(one["readme"], "# p\nread \u{1b}[31mme");
    let import = one["imports"].as_array().unwrap().iter().find(|one| one["kind"] == "actions").unwrap().clone();
    assert_eq!(import["scope"][0]["roots"][1], "/srv/b");
    assert_eq!((import["known"].as_bool(), import["required"].as_bool()), (Some(true), Some(false)));
    assert!(import["sentence"].as_str().unwrap().ends_with("files under /srv/a, /srv/b"));

    place.policy("p", &asks(r#""scope":{"roots":"operator"},"suggest":{"roots":["/var/tmp"]}"#));
    place.ansai(&["inspect", "policies/p"]).code(0).says("under directories that you choose (suggested: /var/tmp)");
    // Several tables: alternatives in the sentence, bounds by table, and a list of tables to grant.
    place.policy(
        "p",
        &asks(r#""suggest":[{"roots":["/var/log"],"min_age_hours":720},{"roots":["/tmp"],"min_age_hours":168}]"#),
    );
    let ran = place.ansai(&["inspect", "policies/p"]).code(0).says(
        "under directories that you choose (suggested: /var/log), or under directories that you choose (suggested: /tmp)\n",
    );
    ran.says("table 1 of 2 under directories that you choose (suggested: /var/log)\n        min_age_hours: at least 720 hours")
        .says("table 2 of 2 under directories that you choose (suggested: /tmp)\n        min_age_hours: at least 168 hours");
    let stanza = place.ansai(&["check", "policies/p", "--suggest-grants"]).code(0).stdout;
    assert_eq!(stanza.matches(&format!("[[policy.p.grant.\"{actions}\"]]")).count(), 2, "{stanza}");
    place.policy("p", &asks(r#""required":false"#));
    let ran = place.ansai(&["inspect", "policies/p"]).code(0).says("under directories that you choose\n");
    ran.says("licence      none").says("readme       none");
    assert!(place.ansai(&["inspect", "policies/p", "--licence"]).code(0).stdout.trim().is_empty());
}

/// Text of an untrusted component reaches a terminal from many places.
#[test]
fn inspect_is_harmless_to_look_at() {
    let place = Scene::new();
    let evil = "\u{1b}[31m\u{202e}";
    let said = manifest("p", "").replace("a test", "\\u001b[31m\\u202e");
    let component = with_sections(component("", "", ""), &said, None);
    let component = section(section(component, "producers", &producers(evil)), "ansai:licence", evil.as_bytes());
    place.policy("p", &section(component, "ansai:readme", evil.as_bytes()));
    for arguments in [&["--format", "text"][..], &["--format", "json"], &["--licence"], &["--readme"]] {
        let ran = place.ansai(&[&["inspect", "policies/p"], arguments].concat()).code(0);
        assert!(!ran.stdout.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{:?}", ran.stdout);
    }
}
