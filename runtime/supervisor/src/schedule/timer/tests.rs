#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
use super::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn time(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap())
}

/// A host with a schedule: its clocks move, and it looks once a minute while it runs.
struct Host {
    now: Now,
    timer: Timer,
    runs: Vec<String>,
    skipped: u64,
}

impl Host {
    fn at(start: &str, cron: &str, catch_up: CatchUp) -> Host {
        Host::splayed(start, cron, catch_up, Millis::ZERO)
    }

    fn splayed(start: &str, cron: &str, catch_up: CatchUp, splay: Millis) -> Host {
        let cron = Some(Cron::new(cron, Some("Europe/Berlin")).unwrap());
        let now = Now { up: Millis::from_hours(1), wall: time(start) };
        let timing = Timing { cron, splay: Millis::ZERO, catch_up };
        let timer = Timer::new(&timing, Millis::new(1), splay, None, (now.up, now));
        Host { now, timer, runs: Vec::new(), skipped: 0 }
    }

    fn every(every: u64) -> Host {
        let now = Now { up: Millis::from_hours(1), wall: time("2026-11-29T00:00:00Z") };
        let timer = Timer::new(&Timing::default(), Millis::new(every), Millis::ZERO, None, (now.up, now));
        Host { now, timer, runs: Vec::new(), skipped: 0 }
    }

    fn look(&mut self) {
        let skipped = match self.timer.look(self.now) {
            Look::Wait { skipped, .. } => skipped,
            Look::Due { skipped, .. } => {
                let shown = i64::try_from(self.now.wall.as_millis()).unwrap();
                let shown = jiff::Timestamp::from_millisecond(shown).unwrap().to_string();
                self.runs.push(shown.get(..16).unwrap().to_owned());
                skipped
            }
        };
        self.skipped += skipped;
    }

    /// The host runs, and ansai looks each minute.
    fn runs_for(&mut self, milliseconds: u64) -> &mut Host {
        for _ in 0..milliseconds / MINUTE {
            self.sleeps_for(MINUTE).look();
        }
        self
    }

    /// The host is suspended, or ansai is busy.
    fn sleeps_for(&mut self, milliseconds: u64) -> &mut Host {
        self.now.up = Millis::new(self.now.up.get() + milliseconds);
        self.now.wall = self.now.wall + Millis::new(milliseconds);
        self
    }

    /// Somebody sets the clock.
    fn clock(&mut self, wall: &str) -> &mut Host {
        self.now.wall = time(wall);
        self
    }
}

const NIGHTLY: &str = "30 2 * * *";

#[test]
fn a_night_on_which_clocks_change_has_one_run() {
    let mut spring = Host::at("2026-03-28T00:00:00Z", NIGHTLY, CatchUp::Once);
    spring.runs_for(3 * DAY);
    assert_eq!(spring.runs, ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]);
    let mut autumn = Host::at("2026-10-24T00:00:00Z", NIGHTLY, CatchUp::Once);
    autumn.runs_for(3 * DAY);
    assert_eq!(autumn.runs, ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]);
    assert_eq!((spring.skipped, autumn.skipped), (0, 0));
}

/// Would break: a run for each night that was missed, or none.
#[test]
fn after_a_suspension_of_days_there_is_one_run() {
    let mut host = Host::at("2026-11-01T12:00:00Z", NIGHTLY, CatchUp::Once);
    host.sleeps_for(10 * DAY).runs_for(DAY);
    assert_eq!(host.runs, ["2026-11-11T12:01", "2026-11-12T01:30"]);
    assert_eq!(host.skipped, 9);
    let mut never = Host::at("2026-11-01T12:00:00Z", NIGHTLY, CatchUp::Never);
    never.sleeps_for(10 * DAY).runs_for(DAY);
    assert_eq!((never.runs, never.skipped), (vec!["2026-11-12T01:30".to_owned()], 10));
}

/// A run that is late by a minute was not missed: ansai looks once a minute.
#[test]
fn never_still_runs_what_is_only_late() {
    let mut host = Host::at("2026-11-01T01:29:00Z", NIGHTLY, CatchUp::Never);
    host.sleeps_for(2 * MINUTE).look();
    assert_eq!(host.runs, ["2026-11-01T01:31"]);
}

/// Would break: a clock that is set back makes a nightly run come twice, or one that is set forward makes a storm.
#[test]
fn a_clock_that_is_set_causes_neither_a_storm_nor_a_miss() {
    let mut back = Host::at("2026-11-01T01:00:00Z", NIGHTLY, CatchUp::Once);
    back.runs_for(HOUR).clock("2026-11-01T01:10:00Z").runs_for(DAY);
    assert_eq!(back.runs, ["2026-11-01T01:30"], "at 01:30 of the clock that was set back, it had run");
    back.runs_for(HOUR);
    assert_eq!(back.runs[1..], ["2026-11-02T01:30"]);
    let mut forward = Host::at("2026-11-01T01:00:00Z", NIGHTLY, CatchUp::Once);
    forward.clock("2026-11-01T03:00:00Z").runs_for(DAY);
    assert_eq!(forward.runs, ["2026-11-01T03:01", "2026-11-02T01:30"]);
}

#[test]
fn ten_years_forward_and_back_are_one_run_more() {
    let mut host = Host::at("2026-11-01T00:00:00Z", NIGHTLY, CatchUp::Once);
    host.runs_for(HOUR).clock("2036-11-01T00:00:00Z").runs_for(HOUR);
    assert_eq!(host.runs, ["2036-11-01T00:01"]);
    // Back at the right time, just after the nightly run: it had none at its time.
    host.clock("2026-11-01T02:00:00Z").runs_for(2 * DAY);
    assert_eq!(host.runs[1..], ["2026-11-01T02:01", "2026-11-02T01:30", "2026-11-03T01:30"]);
    assert!(host.skipped <= MOST_COUNTED + 1, "{}", host.skipped);
    let mut past = Host::at("2026-11-01T00:00:00Z", NIGHTLY, CatchUp::Once);
    past.clock("2016-11-01T00:00:00Z").runs_for(DAY);
    assert_eq!(past.runs, ["2016-11-01T01:30"]);
}

/// Would break: a run at any time of the day, because the missed times are too many to be looked at.
#[test]
fn never_catches_up_nothing_also_after_ten_years() {
    let mut host = Host::at("2026-11-01T12:00:00Z", NIGHTLY, CatchUp::Never);
    host.clock("2036-11-01T12:00:00Z").runs_for(DAY);
    assert_eq!((host.runs, host.skipped), (vec!["2036-11-02T01:30".to_owned()], MOST_COUNTED + 1));
}

#[test]
fn what_comes_so_often_goes_on_when_the_clock_is_set_back() {
    let mut host = Host::at("2026-11-01T12:00:00Z", "*/10 * * * *", CatchUp::Once);
    host.runs_for(HOUR).clock("2026-11-01T10:05:00Z").runs_for(HOUR);
    assert_eq!(host.runs.len(), 12, "{:?}", host.runs);
}

#[test]
fn a_later_run_of_ansai_catches_up_once_what_was_due_while_it_was_down() {
    let timing = Timing { cron: Some(Cron::new(NIGHTLY, Some("UTC")).unwrap()), ..Timing::default() };
    let now = Now { up: Millis::ZERO, wall: time("2026-11-05T12:00:00Z") };
    let of = |seen: Option<&str>| Timer::new(&timing, Millis::new(1), Millis::ZERO, seen.map(time), (now.up, now));
    assert!(matches!(of(None).look(now), Look::Wait { .. }), "a first start is no missed run");
    assert!(matches!(of(Some("2026-11-05T02:30:00Z")).look(now), Look::Wait { .. }));
    let mut missed = of(Some("2026-11-02T02:30:00Z"));
    assert!(matches!(missed.look(now), Look::Due { skipped: 2, .. }));
    assert!(matches!(missed.look(now), Look::Wait { .. }));
    assert_eq!(missed.seen(), Some(now.wall));
    // The clock was wrong then.
    let mut future = of(Some("2036-11-02T02:30:00Z"));
    let Look::Wait { wait, .. } = future.look(now) else { panic!("{future:?}") };
    assert_eq!(now.wall + wait, time("2026-11-06T02:30:00Z"));
}

#[test]
fn a_splay_moves_each_run_and_loses_none() {
    let mut host = Host::splayed("2026-03-28T01:32:00Z", NIGHTLY, CatchUp::Once, Millis::new(7 * MINUTE));
    host.runs_for(3 * DAY);
    let expected = ["2026-03-28T01:37", "2026-03-29T01:07", "2026-03-30T00:37", "2026-03-31T00:37"];
    assert_eq!(host.runs, expected);
}

/// Would break: the wall clock for an interval.
#[test]
fn an_interval_knows_no_time_of_day() {
    let mut host = Host::every(10 * MINUTE);
    for wall in ["2036-01-01T00:00:00Z", "2016-01-01T00:00:00Z", "2026-11-29T00:00:00Z"] {
        host.clock(wall).runs_for(HOUR);
    }
    assert_eq!((host.runs.len(), host.skipped), (18, 0));
}

#[test]
fn a_suspended_host_misses_intervals_and_catches_up_once() {
    let mut host = Host::every(10 * MINUTE);
    host.look();
    host.sleeps_for(8 * HOUR).runs_for(HOUR);
    // The first, one after the suspension, and one each ten minutes.
    assert_eq!((host.runs.len(), host.skipped), (7, 47), "{:?}", host.runs);
}

#[test]
fn a_late_run_does_not_move_the_rhythm_and_a_slow_one_does() {
    let mut timer = Timer::new(&Timing::default(), Millis::new(1_000), Millis::ZERO, None, {
        let now = Now { up: Millis::ZERO, wall: Timestamp::EPOCH };
        (Millis::ZERO, now)
    });
    let mut look = |up: u64| timer.look(Now { up: Millis::new(up), wall: Timestamp::EPOCH });
    let due = |late, skipped| Look::Due { late: Millis::new(late), skipped };
    assert_eq!([look(50), look(1_020), look(2_099)], [due(50, 0), due(20, 0), due(99, 0)]);
    assert_eq!(look(2_100), Look::Wait { wait: Millis::new(900), skipped: 0 });
    assert_eq!(look(5_300), due(300, 2), "two did not take place");
    assert_eq!(look(6_200), Look::Wait { wait: Millis::new(100), skipped: 0 });
}
