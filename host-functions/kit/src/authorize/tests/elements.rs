//! Arguments that are lists: one table must permit every element.

use ansai_core::ScopeTables;
use ansai_core::scope::{Endpoints, Minutes, Switch, Targets, Words};

use super::*;

const TARGETS: TypedField<Targets> = TypedField::targets("targets", &["postgresql"], "");
const ENDPOINTS: TypedField<Endpoints> = TypedField::set("endpoints", "");
const SIGNALS: TypedField<Words> = TypedField::words("signals", &["hup", "term"], "");
const VOLUMES: TypedField<Switch> = TypedField::allow("unnamed_volumes", false, "");
const MOST_MINUTES: TypedField<Minutes> = TypedField::at_most("max_minutes", 15, "");
const KINDS: &[Field] = &[TARGETS.field(), ENDPOINTS.field(), SIGNALS.field(), VOLUMES.field(), MOST_MINUTES.field()];
const ALL: &[Check] = &[
    Check::of("/target", &TARGETS),
    Check::of("/endpoints/*/address", &ENDPOINTS),
    Check::of("/signals/*", &SIGNALS),
    Check::of("/volumes", &VOLUMES),
    Check::of("/within", &MOST_MINUTES),
];
const NESTED: &[Check] = &[Check::of("/groups/*/members/*", &TARGETS)];

fn granted(tables: &[Value]) -> ScopeInForce {
    let table = |value: &Value| Scope::parse("ansai:x/x-probe", KINDS, value.as_object().unwrap()).unwrap();
    let tables = ScopeTables::try_from(tables.iter().map(table).collect::<Vec<_>>()).unwrap();
    ScopeInForce::of(KINDS, &ScopeTables::default(), &tables).unwrap()
}

fn ask(granted: &ScopeInForce, checks: &'static [Check], arguments: &Value) -> Result<usize, String> {
    let function = Function { name: "f", checks, body: Body::Probe(&Probe(|_, _: NoArguments| Ok(()))) };
    let arguments = RawValue::from_string(arguments.to_string()).unwrap();
    let entry = entry(InterfaceKind::Probe);
    let scopes = authorize(&InstanceName::from_static("i"), &entry, &function, Some(granted), &arguments);
    let scopes = scopes.map_err(|refusal| refusal.to_string())?;
    let table = |scope: &Arc<Scope>| granted.tables().iter().position(|table| Arc::ptr_eq(&table.scope, scope));
    Ok(scopes.first().and_then(table).unwrap())
}

fn addresses(addresses: &[&str]) -> Value {
    addresses.iter().map(|address| json!({ "address": address })).collect()
}

/// Differs from a permitted call in one argument.
fn with(name: &str, value: Value) -> Value {
    let mut call = json!({
        "target": "main-db", "endpoints": addresses(&["a.example.org:443", "h:1"]), "signals": ["hup"],
        "volumes": false, "within": 900_000,
    });
    call[name] = value;
    call
}

fn everything() -> ScopeInForce {
    granted(&[json!({"targets": ["main-db"], "endpoints": ["*.example.org:443", "h:1"], "signals": ["hup"]})])
}

#[test]
fn every_kind_bounds_its_argument() {
    let scope = everything();
    assert_eq!(ask(&scope, ALL, &with("within", json!(1))), Ok(0));
    assert_eq!(ask(&scope, ALL, &with("signals", json!([]))), Ok(0), "an empty list asks for nothing");
    for (name, value, words) in [
        ("target", json!("other-db"), "`target` is \"other-db\", granted is targets = [\"main-db\"]"),
        ("endpoints", addresses(&["a.example.org:443", "evil:443"]), "`endpoints[1].address` is \"evil:443\""),
        ("signals", json!(["hup", "term"]), "`signals[1]` is \"term\""),
        ("volumes", json!(true), "`volumes` is true, granted is unnamed_volumes = false"),
        ("within", json!(960_000), "`within` is 16 min, above the bound, granted is max_minutes = 15"),
    ] {
        let why = ask(&scope, ALL, &with(name, value)).unwrap_err();
        assert!(why.starts_with("denied") && why.contains(words) && why.contains("[policy.i.grant]"), "{why}");
    }
}

#[test]
fn what_is_no_list_and_elements_without_sense_are_invalid() {
    let scope = everything();
    for (name, value, words) in [
        ("endpoints", json!({"address": "h:1"}), "`endpoints` is not a list"),
        ("endpoints", json!(null), "`endpoints` is not a list"),
        ("endpoints", json!([{}]), "`endpoints[0].address` is not an endpoint"),
        ("endpoints", json!(["h:1"]), "`endpoints[0].address` is not an endpoint"),
        ("endpoints", addresses(&["evil:443", "H:1"]), "`endpoints[1].address` is `H:1`: write it as `h:1`"),
        ("signals", json!(["hup", 1]), "`signals[1]` is not a word"),
        ("signals", json!(vec!["hup"; MOST_ELEMENTS + 1]), "`signals` has more than 1000 elements"),
        ("volumes", json!(0), "`volumes` is not true or false"),
        ("within", json!(-1), "`within` is not a whole number"),
    ] {
        let why = ask(&scope, ALL, &with(name, value)).unwrap_err();
        assert!(why.starts_with("invalid") && why.contains(words), "{words}: {why}");
    }
    assert_eq!(ask(&scope, ALL, &with("signals", json!(vec!["hup"; MOST_ELEMENTS]))), Ok(0));
}

/// Elements are never divided between tables.
#[test]
fn one_table_permits_all_elements() {
    let scope = granted(&[
        json!({"targets": ["main-db"], "endpoints": ["h:1"], "signals": ["hup"]}),
        json!({"targets": ["main-db"], "endpoints": ["h:1", "h:2"], "signals": ["hup"], "max_minutes": 1}),
        json!({"targets": ["main-db"], "endpoints": ["h:3"], "signals": ["hup"]}),
    ]);
    let call = |endpoints: &[&str], within: u64| {
        let mut call = with("within", json!(within));
        call["endpoints"] = addresses(endpoints);
        call
    };
    assert_eq!(ask(&scope, ALL, &call(&["h:1", "h:1"], 900_000)), Ok(0));
    assert_eq!(ask(&scope, ALL, &call(&["h:1", "h:2"], 60_000)), Ok(1));
    assert_eq!(ask(&scope, ALL, &call(&["h:3"], 900_000)), Ok(2));
    let why = ask(&scope, ALL, &call(&["h:1", "h:3"], 60_000)).unwrap_err();
    assert!(why.contains("`endpoints[1].address` is \"h:3\"") && why.contains("in table 1 of 3"), "{why}");
    let why = ask(&scope, ALL, &call(&["h:1", "h:2"], 60_001)).unwrap_err();
    assert!(why.contains("table 1 of 3"), "no table has both: {why}");
}

#[test]
fn lists_within_lists_are_checked() {
    let scope = granted(&[json!({"targets": ["a", "b"]})]);
    let call = |groups: Value| ask(&scope, NESTED, &json!({ "groups": groups }));
    assert_eq!(call(json!([{"members": ["a"]}, {"members": []}, {"members": ["b", "a"]}])), Ok(0));
    let why = call(json!([{"members": ["a"]}, {"members": ["b", "c"]}])).unwrap_err();
    assert!(why.contains("`groups[1].members[1]` is \"c\""), "{why}");
    let why = call(json!([{"members": ["a"]}, {}])).unwrap_err();
    assert!(why.contains("`groups[*].members` is not a list"), "{why}");
    assert_eq!(NESTED[0].shown(), "groups[*].members[*]");
    assert_eq!(NESTED[0].values(&json!({"groups": [{"members": ["a"]}, {"members": ["b"]}]})), ["a", "b"]);
}
