//! `cron`, `time_zone`, `splay` and `catch_up` of `[policy.NAME]`: when an instance runs by the clock on the wall, and how
//! its runs are spread.

use ansai_core::text::inert;
use ansai_core::{Millis, Timestamp, codes};

use crate::cron::{Cron, CronError};
use crate::fields::{Fields, quantity_ms};
use crate::problem::{Problem, Problems};

/// Longer patterns are refused.
const MOST_CRON: usize = 200;
/// Longer names of time zones are none.
const MOST_ZONE: usize = 64;
/// A splay may last a day.
const SPLAY: (u64, u64) = (1_000, 86_400_000);
/// So many times are compared to find the shortest time between two.
const COMPARED: usize = 64;
const CATCH_UP: &[(&str, CatchUp)] = &[("once", CatchUp::Once), ("never", CatchUp::Never)];
const ZONES: &str = "`timedatectl list-timezones` lists the known ones; if it is missing, install tzdata";
const EXAMPLE: &str = "such as \"30 2 * * *\": minute, hour, day of the month, month, day of the week";

/// When an instance runs, besides its interval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timing {
    /// Times of the wall clock in place of the interval.
    pub cron: Option<Cron>,
    /// Each run is later by up to this time: always the same for one instance of one host.
    pub splay: Millis,
    /// What becomes of a run of `cron` that was missed.
    pub catch_up: CatchUp,
}

/// What becomes of runs whose time passed while ansai or the host did not run, or while clocks were set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// One run for all of them.
    #[default]
    Once,
    /// The next run comes at its time.
    Never,
}

impl Timing {
    /// The shortest time between two runs, as far as `cron` says; `None` without it.
    pub fn shortest_gap(&self, now: Timestamp) -> Option<Millis> {
        let cron = self.cron.as_ref()?;
        let mut last = cron.next_after(now)?;
        let mut shortest = Millis::MAX;
        for _ in 0..COMPARED {
            let Some(next) = cron.next_after(last) else { break };
            shortest = shortest.min(next - last);
            last = next;
        }
        Some(shortest)
    }

    /// The problem of a splay that does not fit into this interval.
    pub fn splay_problem(&self, interval: Millis) -> Option<String> {
        (self.splay > interval).then(|| {
            let (splay, interval) = (quantity_ms(self.splay.get()), quantity_ms(interval.get()));
            format!("`splay` is {splay}, longer than the {interval} between two runs")
        })
    }
}

/// Reads them all. `every` is that of the same table.
pub(crate) fn read(fields: &Fields<'_>, every: Option<Millis>, problems: &mut Problems) -> Timing {
    let cron = cron(fields, "cron", problems);
    let splay = fields.duration("splay", SPLAY, problems).unwrap_or(Millis::ZERO);
    let catch_up = fields.word("catch_up", CATCH_UP, problems).unwrap_or_default();
    let timing = Timing { cron, splay, catch_up };
    conflicts(fields, problems);
    // The interval of the manifest is compared when the instance is loaded.
    let interval = timing.shortest_gap(now()).or(every);
    if let (Some(problem), Some(node)) = (interval.and_then(|one| timing.splay_problem(one)), fields.get("splay")) {
        problems.add(Problem::error(codes::SPLAY_TOO_LONG, node.span.clone(), problem).hint("write a shorter time"));
    }
    timing
}

/// The pattern of a key, in the zone of `time_zone`.
pub(crate) fn cron(fields: &Fields<'_>, key: &str, problems: &mut Problems) -> Option<Cron> {
    let zone = fields.text("time_zone", MOST_ZONE, problems);
    let (text, node) = (fields.text(key, MOST_CRON, problems)?, fields.get(key)?);
    let error = match Cron::new(text, zone) {
        Ok(cron) => return Some(cron),
        Err(error) => error,
    };
    let wrong = || format!("`{key}` is \"{}\": {error}", inert(text, 60));
    let (code, node, message, hint) = match &error {
        CronError::Zone(_) => {
            let node = fields.get("time_zone").unwrap_or(node);
            (codes::UNKNOWN_TIME_ZONE, node, error.to_string(), ZONES)
        }
        CronError::Never => (codes::CRON_NEVER_FIRES, node, wrong(), "correct the day or the month"),
        CronError::Form(_) => (codes::BAD_CRON, node, wrong(), EXAMPLE),
    };
    problems.add(Problem::error(code, node.span.clone(), message).hint(hint));
    None
}

/// Keys that contradict each other, or that have no effect.
fn conflicts(fields: &Fields<'_>, problems: &mut Problems) {
    let has_cron = fields.get("cron").is_some();
    let mut conflict = |key: &str, message: String, hint: &str| {
        let span = fields.get(key).map_or(0..0, |node| node.span.clone());
        problems.add(Problem::error(codes::SCHEDULE_CONFLICT, span, message).hint(hint));
    };
    if has_cron && fields.get("every").is_some() {
        conflict("every", "`every` and `cron` are two schedules of one policy".to_owned(), "delete one of them");
    }
    for key in ["time_zone", "catch_up"] {
        if !has_cron && fields.get(key).is_some() {
            conflict(key, format!("`{key}` has no effect without `cron`"), "add `cron`, or delete the line");
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0))
}
