#![allow(clippy::unwrap_used, reason = "tests")]
use ansai_core::{Decision, Failure, Observation};

use super::*;
use crate::value::Json;

/// What the type reads from the value and from the JSON text of the value.
fn both<T: DeserializeOwned>(value: &Val) -> (Result<T, String>, Result<T, String>) {
    let direct = read(value.clone()).map_err(|error| error.to_string());
    let text = serde_json::to_string(&Json(value)).map_err(|error| error.to_string());
    let through_text = text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    (direct, through_text)
}

fn same<T: DeserializeOwned + PartialEq + std::fmt::Debug>(value: &Val) -> T {
    let (direct, through_text) = both::<T>(value);
    assert_eq!(direct, through_text);
    direct.unwrap()
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn record(fields: &[(&str, Val)]) -> Val {
    Val::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn variant(case: &str, payload: Option<Val>) -> Val {
    Val::Variant(case.into(), payload.map(Box::new))
}

fn observation(status: Val, number: f64) -> Val {
    let measure = |name: &str, value: Val| {
        record(&[("name", text(name)), ("value", value), ("unit", Val::Enum("per-second".into()))])
    };
    let subject = record(&[("kind", text("filesystem")), ("name", text("/\"\n\u{1f600}"))]);
    record(&[
        ("key", text("/")),
        ("about", subject.clone()),
        ("status", status),
        ("summary", text("")),
        (
            "evidence",
            Val::List(vec![
                measure("count", variant("count", Some(Val::U64(u64::MAX)))),
                measure("number", variant("number", Some(Val::Float64(number)))),
                measure("text", variant("text", Some(text("é")))),
                measure("flag", variant("flag", Some(Val::Bool(true)))),
            ]),
        ),
        ("related", Val::List(vec![subject])),
    ])
}

#[test]
fn a_type_reads_from_a_value_what_it_reads_from_its_json_text() {
    let statuses = [
        variant("healthy", None),
        variant("unhealthy", Some(Val::Enum("critical".into()))),
        variant("unknown", Some(text("why"))),
    ];
    for status in statuses {
        // 0.1 + 0.2: JSON text of such numbers must be read exactly.
        for number in [0.0, -1.5, 1e300, 0.1 + 0.2, 35.270_891_463_214_06, f64::MIN_POSITIVE] {
            let read: Observation = same(&observation(status.clone(), number));
            assert_eq!(read.evidence.len(), 4);
        }
    }
    same::<Decision>(&variant("apply", Some(Val::Enum("undo-applied".into()))));
    same::<Decision>(&variant("wait", Some(text("why"))));
    same::<Failure>(&variant("other", Some(text("why"))));
    same::<Option<u32>>(&Val::Option(None));
    same::<Option<u32>>(&Val::Option(Some(Box::new(Val::U32(1)))));
    same::<(u8, i64)>(&Val::Tuple(vec![Val::U8(1), Val::S64(-1)]));
    same::<Vec<String>>(&Val::Flags(vec!["a".into(), "b".into()]));
}

#[test]
fn what_a_type_does_not_read_from_the_text_it_does_not_read_from_the_value() {
    let good = observation(variant("healthy", None), 1.0);
    for (wrong, why) in [
        (observation(variant("healthy", None), f64::NAN), "not finite"),
        (observation(variant("healthy", None), f64::INFINITY), "not finite"),
        (observation(variant("healthy", Some(text("why"))), 1.0), "payload"),
        (observation(variant("unknown", None), 1.0), "payload"),
        (observation(variant("worse", None), 1.0), "unknown variant `worse`"),
        (record(&[("key", text("/"))]), "missing field `about`"),
        (Val::List(vec![good.clone()]), "invalid type"),
        (text("/"), "invalid type"),
    ] {
        let (direct, through_text) = both::<Observation>(&wrong);
        assert!(through_text.is_err(), "{wrong:?}");
        let direct = direct.unwrap_err();
        assert!(direct.contains(why), "{direct}");
    }
}
