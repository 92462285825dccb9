//! ansai as a service of a real systemd, with the unit that `ansai install-unit` writes.

mod fields;
mod isolation;
mod lifecycle;
mod notify;
mod page;
mod rating;
mod upgrade;
mod watchdog;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ansai_harness::{Invocation, Ran, SystemdHost, binary, faketime};
use serde_json::Value;

/// Maximum time until something has happened, on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
const FAKETIME: &str = "/opt/faketime.so";

/// A host with the program in /usr/local/bin, and the built-in policies.
pub(crate) struct Host {
    pub(crate) host: SystemdHost,
    _build: tempfile::TempDir,
}

impl Host {
    pub(crate) fn start(binds: &[(&Path, &str)]) -> Host {
        let host = Host::boot(binds, false);
        host.put_program();
        host
    }

    /// A host on which the program is there when it boots.
    pub(crate) fn boot_installed(binds: &[(&Path, &str)]) -> Host {
        Host::boot(binds, true)
    }

    fn boot(binds: &[(&Path, &str)], is_installed: bool) -> Host {
        let policies = binary::policy("disk-space");
        binary::policy("service-failure");
        let policies: PathBuf = policies.parent().unwrap().parent().unwrap().to_owned();
        let build = tempfile::tempdir().unwrap();
        let stripped = build.path().join("ansai");
        let strip = Invocation::of("strip").arg("-o").arg(&stripped).arg(binary::ansai());
        strip.run().expect_code(0);
        let library = faketime::environment(0).into_iter().find(|(name, _)| name == "LD_PRELOAD").unwrap().1;
        let mut all: Vec<(&Path, &str)> =
            vec![(build.path(), "/opt/build"), (&policies, "/opt/policies"), (Path::new(&library), FAKETIME)];
        all.extend_from_slice(binds);
        if is_installed {
            all.push((&stripped, "/usr/local/bin/ansai"));
        }
        Host { host: SystemdHost::start(&all), _build: build }
    }

    /// Puts the program in place, as an upgrade does.
    pub(crate) fn put_program(&self) {
        self.shell("install -m 755 /opt/build/ansai /usr/local/bin/ansai");
    }

    pub(crate) fn configure(&self, config: &str) {
        self.shell(&format!(
            "mkdir -p /etc/ansai && cat > /etc/ansai/ansai.toml <<'EOF'\n{config}\nEOF\nchmod 600 /etc/ansai/ansai.toml"
        ));
    }

    /// Adds lines to the service, as `systemctl edit` does.
    pub(crate) fn drop_in(&self, lines: &str) {
        self.shell(&format!(
            "mkdir -p /etc/systemd/system/ansai.service.d && cat > /etc/systemd/system/ansai.service.d/test.conf \
             <<'EOF'\n[Service]\n{lines}\nEOF\nsystemctl daemon-reload"
        ));
    }

    /// ansai sees a time that is ahead, so that files of now are old.
    pub(crate) fn clock_ahead() -> String {
        format!(
            "Environment=LD_PRELOAD={FAKETIME} FAKETIME=+1440h NO_FAKE_STAT=1 DONT_FAKE_MONOTONIC=1 \
             FAKETIME_DONT_FAKE_MONOTONIC=1"
        )
    }

    pub(crate) fn run(&self, command: &[&str]) -> Ran {
        self.host.invocation().args(command).limit(LIMIT).run()
    }

    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> Ran {
        let ran = self.run(&["sh", "-c", script]);
        ran.expect_code(0);
        ran
    }

    pub(crate) fn property(&self, name: &str, property: &str) -> String {
        self.run(&["systemctl", "show", "-P", property, name]).stdout.trim().to_owned()
    }

    /// Waits until something is true.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is: impl Fn() -> bool) {
        let began = Instant::now();
        while !is() {
            let log = || self.run(&["journalctl", "--no-pager", "-n", "80"]).stdout;
            assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    #[track_caller]
    pub(crate) fn until_property(&self, name: &str, property: &str, value: &str) {
        self.until(&format!("{property} of {name} is {value}"), || self.property(name, property) == value);
    }

    /// The entries of the journal with all of these fields.
    pub(crate) fn entries(&self, matches: &[&str]) -> Vec<Value> {
        self.run(&["journalctl", "--sync"]);
        let ran = self.run(&[&["journalctl", "--no-pager", "--all", "-o", "json"], matches].concat());
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records of the audit log.
    pub(crate) fn records(&self) -> Vec<Value> {
        let ran = self.run(&["ansai", "audit", "export", "--state-dir", "/var/lib/ansai"]);
        ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["record"].take()).collect()
    }

    #[track_caller]
    pub(crate) fn audit_is_sound(&self) {
        self.run(&["ansai", "audit", "verify", "--state-dir", "/var/lib/ansai"]).expect_code(0);
    }

    /// Writes the unit file of a service.
    pub(crate) fn unit(&self, name: &str, service: &str) {
        self.shell(&format!(
            "cat > /usr/lib/systemd/system/{name}.service <<'EOF'\n[Service]\n{service}\nEOF\nsystemctl daemon-reload"
        ));
    }
}

/// The policy of services, for services named `e2e-*`.
pub(crate) const SERVICES: &str = r#"
[policy.service-failure]
source = "/opt/policies/service-failure"
every = "2s"
[policy.service-failure.attempts]
cooldown = "1s"
verify_within = "30s"
[policy.service-failure.settings]
units = ["e2e-*.service"]
settle = "1s"
[policy.service-failure.grant]
"ansai:service/service-probe" = { units = ["e2e-*.service"] }
"ansai:service/service-actions" = { units = ["e2e-*.service"], max_restarts = 20 }
"#;
pub(crate) const DAEMON: &str = "[daemon]\nstate_dir = \"/var/lib/ansai\"\nmode = \"enforce\"\n";
