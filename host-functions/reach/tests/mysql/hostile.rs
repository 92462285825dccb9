//! Names that break out of quotes, terminals and lists, and servers that lie.

use std::time::Duration;

use ansai_core::{Outcome, Scope};
use ansai_reach::mysql::MAX_BYTES;
use serde_json::json;

use crate::database::liars::{gets_nothing, is_left};
use crate::database::refusals::is_denied;
use crate::scene::{ACTIONS, DATABASE, Scene, TABLES};

const NAMES: [&str; 9] = [
    "a`; drop table keep; -- ",
    "b'; drop table keep; -- x",
    "c\n$(touch /tmp/ansai-was-here)",
    "d\u{202e}txt.exe",
    "e\\\u{1b}[2J",
    "f/../../x",
    "--local",
    "naïve ☃",
    "#sql-x#P#p0",
];

#[test]
fn hostile_names_are_shown_and_rebuilt() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table keep (a int)");
    for name in NAMES {
        // A name cannot end with a space.
        let quoted = name.trim_end().replace('`', "``");
        scene.app(&format!("create table `{quoted}` (a int); insert into `{quoted}` values (1)"));
    }
    let tables = scene.list(TABLES, "list-tables");
    assert_eq!(tables.len(), NAMES.len() + 1, "{tables:#?}");
    for table in &tables {
        let texts = format!("{}{}", table["name"].as_str().unwrap(), table["about"]["name"].as_str().unwrap());
        assert!(!texts.contains(['\n', '\u{1b}', '\u{202e}']), "{texts:?}");
        let arguments = json!({"table": table["id"], "within": 60_000});
        let step = scene.step(ACTIONS, "optimize", Scope::default().with_number(&MAX_BYTES, 1 << 40), arguments);
        let applied = step.apply();
        assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    }
    let after = scene.list(TABLES, "list-tables");
    assert!(after.iter().any(|table| table["name"] == "keep"));
    let names: std::collections::BTreeSet<_> = after.iter().map(|table| table["about"]["name"].to_string()).collect();
    assert_eq!(names.len(), tables.len(), "each has its own subject");
}

#[test]
fn hostile_users_and_programs_are_shown() {
    let Some(scene) = Scene::new() else { return };
    let user = "x'\u{202e}`\n; --";
    scene.server.sql(&format!("create user `{}`", user.replace('`', "``")));
    let _idle = scene.server.session(user, "select 1");
    let sessions = scene.list(DATABASE, "list-sessions");
    let found = sessions.iter().find(|one| one["user"].as_str().unwrap().starts_with("x'")).unwrap();
    assert!(!found["user"].as_str().unwrap().contains(['\n', '\u{202e}']), "{found}");
    let step = scene.step(
        crate::scene::SESSIONS,
        "terminate",
        Scope::default().with_number(&ansai_reach::database::MIN_MINUTES, 0),
        json!({"session": found["identity"]}),
    );
    assert_eq!(step.apply().outcome, Outcome::Done);
}

fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], content].concat()
}

fn greeting(method: &str) -> Vec<u8> {
    let mut content = b"\x0a10.11.6-MariaDB\0\x2a\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xff\x15".to_vec();
    content.extend_from_slice(&[0; 10]);
    content.extend_from_slice(b"ijklmnopqrst\0");
    content.extend_from_slice(method.as_bytes());
    content.push(0);
    packet(0, &content)
}

#[test]
fn a_server_that_lies_gets_no_password_and_holds_nobody_up() {
    let native = || greeting("mysql_native_password");
    let sha2 = || greeting("caching_sha2_password");
    let ok = packet(2, b"\0\0\0\x02\0\0\0");
    let switch = |method: &str| packet(2, &[b"\xfe", method.as_bytes(), b"\0abcdefghijklmnopqrst\0"].concat());
    // The first query, too, is answered with packets from number 1 on.
    let columns = |count: &[u8]| [ok.clone(), packet(1, count)].concat();
    let mut rows = columns(b"\x01");
    rows.extend(packet(2, b"\x03def\0\0\0\x01n\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0"));
    rows.extend(packet(3, b"\xfe\0\0\x02\0"));
    let endless = (0..3_000_000_u32).fold(rows.clone(), |mut all, n| {
        all.extend(packet(n.wrapping_add(4) as u8, b"\x01a"));
        all
    });
    for (what, greeting, answer) in [
        ("a clear password", native(), switch("mysql_clear_password")),
        ("a dialogue", native(), switch("dialog")),
        ("an old password", native(), packet(2, b"\xfe")),
        ("methods without end", native(), switch("mysql_native_password").repeat(9)),
        ("the password itself", sha2(), packet(2, b"\x01\x04")),
        ("its own key", sha2(), [packet(2, b"\x01\x04"), packet(4, b"\x01-----BEGIN PUBLIC KEY-----")].concat()),
        ("an empty challenge", greeting_without_challenge(), Vec::new()),
        ("an empty packet", native(), packet(2, b"")),
        ("silence", native(), Vec::new()),
        ("nothing at all", Vec::new(), Vec::new()),
        ("no protocol", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Vec::new()),
        ("out of order", native(), packet(7, b"\0\0\0\x02\0\0\0")),
        ("an error", packet(0, b"\xff\x15\x04#28000hunter2 is wrong"), Vec::new()),
        ("a login of many bytes", native(), packet(2, &vec![1; 1 << 20])),
        ("ready and silence", native(), ok.clone()),
        ("many columns", native(), columns(b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f")),
        ("a file", native(), columns(b"\xfb/etc/shadow")),
        ("a row and a half", native(), [rows.clone(), packet(4, b"\x011"), vec![9, 0, 0, 5, 8, b'1']].concat()),
        ("one huge row", native(), [rows, vec![0xff, 0xff, 0xff, 4], vec![0; 20 << 20]].concat()),
        ("rows without end", native(), endless),
    ] {
        gets_nothing(what, greeting, answer, Duration::from_secs(1));
    }
}

fn greeting_without_challenge() -> Vec<u8> {
    packet(0, b"\x0a10.11\0\x2a\0\0\0")
}

#[test]
fn a_server_that_never_answers_is_left() {
    is_left(greeting("mysql_native_password"), packet(2, b"\0\0\0\x02\0\0\0"));
}

#[test]
fn an_address_that_no_policy_may_reach_is_refused() {
    for address in ["169.254.169.254:3306", "mysql://[fe80::1]/app"] {
        is_denied(address);
    }
}
