//! Words, targets, endpoints, switches and minutes.

use serde_json::{Value, json};

use super::super::*;
use super::{ENDPOINTS, FIELDS, MOST_MINUTES, SECURITY_ONLY, SIGNALS, STRATEGIES, TARGETS, VOLUMES, scope};

#[test]
fn values_have_one_spelling() {
    let scope = scope(json!({
        "signals": ["term", "hup"], "strategies": ["full.daily", "42"], "targets": ["main-db"],
        "endpoints": ["DB.Example.org.:05432", "*.Example.org:*", "[0:0::1]:80"],
        "unnamed_volumes": true, "security_only": false, "max_minutes": 1,
    }))
    .unwrap();
    assert_eq!(scope.words(&SIGNALS), ["term", "hup"]);
    assert_eq!(scope.words(&STRATEGIES), ["full.daily", "42"]);
    assert_eq!(scope.targets(&TARGETS), ["main-db"]);
    assert_eq!(scope.endpoints(&ENDPOINTS), ["db.example.org:5432", "*.example.org:*", "[::1]:80"]);
    assert_eq!((scope.is_on(&VOLUMES), scope.is_on(&SECURITY_ONLY), scope.minutes(&MOST_MINUTES)), (true, false, 1));
    let written = |field: &Field| (field.written(scope.get(field).unwrap()), field.show(scope.get(field).unwrap()));
    assert_eq!(written(&VOLUMES.field()), ("true".to_owned(), "true".to_owned()));
    assert_eq!(written(&MOST_MINUTES.field()), ("1".to_owned(), "at most 1 minute".to_owned()));
    // What is read back is the same.
    let read: Scope = serde_json::from_value(json!(scope)).unwrap();
    assert_eq!(read, scope);
    assert_eq!(json!(scope)["security_only"], json!(false));
}

#[test]
fn what_is_no_value_is_said() {
    for (value, words) in [
        (json!({"signals": ["kill"]}), "holds `kill`, which is not one of hup, term"),
        (json!({"signals": ["h*"]}), "which is a pattern"),
        (json!({"strategies": ["full*"]}), "which is a pattern"),
        (json!({"strategies": [""]}), "is empty"),
        (json!({"strategies": ["a b"]}), "a blank"),
        (json!({"strategies": ["a\u{1b}"]}), "control character"),
        (json!({"strategies": ["a".repeat(256)]}), "longer than 255 bytes"),
        (json!({"targets": ["Main DB"]}), "not the name of a target"),
        (json!({"targets": ["*"]}), "not the name of a target"),
        (json!({"targets": "main-db"}), "list of texts"),
        (json!({"endpoints": ["db.example.org"]}), "has no port"),
        (json!({"endpoints": ["*:443"]}), "names no host"),
        (json!({"endpoints": ["https://h:1"]}), "not a host with a port"),
        (json!({"unnamed_volumes": 1}), "must be `true` or `false`"),
        (json!({"security_only": "yes"}), "must be `true` or `false`"),
        (json!({"max_minutes": "15 min"}), "whole number"),
    ] {
        let message = scope(value.clone()).unwrap_err().to_string();
        assert!(message.contains(words), "{value}: {message}");
    }
}

/// Which way is wider is part of the field: a grant that is left out permits least, unless the default says otherwise.
#[test]
fn absent_values_permit_what_the_default_says() {
    let nothing = Scope::in_force(FIELDS, &Scope::default(), &Scope::default());
    assert!(nothing.targets(&TARGETS).is_empty() && nothing.endpoints(&ENDPOINTS).is_empty());
    assert!(nothing.words(&SIGNALS).is_empty());
    assert_eq!((nothing.is_on(&VOLUMES), nothing.is_on(&SECURITY_ONLY)), (false, true));
    assert_eq!(nothing.minutes(&MOST_MINUTES), 15);
    let empty = Scope::default();
    assert_eq!((empty.is_on(&VOLUMES), empty.is_on(&SECURITY_ONLY), empty.minutes(&MOST_MINUTES)), (false, true, 0));
}

#[test]
fn switches_meet_by_their_direction() {
    let value = |is_on: Option<bool>, name: &str| match is_on {
        Some(is_on) => scope(json!({ name: is_on })).unwrap(),
        None => Scope::default(),
    };
    let (on, off) = (Some(true), Some(false));
    for (asked, granted, volumes, security_only) in [
        (on, on, true, true),
        (on, off, false, true),
        (off, on, false, true),
        (off, off, false, false),
        (None, on, true, true),
        (None, off, false, false),
        (on, None, false, true),
        (off, None, false, true),
    ] {
        let meet = |name| Scope::in_force(FIELDS, &value(asked, name), &value(granted, name));
        assert_eq!(meet("unnamed_volumes").is_on(&VOLUMES), volumes, "{asked:?} {granted:?}");
        assert_eq!(meet("security_only").is_on(&SECURITY_ONLY), security_only, "{asked:?} {granted:?}");
    }
}

fn refused(scope: &Scope, field: &Field, argument: &Value) -> String {
    match scope.permits(field, argument).unwrap_err() {
        NotPermitted::Invalid(why) => format!("invalid: {why}"),
        NotPermitted::Outside { is, granted, add } => format!("{is}; {granted}; {add}"),
    }
}

#[test]
fn arguments_are_compared_in_their_own_form() {
    let granted = scope(json!({
        "signals": ["hup"], "targets": ["main-db"], "endpoints": ["*.example.org:443"],
        "unnamed_volumes": false, "security_only": true, "max_minutes": 15,
    }))
    .unwrap();
    let permits = |field: &Field, argument: Value| granted.permits(field, &argument).is_ok();
    // A duration is in milliseconds.
    assert!(permits(&MOST_MINUTES.field(), json!(900_000)) && !permits(&MOST_MINUTES.field(), json!(900_001)));
    assert!(permits(&SIGNALS.field(), json!("hup")) && permits(&TARGETS.field(), json!("main-db")));
    assert!(permits(&ENDPOINTS.field(), json!("a.b.example.org:443")));
    assert!(permits(&VOLUMES.field(), json!(false)) && permits(&SECURITY_ONLY.field(), json!(true)));
    for (field, argument, words) in [
        (MOST_MINUTES.field(), json!(900_001), "15 min, above the bound; max_minutes = 15; set max_minutes = 16"),
        (MOST_MINUTES.field(), json!("15"), "invalid: is not a whole number"),
        (VOLUMES.field(), json!(true), "true; unnamed_volumes = false; set unnamed_volumes = true"),
        (SECURITY_ONLY.field(), json!(false), "false; security_only = true; set security_only = false"),
        (SECURITY_ONLY.field(), json!(0), "invalid: is not true or false"),
        (SIGNALS.field(), json!("term"), "\"term\"; signals = [\"hup\"]; add \"term\" to signals"),
        (SIGNALS.field(), json!("a b"), "invalid: is `a b`, which has a blank"),
        (TARGETS.field(), json!("other"), "add \"other\" to targets"),
        (TARGETS.field(), json!("../main-db"), "invalid: "),
        (ENDPOINTS.field(), json!("example.org:443"), "add \"example.org:443\" to endpoints"),
        (ENDPOINTS.field(), json!("A.example.org:443"), "write it as `a.example.org:443`"),
        (ENDPOINTS.field(), json!("*.example.org:443"), "invalid: "),
        (ENDPOINTS.field(), json!(["a.example.org:443"]), "invalid: is not an endpoint"),
    ] {
        let why = refused(&granted, &field, &argument);
        assert!(why.contains(words), "{argument}: {why}");
    }
}

#[test]
fn a_canonical_name_is_compared_by_the_same_rule() {
    let granted = scope(json!({"units": ["web*"], "roots": ["/srv"], "endpoints": ["h:*"]})).unwrap();
    assert!(granted.covers(&super::UNITS, "web.service").is_ok() && granted.covers(&super::UNITS, "nginx").is_err());
    assert!(granted.covers(&super::ROOTS, "/srv/a").is_ok() && granted.covers(&super::ROOTS, "/etc").is_err());
    assert!(granted.covers(&ENDPOINTS, &canonical_endpoint("H.:0443").unwrap()).is_ok());
}

#[test]
fn sets_read_in_a_sentence() {
    let words = [TARGETS.field(), ENDPOINTS.field(), SIGNALS.field(), VOLUMES.field()].map(|field| {
        field.reach().map(|Reach { preposition, things }| format!("{preposition} {things} that you choose"))
    });
    let expected = [Some("on targets"), Some("at endpoints"), Some("with signals"), None];
    assert_eq!(words, expected.map(|words| words.map(|words| format!("{words} that you choose"))));
}

#[test]
fn the_nearest_wider_scope_permits_the_argument() {
    for (field, argument) in [
        (MOST_MINUTES.field(), json!(3_600_001)),
        (VOLUMES.field(), json!(true)),
        (SECURITY_ONLY.field(), json!(false)),
        (SIGNALS.field(), json!("term")),
        (TARGETS.field(), json!("other-db")),
        (ENDPOINTS.field(), json!("h:1")),
    ] {
        let narrow = Scope::in_force(FIELDS, &Scope::default(), &Scope::default());
        assert!(narrow.permits(&field, &argument).is_err(), "{argument}");
        assert!(narrow.widened(&field, &argument).permits(&field, &argument).is_ok(), "{argument}");
    }
    assert_eq!(Scope::default().widened(&MOST_MINUTES.field(), &json!(60_001)).minutes(&MOST_MINUTES), 2);
}

#[test]
fn several_tables_are_joined_by_the_wider_position() {
    let tables = [
        json!({"unnamed_volumes": true, "targets": ["a"], "max_minutes": 5}),
        json!({"security_only": false, "targets": ["b"], "max_minutes": 60}),
    ]
    .map(|table| scope(table).unwrap());
    let granted = ScopeTables::try_from(tables.to_vec()).unwrap();
    let in_force = ScopeInForce::of(FIELDS, &ScopeTables::default(), &granted).unwrap();
    assert_eq!(in_force.tables().len(), 2, "neither covers the other");
    let together = in_force.together();
    assert_eq!((together.is_on(&VOLUMES), together.is_on(&SECURITY_ONLY)), (true, false));
    assert_eq!((together.targets(&TARGETS), together.minutes(&MOST_MINUTES)), (&["a".into(), "b".into()][..], 60));
    // The first table covers one that is narrower in every field.
    let narrower = scope(json!({"targets": ["a"], "max_minutes": 4})).unwrap();
    let granted = ScopeTables::try_from(vec![tables[0].clone(), narrower]).unwrap();
    assert_eq!(ScopeInForce::of(FIELDS, &ScopeTables::default(), &granted).unwrap().tables().len(), 1);
}
