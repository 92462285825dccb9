//! Pebble, the test server of Let's Encrypt, with the resolver that it asks. For a test in which their packages lie over
//! the host.

use std::path::Path;
use std::time::Duration;

use super::free_port;
use crate::command::Invocation;
use crate::{Daemon, binary};

const LIMIT: Duration = Duration::from_secs(30);
/// The authorities that programs of this host trust.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Tries with other ports, because another program may take one.
const TRIES: u32 = 5;

/// A running authority. All names lead to 127.0.0.1. Dropping this ends it.
pub struct Acme {
    pebble: Daemon,
    resolver: Daemon,
    directory: String,
    /// The address of its management.
    management: String,
    /// The port of this machine that it asks for answers to its challenges.
    http: u16,
}

impl Acme {
    /// Starts it with its files in `place`. Its certificates are valid for so long. This host then trusts it.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(place: &Path, validity: Duration) -> Acme {
        if !place.join("directory.pem").exists() {
            mint(place, "directory-authority", &["--authority"]);
            mint(place, "directory", &["--of", "directory-authority", "--names", "localhost"]);
            trust(&place.join("directory-authority.pem"));
        }
        (0..TRIES).find_map(|_| Acme::try_start(place, validity)).expect("pebble starts")
    }

    fn try_start(place: &Path, validity: Duration) -> Option<Acme> {
        let [own, management, http, tls, dns, resolver] = std::array::from_fn(|_| free_port());
        let local = |port: u16| format!("127.0.0.1:{port}");
        let config = serde_json::json!({"pebble": {
            "listenAddress": local(own),
            "managementListenAddress": local(management),
            "certificate": place.join("directory.pem"),
            "privateKey": place.join("directory.key"),
            "httpPort": http,
            "tlsPort": tls,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": validity.as_secs(),
        }});
        let file = place.join("pebble.json");
        std::fs::write(&file, config.to_string()).expect("the configuration of pebble");
        let resolver = Invocation::of("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(options_of_resolver(&local(dns)))
            .args(["-management", &local(resolver)])
            .spawn();
        let pebble = Invocation::of("pebble")
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .arg("-config")
            .arg(&file)
            .args(["-dnsserver", &local(dns), "-strict=false"])
            .spawn();
        let mut acme = Acme {
            pebble,
            resolver,
            directory: format!("https://localhost:{own}/dir"),
            management: format!("https://localhost:{management}"),
            http,
        };
        let root = place.join("pebble-root.pem");
        let begin = std::time::Instant::now();
        while begin.elapsed() < LIMIT && !acme.pebble.has_ended() && !acme.resolver.has_ended() {
            let url = format!("https://localhost:{management}/roots/0");
            let fetch = "import ssl,sys,urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1], \
                         context=ssl.create_default_context(cafile=sys.argv[2])).read())";
            let ran = Invocation::of("/usr/bin/python3").args(["-c", fetch, &url, TRUSTED]).run();
            if ran.code == 0 {
                std::fs::write(&root, ran.stdout).expect("the root of pebble");
                trust(&root);
                return Some(acme);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// The host and port of its directory.
    pub fn address(&self) -> &str {
        self.directory.trim_start_matches("https://").trim_end_matches("/dir")
    }

    /// What it answers from now on if it is asked when a certificate should be renewed. Only pebble 2.7 and newer.
    ///
    /// # Panics
    /// If it refuses.
    #[track_caller]
    pub fn suggest(&self, certificate: &Path, answer: &serde_json::Value) {
        let pem = std::fs::read_to_string(certificate).expect("a certificate");
        let body = serde_json::json!({"certificate": pem, "ariResponse": answer.to_string()}).to_string();
        let post = "import ssl,sys,urllib.request as u; u.urlopen(sys.argv[1], data=sys.argv[2].encode(), \
                    context=ssl.create_default_context(cafile=sys.argv[3])).read()";
        let url = format!("{}/set-renewal-info/", self.management);
        Invocation::of("/usr/bin/python3").args(["-c", post, &url, &body, TRUSTED]).run().expect_code(0);
    }

    /// Has certbot get a certificate for these names, the first of which names it.
    ///
    /// # Panics
    /// If certbot does not get it.
    #[track_caller]
    pub fn issue(&self, names: &[&str]) {
        let names = names.iter().flat_map(|name| ["-d", name]);
        Invocation::of("/usr/bin/certbot")
            .args(["certonly", "-n", "--agree-tos", "-m", "host@example.test", "--server", &self.directory])
            .args(["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", &self.http.to_string()])
            .args(names)
            .limit(Duration::from_secs(120))
            .run()
            .expect_code(0);
    }
}

/// Where it answers for names. Newer versions have another name for this, and also offer DNS over HTTPS, to everybody.
fn options_of_resolver(address: &str) -> Vec<String> {
    let help = Invocation::of("pebble-challtestsrv").arg("-h").run().stderr;
    let newer = ["-dnsserver", address, "-doh", ""];
    let options = if help.contains("-dnsserver") { &newer[..] } else { &["-dns01", address] };
    options.iter().map(|option| (*option).to_owned()).collect()
}

/// Makes a certificate in `place`; see `bin/mint-certificate`.
///
/// # Panics
/// If it cannot be made.
#[track_caller]
pub fn mint(place: &Path, name: &str, options: &[&str]) {
    let script = binary::repository().join("tests/harness/bin/mint-certificate");
    Invocation::of("/usr/bin/python3").arg(script).arg(place).arg(name).args(options).run().expect_code(0);
}

/// Makes this host trust an authority. Only with the packages over the host.
///
/// # Panics
/// If the list cannot be written.
pub fn trust(authority: &Path) {
    let mut all = std::fs::read(TRUSTED).unwrap_or_default();
    all.extend(std::fs::read(authority).expect("the certificate of the authority"));
    std::fs::create_dir_all("/etc/ssl/certs").expect("the directory of authorities");
    std::fs::write(TRUSTED, all).expect("the list of authorities");
}
