//! A real nginx whose certificates come from a real authority by a real certbot, all on loopback and in mounts of the test's
//! own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ansai_harness::server::{Acme, free_port, mint, packages, trust};
use ansai_harness::{Ansai, Daemon, Invocation, Ran, binary};
use serde_json::Value;

const LIVE: &str = "/etc/letsencrypt/live";
const CERTBOT: &str = "/usr/bin/certbot";
/// Where certbot is while something else has its place.
const REAL: &str = "/usr/bin/certbot.real";
/// Loading a certificate takes nginx some milliseconds, and starting certbot some seconds on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

pub(super) struct Site {
    place: PathBuf,
    /// Each name and the lifetime of its certificate in days.
    names: Vec<(String, u64)>,
    port: u16,
    nginx: Option<Daemon>,
    acme: Acme,
    asks: &'static str,
}

impl Site {
    /// A certificate for each name, with a lifetime in days and the days that are left of it, served by one nginx. `None` if
    /// the servers cannot be had. The authority issues certificates for 90 days.
    pub(super) fn start(names: &[(&str, u64, f64)]) -> Option<Site> {
        let mut site = Site::prepare("pebble", "")?;
        for (name, lifetime, left) in names {
            site.acme.issue(&[name]);
            site.age(name, *lifetime as f64, *left);
            site.names.push(((*name).to_owned(), *lifetime));
        }
        site.serve();
        Some(site)
    }

    /// A new certificate for a name, of an authority that has renewal information. The policy may ask it.
    pub(super) fn start_asking(name: &str) -> Option<Site> {
        let mut site = Site::prepare("pebble/forky", "ansai:certificate/renewal-information-probe")?;
        site.acme.issue(&[name]);
        site.names.push((name.to_owned(), 90));
        site.serve();
        Some(site)
    }

    /// An authority of this package. `asks` is the interface by which the policy may ask it, or empty.
    fn prepare(authority: &str, asks: &'static str) -> Option<Site> {
        let programs = packages(&["certbot", "nginx-light", authority])?;
        let place = tempfile::tempdir().unwrap().keep();
        programs.lay_over_the_host(&place);
        let acme = Acme::start(&place, Duration::from_secs(90 * 86_400));
        mint(&place, "earlier-authority", &["--authority", "--from", "-4000", "--to", "4000"]);
        trust(&place.join("earlier-authority.pem"));
        Some(Site { place, names: Vec::new(), port: free_port(), nginx: None, acme, asks })
    }

    /// Has the authority suggest a renewal of the certificate of a name within these hours from now, and say where it says why.
    pub(super) fn suggest(&self, name: &str, hours: std::ops::Range<i64>, page: &str) {
        let at = |hours: i64| {
            let ran = Invocation::of("date").args(["-u", "-d", &format!("{hours} hours"), "+%Y-%m-%dT%H:%M:%SZ"]).run();
            ran.expect_code(0).stdout.trim().to_owned()
        };
        let window = serde_json::json!({"start": at(hours.start), "end": at(hours.end)});
        let answer = serde_json::json!({"suggestedWindow": window, "explanationURL": page});
        self.acme.suggest(&Path::new(LIVE).join(name).join("cert.pem"), &answer);
    }

    /// Replaces the certificate of a name by one with the same key, of another authority, so that it is nearer to its end.
    pub(super) fn age(&self, name: &str, lifetime: f64, left: f64) {
        let key = format!("{LIVE}/{name}/privkey.pem");
        let (from, to) = (format!("{}", left - lifetime), format!("{left}"));
        let options = ["--of", "earlier-authority", "--key", &key, "--from", &from, "--to", &to, "--names", name];
        mint(&self.place, "aged", &options);
        let aged = std::fs::read(self.place.join("aged.pem")).unwrap();
        for file in ["cert.pem", "fullchain.pem"] {
            let file = Path::new(LIVE).join(name).join(file).canonicalize().unwrap();
            std::fs::write(file, &aged).unwrap();
        }
    }

    fn config(&self) -> PathBuf {
        self.place.join("nginx.conf")
    }

    /// Writes the configuration of nginx. `more` is added to it.
    pub(super) fn configure(&self, more: &str) {
        let place = self.place.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/{kind};"));
        let server = |(name, _): &(String, u64)| {
            format!(
                "server {{ listen 127.0.0.1:{} ssl; server_name {name}; ssl_certificate {LIVE}/{name}/fullchain.pem; \
                 ssl_certificate_key {LIVE}/{name}/privkey.pem; location / {{ return 200 ok; }} }}\n",
                self.port
            )
        };
        let servers: String = self.names.iter().map(server).collect();
        let text = format!(
            "daemon off;\nuser root;\npid {place}/nginx.pid;\nerror_log {place}/error.log notice;\nworker_processes 2;\n\
             events {{ worker_connections 64; }}\nhttp {{ access_log off; {} {more}\n{servers}}}\n",
            temporary.join(" ")
        );
        std::fs::write(self.config(), text).unwrap();
    }

    fn serve(&mut self) {
        self.configure("");
        let nginx = Invocation::of("/usr/sbin/nginx").arg("-c").arg(self.config()).spawn();
        self.nginx = Some(nginx);
        let begin = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                begin.elapsed() < LIMIT,
                "{}",
                std::fs::read_to_string(self.place.join("error.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A client of a name that connects all the time.
    pub(super) fn client(&self, name: &str) -> Client {
        Client::start(self.port, name)
    }

    /// Runs certbot, as a person or a timer would.
    pub(super) fn certbot(&self, arguments: &[&str]) -> Ran {
        Invocation::of("/usr/bin/certbot").args(arguments).limit(LIMIT).run()
    }

    /// Has certbot load what it renews, as an operator does with `cli.ini`. Answers the file that its hook makes.
    pub(super) fn load_by_certbot(&self) -> PathBuf {
        let loaded = self.place.join("loaded");
        let text = format!("deploy-hook = touch {}\ninstaller = nginx\n", loaded.display());
        std::fs::write("/etc/letsencrypt/cli.ini", text).unwrap();
        loaded
    }

    /// Has certbot spoil each renewal with a shell script. `mint` in it makes another certificate for the same key.
    pub(super) fn spoil(&self, script: &str) {
        let real = Path::new(REAL);
        if !real.exists() {
            std::fs::rename(CERTBOT, real).unwrap();
        }
        let mint = binary::repository().join("tests/harness/bin/mint-certificate");
        let functions = format!(
            "place={place}\nmint() {{\n  {mint} {place} spoiled --of earlier-authority --key \"$live/privkey.pem\" \"$@\"\n  \
             for file in cert fullchain; do cat {place}/spoiled.pem >\"$live/$file.pem\"; done\n}}\n{script}",
            place = self.place.display(),
            mint = mint.display(),
        );
        std::fs::write(CERTBOT, include_str!("spoil.sh").replace("@THEN@", &functions)).unwrap();
        ansai_harness::scene::permit(Path::new(CERTBOT), 0o755);
    }

    /// Has the test of the server fail as soon as the files of a name are other ones than now.
    pub(super) fn veto_new_files(&self, name: &str, vetoes: bool) {
        let veto = self.place.join("veto");
        match vetoes {
            true => std::fs::copy(format!("{LIVE}/{name}/cert.pem"), veto).map(drop),
            false => std::fs::remove_file(veto).or(Ok(())),
        }
        .unwrap();
    }

    /// certbot as it was.
    pub(super) fn unspoil(&self) {
        std::fs::rename(REAL, CERTBOT).unwrap();
    }

    /// Forgets all incidents and attempts.
    pub(super) fn forget(&self) {
        let _ = std::fs::remove_dir_all(self.place.join("state"));
    }

    /// Every recorded evaluation gives the same answer again, and the audit log is sound.
    pub(super) fn replays(&self) {
        let policies = binary::repository().join("policies");
        let state = self.place.join("state");
        let replay = Ansai::new().args(["replay", "--all", "--policies"]).arg(policies).limit(LIMIT);
        replay.arg("--state-dir").arg(&state).run().expect_code(0);
        Ansai::new().args(["audit", "verify", "--state-dir"]).arg(&state).run().expect_code(0);
    }

    /// The serial number of the certificate in the file of a name.
    pub(super) fn serial_on_disk(&self, name: &str) -> String {
        let script = "import sys; from cryptography import x509; \
                      print(format(x509.load_pem_x509_certificate(open(sys.argv[1],'rb').read()).serial_number, 'x'))";
        let file = format!("{LIVE}/{name}/cert.pem");
        Invocation::of("/usr/bin/python3").args(["-c", script, &file]).run().expect_code(0).stdout.trim().to_owned()
    }

    /// One run in the mode `enforce`.
    pub(super) fn once(&self) -> Ran {
        let config = self.place.join("ansai.toml");
        std::fs::write(&config, self.ansai_toml()).unwrap();
        ansai_harness::scene::permit(&config, 0o600);
        Ansai::new().args(["run", "--once", "--format", "json", "--config"]).arg(config).limit(LIMIT).run()
    }

    fn ansai_toml(&self) -> String {
        let (place, port) = (self.place.display(), self.port);
        let each = |line: &dyn Fn(&str) -> String, between: &str| {
            self.names.iter().map(|(name, _)| line(name)).collect::<Vec<_>>().join(between)
        };
        let target = |name: &str| name.replace('.', "-");
        let targets = each(
            &|name| {
                format!(
                    "[target.{}]\nkind = \"certificate\"\ncertificate = \"{LIVE}/{name}/fullchain.pem\"\n\
                     key = \"{LIVE}/{name}/privkey.pem\"\ntest = [\"/bin/sh\", \"-ec\", \"/usr/sbin/nginx -t -c {place}/nginx.conf; \
                     [ ! -e {place}/veto ] || cmp {LIVE}/{name}/cert.pem {place}/veto\"]\n\
                     reload = [\"/usr/sbin/nginx\", \"-s\", \"reload\", \"-c\", \"{place}/nginx.conf\"]\n",
                    target(name)
                )
            },
            "",
        );
        let endpoints = each(
            &|name| {
                format!(
                    "  {{ address = \"127.0.0.1:{port}\", name = \"{name}\", lineage = \"{name}\", target = \"{}\" }},\n",
                    target(name)
                )
            },
            "",
        );
        let used = each(&|name| format!("[policy.certificate-expiry.target.{}]\n", target(name)), "");
        let lineages = each(&|name| format!("{name:?}"), ", ");
        let granted = each(&|name| format!("{:?}", target(name)), ", ");
        let asks = match self.asks {
            "" => String::new(),
            asks => format!("{asks:?} = {{ endpoints = [{:?}] }}\n", self.acme.address()),
        };
        let policy = binary::policy("certificate-expiry");
        format!(
            "{targets}[daemon]\nstate_dir = \"{place}/state\"\nmode = \"enforce\"\n[policy.certificate-expiry]\n\
             source = {:?}\n[policy.certificate-expiry.attempts]\ncooldown = \"0s\"\nverify_within = \"3s\"\n[policy.certificate-expiry.settings]\n\
             endpoints = [\n{endpoints}]\n{used}[policy.certificate-expiry.grant]\n\
             \"ansai:certificate/served-certificate-probe\" = {{ endpoints = [\"127.0.0.1:{port}\"] }}\n\
             \"ansai:certificate/certificate-probe\" = {{ roots = [\"/etc/letsencrypt\"] }}\n\
             \"ansai:certificate/certificate-actions\" = {{ lineages = [{lineages}], targets = [{granted}], \
             endpoints = [\"127.0.0.1:{port}\"], max_renewals = 20 }}\n{asks}\"ansai:system/system-probe\" = {{}}\n",
            policy.parent().unwrap()
        )
    }

    /// The key of the finding about a name.
    pub(super) fn key(&self, name: &str) -> String {
        format!("127.0.0.1:{} {name}", self.port)
    }
}

/// A client that connects again and again until it is asked what it saw.
pub(super) struct Client(Child, std::io::BufReader<std::process::ChildStdout>);

impl Client {
    fn start(port: u16, name: &str) -> Client {
        use std::io::BufRead as _;
        let script = binary::repository().join("tests/harness/bin/tls-client");
        // Ends with the test, also if that fails: its standard input does.
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args([&port.to_string(), name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "connected");
        Client(child, lines)
    }

    /// Ends it. Returns the serial numbers that it was presented.
    ///
    /// # Panics
    /// If one handshake failed.
    pub(super) fn end(mut self) -> Vec<String> {
        use std::io::Read as _;
        drop(self.0.stdin.take());
        let mut text = String::new();
        self.1.read_to_string(&mut text).unwrap();
        self.0.wait().unwrap();
        let seen: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(seen["failed"], serde_json::json!([]), "after {} handshakes", seen["succeeded"]);
        assert!(seen["succeeded"].as_u64().unwrap() > 5, "{seen}");
        seen["serials"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }
}
