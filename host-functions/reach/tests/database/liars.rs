//! Servers that lie or say nothing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::target::Reach;
use serde_json::json;
use tempfile::TempDir;

use super::secrets::secret;
use super::{DATABASE, ask, reach};
use crate::scene::{KIND, target};

/// A server that greets with these bytes, answers the first message with those, and then waits. With it, what it hears and
/// the directory of the password.
fn liar(greeting: Vec<u8>, answer: Vec<u8>) -> (Reach, JoinHandle<Vec<u8>>, TempDir) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{KIND}://{}/app?tls=off", listener.local_addr().unwrap());
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
    let directory = tempfile::Builder::new().prefix("ansai-secret-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut target = target("db", &address);
    target.secret = Some(secret(&directory, "hunter2-not-for-you"));
    (reach([target]), heard, directory)
}

/// Would break: a liar that gets the password or a file of this host, or that holds a call up.
pub(crate) fn gets_nothing(what: &str, greeting: Vec<u8>, answer: Vec<u8>, limit: Duration) {
    let (reach, heard, _secret) = liar(greeting, answer);
    let refused = ask(&reach, limit, DATABASE, "look", &json!({"target": "db"}));
    assert!(matches!(refused, Err(Refusal::Unavailable(_) | Refusal::TimedOut(_))), "{what}: {refused:?}");
    let heard = heard.join().unwrap();
    assert!(!heard.windows(7).any(|part| part == b"hunter2"), "{what}");
    assert!(!heard.windows(5).any(|part| part == b"root:"), "{what}");
    assert!(!format!("{refused:?}").contains("hunter2"), "{what}: {refused:?}");
}

/// Would break: each call that is given up leaves a connection and a task.
pub(crate) fn is_left(greeting: Vec<u8>, login: Vec<u8>) {
    const CALLS: usize = 3;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{KIND}://{}/app?tls=off", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let serve = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            let (greeting, login) = (greeting.clone(), login.clone());
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                stream.write_all(&greeting).unwrap();
                let _login = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(&login).unwrap();
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
        let still_open = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
        assert!(!ended.as_ref().is_err_and(|error| still_open.contains(&error.kind())), "{ended:?}");
    }
}
