#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use proptest::prelude::*;

use super::*;

fn said(output: &str) -> Answer {
    let said = Said::read(output, true, Some("the error"), &Redactor::with_secrets([b"hunter22".as_slice()]));
    said.answer(Subject::new("hook", "h"), Some(true), Millis::new(1))
}

#[test]
fn an_object_becomes_facts_with_units() {
    let output = r#"{"healthy": true, "message": "3 of 4 busy", "busy": 3, "share": 0.75, "below": -2, "leader": true,
        "version": "1.2", "heap": {"value": 1048576, "unit": "bytes"}, "pause": {"value": 12.5, "unit": "milliseconds"},
        "odd": {"value": 1, "unit": "furlong"}, "bare": {"value": 2}}"#;
    let answer = said(output);
    let names: Vec<&str> = answer.facts.iter().map(|fact| fact.name.as_str()).collect();
    assert_eq!(names, ["busy", "share", "below", "leader", "version", "heap", "pause", "odd", "bare"]);
    assert_eq!((answer.healthy, answer.message.as_str(), answer.skipped), (Some(true), "3 of 4 busy", 0));
    assert_eq!(answer.facts[0], Measure::count("busy", 3, Unit::None));
    assert_eq!(answer.facts[2].value, Value::Number(-2.0));
    assert_eq!(answer.facts[5], Measure::count("heap", 1_048_576, Unit::Bytes));
    assert_eq!((&answer.facts[6].unit, &answer.facts[7].unit), (&Unit::Milliseconds, &Unit::Other));
}

/// Would break: names and texts that are passed on as the program wrote them.
#[test]
fn hostile_objects_leave_fields_out() {
    let output = "{\"a b\": 1, \"\\u001b[2J\": 1, \"\": 1, \"..\\u202e\": 2, \"list\": [1], \"null\": null, \
                  \"deep\": {\"x\": 1}, \"unit\": {\"value\": 1, \"unit\": 7}, \"nested\": {\"value\": {\"value\": 1}}, \
                  \"healthy\": \"yes\", \"fine\": \"a\\u001b[31mb\\nc\\u0000\"}";
    let answer = said(output);
    assert_eq!((answer.healthy, answer.skipped), (Some(true), 9));
    let texts: Vec<(&str, &Value)> = answer.facts.iter().map(|fact| (fact.name.as_str(), &fact.value)).collect();
    assert_eq!(texts[0], ("healthy", &Value::Text("yes".into())));
    let (name, Value::Text(text)) = texts[1] else { panic!("{texts:?}") };
    assert!(name == "fine" && !text.contains(['\u{1b}', '\n', '\0']), "{text:?}");
    let long = format!("{{\"{}\": 1, \"text\": \"{}\"}}", "n".repeat(65), "é".repeat(100_000));
    let answer = said(&long);
    let Value::Text(text) = &answer.facts[0].value else { panic!() };
    assert!(answer.skipped == 1 && text.chars().count() <= 257, "{}", text.chars().count());
    let many: Map<String, Json> = (0..1_000).map(|number| (format!("f{number}"), Json::from(number))).collect();
    let answer = said(&Json::Object(many).to_string());
    assert_eq!((answer.facts.len(), answer.skipped), (64, 936));
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(said(&deep).facts, []);
}

#[test]
fn secrets_are_masked_in_facts_and_messages() {
    let output = r#"{"message": "login with hunter22", "password": "swordfish", "api_key": 8675309867, "text": "hunt\u0065r22"}"#;
    let shown = serde_json::to_string(&said(output)).unwrap();
    for secret in ["hunter22", "swordfish", "8675309867"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let line = format!("{} hunter22 and password=swordfish\n", "x".repeat(480));
    let shown = said(&line).message;
    assert!(!shown.contains("hunter") && !shown.contains("swordfish"), "{shown}");
}

#[test]
fn other_output_is_a_message() {
    for (output, message) in [
        ("OK - load 0.3 | load=0.3\nmore\n", "OK - load 0.3 | load=0.3"),
        ("\n\n  second \n", "second"),
        ("", "the error"),
        ("[1, 2]", "[1, 2]"),
        ("{\"a\": 1} trailing", "{\"a\": 1} trailing"),
        ("{\"a\": 1e999}", "{\"a\": 1e999}"),
    ] {
        let answer = said(output);
        assert_eq!((answer.message.as_str(), answer.facts.len()), (message, 0), "{output}");
    }
    let escaped = said(&"\u{1}".repeat(1_000)).message;
    assert_eq!(escaped.chars().count(), 501, "{escaped}");
    // A cut object says nothing reliable.
    let redactor = Redactor::new();
    let cut = Said::read("{\"healthy\": false}", false, None, &redactor);
    assert_eq!(cut.healthy, None);
}

/// Would break: an object that says `"healthy": false` and cannot be read, as a message of a healthy hook.
#[test]
fn an_object_that_cannot_be_read_makes_health_unknown() {
    let of = |status, output: &str, is_whole| {
        let said = Said::read(output, is_whole, None, &Redactor::new());
        said.answer(Subject::new("hook", "h"), status, Millis::ZERO).healthy
    };
    for output in ["{\"healthy\": false", " \n{'healthy': false}", "{\"healthy\": false} trailing", "\u{feff}{}"] {
        assert_eq!([of(Some(true), output, true), of(Some(false), output, true)], [None, Some(false)], "{output}");
    }
    // The beginning of a larger object, and a cut line of which nothing is kept.
    assert_eq!([of(Some(true), "{\"healthy\": false,", false), of(Some(true), "", false)], [None, None]);
    // Long text is no object.
    assert_eq!([of(Some(true), "all is well\n", false), of(Some(true), "", true)], [Some(true), Some(true)]);
}

/// Would break: an answer whose words turn a failure into health.
#[test]
fn words_make_it_worse_and_never_better() {
    let of = |status, words: &str| {
        Said::read(words, true, None, &Redactor::new()).answer(Subject::new("hook", "h"), status, Millis::ZERO).healthy
    };
    let (yes, no) = (r#"{"healthy": true}"#, r#"{"healthy": false}"#);
    assert_eq!([of(Some(true), yes), of(Some(true), no), of(Some(true), "")], [Some(true), Some(false), Some(true)]);
    assert_eq!([of(Some(false), yes), of(Some(false), no)], [Some(false); 2]);
    assert_eq!([of(None, yes), of(None, no)], [None, None]);
}

proptest! {
    #[test]
    fn any_output_is_an_answer(output in ".{0,200}|\\{\"[a-z]{1,3}\": .{0,50}\\}") {
        let answer = said(&output);
        prop_assert!(answer.message.chars().count() <= 501);
        prop_assert!(!answer.message.chars().any(char::is_control));
    }
}
