#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod kinds;
mod meeting;
mod new_types;
mod tables;

use serde_json::json;

use super::*;

const ROOTS: TypedField<Roots> = TypedField::set("roots", "where");
const UNITS: TypedField<Names> = TypedField::set("units", "which");
const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 1000, "files");
const MAX_BYTES: TypedField<Bytes> = TypedField::at_most("max_bytes", 1 << 30, "bytes");
const MIN_AGE: TypedField<Hours> = TypedField::at_least("min_age_hours", 24, "age");
const MIN_KEEP: TypedField<Bytes> = TypedField::at_least("min_keep_bytes", 16 << 20, "kept");
const UNDO: TypedField<Hours> = TypedField::operator("undo_hours", 24, "undo");
const LEVEL: TypedField<Percent> = TypedField::operator("level", 90, "level");

const MOST_MINUTES: TypedField<Minutes> = TypedField::at_most("max_minutes", 15, "how long");
const VOLUMES: TypedField<Switch> = TypedField::allow("unnamed_volumes", false, "volumes without a name too");
const SECURITY_ONLY: TypedField<Switch> = TypedField::restrict("security_only", true, "only security updates");
const SIGNALS: TypedField<Words> = TypedField::words("signals", &["hup", "term"], "which signals");
const STRATEGIES: TypedField<Words> = TypedField::set("strategies", "which strategies");
const TARGETS: TypedField<Targets> = TypedField::targets("targets", &["postgresql", "mysql"], "which servers");
const ENDPOINTS: TypedField<Endpoints> = TypedField::set("endpoints", "what it may connect to");

const FIELDS: &[Field] = &[
    ROOTS.field(),
    UNITS.field(),
    MAX_FILES.field(),
    MAX_BYTES.field(),
    MIN_AGE.field(),
    MIN_KEEP.field(),
    UNDO.field(),
    LEVEL.field(),
    MOST_MINUTES.field(),
    VOLUMES.field(),
    SECURITY_ONLY.field(),
    SIGNALS.field(),
    STRATEGIES.field(),
    TARGETS.field(),
    ENDPOINTS.field(),
];

fn scope(value: serde_json::Value) -> Result<Scope, ScopeError> {
    Scope::parse("ansai:x/x-probe", FIELDS, value.as_object().unwrap())
}

#[test]
fn intersection_is_the_stricter() {
    let asked = scope(json!({"roots": ["/var"], "max_files": 50, "min_age_hours": 48, "undo_hours": 1})).unwrap();
    let granted = scope(json!({"roots": ["/var/log/", "/srv"], "max_bytes": "2GiB", "min_age_hours": 12})).unwrap();
    let force = Scope::in_force(FIELDS, &asked, &granted);
    assert_eq!(force.roots(&ROOTS), ["/var/log"]);
    assert_eq!(force.count(&MAX_FILES), 50);
    assert_eq!(force.bytes(&MAX_BYTES), 2 << 30);
    assert_eq!(force.hours(&MIN_AGE), 48);
    assert_eq!(force.hours(&UNDO), 24, "the grant is silent: the default, not what the manifest wants");
    let nothing = Scope::in_force(FIELDS, &asked, &Scope::default());
    assert!(nothing.roots(&ROOTS).is_empty());
    let operators = scope(json!({"roots": "operator"})).unwrap();
    assert_eq!(Scope::in_force(FIELDS, &operators, &granted).roots(&ROOTS), ["/var/log", "/srv"]);
}

#[test]
fn names_meet_by_pattern() {
    let asked = scope(json!({"units": ["nginx*"]})).unwrap();
    let granted = scope(json!({"units": ["nginx.service", "ssh.service"]})).unwrap();
    assert_eq!(Scope::in_force(FIELDS, &asked, &granted).names(&UNITS), ["nginx.service"]);
}

#[test]
fn what_is_wrong_is_said() {
    for (value, words) in [
        (json!({"rots": []}), "no scope field `rots`"),
        (json!({"roots": "/var"}), "list of texts"),
        (json!({"roots": ["var"]}), "absolute"),
        (json!({"roots": ["/var/../etc"]}), "absolute"),
        (json!({"roots": ["/var//log"]}), "absolute"),
        (json!({"roots": [1]}), "list of texts"),
        (json!({"units": 1}), "list of texts"),
        (json!({"max_files": -1}), "whole number"),
        (json!({"max_files": "1"}), "whole number"),
        (json!({"max_bytes": "5 apples"}), "no size"),
        (json!({"max_bytes": []}), "must be a size"),
        (json!({"min_age_hours": 1.5}), "whole number"),
        (json!({"undo_hours": true}), "whole number"),
        (json!({"units": ["a["]}), "pattern"),
        (json!({"level": 101}), "from 0 to 100"),
        (json!({"level": "90"}), "from 0 to 100"),
    ] {
        let message = scope(value.clone()).unwrap_err().to_string();
        assert!(message.contains(words), "{value}: {message}");
    }
}

#[test]
fn the_ends_of_what_is_right() {
    let whole = scope(json!({"roots": ["/"], "level": 100})).unwrap();
    assert_eq!(whole.roots(&ROOTS), ["/"]);
    assert_eq!(whole.percent(&LEVEL), 100);
    assert_eq!(whole.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["level", "roots"]);
    let more = whole.with_number(&MAX_FILES, 7);
    assert_eq!((more.count(&MAX_FILES), more.percent(&LEVEL)), (7, 100));
    let longest = format!("/{}", "a".repeat(4095));
    assert!(is_plain_absolute(&longest) && !is_plain_absolute(&(longest + "a")));
    assert!(!is_plain_absolute("/a\0b") && !is_plain_absolute("a") && is_plain_absolute("/"));
}

#[test]
fn a_prefix_of_a_name_is_not_a_root() {
    assert!(is_within("/var/log", "/var/log"));
    assert!(is_within("/var/log/a", "/var/log"));
    assert!(is_within("/anything", "/"));
    assert!(!is_within("/var/logs", "/var/log"));
    assert!(!is_within("/var", "/var/log"));
}

#[test]
fn a_scope_without_the_field_permits_least() {
    let nothing = Scope::default();
    assert!(nothing.roots(&ROOTS).is_empty() && nothing.names(&UNITS).is_empty());
    assert_eq!((nothing.count(&MAX_FILES), nothing.bytes(&MAX_BYTES)), (0, 0));
    assert_eq!((nothing.hours(&MIN_AGE), nothing.bytes(&MIN_KEEP)), (u64::MAX, u64::MAX));
    assert_eq!((nothing.hours(&UNDO), nothing.percent(&LEVEL)), (24, 90));
    for field in FIELDS {
        assert_eq!(nothing.get(field), None);
    }
}

/// Kind, format, meeting, example, and what an argument must be.
#[test]
fn each_field_says_what_it_is() {
    let described: Vec<[String; 5]> = FIELDS
        .iter()
        .map(|field| [field.kind(), field.format(), field.meeting(), field.example(), field.must()])
        .collect();
    let expected = [
        [
            "roots",
            "list of absolute directories",
            "directories that both cover",
            "[\"/some/directory\"]",
            "at or below one of `roots`",
        ],
        [
            "names",
            "list of names or shell patterns",
            "names that both cover",
            "[\"some-name\"]",
            "a name that one of `units` covers",
        ],
        ["most-count", "whole number, at most", "the smaller value", "1000", "at most `max_files`"],
        ["most-bytes", "size, at most", "the smaller value", "\"1GiB\"", "at most `max_bytes`"],
        ["least-hours", "hours, at least", "the larger value", "24", "at least `min_age_hours`"],
        ["least-bytes", "size, at least", "the larger value", "\"16MiB\"", "at least `min_keep_bytes`"],
        ["operator-hours", "hours", "the value of the grant", "24", "equal to `undo_hours`"],
        ["operator-percent", "whole percent, 0 to 100", "the value of the grant", "90", "equal to `level`"],
        ["most-minutes", "minutes, at most", "the smaller value", "15", "at most `max_minutes`"],
        [
            "allow-switch",
            "`true` or `false`",
            "`true` if both say so",
            "false",
            "false unless `unnamed_volumes` is true",
        ],
        [
            "restrict-switch",
            "`true` or `false`",
            "`true` if one says so",
            "true",
            "true unless `security_only` is false",
        ],
        ["words", "list of words: hup, term", "words that both cover", "[\"hup\"]", "one of `signals`"],
        ["words", "list of words", "words that both cover", "[\"some-word\"]", "one of `strategies`"],
        [
            "targets",
            "list of names of targets (postgresql, mysql)",
            "targets that both cover",
            "[\"some-target\"]",
            "a target that `targets` names",
        ],
        [
            "endpoints",
            "list of `HOST:PORT`",
            "endpoints that both cover",
            "[\"db.example.org:5432\"]",
            "an endpoint that one of `endpoints` covers",
        ],
    ];
    assert_eq!(described, expected.map(|words| words.map(str::to_owned)));
    let sets: Vec<bool> = FIELDS.iter().map(Field::is_set).collect();
    let is_set = [true, true, false, false, false, false, false, false, false, false, false, true, true, true, true];
    assert_eq!(sets, is_set);
    let reach = Reach { preposition: "under", things: "directories" };
    assert_eq!((FIELDS[0].reach(), FIELDS[2].reach()), (Some(reach), None));
}

#[test]
fn values_are_parsed_written_and_shown() {
    for (name, value, written, shown) in [
        ("roots", json!(["/var/log/", "/a\"b"]), r#"["/var/log", "/a\"b"]"#, "/var/log, /a\"b"),
        ("units", json!(["nginx*"]), r#"["nginx*"]"#, "nginx*"),
        ("max_files", json!(7), "7", "at most 7"),
        ("max_files", json!(u64::MAX), "9223372036854775807", "at most 18446744073709551615"),
        ("max_bytes", json!("2 MiB"), "\"2MiB\"", "at most 2.00 MiB"),
        ("max_bytes", json!(1025), "1025", "at most 1.00 KiB"),
        ("max_bytes", json!(u64::MAX), "\"18446744073709551615\"", "at most 16.0 EiB"),
        ("min_age_hours", json!(48), "48", "at least 48 hours"),
        ("min_keep_bytes", json!("1G"), "\"1GiB\"", "at least 1.00 GiB"),
        ("undo_hours", json!(0), "0", "0 hours"),
        ("level", json!(100), "100", "100 %"),
    ] {
        let field = FIELDS.iter().find(|field| field.name == name).unwrap();
        let parsed = scope(json!({ name: value })).unwrap();
        let value = parsed.get(field).unwrap();
        assert_eq!(field.written(value), written, "{name}");
        assert_eq!(field.show(value), shown, "{name}");
    }
    let scoped = Scope::default().with_set(&ROOTS, ["/a\u{1b}[31mb"]);
    let root = FIELDS[0].written(scoped.get(&FIELDS[0]).unwrap());
    assert_eq!(root, r#"["/a\U0000001b[31mb"]"#, "nothing acts on a terminal");
}

#[test]
fn defaults_are_in_force_where_nobody_says_anything() {
    let force = Scope::in_force(FIELDS, &Scope::default(), &Scope::default());
    for field in FIELDS {
        assert_eq!(force.get(field), Some(&field.default()), "{}", field.name);
        assert_eq!(field.default().is_empty(), field.is_set(), "{}", field.name);
    }
}

#[test]
fn a_scope_widens_to_what_an_argument_needs() {
    let scope = Scope::default();
    for (field, argument) in [
        (&FIELDS[0], json!("/var/log")),
        (&FIELDS[1], json!("nginx")),
        (&FIELDS[2], json!(5)),
        (&FIELDS[4], json!(5)),
        (&FIELDS[6], json!(5)),
    ] {
        assert!(scope.permits(field, &argument).is_err(), "{}", field.name);
        let wide = scope.clone().widened(field, &argument).widened(field, &argument);
        assert_eq!(wide.permits(field, &argument), Ok(()), "{}", field.name);
        assert_eq!(wide.clone().widened(field, &json!({})), wide, "what makes no sense changes nothing");
    }
    let bounds = scope.with_number(&MAX_FILES, 9).with_number(&MIN_AGE, 3);
    let same = bounds.clone().widened(&FIELDS[2], &json!(5)).widened(&FIELDS[4], &json!(5));
    assert_eq!(same, bounds, "it is wide enough");
}
