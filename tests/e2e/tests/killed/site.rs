//! A full file system with old logs, and the daemon that looks after it.

use std::collections::BTreeSet;
use std::time::Duration;

use ansai_harness::{Ansai, Daemon, Ran, Tmpfs, until_ok};
use rustix::process::Signal;
use serde_json::Value;

use super::Case;
use crate::scene::{self, OldLogs, ansai, ansai_beside};

pub(super) const SOON: Duration = Duration::from_secs(30);
/// A table of the configuration, before which others can be put.
pub(super) const SETTINGS: &str = "[policy.disk-space.settings]";

/// A full file system, and the state of ansai. The logs are dropped before the file system that holds them.
pub(super) struct Site {
    pub(super) logs: OldLogs,
    pub(super) disk: Tmpfs,
    state: tempfile::TempDir,
}

impl Site {
    pub(super) fn new(mib: u64, share: f64) -> Site {
        let disk = Tmpfs::new(mib);
        let logs = OldLogs::new(disk.path(), share, || disk.used_share());
        Site { logs, disk, state: tempfile::tempdir().unwrap() }
    }

    pub(super) fn key(&self) -> String {
        self.logs.root.display().to_string()
    }

    /// Without compression, so that a plan has one step.
    pub(super) fn config(&self, mode: &str, grant: &str) -> String {
        let config = self.logs.config(mode, grant);
        config.replace(SETTINGS, &format!("{SETTINGS}\ncompress_logs_older_than = \"3650 days\""))
    }

    pub(super) fn daemon(&self, config: &str) -> Daemon {
        let run = ansai_beside(&self.logs.root).args(["run", "--mode", "enforce"]);
        run.config(config).state_dir(self.state.path()).spawn()
    }

    pub(super) fn ask(&self, config: &str, arguments: &[&str]) -> Ran {
        ansai().args(arguments).config(config).state_dir(self.state.path()).run()
    }

    pub(super) fn status(&self, config: &str) -> Value {
        // Before the first start there is nothing to show.
        serde_json::from_str(&self.ask(config, &["status", "--format", "json"]).stdout).unwrap_or_default()
    }

    pub(super) fn incident(&self, status: &Value) -> Value {
        let mut all = status["incidents"].as_array().into_iter().flatten();
        all.find(|one| one["key"] == self.key().as_str()).cloned().unwrap_or_default()
    }

    /// The incident in the state file. What was only seen again is written there within a second.
    fn stored(&self) -> Option<Value> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(self.state.path().join("state.db"), flags).ok()?;
        let mut statement = database.prepare("SELECT value FROM incident").ok()?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).ok()?;
        let all: Vec<Value> = rows.filter_map(|row| serde_json::from_str(&row.ok()?).ok()).collect();
        all.into_iter().find(|incident| incident["finding"]["key"] == self.key().as_str())
    }

    /// Waits until this comes next for the incident, after that many more evaluations, and is stored.
    /// Returns the incident.
    pub(super) fn reaches(&self, case: &Case, config: &str, evaluations: usize) -> Value {
        let mut seen = BTreeSet::new();
        until_ok(case.next, SOON, || {
            let (status, stored) = (self.status(config), self.stored());
            if status["is_running"] == true {
                seen.insert(status["instances"][0]["last"].to_string());
            }
            let incident = self.incident(&status);
            let is_stored =
                stored.as_ref().is_some_and(|one| case.stored.is_empty() || !one["course"][case.stored].is_null());
            // An attempt was held by something else before. What holds the next one is written within a second.
            let held = &incident["next"]["held"];
            let is_stored =
                is_stored && (held.is_null() || stored.as_ref().is_some_and(|one| one["course"]["held"] == *held));
            let is_reached = seen.len() > evaluations && incident["next"]["what"] == case.next && is_stored;
            if is_reached { Ok(incident) } else { Err(format!("{status:#} {stored:?}")) }
        })
    }

    pub(super) fn records(&self) -> Vec<Value> {
        scene::records(self.state.path())
    }

    /// The number of steps that began: each once, and with one outcome. None may be under way.
    pub(super) fn acted(&self) -> usize {
        let records = self.records();
        let steps = |event: &str| {
            let of = records.iter().filter(|record| record["event"] == event);
            let mut steps: Vec<String> = of.map(|record| format!("{} {}", record["plan"], record["step"])).collect();
            steps.sort();
            steps
        };
        let (mut begun, ended) = (steps("intent"), steps("outcome"));
        assert_eq!(begun, ended, "each step that began has one outcome");
        begun.dedup();
        assert_eq!(begun.len(), ended.len(), "a step began twice: {ended:?}");
        begun.len()
    }

    /// Waits until the incident is healed, and stops the daemon.
    pub(super) fn is_healed(&self, mut daemon: Daemon, incident: &Value) {
        let changed = |records: &[Value], change: &str| {
            let is_it = |one: &&Value| one["event"] == "incident" && one["incident"] == *incident;
            records.iter().filter(is_it).filter(|one| one["change"] == change).count()
        };
        until_ok("closed", SOON, || {
            if changed(&self.records(), "closed") > 0 { Ok(()) } else { Err(daemon.transcript()) }
        });
        assert!(self.disk.used_share() < 0.8, "{}", self.disk.used_share());
        daemon.signal(Signal::TERM);
        daemon.wait(SOON).expect_code(0);
        Ansai::new().args(["audit", "verify"]).state_dir(self.state.path()).run().expect_code(0);
        self.acted();
        assert_eq!(changed(&self.records(), "opened"), 1, "told once");
    }
}
