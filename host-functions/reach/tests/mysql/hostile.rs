//! Names that break out of quotes, terminals and lists, and servers that lie.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use ansai_core::{Outcome, Refusal, Scope};
use ansai_kit::target::Reach;
use ansai_reach::mysql::MAX_BYTES;
use serde_json::json;

use crate::scene::{ACTIONS, DATABASE, Scene, TABLES, ask, reach, target};

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

/// A server that greets, answers the login with these bytes, and then waits.
fn liar(greeting: Vec<u8>, answer: Vec<u8>) -> (Reach, std::thread::JoinHandle<Vec<u8>>, tempfile::TempDir) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("mysql://{}/app?tls=off", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let _greeted = stream.write_all(&greeting);
        let mut first = [0; 1024];
        let mut heard = Vec::new();
        let length = stream.read(&mut first).unwrap_or(0);
        heard.extend_from_slice(&first[..length]);
        let _gone = stream.write_all(&answer);
        let _over = stream.read_to_end(&mut heard);
        heard
    });
    let secret = tempfile::Builder::new().prefix("ansai-secret-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = secret.path().join("password");
    std::fs::write(&file, "hunter2-not-for-you").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut target = target("db", &address);
    target.secret = Some(ansai_kit::secret::SecretSource::File(file));
    (reach([target]), heard, secret)
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
        ("one huge row", native(), [rows, vec![0xff, 0xff, 0xff, 4], vec![0; 20 << 20]].concat()),
        ("rows without end", native(), endless),
    ] {
        let (reach, heard, _secret) = liar(greeting, answer);
        let refused = ask(&reach, Duration::from_millis(1_000), DATABASE, "look", &json!({"target": "db"}));
        assert!(matches!(refused, Err(Refusal::Unavailable(_) | Refusal::TimedOut(_))), "{what}: {refused:?}");
        let heard = heard.join().unwrap();
        assert!(!heard.windows(7).any(|part| part == b"hunter2"), "{what}");
        assert!(!heard.windows(5).any(|part| part == b"root:"), "{what}");
        assert!(!format!("{refused:?}").contains("hunter2"), "{what}: {refused:?}");
    }
}

fn greeting_without_challenge() -> Vec<u8> {
    packet(0, b"\x0a10.11\0\x2a\0\0\0")
}

/// Would break: each call that is given up leaves a connection and a task.
#[test]
fn a_server_that_never_answers_is_left() {
    const CALLS: usize = 3;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("mysql://{}/app?tls=off", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let serve = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                stream.write_all(&greeting("mysql_native_password")).unwrap();
                let _login = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(&packet(2, b"\0\0\0\x02\0\0\0")).unwrap();
                stream.read_to_end(&mut Vec::new())
            })
        };
        let open: Vec<_> = (0..CALLS).map(serve).collect();
        open.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    let reach = reach([target("db", &address)]);
    for _ in 0..CALLS {
        let refused = ask(&reach, Duration::from_secs(1), DATABASE, "look", &json!({"target": "db"}));
        assert!(matches!(refused, Err(Refusal::TimedOut(_))), "{refused:?}");
    }
    for ended in server.join().unwrap() {
        let still_open = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
        assert!(!ended.as_ref().is_err_and(|error| still_open.contains(&error.kind())), "{ended:?}");
    }
}

#[test]
fn an_address_that_no_policy_may_reach_is_refused() {
    for address in ["169.254.169.254:3306", "mysql://[fe80::1]/app"] {
        let reach = reach([target("db", address)]);
        let refused = ask(&reach, Duration::from_secs(5), DATABASE, "look", &json!({"target": "db"}));
        assert!(matches!(refused, Err(Refusal::Denied(_))), "{address}: {refused:?}");
    }
}
