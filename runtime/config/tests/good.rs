//! Valid files give the expected values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod fixtures;

use std::path::PathBuf;

use ansai_config::{
    GrantError, Grants, HostConfig, Manifest, PolicySource, Schema, SecretSource, Suggested, effective_scopes, suggest,
    unconfigured,
};
use ansai_core::{
    Bytes, InstanceName, Interface, InterfaceKind, InterfaceName, Limits, Millis, Mode, Never, RetryPolicy, Scope,
    ScopeTables, Sensitivity, Subject, Touch, codes,
};
use fixtures::{
    CONFIGURATION, INTERFACES, MANIFEST, MAX_BYTES, MAX_FILES, MIN_AGE_HOURS, ROOTS, SCHEMA, UNDO_HOURS, UNIT_NAMES,
};
use serde_json::json;

fn manifest() -> Manifest {
    Manifest::parse("policy.toml", MANIFEST, INTERFACES).unwrap()
}

fn configuration() -> HostConfig {
    HostConfig::parse("/etc/ansai/ansai.toml", CONFIGURATION, INTERFACES).unwrap()
}

#[test]
fn the_manifest() {
    let manifest = manifest();
    assert_eq!(manifest.name, "disk-space");
    assert_eq!(manifest.every, Millis::new(60_000));
    assert!(manifest.capabilities["ansai:disk/disk-probe"].required);
    let files = &manifest.capabilities["ansai:files/files-actions"];
    assert!(!files.required);
    assert_eq!(files.scope, Scope::default().with_number(&MIN_AGE_HOURS, 24).into());
    assert_eq!(manifest.settings_schema.as_deref(), Some("settings.schema.json"));
    assert!(manifest.warnings.is_empty());
}

#[test]
fn the_time_in_which_to_verify_is_the_manifests_unless_the_operator_sets_it() {
    assert_eq!(manifest().verify_within, Millis::ZERO);
    let patient = format!("{MANIFEST}\n[attempts]\nverify_within = \"30s\"\n");
    let patient = Manifest::parse("policy.toml", &patient, INTERFACES).unwrap();
    assert_eq!(patient.verify_within, Millis::new(30_000));
    let embedded = Manifest::from_json("embedded", &patient.to_json().to_string(), INTERFACES).unwrap();
    assert_eq!(embedded, patient);
    let too_long = format!("{MANIFEST}\n[attempts]\nverify_within = \"61m\"\n");
    assert!(Manifest::parse("policy.toml", &too_long, INTERFACES).is_err());

    let set = |attempts: &str| {
        let text = format!("[policy.a.attempts]\n{attempts}\n");
        HostConfig::parse("ansai.toml", &text, INTERFACES).map(|config| config.policies["a"].verify_within)
    };
    assert_eq!(set("max = 2").unwrap(), None);
    assert_eq!(set("verify_within = \"0s\"").unwrap(), Some(Millis::ZERO));
    assert!(set("verify_within = \"2h\"").is_err());
}

#[test]
fn the_manifest_survives_being_embedded() {
    let manifest = manifest();
    let text = manifest.to_json().to_string();
    assert_eq!(Manifest::from_json("embedded", &text, INTERFACES).unwrap(), manifest);
}

#[test]
fn the_configuration() {
    let config = configuration();
    assert_eq!(config.daemon.state_dir, Some(PathBuf::from("/var/lib/ansai")));
    assert_eq!(config.daemon.mode, Mode::Observe);
    assert_eq!(config.daemon.log.as_deref(), Some("info"));
    let disk = &config.policies["disk-space"];
    assert_eq!(disk.mode, Mode::Enforce);
    assert_eq!(disk.every, Some(Millis::new(60_000)));
    assert_eq!(disk.settings, json!({"thresholds": {"warning": 80}}));
    assert_eq!(
        disk.attempts,
        RetryPolicy { cooldown: Millis::new(600_000), max_attempts: 3, ..RetryPolicy::default() }
    );
    assert_eq!(disk.grants["ansai:files/files-actions"].only().unwrap().bytes(&MAX_BYTES), 20 << 30);
    assert_eq!(disk.grants["ansai:disk/disk-probe"], ScopeTables::default());
    let path = PathBuf::from("/etc/ansai/policies/disk-space");
    assert_eq!(config.source(&InstanceName::from_static("disk-space")), Some(PolicySource::Path(path)));
    assert_eq!(config.source(&InstanceName::from_static("other")), None);
    let config =
        HostConfig::parse("ansai.toml", "[policy.web]\nsource = \"builtin:disk-space\"\n", INTERFACES).unwrap();
    assert_eq!(config.source(&InstanceName::from_static("web")), Some(PolicySource::Builtin("disk-space".into())));
    assert!(config.warnings.is_empty());
}

#[test]
fn missing_keys_have_defaults() {
    let text = "[daemon]\nmode = \"enforce\"\n[policy.a]\n[policy.b]\nmode = \"observe\"\n";
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let a = &config.policies["a"];
    assert_eq!((a.mode, config.policies["b"].mode), (Mode::Enforce, Mode::Observe));
    assert_eq!((a.every, a.source.as_deref()), (None, None));
    assert_eq!((&a.settings, &a.attempts), (&json!({}), &RetryPolicy::default()));
    assert!(a.grants.is_empty());
    let nothing = HostConfig::parse("ansai.toml", "", INTERFACES).unwrap();
    assert_eq!(nothing.daemon.mode, Mode::Observe);
}

#[test]
fn what_no_step_may_touch() {
    let text = "[never]\nunit = [\"postgresql.service\", \"drbd*\", \"dev-disk-by\\\\x2duuid.mount\"]\n\
        filesystem = [\"/srv/legacy\", \"/\", \"/mnt/*\"]\nqueue = [\"mail/*\"]\n\
        [never.allow]\nunit = [\"getty@tty1.service\"]\n";
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
    let may = |kind: &str, name: &str| config.never.check([&Touch::shared(Subject::new(kind, name))]).is_ok();
    for (kind, name) in [
        ("unit", "postgresql.service"),
        ("unit", "drbd@data.service"),
        ("unit", "dev-disk-by\\x2duuid.mount"),
        ("unit", "getty@tty2.service"),
        ("unit", "ssh.service"),
        ("filesystem", "/srv/legacy"),
        ("filesystem", "/"),
        ("filesystem", "/mnt/a/b"),
        ("queue", "mail/out"),
    ] {
        assert!(!may(kind, name), "{kind} {name}");
    }
    for (kind, name) in [
        ("unit", "getty@tty1.service"),
        ("unit", "PostgreSQL.service"),
        ("unit", "/srv/legacy"),
        ("filesystem", "/srv/legacy/sub"),
        ("filesystem", "/mnt"),
        ("queue", "mail"),
    ] {
        assert!(may(kind, name), "{kind} {name}");
    }
    assert!(config.warnings.is_empty());
    assert_eq!(configuration().never, Never::default(), "the defaults are always in force");
}

#[test]
fn limits_go_over_each_other() {
    let limits = manifest().limits.over(Limits { calls: 7, ..Limits::default() });
    let limits = configuration().policies["disk-space"].limits.over(limits);
    assert_eq!(limits.memory_bytes, Bytes::from_mib(128));
    assert_eq!((limits.fuel, limits.deadline_ms, limits.calls), (100_000_000, 60_000, 7));
}

#[test]
fn the_scope_in_force_is_the_intersection() {
    let config = configuration();
    let grants = &config.policies["disk-space"].grants;
    let in_force = effective_scopes(&manifest(), grants, INTERFACES).unwrap();
    let files = in_force["ansai:files/files-actions"].together();
    assert_eq!(files.roots(&ROOTS), ["/var/log"]);
    assert_eq!(files.count(&MAX_FILES), 10_000);
    assert_eq!(files.hours(&UNDO_HOURS), 24);
    assert!(in_force.contains_key("ansai:disk/disk-probe"));
}

const TWO_WAYS: [&str; 2] = [
    "[policy.p.grant]\n\"ansai:files/files-actions\" = [{ roots = [\"/var/log\"], min_age_hours = 720 },\n\
     { roots = [\"/tmp\"], min_age_hours = 168 }]\n",
    "[[policy.p.grant.\"ansai:files/files-actions\"]]\nroots = [\"/var/log\"]\nmin_age_hours = 720\n\
     [[policy.p.grant.\"ansai:files/files-actions\"]]\nroots = [\"/tmp\"]\nmin_age_hours = 168\n",
];

#[test]
fn a_grant_is_a_table_or_a_list_of_tables() {
    for text in TWO_WAYS {
        let config = HostConfig::parse("ansai.toml", text, INTERFACES).unwrap();
        let granted = &config.policies["p"].grants;
        let in_force = effective_scopes(&manifest(), &with_probe(granted.clone()), INTERFACES).unwrap();
        let tables = in_force["ansai:files/files-actions"].tables();
        let found: Vec<_> =
            tables.iter().map(|one| (one.scope.roots(&ROOTS).to_vec(), one.scope.hours(&MIN_AGE_HOURS))).collect();
        assert_eq!(found, [(vec!["/var/log".to_owned()], 720), (vec!["/tmp".to_owned()], 168)], "{text}");
        assert_eq!(tables[1].place().as_deref(), Some("table 2 of 2"));
    }
}

fn with_probe(mut grants: Grants) -> Grants {
    grants.insert("ansai:disk/disk-probe".parse().unwrap(), ScopeTables::default());
    grants
}

#[test]
fn a_request_is_a_table_or_a_list_of_tables() {
    let wanted = "scope = { roots = \"operator\", min_age_hours = 24 }";
    let text = MANIFEST.replace(
        wanted,
        "scope = [{ roots = [\"/var\"], min_age_hours = 48 }, { roots = \"operator\", max_files = 7 }]",
    );
    let manifest = Manifest::parse("policy.toml", &text, INTERFACES).unwrap();
    let json = manifest.to_json();
    assert_eq!(json["capabilities"]["ansai:files/files-actions"]["scope"][0]["min_age_hours"], 48);
    assert_eq!(json["capabilities"]["ansai:disk/disk-probe"]["scope"], json!([{}]), "always a list");
    assert_eq!(Manifest::from_json("embedded", &json.to_string(), INTERFACES).unwrap(), manifest);
    let config = HostConfig::parse("ansai.toml", TWO_WAYS[0], INTERFACES).unwrap();
    let in_force = effective_scopes(&manifest, &with_probe(config.policies["p"].grants.clone()), INTERFACES).unwrap();
    let tables = in_force["ansai:files/files-actions"].tables();
    let found: Vec<_> =
        tables.iter().map(|one| (one.scope.roots(&ROOTS)[0].as_str(), one.scope.count(&MAX_FILES))).collect();
    // The first grant narrowed by the second request is covered by the first request.
    assert_eq!(found, [("/var/log", 1_000), ("/tmp", 7)]);
}

/// What the operator alone chooses: the author can neither set it where the grant is silent, nor have it suggested.
#[test]
fn a_manifest_has_no_say_in_what_is_the_operators() {
    let wanted = "scope = { roots = \"operator\", min_age_hours = 24 }";
    for tables in [
        "scope = { roots = \"operator\", undo_hours = 0 }",
        "scope = { roots = \"operator\" }\nsuggest = { roots = [\"/var\"], undo_hours = 0 }",
        "scope = [{ roots = [\"/var\"], undo_hours = 0 }, { roots = \"operator\", undo_hours = 1000000 }]",
    ] {
        let manifest = Manifest::parse("policy.toml", &MANIFEST.replace(wanted, tables), INTERFACES).unwrap();
        for (granted, hours) in [("roots = [\"/var/log\"]", 24), ("roots = [\"/var/log\"], undo_hours = 5", 5)] {
            let text = format!("[policy.p.grant]\n\"ansai:files/files-actions\" = {{ {granted} }}\n");
            let config = HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap();
            let grants = with_probe(config.policies["p"].grants.clone());
            let in_force = effective_scopes(&manifest, &grants, INTERFACES).unwrap();
            for table in in_force["ansai:files/files-actions"].tables() {
                assert_eq!(table.scope.hours(&UNDO_HOURS), hours, "{tables} {granted}");
            }
        }
        let text = suggested(&manifest, INTERFACES);
        let hours: Vec<&str> = text.lines().filter(|line| line.starts_with("undo_hours")).collect();
        assert!(!hours.is_empty() && hours.iter().all(|line| line.starts_with("undo_hours = 24")), "{text}");
    }
}

#[test]
fn too_many_tables_in_force_are_refused() {
    let tables = |count: usize, key: &str| {
        let one = |number: usize| match key {
            "roots" => format!("{{ roots = [\"/{number}\"] }}"),
            _ => format!("{{ roots = \"operator\", {key} = {} }}", number + 10),
        };
        (0..count).map(one).collect::<Vec<_>>().join(", ")
    };
    let wanted = "scope = { roots = \"operator\", min_age_hours = 24 }";
    let asking = |count| {
        let text = MANIFEST.replace(wanted, &format!("scope = [{}]", tables(count, "max_files")));
        Manifest::parse("policy.toml", &text, INTERFACES).unwrap()
    };
    let text = format!("[policy.p.grant]\n\"ansai:files/files-actions\" = [{}]\n", tables(64, "roots"));
    let grants = with_probe(HostConfig::parse("ansai.toml", &text, INTERFACES).unwrap().policies["p"].grants.clone());
    let in_force = effective_scopes(&asking(4), &grants, INTERFACES).unwrap();
    assert_eq!(in_force["ansai:files/files-actions"].tables().len(), 256);
    let error = effective_scopes(&asking(5), &grants, INTERFACES).unwrap_err();
    assert_eq!(error.code(), codes::TOO_MANY_TABLES);
    assert!(error.to_string().contains("more than 256"), "{error}");
    // The same between what one manifest requests and suggests.
    let text =
        MANIFEST.replace(wanted, &format!("scope = [{}]\nsuggest = [{}]", tables(5, "max_files"), tables(64, "roots")));
    let problems = Manifest::parse("policy.toml", &text, INTERFACES).unwrap_err();
    assert!(problems.entries().iter().any(|entry| entry.code == codes::TOO_MANY_TABLES), "{problems}");
}

fn suggested(manifest: &Manifest, interfaces: &[Interface]) -> String {
    let instance = "disk-space";
    suggest(&Suggested { manifest, settings: &[], instance, source: "builtin:disk-space" }, interfaces)
}

#[test]
fn a_suggested_instance_is_complete_and_lists_the_settings_that_it_needs() {
    let schema = r#"{"type":"object","required":["unit"],"properties":{
        "unit":{"type":"string","description":"the unit\nto watch"},"level":{"type":"integer","default":5}}}"#;
    let settings = Schema::parse("schema.json", schema).unwrap().describe();
    let source = "/opt/a \"b\"/p.wasm";
    let manifest = manifest();
    let stanza = suggest(&Suggested { manifest: &manifest, settings: &settings, instance: "a.b", source }, INTERFACES);
    assert!(stanza.contains("# unit =   # the unit to watch\n") && !stanza.contains("level"), "{stanza}");
    let config = HostConfig::parse("ansai.toml", &stanza, INTERFACES);
    assert!(config.is_err(), "`a.b` is no name, but one key");
    let stanza = suggest(&Suggested { manifest: &manifest, settings: &settings, instance: "web", source }, INTERFACES);
    let config = HostConfig::parse("/etc/ansai/ansai.toml", &stanza, INTERFACES).unwrap();
    assert_eq!(config.source(&"web".parse().unwrap()), Some(PolicySource::Path(PathBuf::from(source))));
    assert_eq!(config.policies["web"].mode, ansai_core::Mode::Observe);
}

#[test]
fn suggested_lists_of_tables_parse() {
    let text = MANIFEST.replace(
        "scope = { roots = \"operator\", min_age_hours = 24 }",
        "scope = { roots = \"operator\", min_age_hours = 24 }\n\
         suggest = [{ roots = [\"/var/log\"], min_age_hours = 720 }, { roots = [\"/tmp\"] }]",
    );
    let manifest = Manifest::parse("policy.toml", &text, INTERFACES).unwrap();
    let stanza = suggested(&manifest, INTERFACES);
    insta::assert_snapshot!("suggested_tables", stanza);
    let config = HostConfig::parse("ansai.toml", &stanza, INTERFACES).unwrap();
    let tables = &config.policies["disk-space"].grants["ansai:files/files-actions"];
    let found: Vec<_> =
        tables.iter().map(|table| (table.roots(&ROOTS)[0].as_str(), table.hours(&MIN_AGE_HOURS))).collect();
    assert_eq!(found, [("/var/log", 720), ("/tmp", 24)]);
}

#[test]
fn only_a_required_capability_needs_a_grant() {
    let mut grants = configuration().policies["disk-space"].grants.clone();
    grants.remove("ansai:files/files-actions");
    assert_eq!(effective_scopes(&manifest(), &grants, INTERFACES).unwrap().len(), 1);
    grants.remove("ansai:disk/disk-probe");
    let Err(GrantError::Missing(missing)) = effective_scopes(&manifest(), &grants, INTERFACES) else {
        panic!("a required capability is missing")
    };
    assert_eq!(missing.interface, "ansai:disk/disk-probe");
    assert_eq!(missing.stanza, "\"ansai:disk/disk-probe\" = {}");
    assert_eq!(
        missing.to_string(),
        "required capability \"ansai:disk/disk-probe\" is not granted (its reason: to see how full file systems are)"
    );
}

#[test]
fn a_base_interface_needs_no_grant() {
    let text = MANIFEST.replace("ansai:disk/disk-probe", "ansai:policy/log");
    let manifest = Manifest::parse("policy.toml", &text, INTERFACES).unwrap();
    let in_force = effective_scopes(&manifest, &Default::default(), INTERFACES).unwrap();
    assert_eq!(in_force.keys().collect::<Vec<_>>(), ["ansai:policy/log"]);
}

#[test]
fn the_suggested_grants_parse() {
    let text = format!(
        "{MANIFEST}\n[capabilities.\"ansai:services/services-actions\"]\nreason = \"x\\n[daemon]\\nmode = 1\"\n\
         scope = {{ units = [\"a\\\"b\", \"nginx*\"] }}\n"
    );
    let manifest = Manifest::parse("policy.toml", &text, INTERFACES).unwrap();
    let stanza = suggested(&manifest, INTERFACES);
    insta::assert_snapshot!("suggested_grants", stanza);
    HostConfig::parse("ansai.toml", &stanza, INTERFACES).unwrap();
    let filled = stanza.replace("roots = []", "roots = [\"/var/log\"]");
    let config = HostConfig::parse("ansai.toml", &filled, INTERFACES).unwrap();
    let in_force = effective_scopes(&manifest, &config.policies["disk-space"].grants, INTERFACES).unwrap();
    assert_eq!(in_force["ansai:files/files-actions"].together().roots(&ROOTS), ["/var/log"]);
    assert_eq!(in_force["ansai:services/services-actions"].together().names(&UNIT_NAMES), ["a\"b", "nginx*"]);
}

/// The interfaces of the other tests, and some that differ in what their calls reveal.
fn with_servers() -> Vec<Interface> {
    let units = INTERFACES.iter().find(|one| one.name == "ansai:services/services-actions").unwrap().fields;
    let interface = |name, kind, sensitivity, ability, fields| Interface {
        name: InterfaceName::from_static(name),
        version: "0.2.0",
        kind,
        sensitivity,
        ability,
        fields,
    };
    let (probe, actions) = (InterfaceKind::Probe, InterfaceKind::Actions);
    let more = [
        interface("ansai:http/http-probe", probe, Sensitivity::Outgoing, "request pages", units),
        interface("ansai:http/http-actions", actions, Sensitivity::Outgoing, "check pages", &[]),
        interface("ansai:log/log-text-probe", probe, Sensitivity::Content, "read logs", &[]),
    ];
    [INTERFACES, &more].concat()
}

fn asking_for_servers(required: bool) -> Manifest {
    let text = format!(
        "{MANIFEST}\n[capabilities.\"ansai:http/http-probe\"]\nreason = \"to see whether pages answer\"\n\
         suggest = {{ units = [\"collector.example.org\"] }}\nrequired = {required}\n\
         [capabilities.\"ansai:http/http-actions\"]\nreason = \"to check them\"\n\
         [capabilities.\"ansai:log/log-text-probe\"]\nreason = \"to read logs\"\n"
    );
    Manifest::parse("policy.toml", &text, &with_servers()).unwrap()
}

#[test]
fn without_a_configuration_no_policy_calls_servers() {
    for required in [false, true] {
        let given = unconfigured(&asking_for_servers(required), &with_servers());
        let given: Vec<&str> = given.keys().map(InterfaceName::as_str).collect();
        assert_eq!(given, ["ansai:disk/disk-probe", "ansai:files/files-actions"]);
    }
}

#[test]
fn what_calls_servers_is_granted_by_its_name_only() {
    let mut grants = configuration().policies["disk-space"].grants.clone();
    let in_force = effective_scopes(&asking_for_servers(false), &grants, &with_servers()).unwrap();
    assert!(!in_force.contains_key("ansai:http/http-probe") && !in_force.contains_key("ansai:http/http-actions"));
    let Err(GrantError::Missing(missing)) = effective_scopes(&asking_for_servers(true), &grants, &with_servers())
    else {
        panic!("a required capability is missing")
    };
    assert_eq!(missing.interface, "ansai:http/http-probe");
    assert!(missing.stanza.starts_with("\"ansai:http/http-probe\" = { units = ["), "{}", missing.stanza);
    let name = InterfaceName::from_static("ansai:http/http-probe");
    grants.insert(name, Scope::default().with_set(&UNIT_NAMES, ["shop"]).into());
    let in_force = effective_scopes(&asking_for_servers(true), &grants, &with_servers()).unwrap();
    assert_eq!(in_force["ansai:http/http-probe"].together().names(&UNIT_NAMES), ["shop"]);
}

#[test]
fn a_suggested_grant_names_no_server_of_the_author() {
    let stanza = suggested(&asking_for_servers(true), &with_servers());
    let lines = "# required: to see whether pages answer\n# it can request pages\n\
                 # it calls servers that you name\n[policy.disk-space.grant.\"ansai:http/http-probe\"]\n\
                 units = []  # to fill in: systemd units, by name or pattern; \
                 the author names [\"collector.example.org\"]\n";
    assert!(stanza.contains(lines), "{stanza}");
    assert_eq!(stanza.matches("calls servers that you name").count(), 2, "{stanza}");
    let config = HostConfig::parse("ansai.toml", &stanza, &with_servers()).unwrap();
    assert!(
        config.policies["disk-space"].grants["ansai:http/http-probe"].only().unwrap().names(&UNIT_NAMES).is_empty()
    );
}

#[test]
fn settings_are_completed() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    let complete = json!({
        "thresholds": {"warning": 80, "critical": 90},
        "logs_older_than": 30u64 * 86_400_000,
        "journal_size": 100 << 20,
        "how": "compress",
        "never_touch": [],
    });
    assert_eq!(schema.resolve(&json!({})).unwrap(), complete);
    // Complete settings stay unchanged.
    assert_eq!(schema.resolve(&complete).unwrap(), complete);
    let some = json!({"thresholds": {"critical": 95}, "per_unit": {"a.service": "1G", "b": 5}});
    let resolved = schema.resolve(&some).unwrap();
    assert_eq!(resolved["thresholds"], json!({"warning": 80, "critical": 95}));
    assert_eq!(resolved["per_unit"], json!({"a.service": 1 << 30, "b": 5}));
}

#[test]
fn settings_may_be_spelt_in_other_ways() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    for name in ["logs_older_than", "logs-older-than", "log_age", "log-age"] {
        let resolved = schema.resolve(&json!({name: "1 day"})).unwrap();
        assert_eq!(resolved["logs_older_than"], 86_400_000, "{name}");
        assert!(name == "logs_older_than" || resolved.get(name).is_none(), "{name}");
    }
}

#[test]
fn an_object_that_says_so_is_open() {
    for (more, open) in [("true", true), ("{\"type\": \"string\"}", true), ("false", false)] {
        let text = format!("{{\"type\": \"object\", \"additionalProperties\": {more}}}");
        let schema = Schema::parse("s", &text).unwrap();
        assert_eq!(schema.resolve(&json!({"x": "y"})).is_ok(), open, "{more}");
    }
    let named = r#"{"type": "object", "patternProperties": {"^x-": {"type": "integer"}}}"#;
    let schema = Schema::parse("s", named).unwrap();
    assert!(schema.resolve(&json!({"x-a": 1})).is_ok());
    assert!(schema.resolve(&json!({"x-a": "1"})).is_err());
    assert!(schema.resolve(&json!({"y": 1})).is_err());
}

#[test]
fn a_quantity_may_share_its_place_with_a_word() {
    let text = r#"{"type": "object", "properties": {"size": {
        "anyOf": [{"format": "bytes"}, {"const": "auto"}], "default": "auto"}}}"#;
    let schema = Schema::parse("s", text).unwrap();
    assert_eq!(schema.resolve(&json!({})).unwrap(), json!({"size": "auto"}));
    assert_eq!(schema.resolve(&json!({"size": "1k"})).unwrap(), json!({"size": 1024}));
    assert!(schema.resolve(&json!({"size": "manual"})).is_err());
}

#[test]
fn tables_that_defaults_do_not_complete_are_not_added() {
    let text = r#"{"type": "object", "properties": {"mail": {"type": "object", "required": ["to"],
        "properties": {"to": {"type": "string"}, "retries": {"type": "integer", "default": 3}}}}}"#;
    let schema = Schema::parse("s", text).unwrap();
    assert_eq!(schema.resolve(&json!({})).unwrap(), json!({}));
    let with = schema.resolve(&json!({"mail": {"to": "root"}})).unwrap();
    assert_eq!(with, json!({"mail": {"to": "root", "retries": 3}}));
}

#[test]
fn settings_are_described() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    insta::assert_json_snapshot!("described", schema.describe());
}

#[test]
fn settings_are_found_in_the_file() {
    let config = configuration();
    let at = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        CONFIGURATION.get(config.settings_span(&InstanceName::from_static("disk-space"), &path).unwrap()).unwrap()
    };
    assert_eq!(at(&["thresholds", "warning"]), "80");
    assert_eq!(at(&["thresholds", "critical"]), "thresholds");
    assert_eq!(config.settings_span(&InstanceName::from_static("other"), &[]), None);
}

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
