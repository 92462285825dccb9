//! Names that break out of quotes, terminals and lists, and servers that lie.

use std::time::Duration;

use ansai_core::{Outcome, Scope};
use ansai_reach::postgresql::MAX_BYTES;
use serde_json::json;

use crate::database::liars::{gets_nothing, is_left};
use crate::database::refusals::is_denied;
use crate::scene::{ACTIONS, DATABASE, Scene, TABLES};

const NAMES: [&str; 8] = [
    "a\"; drop table keep; --",
    "b'; drop table keep; --",
    "c\n$(touch /tmp/ansai-was-here)",
    "d\u{202e}txt.exe",
    "e\\\u{1b}[2J",
    "f/../../x",
    "--full",
    "naïve ☃",
];

#[test]
fn hostile_names_are_shown_and_vacuumed() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table keep (a int)");
    for name in NAMES {
        let quoted = name.replace('"', "\"\"");
        scene.app(&format!("create table \"{quoted}\" as select 1 as a; create index on \"{quoted}\" (a); comment on table \"{quoted}\" is 'x'"));
    }
    let tables = scene.list(TABLES, "list-tables");
    assert_eq!(tables.len(), NAMES.len() + 1);
    for table in &tables {
        let texts = format!("{}{}", table["name"].as_str().unwrap(), table["about"]["name"].as_str().unwrap());
        assert!(!texts.contains(['\n', '\u{1b}', '\u{202e}']), "{texts:?}");
        let arguments = json!({"table": table["id"], "analyse": false, "within": 60_000});
        let step = scene.step(ACTIONS, "vacuum", Scope::default().with_number(&MAX_BYTES, 1 << 30), arguments);
        let applied = step.apply();
        assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    }
    assert!(tables.iter().any(|table| table["name"] == "public.keep"));
    assert_eq!(
        scene.list(TABLES, "list-tables").iter().filter(|table| table["vacuumed"].is_u64()).count(),
        tables.len()
    );
    assert_eq!(scene.list(DATABASE, "list-indexes").len(), NAMES.len());
    let names: std::collections::BTreeSet<_> = tables.iter().map(|table| table["about"]["name"].to_string()).collect();
    assert_eq!(names.len(), tables.len(), "each has its own subject");
}

/// A function of a user that has the name of one of the server's.
#[test]
fn functions_of_users_take_no_part() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql(
        "app",
        "create schema evil; grant all on schema evil to public;
         create function evil.current_setting(text) returns text language sql as $$select 'evil'$$;
         create function public.pg_is_in_recovery() returns bool language sql as $$select true$$;
         alter role ansai set search_path = evil, public, pg_catalog",
    );
    let server = scene.ask(DATABASE, "look", &json!({"target": "db"})).unwrap();
    assert!(server["version"].as_str().unwrap().starts_with("15."), "{server}");
    assert_eq!(server["replica"], false);
}

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &u32::try_from(content.len() + 4).unwrap().to_be_bytes(), content].concat()
}

#[test]
fn a_server_that_lies_gets_no_password_and_holds_nobody_up() {
    let login = |code: u32, content: &[u8]| message(b'R', &[&code.to_be_bytes(), content].concat());
    let ready = [login(0, b""), message(b'Z', b"I")].concat();
    let huge = [ready.clone(), vec![b'D', 0x7f, 0xff, 0xff, 0xff], vec![0; 32 << 20]].concat();
    // One column with the name `n`, of numbers.
    let columns = message(b'T', b"\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0");
    let row = message(b'D', b"\0\x01\0\0\0\x011");
    let half = [ready.clone(), columns, row.clone(), row[..row.len() - 3].to_vec()].concat();
    let endless = [ready.clone(), message(b'T', b"\0\0").repeat(3_000_000)].concat();
    for (what, answer) in [
        ("a clear password", login(3, b"")),
        ("the MD5 of a password", login(5, b"salt")),
        ("many iterations", [login(10, b"SCRAM-SHA-256\0\0"), login(11, b"r=x,s=c2FsdA==,i=4294967295")].concat()),
        ("silence", Vec::new()),
        ("half a message", vec![b'R', 0, 0]),
        ("no protocol", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("ready and silence", ready),
        ("a row and a half", half),
        ("one huge row", huge),
        ("rows without end", endless),
    ] {
        gets_nothing(what, Vec::new(), answer, Duration::from_millis(1_500));
    }
}

#[test]
fn a_server_that_never_answers_is_left() {
    is_left(Vec::new(), [message(b'R', &0_u32.to_be_bytes()), message(b'Z', b"I")].concat());
}

#[test]
fn an_address_that_no_policy_may_reach_is_refused() {
    for address in ["169.254.169.254:5432", "postgresql://[fe80::1]/app"] {
        is_denied(address);
    }
}
