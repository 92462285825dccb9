//! A new type of fields is one `impl`: nothing that reads, shows or intersects scopes changes.

use serde_json::{Value, json};

use super::super::*;

/// Minutes, written as a number.
enum Minutes {}

impl NumberType for Minutes {
    const NUMBER: Number = Number {
        name: "minutes",
        format: "minutes",
        parse: whole,
        written: |minutes| minutes.to_string(),
        show: |minutes| format!("{minutes} min"),
        argument: NumberArgument::WHOLE,
        value: ScopeValue::Bound,
    };
}

/// Words of a fixed list.
enum Signals {}

impl SetType for Signals {
    const SET: Set = Set {
        name: "signals",
        format: "list of signals",
        preposition: "by",
        things: "signals",
        example: "hup",
        member: |word, _| match ["hup", "term"].contains(&word) {
            true => Ok(word.to_owned()),
            false => Err(format!("holds `{word}`, which is not a signal")),
        },
        covers: |inner, outer| inner == outer,
        argument: "a signal",
        valid: |_| Ok(()),
        permits: |argument, member| argument == member,
        must: |field| format!("one of `{field}`"),
    };
}

const MAX_MINUTES: TypedField<Minutes> = TypedField::at_most("max_minutes", 15, "how long");
const SIGNALS: TypedField<Signals> = TypedField::set("signals", "which signals");
const FIELDS: &[Field] = &[MAX_MINUTES.field(), SIGNALS.field()];

fn read(value: &Value) -> Result<Scope, String> {
    Scope::parse("ansai:x/x-actions", FIELDS, value.as_object().unwrap()).map_err(|error| error.to_string())
}

#[test]
fn values_of_new_types_are_parsed_and_shown() {
    let scope = read(&json!({"max_minutes": 5, "signals": ["hup"]})).unwrap();
    let values: Vec<(String, String)> = FIELDS
        .iter()
        .map(|field| (field.written(scope.get(field).unwrap()), field.show(scope.get(field).unwrap())))
        .collect();
    let expected = [("5", "at most 5 min"), ("[\"hup\"]", "hup")];
    assert_eq!(values, expected.map(|(written, shown)| (written.to_owned(), shown.to_owned())));
    assert_eq!(FIELDS[0].format(), "minutes, at most");
    for wrong in [json!({"max_minutes": "5"}), json!({"signals": ["kill"]}), json!({"signals": "hup"})] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn new_types_meet_by_the_same_rules() {
    let asked = read(&json!({"max_minutes": 5, "signals": ["hup", "term"]})).unwrap();
    let force = Scope::in_force(FIELDS, &asked, &read(&json!({"signals": ["term"]})).unwrap());
    assert_eq!(force.get(&FIELDS[0]), Some(&ScopeValue::Bound(5)));
    assert!(force.permits(&FIELDS[1], &json!("term")).is_ok());
    assert!(force.permits(&FIELDS[1], &json!("hup")).is_err());
}
