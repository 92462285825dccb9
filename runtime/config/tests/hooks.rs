//! `[hook.NAME]`: what is accepted, and each mistake with its code, its place and a hint.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_config::{Diagnostics, HostConfig, SecretSource, Severity, Suggested, suggest};
use ansai_core::hook::{Does, HookCall, Linked, Method};
use ansai_core::scope::{Count, Hooks, TypedField};
use ansai_core::{Code, Field, Interface, InterfaceKind, InterfaceName, Millis, Sensitivity, Subject, codes};

const HOOKS: TypedField<Hooks> = TypedField::set("hooks", "hooks");
const MAX_RUNS: TypedField<Count> = TypedField::at_most("max_runs", 3, "runs");
const FIELDS: &[Field] = &[HOOKS.field(), MAX_RUNS.field()];
const NAME: &str = "ansai:hook/hook-actions";
const INTERFACES: &[Interface] = &[Interface {
    name: InterfaceName::from_static(NAME),
    version: "0.2.0",
    kind: InterfaceKind::Actions,
    sensitivity: Sensitivity::Outgoing,
    ability: "run hooks",
    fields: FIELDS,
}];

fn parse(text: &str) -> Result<HostConfig, Diagnostics> {
    HostConfig::parse("ansai.toml", text, INTERFACES)
}

const FLUSH: &str = "[hook.flush]\ncommand = [\"/bin/flush\", \"--pool={pool}\"]\nuser = \"www-data\"\ndoes = \"acts\"\n\
    parameters.pool = [\"blue\", \"green\"]\n";
const HEALTH: &str = "[hook.health]\nurl = \"http://127.0.0.1:8080/health\"\ndoes = \"reads\"\n";

#[test]
fn hooks_are_read() {
    let text = format!(
        "{FLUSH}limit = \"1h\"\nundo = [\"/bin/warm\", \"{{pool}}\"]\ncheck = \"health\"\ntouches.unit = [\"app.service\"]\n\
         {HEALTH}secret = {{ file = \"/etc/ansai/app.secret\" }}\nsecret_header = \"X-Api-Key\"\n\
         [hook.gc]\nurl = \"https://app.example.org/gc?full={{full}}\"\ndoes = \"acts\"\nparameters.full = [\"yes\"]\n"
    );
    let config = parse(&text).unwrap();
    let flush = &config.hooks["flush"].hook;
    assert_eq!((flush.does, flush.limit), (Does::Acts, Millis::new(3_600_000)));
    assert_eq!(flush.touches, [Subject::new("unit", "app.service")]);
    assert_eq!(flush.check, Some(Linked::Hook("health".into())));
    let Some(Linked::Own(HookCall::Command { words, user })) = &flush.undo else { panic!("{:?}", flush.undo) };
    assert_eq!((words[1].to_string().as_str(), user.as_str()), ("{pool}", "www-data"));
    let health = &config.hooks["health"];
    assert_eq!(health.secret, Some(SecretSource::File("/etc/ansai/app.secret".into())));
    let HookCall::Url { method, secret_header, .. } = &health.hook.call else { panic!() };
    assert_eq!(
        (*method, secret_header.as_deref(), health.hook.limit),
        (Method::Get, Some("X-Api-Key"), Millis::new(10_000))
    );
    let HookCall::Url { method, shown, .. } = &config.hooks["gc"].hook.call else { panic!() };
    assert_eq!((*method, shown.to_string().as_str()), (Method::Post, "https://app.example.org/gc"));
    assert_eq!(config.warnings.entries().len(), 0);
}

/// One line of `flush` or `health` is replaced or added.
fn mistake(text: &str, code: Code, part: &str) {
    let problems = parse(text).unwrap_err();
    let entries = problems.entries();
    let errors: Vec<_> = entries.iter().filter(|one| one.severity == Severity::Error).collect();
    assert!(errors.iter().any(|one| one.code == code && one.message.contains(part)), "{text}\n{problems}");
    assert_eq!(errors.len(), 1, "{text}\n{problems}");
}

#[test]
fn mistakes_are_named() {
    let flush = |from: &str, to: &str| FLUSH.replace(from, to);
    let more = |text: &str, line: &str| format!("{text}{line}\n");
    for (text, code, part) in [
        (flush("user = \"www-data\"\n", ""), codes::MISSING_KEY, "user"),
        (flush("does = \"acts\"\n", ""), codes::MISSING_KEY, "does"),
        (flush("\"acts\"", "\"act\""), codes::UNKNOWN_WORD, "`does`"),
        (flush("user", "usr"), codes::UNKNOWN_KEY, "usr"),
        (flush("/bin/flush", "flush"), codes::BAD_COMMAND, "`command`"),
        (flush("[\"/bin/flush\", \"--pool={pool}\"]", "\"/bin/flush {pool}\""), codes::WRONG_TYPE, "`command`"),
        (flush("www-data", "a:b"), codes::BAD_NAME, "`user`"),
        (flush("www-data", "a\\nb"), codes::BAD_NAME, "`user`"),
        (flush("{pool}", "{pol}"), codes::BAD_PLACEHOLDER, "{pol}"),
        (flush("{pool}", "{pool"), codes::BAD_PLACEHOLDER, "`{` without `}`"),
        (flush("{pool}", "pool}"), codes::BAD_PLACEHOLDER, "`}` without `{`"),
        (flush("{pool}", "blue"), codes::BAD_PLACEHOLDER, "does not use the parameter `pool`"),
        (flush("\"/bin/flush\"", "\"/bin/{pool}\""), codes::BAD_PLACEHOLDER, "the program"),
        (flush("\"blue\", \"green\"", ""), codes::BAD_HOOK, "no permitted value"),
        (flush("\"blue\"", "\"\""), codes::BAD_HOOK, "a value of `pool`"),
        (flush("\"blue\"", "\"a\\u001bb\""), codes::BAD_HOOK, "a value of `pool`"),
        (flush("\"blue\"", "\"a\\nb\""), codes::BAD_HOOK, "a value of `pool`"),
        (flush("\"blue\"", "1"), codes::WRONG_TYPE, "`pool`"),
        (flush("[\"blue\", \"green\"]", "\"blue\""), codes::WRONG_TYPE, "`pool`"),
        (more(FLUSH, "url = \"http://127.0.0.1/\""), codes::BAD_HOOK, "a `command` and a `url`"),
        (more(FLUSH, "method = \"get\""), codes::BAD_HOOK, "`method` belongs"),
        (more(FLUSH, "limit = \"2h\""), codes::OUT_OF_RANGE, "`limit`"),
        (more(FLUSH, "undo = [\"warm\"]"), codes::BAD_COMMAND, "`undo`"),
        (more(FLUSH, "undo = [\"/bin/warm\", \"{size}\"]"), codes::BAD_PLACEHOLDER, "{size}"),
        (more(FLUSH, "undo = 1"), codes::WRONG_TYPE, "`undo`"),
        (more(FLUSH, "undo = \"warm\""), codes::UNKNOWN_HOOK, "`warm`"),
        (more(FLUSH, "check = \"flush\""), codes::BAD_HOOK, "which acts"),
        (more(FLUSH, "touches.unit = [\"app*\"]"), codes::BAD_NAME, "`app*`"),
        (more(FLUSH, "touches.unit = \"app\""), codes::WRONG_TYPE, "`unit`"),
        (more(HEALTH, "user = \"root\""), codes::BAD_HOOK, "`user` belongs"),
        (more(HEALTH, "undo = \"health\""), codes::BAD_HOOK, "only reads"),
        (more(HEALTH, "check = \"health\""), codes::BAD_HOOK, "only reads"),
        (more(HEALTH, "limit = \"21s\""), codes::OUT_OF_RANGE, "`limit`"),
        (more(HEALTH, "secret_header = \"X-Key\""), codes::BAD_HOOK, "needs `secret`"),
        (more(HEALTH, "secret = { credential = \"a\" }\nsecret_header = \"Host\""), codes::BAD_HOOK, "`Host`"),
        (
            more(HEALTH, "secret = { credential = \"a\" }\nsecret_header = \"a: b\""),
            codes::BAD_HOOK,
            "cannot be a header",
        ),
        (more(HEALTH, "parameters.a = [\"b\"]"), codes::BAD_PLACEHOLDER, "a GET has no body"),
        (more(HEALTH, "parameters.a = [\"..\"]").replace("/health", "/{a}/x"), codes::BAD_HOOK, "another directory"),
        (HEALTH.replace("127.0.0.1", "192.0.2.1"), codes::PLAIN_HTTP, "not encrypted"),
        (HEALTH.replace("127.0.0.1", "{host}"), codes::BAD_URL, "`url`"),
        (HEALTH.replace("127.0.0.1", "u:p@127.0.0.1"), codes::BAD_URL, "user or a password"),
        (HEALTH.replace("http:", "file:"), codes::BAD_URL, "`url`"),
        ("[hook.a]\ndoes = \"reads\"\n".to_owned(), codes::MISSING_KEY, "command"),
        ("[hook.\"a b\"]\ndoes = \"reads\"\nurl = \"http://127.0.0.1/\"\n".to_owned(), codes::BAD_NAME, "a b"),
        ("hook = 1\n".to_owned(), codes::WRONG_TYPE, "`[hook]`"),
    ] {
        mistake(&text, code, part);
    }
}

#[test]
fn a_linked_hook_needs_nothing_that_is_not_there() {
    let linked = |other: &str| {
        format!("{FLUSH}check = \"other\"\n[hook.other]\ncommand = [\"/bin/x\", \"{{pool}}\"]\nuser = \"a\"\n{other}")
    };
    assert!(parse(&linked("does = \"reads\"\nparameters.pool = [\"green\", \"blue\", \"red\"]\n")).is_ok());
    mistake(&linked("does = \"reads\"\nparameters.pool = [\"blue\"]\n"), codes::BAD_HOOK, "does not permit `green`");
    mistake(&linked("does = \"acts\"\nparameters.pool = [\"green\", \"blue\"]\n"), codes::BAD_HOOK, "which acts");
    let other = "does = \"reads\"\nparameters.pool = [\"green\", \"blue\"]\nparameters.size = [\"1\"]\n";
    let needs = linked(other).replace("\"{pool}\"]\nuser = \"a\"", "\"{pool}{size}\"]\nuser = \"a\"");
    mistake(&needs, codes::BAD_HOOK, "needs a value for `size`");
    // What is wrong with the other hook is told once.
    mistake(&linked("does = \"reads\"\nparameters.pool = []\n"), codes::BAD_HOOK, "no permitted value");
}

#[test]
fn granted_hooks_exist_and_the_author_names_none() {
    let granted = |hooks: &str| format!("{FLUSH}[policy.p.grant]\n\"{NAME}\" = {{ hooks = {hooks} }}\n");
    assert!(parse(&granted("[\"flush\"]")).is_ok());
    mistake(&granted("[\"flus\"]"), codes::UNKNOWN_HOOK, "`flus`");
    mistake(&granted("[\"*\"]"), codes::BAD_SCOPE, "`*`");
    let manifest = format!(
        "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"d\"\nschedule.every = \"60s\"\n\
         [capabilities.\"{NAME}\"]\nreason = \"to test\"\nscope = {{ hooks = [\"gc\"] }}\n"
    );
    let manifest = ansai_config::Manifest::parse("policy.toml", &manifest, INTERFACES).unwrap();
    let suggested = Suggested { manifest: &manifest, settings: &[], instance: "p", source: "p" };
    let suggested = suggest(&suggested, INTERFACES);
    assert!(suggested.contains("hooks = []"), "{suggested}");
}

/// Would break: a message that shows the line with a token in it.
#[test]
fn messages_hide_what_may_be_a_secret() {
    for (text, secret) in [
        (HEALTH.replace("/health", "/health?token=swordfish") + "metod = \"get\"\n", "swordfish"),
        (HEALTH.replace("127.0.0.1", "me:swordfish@127.0.0.1"), "swordfish"),
        (format!("{HEALTH}secret = \"swordfish\"\n"), "swordfish"),
        (format!("{HEALTH}secret = {{ fil = \"swordfish\" }}\n"), "swordfish"),
    ] {
        let problems = parse(&text).unwrap_err().to_string();
        assert!(!problems.contains(secret), "{problems}");
    }
}
