//! What is in force is never wider than the grant, nor than the request.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{FIELDS, scope};

/// Values of a field as written: small, so that they often meet.
fn written(field: &Field) -> BoxedStrategy<Value> {
    let texts = |pattern: &'static str| proptest::collection::vec(pattern, 0..4);
    match field.kind().as_str() {
        "roots" => texts("(/[ab]{1,2}){1,3}").prop_map(|set| json!(set)).boxed(),
        "names" => texts(PATTERNS)
            .prop_map(|mut set| {
                set.retain(|pattern| globset::Glob::new(pattern).is_ok());
                json!(set)
            })
            .boxed(),
        "words" if !field.among().is_empty() => some_of(field.among()),
        "words" | "targets" => texts("[a-c]").prop_map(|set| json!(set)).boxed(),
        "endpoints" => some_of(&["a.b:1", "a.b:*", "*.b:1", "*.b:*", "x.a.b:1", "*.a.b:2", "1.2.3.4:1"]),
        "allow-switch" | "restrict-switch" => any::<bool>().prop_map(Value::from).boxed(),
        _ => (0_u64..5).prop_map(|number| json!(number)).boxed(),
    }
}

fn some_of(all: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::subsequence(all, 0..=all.len()).prop_map(|set| json!(set)).boxed()
}

const PATTERNS: &str = r"([ab/]|\*|\*\*|\?|\[[ab]\]|\[!a\]|\[\*\]|\[\?\]|\{a,b\}|\\\*){1,4}";

/// Arguments of a call.
fn argument(field: &Field) -> BoxedStrategy<Value> {
    match field.kind().as_str() {
        "roots" => "(/[ab]{1,2}){1,4}".prop_map(Value::from).boxed(),
        "names" => r"[ab/*?]{1,4}".prop_map(Value::from).boxed(),
        "words" if !field.among().is_empty() => proptest::sample::select(field.among()).prop_map(Value::from).boxed(),
        "words" | "targets" => "[a-c]".prop_map(Value::from).boxed(),
        "endpoints" => {
            let endpoints = &["a.b:1", "a.b:2", "b:1", "x.a.b:1", "x.a.b:2", "1.2.3.4:1"][..];
            proptest::sample::select(endpoints).prop_map(Value::from).boxed()
        }
        "allow-switch" | "restrict-switch" => any::<bool>().prop_map(Value::from).boxed(),
        "most-minutes" => (0_u64..10).prop_map(|halves| json!(halves * 30_000)).boxed(),
        _ => (0_u64..5).prop_map(Value::from).boxed(),
    }
}

/// A field, what is requested and granted of it, and an argument.
fn case() -> impl Strategy<Value = (Field, Option<Value>, Option<Value>, Value)> {
    (0..FIELDS.len()).prop_flat_map(|index| {
        let field = FIELDS[index];
        let some = || proptest::option::weighted(0.8, written(&field));
        (Just(field), some(), some(), argument(&field))
    })
}

fn one(field: &Field, value: Option<Value>) -> Scope {
    scope(value.into_iter().map(|value| (field.name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into())
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 5_000 }))]
    #[test]
    fn nothing_in_force_that_was_not_granted((field, asked, granted, argument) in case()) {
        let (asked, granted) = (one(&field, asked), one(&field, granted));
        let permitted = |scope: &Scope| scope.permits(&field, &argument).is_ok();
        let in_force = permitted(&Scope::in_force(FIELDS, &asked, &granted));
        let by_grant = permitted(&Scope::in_force(FIELDS, &Scope::default(), &granted));
        if field.kind().starts_with("operator") {
            // Whatever is requested.
            prop_assert_eq!(in_force, by_grant);
            return Ok(());
        }
        let by_request = asked.get(&field).is_none() || permitted(&asked);
        prop_assert!(!in_force || (by_grant && by_request));
        // Two patterns may have names in common though neither covers the other: those are not granted.
        if !matches!(field.kind().as_str(), "names" | "endpoints") {
            prop_assert_eq!(in_force, by_grant && by_request);
        }
    }
}

#[test]
fn a_pattern_covers_only_what_it_matches() {
    let meet = |asked: &str, granted: &str| {
        let units = |pattern: &str| scope(json!({ "units": [pattern] })).unwrap();
        Scope::in_force(FIELDS, &units(asked), &units(granted)).names(&super::UNITS).to_vec()
    };
    for (wide, narrow) in [("nginx*", "nginx?"), ("*", "[*]"), ("?", "[?]"), ("*", "[!x]*"), ("**/b", "*/b")] {
        for met in [meet(wide, narrow), meet(narrow, wide)] {
            assert!(met.iter().all(|met| met == narrow), "{narrow} matches the text {wide}, and fewer names: {met:?}");
        }
    }
    // Of patterns of which neither covers the other, neither is in force.
    for (one, other) in [("[a-z]?????", "{*,ssh}"), ("app[0-9*]", "app?*"), ("web-?", "{web-*,x}"), ("a*b", "*a?b*")] {
        assert_eq!((meet(one, other), meet(other, one)), (vec![], vec![]), "{one} {other}");
    }
    for (narrow, wide) in [
        ("web-?", "web-*"),
        ("app[0-9*]", "app*"),
        ("nginx-*", "nginx*"),
        ("nginx-?.service", "nginx*.service"),
        ("a[bc]d", "*d"),
        ("**/b", "*"),
        ("nginx", "ngin?"),
    ] {
        assert_eq!(meet(narrow, wide), [narrow]);
        assert_eq!(meet(wide, narrow), [narrow]);
    }
}

/// Some tables of a request and of a grant, and an argument for each field.
fn whole_case() -> impl Strategy<Value = (Vec<Value>, Vec<Value>, Vec<Value>)> {
    let table = || {
        let values: Vec<_> = FIELDS.iter().map(|field| proptest::option::weighted(0.8, written(field))).collect();
        values.prop_map(|values| {
            let named = FIELDS.iter().zip(values).filter_map(|(field, value)| Some((field.name.to_owned(), value?)));
            Value::Object(named.collect())
        })
    };
    let tables = || proptest::collection::vec(table(), 1..4);
    (tables(), tables(), FIELDS.iter().map(argument).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 1_000 }))]
    /// What one table in force permits together, one granted table permits alone, and one requested table too. It would
    /// fail if a field were taken from another table, or if one met as the wider of two.
    #[test]
    fn whatever_the_intersection_admits_both_admit((asked, granted, arguments) in whole_case()) {
        let tables = |written: &[Value]| {
            ScopeTables::try_from(written.iter().map(|table| scope(table.clone()).unwrap()).collect::<Vec<_>>()).unwrap()
        };
        let force = ScopeInForce::of(FIELDS, &tables(&asked), &tables(&granted)).unwrap();
        for (index, field) in FIELDS.iter().enumerate() {
            // Three neighbours at a time: all fields at once are rarely permitted.
            let checked = || FIELDS.iter().zip(&arguments).skip(index).take(3);
            let permits = |table: &Scope| checked().all(|(field, argument)| table.permits(field, argument).is_ok());
            if !force.tables().iter().any(|table| permits(&table.scope)) {
                continue;
            }
            let alone = |table: &Value| Scope::in_force(FIELDS, &Scope::default(), &scope(table.clone()).unwrap());
            prop_assert!(granted.iter().any(|table| permits(&alone(table))), "{}", field.name);
            let requests = |table: &Value| {
                let table = scope(table.clone()).unwrap();
                checked().all(|(field, argument)| {
                    // What is left to the operator, or is the operator's, is not restricted.
                    table.get(field).is_none() || field.is_of_the_operator() || table.permits(field, argument).is_ok()
                })
            };
            prop_assert!(asked.iter().any(requests), "{}", field.name);
        }
    }
}
