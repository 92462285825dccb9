//! Names that a real resolver looks up: that of the C library, which asks a name server of the test on loopback. Mocked is only
//! what that server knows. The test has a network of its own, where port 53 is free.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use ansai_core::Refusal;
use ansai_harness::{Invocation, with_own_network};
use ansai_reach::process::IDLE;

use crate::manner::Manner;
use crate::scene::{LONG, Scene};
use crate::{ended, wait_until};

/// The first label of a name.
const SILENT: &str = "silent";
/// The last bytes of a question for an IPv4 address: type A, class IN.
const ASKS_A: [u8; 4] = [0, 1, 0, 1];

/// Answers questions for `names`, knows no other name, and never answers about [`SILENT`]. Says when it was asked about that.
fn name_server(names: &'static [(&'static str, [u8; 4])]) -> Receiver<()> {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let question = &question[..length];
            if question.windows(SILENT.len()).any(|part| part == SILENT.as_bytes()) {
                let _ = tell.send(());
            } else {
                socket.send_to(&answer(question, names), from).unwrap();
            }
        }
    });
    asked
}

/// The answer to one question without extensions.
fn answer(question: &[u8], names: &[(&str, [u8; 4])]) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    let asked = &question[12..at + 5];
    let found = names.iter().find(|(name, _)| *name == labels.join("."));
    let address = found.filter(|_| asked.ends_with(&ASKS_A)).map(|(_, address)| address);
    let code = if found.is_some() { 0x80 } else { 0x83 };
    let count = u8::from(address.is_some());
    let mut answer = [&question[..2], &[0x81, code, 0, 1, 0, count, 0, 0, 0, 0], asked].concat();
    if let Some(address) = address {
        // The name of the question, for a minute.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address);
    }
    answer
}

const NAMES: &[(&str, [u8; 4])] =
    &[("db.test", Ipv4Addr::LOCALHOST.octets()), ("liar.test", Ipv4Addr::new(169, 254, 169, 254).octets())];

/// What the process is told of the target at this name, and of a connection to `server`.
fn asked(name: &str, port: u16, server: String) -> Result<serde_json::Value, Refusal> {
    Scene::at(Manner::LooksUpAndConnects, IDLE, &format!("{name}:{port}"), Some(server)).look(LONG)
}

/// The C library asks nobody but the name server of the test, whatever this machine is set up to ask.
fn only_the_name_server_is_asked(place: &Path) {
    for (name, content, own) in [
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:3\n", "/etc/resolv.conf"),
        ("nsswitch.conf", "hosts: files dns\n", "/etc/nsswitch.conf"),
    ] {
        let file = place.join(name);
        std::fs::write(&file, content).unwrap();
        // Without `nsswitch.conf`, the C library asks no other service.
        if name == "resolv.conf" || Path::new(own).exists() {
            Invocation::of("mount").args(["--bind", file.to_str().unwrap(), own]).run().expect_code(0);
        }
    }
    // The second one may be the first by another name.
    for cache in ["/run/nscd", "/var/run/nscd"] {
        if Path::new(cache).is_dir() {
            Invocation::of("mount").args(["-t", "tmpfs", "tmpfs", cache]).run().expect_code(0);
        }
    }
}

/// Would break: a connection to an address that no lookup returned, or to one that a name may not lead to.
#[test]
fn a_name_leads_only_where_the_name_server_says_and_a_policy_may_go() {
    with_own_network("names::a_name_leads_only_where_the_name_server_says_and_a_policy_may_go", || {
        let place = tempfile::tempdir().unwrap();
        only_the_name_server_is_asked(place.path());
        let silent = name_server(NAMES);
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = own.local_addr().unwrap().port();
        let told = |text: &str| Err(Refusal::Busy(text.into()));
        assert_eq!(asked("db.test", port, format!("127.0.0.1:{port}")), told("addresses, a connection"));
        own.accept().unwrap();
        // A metadata service, to which a name server leads. An honest client asks for it, too.
        assert_eq!(asked("liar.test", port, format!("169.254.169.254:{port}")), told("addresses, no connection"));
        // The other name, which is that of no target of this call.
        assert_eq!(asked("liar.test", port, format!("127.0.0.1:{port}")), Err(ended()));
        assert_eq!(asked("none.test", port, format!("127.0.0.1:{port}")), Err(ended()), "it has no address");
        let scene = Scene::at(Manner::LooksUp, IDLE, "db.test:1", None);
        assert_eq!(scene.look(LONG), Err(ended()), "the name of no target");
        wait_until(|| scene.process.id().is_none());
        killed(&silent);
    });
}

/// The process that looks up names, killed while it waits for the name server: only this lookup has no answer.
fn killed(silent: &Receiver<()>) {
    let scene = Scene::at(Manner::LooksUpOwn, IDLE, "silent.test:1", None);
    std::thread::scope(|threads| {
        let look = threads.spawn(|| scene.look(LONG));
        silent.recv_timeout(LONG).unwrap();
        let first = scene.process.lookup_id().unwrap();
        Invocation::of("kill").args(["-KILL", &first.to_string()]).run().expect_code(0);
        assert_eq!(look.join().unwrap(), Err(Refusal::Busy("no address".into())));
        let process = scene.process.id();
        assert!(process.is_some(), "the process that asked goes on");
        // Another one looks up the next name.
        while silent.try_recv().is_ok() {}
        let look = threads.spawn(|| scene.look(LONG));
        silent.recv_timeout(LONG).unwrap();
        assert_ne!(scene.process.lookup_id(), Some(first));
        assert_eq!(scene.process.id(), process);
        scene.kill();
        assert!(look.join().unwrap().is_err());
    });
}
