//! Words, targets, endpoints, switches and minutes in manifests and grants: each mistake has its place and a hint.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_config::{HostConfig, Manifest, Suggested, effective_scopes, suggest};
use ansai_core::scope::{Endpoints, Minutes, Switch, Targets, TypedField, Words};
use ansai_core::{Code, Field, Interface, InterfaceKind, InterfaceName, Sensitivity, codes};

const TARGETS: TypedField<Targets> = TypedField::targets("targets", &["postgresql"], "servers it may act on");
const SIGNALS: TypedField<Words> = TypedField::words("signals", &["hup", "term"], "signals it may send");
const ENDPOINTS: TypedField<Endpoints> = TypedField::set("endpoints", "what it may check");
const VOLUMES: TypedField<Switch> = TypedField::allow("unnamed_volumes", false, "whether volumes without a name too");
const SECURITY_ONLY: TypedField<Switch> = TypedField::restrict("security_only", true, "only security updates");
const MOST_MINUTES: TypedField<Minutes> = TypedField::at_most("max_minutes", 15, "how long a step may take");

const FIELDS: &[Field] = &[
    TARGETS.field(),
    SIGNALS.field(),
    ENDPOINTS.field(),
    VOLUMES.field(),
    SECURITY_ONLY.field(),
    MOST_MINUTES.field(),
];

const NAME: &str = "ansai:x/x-actions";

const INTERFACES: &[Interface] = &[Interface {
    name: InterfaceName::from_static(NAME),
    version: "0.2.0",
    kind: InterfaceKind::Actions,
    sensitivity: Sensitivity::Metadata,
    ability: "do everything",
    fields: FIELDS,
}];

fn manifest(lines: &str) -> Manifest {
    let text = format!(
        "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"d\"\nschedule.every = \"60s\"\n\
         [capabilities.\"{NAME}\"]\nreason = \"to test\"\n{lines}\n"
    );
    Manifest::parse("policy.toml", &text, INTERFACES).unwrap()
}

const SERVERS: &str = "[target.main-db]\nkind = \"postgresql\"\n[target.cache]\nkind = \"redis\"\n\
    [target.other-db]\nkind = \"postgresql\"\n[policy.p.target]\nmain-db = {}\ncache = {}\n\
    [policy.q.target]\nother-db = {}\n";

fn configured(grant: &str) -> Result<HostConfig, (Code, String, String, usize)> {
    let text = format!("{SERVERS}[policy.p.grant]\n\"{NAME}\" = {grant}\n");
    HostConfig::parse("ansai.toml", &text, INTERFACES).map_err(|problems| {
        let entries = problems.entries();
        let found = entries.iter().find(|entry| entry.severity == ansai_config::Severity::Error).unwrap();
        (found.code, found.message.clone(), found.hint.clone().unwrap_or_default(), found.column)
    })
}

#[test]
fn grants_meet_requests() {
    let manifest = manifest(
        "scope = { targets = \"operator\", signals = [\"hup\"], security_only = true, max_minutes = 30 }\n\
         suggest = { unnamed_volumes = true }",
    );
    let grant = "[{ targets = [\"main-db\"], signals = [\"hup\", \"term\"], security_only = false, \
        unnamed_volumes = true, endpoints = [\"*.Example.org:443\"], max_minutes = 60 }]";
    let config = configured(grant).unwrap();
    let in_force = effective_scopes(&manifest, &config.policies["p"].grants, INTERFACES).unwrap();
    let scope = &in_force[NAME].tables()[0].scope;
    assert_eq!((scope.targets(&TARGETS), scope.words(&SIGNALS)), (&["main-db".into()][..], &["hup".into()][..]));
    assert_eq!(scope.endpoints(&ENDPOINTS), ["*.example.org:443"]);
    assert_eq!((scope.is_on(&VOLUMES), scope.is_on(&SECURITY_ONLY), scope.minutes(&MOST_MINUTES)), (true, true, 30));
}

#[test]
fn what_is_wrong_in_a_grant_is_shown_at_its_place() {
    let before = NAME.len() + 5;
    for (grant, code, message, hint, at) in [
        ("{ targets = [\"main-bd\"] }", codes::UNKNOWN_TARGET, "no target is named `main-bd`", "`main-db`?", 13),
        ("{ targets = [\"main-db\", \"cache\"] }", codes::BAD_SCOPE, "of the kind redis", "of the kind postgresql", 24),
        (
            "[{}, { targets = [\"other-db\"] }]",
            codes::BAD_SCOPE,
            "`other-db`, which is not a target of p",
            "[policy.p.target.other-db]",
            18,
        ),
        ("{ targets = [\"*\"] }", codes::BAD_SCOPE, "not the name of a target", "targets = [", 13),
        ("{ signals = [\"hup\", \"trem\"] }", codes::BAD_SCOPE, "not one of hup, term", "did you mean \"term\"?", 20),
        ("{ signals = [\"kill\"] }", codes::BAD_SCOPE, "not one of hup, term", "signals = [\"hup\"]", 13),
        ("{ endpoints = [\"db\"] }", codes::BAD_SCOPE, "has no port", "endpoints = [\"db.example.org:5432\"]", 15),
        ("{ unnamed_volumes = \"yes\" }", codes::BAD_SCOPE, "must be `true` or `false`", "unnamed_volumes = false", 20),
        ("{ security_only = 0 }", codes::BAD_SCOPE, "must be `true` or `false`", "security_only = true", 18),
        ("{ max_minutes = \"1h\" }", codes::BAD_SCOPE, "whole number", "max_minutes = 15", 16),
    ] {
        let found = configured(grant).unwrap_err();
        assert_eq!(found.0, code, "{grant}: {found:?}");
        assert!(found.1.contains(message), "{grant}: {found:?}");
        assert!(found.2.contains(hint), "{grant}: {found:?}");
        assert_eq!(found.3, before + at + 1, "{grant}: {found:?}");
    }
}

#[test]
fn suggested_grants_name_no_servers_and_parse() {
    let manifest = manifest(
        "scope = { signals = [\"hup\"] }\nsuggest = { targets = [\"main-db\"], endpoints = [\"collector.example.org:443\"], \
         unnamed_volumes = true }",
    );
    let suggested = Suggested { manifest: &manifest, settings: &[], instance: "p", source: "/opt/p.wasm" };
    let stanza = suggest(&suggested, INTERFACES);
    for line in [
        "targets = []  # to fill in: servers it may act on; the author names [\"main-db\"]",
        "endpoints = []  # to fill in: what it may check; the author names [\"collector.example.org:443\"]",
        "signals = [\"hup\"]  # as asked; signals it may send",
        "unnamed_volumes = true  # suggested; whether volumes without a name too",
        "security_only = true  # the default; only security updates",
        "max_minutes = 15  # the default; how long a step may take",
    ] {
        assert!(stanza.contains(line), "{line}:\n{stanza}");
    }
    HostConfig::parse("ansai.toml", &stanza, INTERFACES).unwrap();
}
