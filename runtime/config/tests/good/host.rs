//! The rest of a configuration: the audit log, targets, many instances.

use crate::*;

#[test]
fn bounds_of_the_audit_log_are_read() {
    let read = |text: &str| HostConfig::parse("ansai.toml", text, INTERFACES).map(|config| config.audit);
    let default = read("").unwrap();
    assert_eq!((default.keep, default.max_bytes, &default.archive), (None, 1 << 30, &None));
    let set = read("[audit]\nkeep = \"30d\"\nmax_bytes = \"2GiB\"\narchive = \"/srv/archive\"\n").unwrap();
    assert_eq!((set.keep, set.max_bytes), (Some(Millis::from_hours(720)), 2 << 30));
    assert_eq!(set.archive.as_deref(), Some(std::path::Path::new("/srv/archive")));
    for wrong in ["keep = \"59m\"", "keep = 30", "max_bytes = \"1023KiB\"", "archive = \"archive\"", "kept = \"1d\""] {
        assert!(read(&format!("[audit]\n{wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn who_may_use_the_control_socket_is_read() {
    let read = |text: &str| HostConfig::parse("ansai.toml", text, INTERFACES).map(|config| config.control);
    assert_eq!(read("").unwrap(), ansai_config::Control::default());
    let all = read("[control]\nsocket = \"/run/ansai/c.sock\"\ngroup = \"adm\"\noperators = \"wheel\"\n").unwrap();
    assert_eq!(all.socket.as_deref(), Some(std::path::Path::new("/run/ansai/c.sock")));
    assert_eq!((all.group.as_deref(), all.operators.as_deref()), (Some("adm"), Some("wheel")));
    // Members could not enter the state directory.
    for wrong in
        ["group = \"adm\"", "operators = \"adm\"", "socket = \"c.sock\"", "socket = \"/run/../c\"", "users = 1"]
    {
        assert!(read(&format!("[control]\n{wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn isolation_is_that_of_the_instance_or_of_the_daemon() {
    let read = |text: &str| HostConfig::parse("ansai.toml", text, INTERFACES);
    let name = "p".parse().unwrap();
    let of = |daemon: &str, policy: &str| {
        read(&format!("[daemon]\n{daemon}\n[policy.p]\n{policy}\n")).unwrap().isolation(&name)
    };
    assert_eq!(of("", ""), None);
    assert_eq!(of("isolation = \"thread\"", ""), Some(Isolation::Thread));
    assert_eq!(of("isolation = \"process\"", "isolation = \"thread\""), Some(Isolation::Thread));
    assert_eq!(of("isolation = \"thread\"", "isolation = \"own\""), Some(Isolation::Own));
    // Only a policy has a worker of its own.
    for wrong in
        ["[daemon]\nisolation = \"own\"\n", "[policy.p]\nisolation = \"none\"\n", "[policy.p]\nisolation = true\n"]
    {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn export_targets_are_read() {
    let read = |text: &str| HostConfig::parse("ansai.toml", text, INTERFACES).unwrap().export;
    assert_eq!(configuration().export, None);
    let all = read(
        "[audit.export]\nevery = \"10m\"\ntimeout = \"5s\"\nfile = \"/srv/heads\"\n\
         command = [\"/usr/bin/logger\", \"-t\", \"head\"]\nurl = \"https://h.example/x?key=1\"\n\
         token_file = \"/etc/ansai/token\"\nca_file = \"/etc/ansai/ca.pem\"\n",
    )
    .unwrap();
    assert_eq!((all.every, all.timeout), (Millis::new(600_000), Millis::new(5_000)));
    assert_eq!(all.file, Some(PathBuf::from("/srv/heads")));
    assert_eq!(all.command.unwrap(), ["/usr/bin/logger", "-t", "head"]);
    let url = all.url.unwrap();
    assert_eq!((url.url.as_str(), url.shown.as_str()), ("https://h.example/x?key=1", "https://h.example/x"));
    assert_eq!(url.token_file, Some(PathBuf::from("/etc/ansai/token")));
    assert_eq!(url.ca_file, Some(PathBuf::from("/etc/ansai/ca.pem")));
    let least = read("[audit.export]\nurl = \"http://h.example/\"\nallow_plain_http = true\n").unwrap();
    assert_eq!(
        (least.every, least.timeout, least.file, least.command),
        (Millis::from_hours(1), Millis::new(30_000), None, None)
    );
}

#[test]
fn labels_and_targets_are_read() {
    let text = r#"
[host]
labels = { site = "fra1", role = "web" }
[target.main-db]
kind = "postgresql"
address = "db.example.org:5432"
user = "ansai"
secret = { file = "/etc/ansai/main-db.secret" }
labels = { tier = "gold" }
[target.cache]
kind = "redis"
address = "unix:/run/redis.sock"
secret.credential = "cache"
[target.site]
kind = "a-kind-of-later"
[policy.a.target]
main-db = {}
[policy.a.target.cache.settings]
warning = 5
[policy.b.target.site]
"#;
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let labels = |labels: &ansai_config::Labels| -> Vec<String> {
        labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert_eq!(labels(&config.labels), ["role=web", "site=fra1"]);
    let main = &config.targets["main-db"];
    assert_eq!((main.kind.as_str(), main.user.as_deref()), ("postgresql", Some("ansai")));
    assert_eq!(main.address.as_deref(), Some("db.example.org:5432"));
    assert_eq!(main.secret, Some(SecretSource::File("/etc/ansai/main-db.secret".into())));
    assert_eq!(labels(&main.labels), ["tier=gold"]);
    assert_eq!(config.targets["cache"].secret, Some(SecretSource::Credential("cache".into())));
    let site = &config.targets["site"];
    assert_eq!((&site.address, &site.user, &site.secret), (&None, &None, &None));
    let a = &config.policies["a"].targets;
    assert_eq!(a.keys().collect::<Vec<_>>(), ["cache", "main-db"]);
    assert_eq!((&a["cache"].settings, &a["main-db"].settings), (&json!({"warning": 5}), &json!({})));
    assert!(config.warnings.is_empty());
    let nothing = HostConfig::parse("ansai.toml", "", INTERFACES).unwrap();
    assert!(nothing.labels.is_empty() && nothing.targets.is_empty());
}

#[test]
fn how_long_a_call_of_a_server_may_take() {
    let text = "[daemon]\ncall_limit = \"3s\"\n[target.slow]\nkind = \"x\"\ncall_limit = \"20s\"\n\
        [policy.a]\ncall_limit = \"100ms\"\n[policy.a.target.slow]\n[policy.b]\n";
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let limit = |instance: &str| config.call_limit(&instance.parse().unwrap()).map(ansai_core::Millis::get);
    assert_eq!((limit("a"), limit("b"), limit("c")), (Some(100), Some(3_000), Some(3_000)));
    assert_eq!(config.targets["slow"].call_limit.map(ansai_core::Millis::get), Some(20_000));
    let nothing = HostConfig::parse("ansai.toml", "[policy.a]\n", INTERFACES).unwrap();
    assert_eq!(nothing.call_limit(&"a".parse().unwrap()), None);
    for wrong in ["[daemon]", "[target.t]\nkind = \"x\"", "[policy.a]"] {
        for (value, code) in [
            ("\"99ms\"", codes::OUT_OF_RANGE),
            ("\"21s\"", codes::OUT_OF_RANGE),
            ("5", codes::WRONG_TYPE),
            ("\"soon\"", codes::BAD_QUANTITY),
        ] {
            let refused = HostConfig::parse("ansai.toml", &format!("{wrong}\ncall_limit = {value}\n"), INTERFACES);
            let found: Vec<_> = refused.unwrap_err().entries().iter().map(|entry| entry.code).collect();
            assert!(found.contains(&code), "{wrong} {value}: {found:?}");
        }
    }
}

#[test]
fn settings_of_a_target_are_only_what_differs() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    let base = schema.resolve(&json!({"thresholds": {"warning": 70}, "per_unit": {"a": "1k"}})).unwrap();
    for (own, resolved) in [
        (json!({}), json!({})),
        (json!({"thresholds": {"critical": 95}}), json!({"thresholds": {"critical": 95}})),
        (
            json!({"log-age": "1 day", "journal-size": "1k"}),
            json!({"logs_older_than": 86_400_000, "journal_size": 1024}),
        ),
        (
            json!({"never_touch": ["x"], "per_unit": {"b": "2k"}}),
            json!({"never_touch": ["x"], "per_unit": {"b": 2048}}),
        ),
        (json!({"owner": "root", "how": "remove"}), json!({"owner": "root", "how": "remove"})),
    ] {
        assert_eq!(schema.resolve_over(&base, &own).unwrap(), resolved, "{own}");
    }
    let wrong = [
        json!({"thresholds": {"warning": 0}}),
        json!({"x": 1}),
        json!({"thresholds": 1}),
        json!({"journal_size": "x"}),
    ];
    for own in wrong {
        assert_eq!(schema.resolve_over(&base, &own).unwrap_err().len(), 1, "{own}");
    }
}

#[test]
fn settings_of_a_target_must_fit_those_of_the_instance() {
    let text = r#"{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"},
        "mail": {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"},
        "retries": {"type": "integer", "default": 3}}}}, "dependentRequired": {"a": ["b"]}}"#;
    let schema = Schema::parse("s", text).unwrap();
    assert_eq!(schema.resolve_over(&json!({"b": 1}), &json!({"a": 1})).unwrap(), json!({"a": 1}));
    assert!(schema.resolve_over(&json!({}), &json!({"a": 1})).is_err());
    assert!(schema.resolve_over(&json!({}), &json!({"mail": {"retries": 1}})).unwrap_err()[0].missing);
    let base = json!({"mail": {"to": "root", "retries": 3}});
    assert_eq!(schema.resolve_over(&base, &json!({"mail": {"retries": 1}})).unwrap(), json!({"mail": {"retries": 1}}));
    // A table that only the target has is complete.
    let complete = json!({"mail": {"to": "x", "retries": 3}});
    assert_eq!(schema.resolve_over(&json!({}), &json!({"mail": {"to": "x"}})).unwrap(), complete);
}

#[test]
fn ten_thousand_instances() {
    let mut text = String::new();
    for at in 0..10_000 {
        let table = format!(
            "[policy.small-{at}]\nsource = \"./small\"\nevery = \"10s\"\n\n[policy.small-{at}.grant]\n\
             \"ansai:disk/disk-probe\" = {{}}\n\n"
        );
        text.push_str(&table);
    }
    assert!(text.len() > ansai_config::MOST_BYTES, "more than a manifest may be");
    let config = HostConfig::parse("/etc/ansai/ansai.toml", &text, INTERFACES).expect("it is right");
    assert_eq!(config.policies.len(), 10_000);
}
