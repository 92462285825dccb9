//! Keys and servers that only `openssl` makes: old algorithms, old versions of TLS, other forms of keys.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ansai_certificates::client::{Endpoint, Opening, Presented, look};
use ansai_certificates::{Bundle, Distrust, Pairing, Roots, describe, judge, pairing};
use ansai_core::Refusal;
use ansai_harness::server::free_port;

use crate::now;

fn openssl(place: &Path, arguments: &str) {
    let ran = Command::new("openssl").current_dir(place).args(arguments.split(' ')).output().unwrap();
    assert!(ran.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A certificate that signs itself. Only its key and its algorithm matter here, not its dates.
fn own(place: &Path, kind: &str, hash: &str) {
    let rest = "-nodes -days 3650 -subj /CN=a.example -addext subjectAltName=DNS:a.example -keyout k.pem -out c.pem";
    openssl(place, &format!("req -x509 -newkey {kind} -{hash} {rest}"));
}

#[test]
fn keys_in_every_form_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    let leaf = || Bundle::read(&fs::read(place.join("c.pem")).unwrap()).unwrap().certificates.remove(0);
    let pair = |file: &str| pairing(&leaf(), &fs::read(place.join(file)).unwrap());
    own(place, "rsa:2048", "sha256");
    openssl(place, "rsa -in k.pem -traditional -out pkcs1.pem");
    openssl(place, "rsa -in k.pem -aes128 -passout pass:x -traditional -out old-encrypted.pem");
    openssl(place, "pkcs8 -topk8 -in k.pem -passout pass:x -out encrypted.pem");
    assert!(fs::read_to_string(place.join("pkcs1.pem")).unwrap().contains("BEGIN RSA PRIVATE KEY"));
    assert_eq!([pair("k.pem"), pair("pkcs1.pem")], [Pairing::Matches; 2]);
    assert_eq!([pair("encrypted.pem"), pair("old-encrypted.pem")], [Pairing::Unknown; 2]);
    openssl(place, "ecparam -name prime256v1 -genkey -noout -out sec1.pem");
    assert_eq!(pair("sec1.pem"), Pairing::Differs, "a key of another kind");
    openssl(place, "req -x509 -key sec1.pem -days 30 -subj /CN=a -out c.pem");
    assert!(fs::read_to_string(place.join("sec1.pem")).unwrap().contains("BEGIN EC PRIVATE KEY"));
    assert_eq!([pair("sec1.pem"), pair("k.pem")], [Pairing::Matches, Pairing::Differs]);
    own(place, "ed25519", "sha256");
    assert_eq!(pair("k.pem"), Pairing::Matches);
    assert_eq!(describe(&leaf()).unwrap().key_kind, "ed25519");
    own(place, "rsa:1024", "sha256");
    assert_eq!(pair("k.pem"), Pairing::Unknown, "too small for clients");
    assert_eq!(describe(&leaf()).unwrap().key_kind, "rsa-1024");
}

struct Server(Child, u16);

impl Server {
    fn start(place: &Path, options: &str) -> Server {
        let port = free_port();
        let all = format!("s_server -quiet -accept 127.0.0.1:{port} -cert c.pem -key k.pem {options}");
        let child = Command::new("openssl")
            .current_dir(place)
            .args(all.trim().split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server(child, port);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn look(&self) -> Result<Presented, Refusal> {
        let address = format!("127.0.0.1:{}", self.1);
        let endpoint = Endpoint { address, server_name: "a.example".into(), opening: Opening::Tls };
        look(&endpoint, Duration::from_secs(20), &|_| Ok(()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn old_and_weak_servers_are_described() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    let weak = |options: &str, expected: &str| {
        let presented = Server::start(place, options).look().unwrap();
        let judged = judge(&presented.certificates, None, Some(&Roots::default()), now());
        assert!(judged.distrust.contains(&Distrust::Weak), "{options}: {judged:?}");
        assert_eq!(presented.protocol, expected, "{options}");
    };
    own(place, "rsa:1024", "sha256");
    weak("-cipher ALL:@SECLEVEL=0", "TLS 1.3");
    weak("-tls1_2 -cipher ALL:@SECLEVEL=0", "TLS 1.2");
    own(place, "rsa:2048", "sha1");
    weak("-cipher ALL:@SECLEVEL=0", "TLS 1.3");
    own(place, "ec -pkeyopt ec_paramgen_curve:prime256v1", "sha256");
    for options in ["", "-tls1_2", "-Verify 1", "-tls1_2 -Verify 1"] {
        let presented = Server::start(place, options).look().unwrap_or_else(|why| panic!("{options}: {why}"));
        assert_eq!(presented.has_key, Some(true), "{options}: also where the client has no certificate");
    }
    let old = Server::start(place, "-tls1_1 -cipher ALL:@SECLEVEL=0").look().unwrap_err();
    assert!(matches!(&old, Refusal::Unavailable(_)), "{old}");
}
