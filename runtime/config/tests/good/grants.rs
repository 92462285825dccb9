//! Requests and grants: what is in force, and what is suggested.

use crate::*;

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
