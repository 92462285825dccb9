//! Mails through postfix, from its Debian package: accepted, refused for now and for good, a full queue, killed in the middle.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::{Packages, free_port, packages};
use ansai_harness::{Daemon, requires_root, until, until_ok};
use ansai_notify::channel::{Channel, Fault};
use ansai_notify::message::{Kind, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, Place, channel, file, message, send};

/// How long an attempt to send may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How long postfix may take for what it surely does, on a busy machine.
const PATIENT: Duration = Duration::from_secs(60);

/// All in one directory; nothing reads the settings of this machine.
const MAIN: &str = "\
compatibility_level = 3.7
queue_directory = PLACE/queue
data_directory = PLACE/data
daemon_directory = POSTFIX/sbin
command_directory = POSTFIX/sbin
shlib_directory = POSTFIX
meta_directory = PLACE/etc
mail_owner = nobody
setgid_group = mail
default_privs = daemon
import_environment = MAIL_CONFIG LD_LIBRARY_PATH LANG=C
export_environment = LD_LIBRARY_PATH LANG=C
maillog_file = PLACE/log
maillog_file_prefixes = PLACE
myhostname = localhost
mydestination = localhost
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = PLACE/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
smtpd_sender_restrictions =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{ \
{ later@example.org = 450 4.2.0 greylisted }, { never@example.org = 550 5.1.1 unknown user } }
smtpd_tls_cert_file = PLACE/certificate.pem
smtpd_tls_key_file = PLACE/key.pem
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = PLACE/auth
smtpd_tls_auth_only = yes
";

const MASTER: &str = "\
127.0.0.1:PORT inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n - 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
";

struct Postfix {
    packages: Packages,
    place: Place,
    port: u16,
    /// Ends with the test, with all its processes.
    running: Option<Daemon>,
}

impl Postfix {
    fn start(more: &str) -> Option<Postfix> {
        if !requires_root() {
            return None;
        }
        let packages = packages(&["postfix"])?;
        let (place, port) = (Place::new(), free_port());
        let path = place.path();
        open_to_all(&path);
        let issued = Authority::root("a test", LONG);
        place.write("authority.pem", &issued.pem);
        let leaf = issued.issue(&["localhost"], LONG);
        place.write("certificate.pem", &leaf.pem);
        place.write("key.pem", &leaf.key);
        place.write("password", PASSWORD);
        let library = packages.file("usr/lib/postfix");
        let filled = |text: &str| {
            let text = text.replace("PLACE", &path.to_string_lossy()).replace("POSTFIX", &library.to_string_lossy());
            text.replace("PORT", &port.to_string())
        };
        for name in ["etc", "queue/pid", "data", "mail", "queue/public", "queue/maildrop", "queue/private"] {
            std::fs::create_dir_all(path.join(name)).unwrap();
        }
        for name in ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "saved", "trace"]
        {
            let directory = path.join("queue").join(name);
            std::fs::create_dir(&directory).unwrap();
            packages.give_to_nobody(&directory);
        }
        for name in ["data", "mail", "queue/public", "queue/maildrop", "queue/private"] {
            packages.give_to_nobody(&path.join(name));
        }
        std::fs::write(path.join("etc/main.cf"), filled(&format!("{MAIN}{more}"))).unwrap();
        std::fs::write(path.join("etc/master.cf"), filled(MASTER)).unwrap();
        authenticates(&path.join("auth"));
        let mut postfix = Postfix { packages, place, port, running: None };
        postfix.run();
        Some(postfix)
    }

    /// Starts it, and again if it ends because the one before still holds the lock.
    fn run(&mut self) {
        let etc = self.place.path().join("etc");
        let spawn = || self.packages.program_with_children("master").arg("-c").arg(&etc).arg("-d").spawn();
        let mut running = spawn();
        until_ok("postfix greets", PATIENT, || {
            if running.has_ended() {
                running = spawn();
            }
            self.greets().then_some(()).ok_or_else(|| self.log())
        });
        self.running = Some(running);
    }

    fn greets(&self) -> bool {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut line = String::new();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("220 ")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    fn mail(&self, changes: &[(&str, Value)]) -> Box<dyn Channel> {
        let mut settings = json!({
            "kind": "mail", "from": "ansai on web1 <ansai@web1.example.org>", "to": ["ops@example.org"],
            "server": format!("localhost:{}", self.port), "user": "ansai",
            "secret": file(&self.place.path().join("password")),
            "ca_file": self.place.path().join("authority.pem"),
        });
        for (key, value) in changes {
            settings[*key] = value.clone();
        }
        channel(settings)
    }

    fn send_to(&self, to: &str) -> Result<String, Fault> {
        let sent = send(&*self.mail(&[("to", json!([to]))]), &message(Kind::Held), LIMIT);
        sent.map(|receipt| receipt.answer)
    }

    /// What was delivered, once there are so many mails.
    fn delivered(&self, number: usize) -> Vec<String> {
        let new = self.place.path().join("mail/all/new");
        let files =
            || -> Vec<PathBuf> { new.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path()).collect() };
        until_ok("the mails are delivered", PATIENT, || {
            (files().len() >= number).then_some(()).ok_or_else(|| self.log())
        });
        let texts: Vec<String> = files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert_eq!(texts.len(), number, "{}", self.log());
        texts
    }
}

fn open_to_all(path: &Path) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// Answers postfix whether a password is right, in the protocol of dovecot's authentication server. The thread ends with the
/// test process.
fn authenticates(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    std::fs::set_permissions(socket, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let hello = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n";
                stream.write_all(hello.as_bytes()).unwrap();
                for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                    let Ok(line) = line else { return };
                    let fields: Vec<&str> = line.split('\t').collect();
                    let ["AUTH", id, ..] = fields.as_slice() else { continue };
                    let given = fields.iter().find_map(|field| field.strip_prefix("resp=")).unwrap();
                    let right = STANDARD.encode(format!("\0ansai\0{PASSWORD}"));
                    let word = if given == right { "OK" } else { "FAIL" };
                    stream.write_all(format!("{word}\t{id}\tuser=ansai\n").as_bytes()).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_real_server_accepts_and_refuses() {
    let Some(postfix) = Postfix::start("") else { return };
    let answer = postfix.send_to("ops@example.org").unwrap();
    assert!(answer.starts_with("250 2.0.0 Ok: queued as "), "{answer}");
    let mail = &postfix.delivered(1)[0];
    assert!(mail.contains("Subject: [ansai] web1: APPROVAL NEEDED disk /var"), "{mail}");
    assert!(mail.contains("with ESMTPSA"), "over TLS, with a password: {mail}");
    assert!(mail.contains("multipart/alternative") && !mail.contains(PASSWORD), "{mail}");
    // A mail that another one refused is not delivered, and says why.
    let later = postfix.send_to("later@example.org").unwrap_err();
    assert!(matches!(&later, Fault::Later { why, .. } if why.contains("450 4.2.0")), "{later}");
    let never = postfix.send_to("never@example.org").unwrap_err();
    assert!(matches!(&never, Fault::Never { why } if why.contains("550 5.1.1")), "{never}");
    // It relays only for who has a password.
    assert!(postfix.send_to("somebody@example.net").is_ok());
    let plain =
        postfix.mail(&[("to", json!(["somebody@example.net"])), ("user", Value::Null), ("secret", Value::Null)]);
    let refused = send(&*plain, &message(Kind::Held), LIMIT).unwrap_err();
    assert!(matches!(&refused, Fault::Never { why } if why.contains("554 5.7.1")), "{refused}");
    postfix.place.write("password", "wrong");
    let wrong = postfix.send_to("ops@example.org").unwrap_err();
    assert!(matches!(&wrong, Fault::Later { why, .. } if why.contains("535 5.7.8")), "{wrong}");
    postfix.delivered(1);
}

#[test]
fn a_full_queue_is_for_later() {
    // More space than any disk has.
    let Some(postfix) = Postfix::start("queue_minfree = 1000000000000000\nmessage_size_limit = 1000000\n") else {
        return;
    };
    let full = postfix.send_to("ops@example.org").unwrap_err();
    assert!(matches!(&full, Fault::Later { why, .. } if why.contains("452 4.3.1")), "{full}");
}

/// Would break: a mail that counts as sent although its server was killed, or one that is lost.
#[test]
fn a_server_that_is_killed_in_the_middle() {
    let Some(mut postfix) = Postfix::start("") else { return };
    for (after, is_unknown) in [("DATA\r\n", false), ("\r\n.\r\n", true)] {
        let running = postfix.running.take().unwrap();
        let port = relay(postfix.port, after, running);
        let (server, sent) = (format!("127.0.0.1:{port}"), message(Kind::Escalated));
        let none = ("tls", json!("none"));
        let mail = postfix.mail(&[("server", json!(server)), none, ("user", Value::Null), ("secret", Value::Null)]);
        let fault = send(&*mail, &sent, LIMIT).unwrap_err();
        assert_eq!(matches!(fault, Fault::Unknown { .. }), is_unknown, "{after:?}: {fault}");
        assert!(!matches!(fault, Fault::Never { .. }), "{fault}");
        postfix.run();
    }
    // The next attempt arrives, with its mark.
    let again = Message { may_repeat: true, ..message(Kind::Escalated) };
    send(&*postfix.mail(&[]), &again, LIMIT).unwrap();
    let mail = &postfix.delivered(1)[0];
    assert!(mail.contains("This may be a second copy"), "{mail}");
}

/// Passes one connection on, until the client has sent this: then the server is killed, and all is closed.
fn relay(to: u16, after: &'static str, server: Daemon) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut there = TcpStream::connect(("127.0.0.1", to)).unwrap();
        let (mut back, mut answers) = (there.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut back, &mut answers));
        let (mut seen, mut buffer) = (Vec::new(), [0; 4_096]);
        while let Ok(read @ 1..) = client.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..read]);
            if seen.windows(after.len()).any(|part| part == after.as_bytes()) {
                drop(server);
                // Its processes end after that.
                let is_closed = || TcpStream::connect(("127.0.0.1", to)).is_err().then_some(());
                until("the port is closed", LIMIT, is_closed);
                let _ = there.shutdown(std::net::Shutdown::Both);
                let _ = client.shutdown(std::net::Shutdown::Both);
                return;
            }
            there.write_all(&buffer[..read]).unwrap();
        }
    });
    port
}
