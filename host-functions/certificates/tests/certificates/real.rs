//! STARTTLS with real servers: aiosmtpd for SMTP, Dovecot for IMAP, PostgreSQL and MariaDB.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ansai_certificates::client::{Endpoint, Opening, Presented, look};
use ansai_core::Refusal;
use ansai_harness::pki::{Authority, Issued, LONG};
use ansai_harness::server::{Mariadb, Postgresql, free_port, packages};
use ansai_harness::{Daemon, Invocation, scene, with_own_mounts};

const PATIENT: Duration = Duration::from_secs(60);

/// A certificate and its key in files that a server without rights can read.
struct Files {
    directory: tempfile::TempDir,
    issued: Issued,
}

impl Files {
    fn new() -> Files {
        let issued = Authority::root("Root", LONG).issue(&["a.example"], LONG);
        let directory = tempfile::tempdir().unwrap();
        scene::permit(directory.path(), 0o755);
        for (name, text) in [("certificate.pem", &issued.pem), ("key.pem", &issued.key)] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let key = directory.path().join("key.pem");
        scene::permit(&key, 0o600);
        // Without root, the servers run as the current user.
        let _ = std::os::unix::fs::chown(&key, Some(65534), Some(65534));
        Files { directory, issued }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn ask(port: u16, opening: Opening) -> Result<Presented, Refusal> {
    let address = format!("127.0.0.1:{port}");
    look(&Endpoint { address, server_name: "a.example".into(), opening }, PATIENT, &|_| Ok(()))
}

/// The certificate is read, and every other way to begin is refused without a hang.
fn presents(port: u16, opening: Opening, issued: &Issued) {
    let found = ask(port, opening).unwrap_or_else(|why| panic!("{opening:?}: {why}"));
    assert_eq!(found.certificates[0].as_ref(), issued.der, "{opening:?}");
    assert_eq!(found.has_key, Some(true), "{opening:?}");
    for wrong in [Opening::Smtp, Opening::Imap, Opening::Postgresql, Opening::Tls] {
        if wrong != opening {
            let quick = Endpoint { address: format!("127.0.0.1:{port}"), server_name: String::new(), opening: wrong };
            let (began, refused) = (Instant::now(), look(&quick, Duration::from_secs(1), &|_| Ok(())));
            assert!(refused.is_err(), "{wrong:?} of a server for {opening:?}");
            assert!(began.elapsed() < PATIENT, "{wrong:?}");
        }
    }
}

#[test]
fn databases_present_their_certificate() {
    let files = Files::new();
    let (certificate, key) = (files.path("certificate.pem"), files.path("key.pem"));
    let with = |one: &str, other: &str| {
        [(one, &certificate), (other, &key)].map(|(name, path)| format!("{name}={}", path.display()))
    };
    let [ssl_cert, ssl_key] = with("ssl_cert_file", "ssl_key_file");
    let Some(server) = Postgresql::start_with(&["ssl=on", &ssl_cert, &ssl_key]) else { return };
    presents(server.port(), Opening::Postgresql, &files.issued);
    let Some(plain) = Postgresql::start() else { return };
    let refused = ask(plain.port(), Opening::Postgresql).unwrap_err().to_string();
    assert!(refused.contains("no TLS over PostgreSQL"), "{refused}");
    let [ssl_cert, ssl_key] = with("--ssl-cert", "--ssl-key");
    let Some(server) = Mariadb::start_with(&[&ssl_cert, &ssl_key]) else { return };
    presents(server.port(), Opening::Mysql, &files.issued);
}

#[test]
fn a_mail_server_presents_its_certificate() {
    let Some(programs) = packages(&["python3-aiosmtpd"]) else { return };
    let (files, port) = (Files::new(), free_port());
    let _server = smtp(&programs.file("usr/lib/python3/dist-packages"), &files, port);
    presents(port, Opening::Smtp, &files.issued);
}

fn smtp(modules: &Path, files: &Files, port: u16) -> Daemon {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/smtp_server.py");
    let server = Invocation::of("/usr/bin/python3").env("PYTHONPATH", modules).arg(script);
    let server = server.arg(files.path("certificate.pem")).arg(files.path("key.pem")).arg(port.to_string()).spawn();
    server.wait_for_line("listening", PATIENT);
    server
}

/// Dovecot knows the paths of its programs, so its package lies over this host, in mounts of the test's own.
#[test]
fn an_imap_server_presents_its_certificate() {
    with_own_mounts("real::an_imap_server_presents_its_certificate", || {
        let Some(programs) = packages(&["dovecot-imapd"]) else { return };
        let (files, port) = (Files::new(), free_port());
        let place = tempfile::tempdir().unwrap().keep();
        programs.lay_over_the_host(&place);
        let (certificate, key) = (files.path("certificate.pem"), files.path("key.pem"));
        let config = place.join("dovecot.conf");
        let text = format!(
            "base_dir = {place}/run\nstate_dir = {place}/state\nlog_path = /dev/stderr\nprotocols = imap\nlisten = 127.0.0.1\n\
             ssl = required\nssl_cert = <{certificate}\nssl_key = <{key}\ndefault_internal_user = nobody\n\
             default_login_user = nobody\ndefault_internal_group = nogroup\nservice anvil {{\n  chroot =\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n  inet_listener imaps {{\n    \
             port = 0\n  }}\n}}\npassdb {{\n  driver = static\n  args = nopassword=y\n}}\nuserdb {{\n  driver = static\n  \
             args = uid=nobody gid=nogroup home=/tmp\n}}\n",
            place = place.display(),
            certificate = certificate.display(),
            key = key.display(),
        );
        std::fs::write(&config, text).unwrap();
        let server = Invocation::of("/usr/sbin/dovecot").arg("-F").arg("-c").arg(&config).spawn();
        server.wait_for_line("starting up", PATIENT);
        presents(port, Opening::Imap, &files.issued);
    });
}
