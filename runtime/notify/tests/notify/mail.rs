//! Mails through a real server with TLS and authentication, and through a program.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ansai_harness::pki::{Authority, LONG};
use ansai_harness::{Daemon, server};
use ansai_notify::channel::Fault;
use ansai_notify::message::Kind;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, Place, channel, file, message, send};

const LIMIT: Duration = Duration::from_secs(10);

/// A running server with a certificate for `localhost`.
pub(crate) struct Smtp {
    _daemon: Daemon,
    place: Place,
    port: u16,
}

impl Smtp {
    pub(crate) fn start(mode: &str) -> Option<Smtp> {
        let packages = server::packages(&["python3-aiosmtpd"])?;
        let place = Place::new();
        let authority = Authority::root("a test", LONG);
        let issued = authority.issue(&["localhost"], LONG);
        let certificate = place.write("certificate.pem", &issued.pem);
        let key = place.write("key.pem", &issued.key);
        place.write("authority.pem", &authority.pem);
        place.write("other.pem", &Authority::root("another", LONG).pem);
        place.write("password", &format!("{PASSWORD}\n"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notify/smtp_server.py");
        let path = packages.file("usr/lib/python3/dist-packages");
        let daemon = ansai_harness::Invocation::of("/usr/bin/python3")
            .env("PYTHONPATH", path)
            .arg(script)
            .arg(mode)
            .arg(certificate)
            .arg(key)
            .arg(PASSWORD)
            .arg(place.path())
            .spawn();
        let line = daemon.wait_for_line("listening on ", LIMIT);
        let port = line.rsplit(' ').next().unwrap().trim().parse().unwrap();
        Some(Smtp { _daemon: daemon, place, port })
    }

    pub(crate) fn settings(&self, changes: &[(&str, Value)]) -> Value {
        let mut settings = json!({
            "kind": "mail",
            "from": "ansai on web1 <ansai@web1.example.org>",
            "to": ["Operators <ops@example.org>", "b@example.org"],
            "server": format!("localhost:{}", self.port),
            "user": "ansai",
            "secret": file(&self.place.path().join("password")),
            "ca_file": self.place.path().join("authority.pem"),
        });
        for (key, value) in changes {
            settings[*key] = value.clone();
        }
        settings
    }

    fn mail(&self, number: u32) -> Value {
        let path = self.place.path().join(format!("{number}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
}

#[test]
fn starttls_with_a_password() {
    let Some(server) = Smtp::start("starttls") else { return };
    let mail = channel(server.settings(&[]));
    let receipt = send(&*mail, &message(Kind::Healed), LIMIT).unwrap();
    assert_eq!(receipt.answer, "250 2.0.0 Ok: queued as 1");
    let held = send(&*mail, &message(Kind::Held), LIMIT).unwrap();
    assert_eq!(held.answer, "250 2.0.0 Ok: queued as 2");
    let (first, second) = (server.mail(1), server.mail(2));
    assert_eq!(first["tls"], true);
    assert_eq!(first["from"], "ansai@web1.example.org");
    assert_eq!(first["to"], json!(["ops@example.org", "b@example.org"]));
    let header = |mail: &Value, name: &str| {
        let content = mail["content"].as_str().unwrap().to_owned();
        let line = content.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("{name}: {content}"))
    };
    assert_eq!(header(&first, "Subject"), "[ansai] web1: RESOLVED disk /var (healed in 41 s)");
    assert_eq!(header(&first, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&first, "References"), header(&second, "References"), "one thread for one incident");
    assert_eq!(header(&first, "Message-ID"), header(&second, "Message-ID"), "both have the same id of the message");
    assert!(!first.to_string().contains(PASSWORD));

    // What is wrong ends before a password or a mail is sent.
    let refused = |changes: &[(&str, Value)]| {
        let fault = send(&*channel(server.settings(changes)), &message(Kind::Test), LIMIT).unwrap_err();
        assert!(matches!(fault, Fault::Later { .. }) && !fault.to_string().contains(PASSWORD), "{fault}");
        fault.to_string()
    };
    let other = json!(server.place.path().join("other.pem"));
    assert!(refused(&[("ca_file", other)]).contains("TLS"), "another authority");
    let by_number = json!(format!("127.0.0.1:{}", server.port));
    assert!(refused(&[("server", by_number)]).contains("TLS"), "a certificate for another name");
    server.place.write("password", "wrong-password");
    let wrong = refused(&[]);
    assert!(wrong.contains("535") && !wrong.contains("wrong-password"), "{wrong}");
    std::fs::set_permissions(server.place.path().join("password"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&[]).contains("secret-exposed"));
    assert!(!server.place.path().join("3.json").exists());
}

#[test]
fn tls_from_the_first_byte_and_login() {
    if let Some(server) = Smtp::start("tls") {
        send(&*channel(server.settings(&[("tls", json!("tls"))])), &message(Kind::Opened), LIMIT).unwrap();
        assert_eq!(server.mail(1)["tls"], true);
    }
    if let Some(server) = Smtp::start("login") {
        send(&*channel(server.settings(&[])), &message(Kind::Opened), LIMIT).unwrap();
    }
}

#[test]
fn sendmail_gets_the_mail_and_its_exit_code_counts() {
    let place = Place::new();
    let out = place.path().join("out");
    let script = place.write("sendmail", "");
    let set = |code: i32| {
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" > {0}\ncat >> {0}\necho 'no such user' >&2\nexit {code}\n",
            out.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    };
    set(0);
    let settings =
        json!({ "kind": "mail", "from": "ansai@web1.example.org", "to": ["ops@example.org"], "sendmail": script });
    let mail = channel(settings);
    send(&*mail, &message(Kind::Opened), LIMIT).unwrap();
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.starts_with("-i -f ansai@web1.example.org -- ops@example.org\n"), "{text}");
    assert!(text.contains("\nSubject: [ansai] web1: CRITICAL disk /var\n") && !text.contains('\r'), "{text}");
    set(75);
    assert!(matches!(send(&*mail, &message(Kind::Opened), LIMIT), Err(Fault::Later { .. })));
    set(67);
    let never = send(&*mail, &message(Kind::Opened), LIMIT).unwrap_err();
    assert!(matches!(&never, Fault::Never { why } if why.contains("no such user")), "{never}");
}
