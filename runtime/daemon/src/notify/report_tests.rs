//! Weeks of reports, with clocks that change and a program that ends at any moment.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ansai_config::Cron;
use ansai_core::control::{HostReport, IncidentCounts, IncidentDetails, ShownStep};
use ansai_core::notify::Routing;
use ansai_core::{Millis, Timestamp};
use ansai_notify::channel::Receipt;
use ansai_notify::outbox::Capacity;
use ansai_notify::route::Router;
use ansai_notify::tell::{Facts, Teller};

use super::*;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const WEEK: u64 = 7 * DAY;
const MONDAYS: &str = "0 7 * * MON";

fn time(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap())
}

fn shown(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).unwrap()).unwrap();
    at.to_string().get(..16).unwrap().to_owned()
}

/// Makes a report, ends the process while it does, or cannot.
enum Makes {
    Report(Arc<std::sync::Mutex<Timestamp>>),
    End,
    Nothing,
}

impl Facts for Makes {
    fn incident(&self, _: &str) -> Option<IncidentDetails> {
        None
    }
    fn steps(&self, _: &str) -> Option<Vec<ShownStep>> {
        None
    }
    fn can_undo(&self, _: &str) -> bool {
        false
    }
    fn is_silenced(&self, _: &str, _: &str) -> bool {
        false
    }
    fn audit_head(&self) -> Option<String> {
        None
    }
    fn report(&self, since: Timestamp) -> Result<Box<HostReport>, String> {
        let now = match self {
            Makes::Report(now) => *now.lock().unwrap(),
            Makes::Nothing => return Err("the audit log is damaged".to_owned()),
            Makes::End => {
                let own = rustix::process::getpid();
                rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
                loop {
                    std::thread::park();
                }
            }
        };
        Ok(Box::new(HostReport {
            ansai: "0".to_owned(),
            at: now,
            is_running: true,
            since,
            known_since: None,
            instance: None,
            incidents: IncidentCounts::default(),
            detect: None,
            heal: None,
            freed_bytes: 0,
            interrupted: Millis::ZERO,
            unknown_interruptions: 0,
            undone: 0,
            false_alarms: 0,
            noisy: Vec::new(),
            actions: Vec::new(),
        }))
    }
}

fn outbox(file: &std::path::Path) -> Arc<Outbox> {
    Arc::new(Outbox::open(file, Capacity::default(), || false).unwrap())
}

fn teller(outbox: &Arc<Outbox>, at: &str, facts: Makes, now: Timestamp) -> Teller {
    let at = Cron::new(at, Some("Europe/Berlin")).unwrap();
    let report = ScheduledReport { at, since: Millis::new(WEEK), channels: vec!["mail".to_owned()] };
    let reports = open(Some(&report), outbox, now).unwrap();
    let router = Router::new(Routing::default(), BTreeMap::new(), Arc::new(|_, _| None));
    Teller::new(outbox.clone(), router, vec!["mail".to_owned()], "web1", Arc::new(facts)).with_reports(reports)
}

/// A host whose ansai starts, ends and looks at its clock.
struct Host {
    directory: tempfile::TempDir,
    now: Timestamp,
    clock: Arc<std::sync::Mutex<Timestamp>>,
    running: Option<(Arc<Outbox>, Teller)>,
    sent: Vec<String>,
}

impl Host {
    fn at(start: &str) -> Host {
        let (directory, now) = (tempfile::tempdir().unwrap(), time(start));
        let mut host = Host { directory, now, clock: Arc::default(), running: None, sent: Vec::new() };
        host.starts(MONDAYS);
        host
    }

    fn starts(&mut self, at: &str) -> &mut Host {
        let outbox = outbox(&self.file());
        let facts = Makes::Report(self.clock.clone());
        let teller = teller(&outbox, at, facts, self.now);
        self.running = Some((outbox, teller));
        self
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("notify.db")
    }

    /// It ends without a word.
    fn ends(&mut self) -> &mut Host {
        self.running = None;
        self
    }

    /// Time passes, and ansai looks ten times an hour if it runs.
    fn for_days(&mut self, days: u64) -> &mut Host {
        for _ in 0..days * 240 {
            self.now = self.now + Millis::new(6 * MINUTE);
            self.look();
        }
        self
    }

    fn clock(&mut self, text: &str) -> &mut Host {
        self.now = time(text);
        self.look();
        self
    }

    fn look(&mut self) {
        *self.clock.lock().unwrap() = self.now;
        let Some((outbox, teller)) = &self.running else { return };
        teller.flush(self.now, false).unwrap();
        while let Some(picked) = outbox.begin("mail", self.now).unwrap() {
            let report = picked.message.report.as_ref().unwrap();
            assert_eq!(report.at - report.since, Millis::new(WEEK), "it covers a week");
            teller.conclude(&picked.message.id, &Ok(Receipt { answer: "ok".to_owned() }), self.now).unwrap();
            self.sent.push(shown(self.now));
        }
    }
}

/// Would break: a week without a report, or with two, also where clocks change on the Sunday before.
#[test]
fn each_week_has_one_report() {
    let mut host = Host::at("2026-03-17T12:00:00Z");
    host.for_days(7 * 4);
    assert_eq!(host.sent, ["2026-03-23T06:00", "2026-03-30T05:00", "2026-04-06T05:00", "2026-04-13T05:00"]);
    let (_, teller) = host.running.as_ref().unwrap();
    assert_eq!(teller.report_status(host.now).unwrap().next.map(shown).as_deref(), Some("2026-04-20T05:00"));
}

/// Would break: a restart that sends a report again, or none for the time in which ansai did not run.
#[test]
fn a_restart_neither_repeats_nor_loses_a_report() {
    let mut host = Host::at("2026-11-01T12:00:00Z");
    for _ in 0..3 {
        host.for_days(1).ends().starts(MONDAYS);
        host.look();
    }
    assert_eq!(host.sent, ["2026-11-02T06:00"]);
    // Three Mondays pass while it does not run: one report.
    host.ends().for_days(21).starts(MONDAYS).for_days(1);
    assert_eq!(host.sent[1..], ["2026-11-25T12:06"]);
    // Before the first report, too.
    let mut fresh = Host::at("2026-11-01T12:00:00Z");
    fresh.look();
    fresh.ends().for_days(2).starts(MONDAYS).for_days(1);
    assert_eq!(fresh.sent, ["2026-11-03T12:06"]);
}

#[test]
fn another_schedule_and_a_new_one_have_missed_nothing() {
    let mut host = Host::at("2026-11-01T12:00:00Z");
    host.ends().for_days(3).starts("0 8 * * MON").for_days(1);
    assert!(host.sent.is_empty(), "{:?}", host.sent);
    host.for_days(7);
    assert_eq!(host.sent, ["2026-11-09T07:00"]);
    // Nothing is configured for a while.
    host.ends();
    open(None, &outbox(&host.file()), host.now).unwrap();
    host.for_days(14).starts("0 8 * * MON").for_days(1);
    assert_eq!(host.sent.len(), 1, "{:?}", host.sent);
}

/// Would break: a clock that jumps and makes a report for each week, or none for years.
#[test]
fn clocks_that_jump_cause_one_report_at_most() {
    let mut host = Host::at("2026-11-01T12:00:00Z");
    host.for_days(1).clock("2036-11-01T12:00:00Z").for_days(1);
    assert_eq!(host.sent, ["2026-11-02T06:00", "2036-11-01T12:00"]);
    // Back to the right time, on a Monday after seven: that Monday had its report.
    host.clock("2026-11-02T12:00:00Z").for_days(8);
    assert_eq!(host.sent[2..], ["2026-11-09T06:00"]);
    host.clock("2026-11-10T10:00:00Z").ends().starts(MONDAYS).for_days(7);
    assert_eq!(host.sent[3..], ["2026-11-16T06:00"]);
}

const CHILD: &str = "ANSAI_TEST_REPORT_CHILD";

/// Would break: a program that is killed after the report is due and before it is stored, and then never tells it or tells
/// it twice.
#[test]
fn a_kill_before_it_is_stored_leaves_it_due() {
    let due = time("2026-11-02T06:00:00Z");
    if let Some(file) = std::env::var_os(CHILD) {
        teller(&outbox(file.as_ref()), MONDAYS, Makes::End, due).flush(due, false).unwrap();
        return;
    }
    let mut host = Host::at("2026-11-02T05:50:00Z");
    host.look();
    host.ends();
    for _ in 0..2 {
        let name = "notify::report::tests::a_kill_before_it_is_stored_leaves_it_due";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, host.file())
            .output()
            .unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&child.status);
        assert_eq!(signal, Some(9), "{}", String::from_utf8_lossy(&child.stdout));
    }
    host.starts(MONDAYS).clock("2026-11-02T06:30:00Z");
    assert_eq!(host.sent, ["2026-11-02T06:30"]);
    host.ends().starts(MONDAYS).for_days(1);
    assert_eq!(host.sent.len(), 1);
}

/// Would break: somebody who waits for a report learns nothing, because the audit log cannot be read.
#[test]
fn a_report_that_cannot_be_made_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = outbox(&directory.path().join("notify.db"));
    let begin = time("2026-11-02T05:50:00Z");
    let teller = teller(&outbox, MONDAYS, Makes::Nothing, begin);
    teller.flush(begin + Millis::new(DAY), false).unwrap();
    let picked = outbox.begin("mail", begin + Millis::new(DAY)).unwrap().unwrap();
    assert_eq!(picked.message.notices[0].summary, "the report cannot be made: the audit log is damaged");
}
