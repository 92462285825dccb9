//! The site on a disposable host; `site/site` is its inside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_harness::{Daemon, Fuse, Invocation, Ran, SystemdHost};
use anyhow::{Context as _, ensure};

use crate::contender::Contender;
use crate::disk::Disk;
use crate::fault::Fault;
use crate::programs::Programs;

/// The longest step: it starts everything.
const LIMIT: Duration = Duration::from_secs(120);
/// Where hosts have the script.
const SCRIPT: &str = "/opt/chaos/site";

/// A running site. Dropping this ends its host and everything in it.
pub struct Site {
    // In the order in which they end.
    host: SystemdHost,
    slow: Option<Arc<Fuse>>,
    _disk: Disk,
    _directory: tempfile::TempDir,
    fault: &'static str,
    contender: Contender,
}

impl Site {
    /// Boots a host, starts the site, and the contender that watches over it.
    ///
    /// # Errors
    /// If one of them does not start.
    pub fn start(fault: &Fault, contender: Contender, programs: &Programs) -> anyhow::Result<Site> {
        let directory = tempfile::Builder::new().prefix("ansai-chaos-").tempdir()?;
        let disk = Disk::new(directory.path())?;
        let slow = (fault.name == "slow-disk").then(|| Arc::new(Fuse::new()));
        let mut binds: Vec<(&Path, &str)> = vec![
            (&programs.site, "/opt/chaos"),
            (&programs.policies, "/opt/policies"),
            (&programs.faketime, "/opt/faketime.so"),
            (disk.path(), "/srv"),
        ];
        match contender {
            Contender::Ansai => binds.push((&programs.ansai, "/usr/bin/ansai")),
            Contender::Monit => binds.push((&programs.monit, "/usr/bin/monit")),
            Contender::Systemd => (),
        }
        if fault.needs_postgresql() {
            binds.extend([(&*programs.postgresql, "/opt/postgresql"), (&*programs.psql, "/opt/postgresql-client")]);
            // Its package has only the libraries that this machine lacks.
            binds.push((&programs.libraries, "/opt/libraries"));
        }
        if fault.needs_certificates() {
            let [nginx, certbot, pebble] = &programs.certificates;
            let [python, others @ ..] = &programs.python;
            binds.extend([(&**nginx, "/opt/nginx"), (&**certbot, "/opt/certbot"), (&**pebble, "/opt/pebble")]);
            binds.push((&**python, "/usr/bin/python3"));
            for path in others {
                binds.push((&**path, path.to_str().context("the files of python3")?));
            }
            binds.extend([(&*programs.harness, "/opt/harness"), (&*programs.libraries, "/opt/libraries")]);
        }
        if let Some(slow) = &slow {
            binds.push((slow.path(), "/mnt/slow"));
        }
        let host = SystemdHost::start(&binds);
        let site = Site { host, slow, _disk: disk, _directory: directory, fault: fault.name, contender };
        site.step(&["start", contender.name()])?;
        Ok(site)
    }

    fn invocation(&self, step: &[&str]) -> Invocation {
        self.host.invocation().arg(SCRIPT).args(step).arg(self.fault).limit(LIMIT)
    }

    /// Runs a step and returns what it printed.
    ///
    /// # Errors
    /// If it fails.
    pub fn step(&self, step: &[&str]) -> anyhow::Result<String> {
        let ran = self.try_step(step);
        ensure!(ran.code == 0, "the step {step:?} ended with {}: {}", ran.code, ran.stderr.trim());
        Ok(ran.stdout)
    }

    /// Runs a step that may fail.
    #[must_use]
    pub fn try_step(&self, step: &[&str]) -> Ran {
        self.invocation(step).run()
    }

    /// Starts a step that runs until its end.
    #[must_use]
    pub fn spawn(&self, step: &[&str]) -> Daemon {
        self.invocation(step).spawn()
    }

    /// What the contender has reported, as it says it.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn reported(&self) -> anyhow::Result<String> {
        self.step(&["found", self.contender.name()])
    }

    /// The subjects of the fault. Everything else is a bystander.
    ///
    /// # Errors
    /// If the script has none.
    pub fn subjects(&self) -> anyhow::Result<Vec<String>> {
        let text = self.step(&["subjects"])?;
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Milliseconds since 1970, by the real clock.
    ///
    /// # Errors
    /// Before 1970.
    pub fn now() -> anyhow::Result<u64> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("the clock")?;
        Ok(u64::try_from(since.as_millis())?)
    }

    /// The slow disk of this host, if it has one.
    #[must_use]
    pub fn slow(&self) -> Option<Arc<Fuse>> {
        self.slow.clone()
    }
}
