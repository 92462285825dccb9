//! Whether a service failed, and what for; and what looks like a failure and is none.

use ansai_sdk::{Span, text};

use crate::imports::ansai::service::service_probe::{ActiveState, Ended, LoadState, ServiceUnit};

/// The condition of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It runs, or it is not meant to run.
    Fine,
    /// It is being started or stopped, by a person or by systemd.
    Changing,
    /// systemd restarts it after this time.
    Restarting(Span),
    /// systemd should have restarted it, and has not.
    Overdue,
    Failed,
    /// It was not started, because a unit that it requires failed.
    Dependency,
    /// Its unit file is invalid.
    Broken,
    /// Its unit file no longer exists.
    Gone,
    Unclear,
}

impl Condition {
    /// `grace` is how much later than announced systemd may restart it.
    pub(crate) fn of(unit: &ServiceUnit, now: u64, grace: Span) -> Condition {
        match unit.active {
            ActiveState::Active | ActiveState::Reloading => Condition::Fine,
            ActiveState::Activating if is_in_restart_delay(unit) => restarting(unit, now, grace),
            ActiveState::Activating | ActiveState::Deactivating => Condition::Changing,
            ActiveState::Other => Condition::Unclear,
            ActiveState::Inactive | ActiveState::Failed => not_running(unit),
        }
    }

    /// Whether a person or the policy has to do something about it.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Condition::Overdue | Condition::Failed | Condition::Dependency | Condition::Broken)
    }
}

fn not_running(unit: &ServiceUnit) -> Condition {
    let has_failed = unit.active == ActiveState::Failed;
    match unit.load {
        LoadState::Missing => Condition::Gone,
        // Masked by a person: it must not run.
        LoadState::Masked => Condition::Fine,
        LoadState::Broken if has_failed || unit.enabled => Condition::Broken,
        _ if unit.ended == Ended::Dependency => Condition::Dependency,
        _ if has_failed && was_stopped(unit) => Condition::Fine,
        _ if has_failed => Condition::Failed,
        // It was stopped, it has ended with success, its condition was not met, or nothing has started it.
        _ => Condition::Fine,
    }
}

/// Whether somebody stopped it, although systemd counts its end as a failure: it exited as a program of Java or a shell
/// does when it is told to end (128 and the number of SIGTERM), or did not end in time.
fn was_stopped(unit: &ServiceUnit) -> bool {
    match unit.ended {
        Ended::ExitCode => unit.exit_code == Some(143),
        Ended::TimedOut => unit.last_job.as_deref() == Some("done"),
        _ => false,
    }
}

fn is_in_restart_delay(unit: &ServiceUnit) -> bool {
    unit.sub_state.starts_with("auto-restart")
}

fn restarting(unit: &ServiceUnit, now: u64, grace: Span) -> Condition {
    let end = unit.since.unwrap_or(now).saturating_add(unit.restart_delay);
    if now > end.saturating_add(grace.0) {
        Condition::Overdue
    } else {
        Condition::Restarting(Span(end.saturating_sub(now)))
    }
}

/// Whether systemd no longer restarts it, because it has started it as often as its start limit permits. systemd keeps
/// the reason of the last failure as the result then, so the number of restarts tells it.
pub(crate) fn has_hit_start_limit(unit: &ServiceUnit) -> bool {
    let is_used_up = unit.start_burst > 0 && unit.restarts.saturating_add(1) >= unit.start_burst;
    let has_given_up = unit.active == ActiveState::Failed && unit.restarts_itself && is_used_up;
    unit.ended == Ended::StartLimit || has_given_up
}

/// How it failed, after its name: `exited with status 1`.
pub(crate) fn how(unit: &ServiceUnit) -> String {
    let limit = || format!("reached its start limit of {} starts in {}", unit.start_burst, Span(unit.start_interval));
    match (has_hit_start_limit(unit), unit.ended) {
        (true, Ended::StartLimit) => limit(),
        (true, _) => format!("{}, and {}", last(unit), limit()),
        (false, _) => last(unit),
    }
}

fn last(unit: &ServiceUnit) -> String {
    let status = || unit.exit_code.map_or_else(|| "an error".to_owned(), |code| format!("status {code}"));
    let signal = || unit.exit_signal.map_or_else(|| "a signal".to_owned(), text::signal);
    match unit.ended {
        Ended::ExitCode => format!("exited with {}", status()),
        Ended::Killed => format!("was killed by {}", signal()),
        Ended::CoreDump => format!("crashed with {} and dumped core", signal()),
        Ended::Watchdog => "missed its watchdog".into(),
        Ended::Oom => "was killed because memory ran out".into(),
        Ended::TimedOut => "did not start, reload or stop in time".into(),
        Ended::Resources => "could not be started: a program, user, directory or other resource is missing".into(),
        Ended::Dependency => "was not started, because a unit that it requires failed".into(),
        Ended::Success | Ended::StartLimit | Ended::Other => "failed".into(),
    }
}

/// The state in one word, for the evidence.
pub(crate) fn word(unit: &ServiceUnit) -> &'static str {
    match unit.active {
        ActiveState::Active => "active",
        ActiveState::Activating => "activating",
        ActiveState::Reloading => "reloading",
        ActiveState::Deactivating => "deactivating",
        ActiveState::Inactive => "inactive",
        ActiveState::Failed => "failed",
        ActiveState::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{failed, unit};
    use ansai_sdk::testing::StandIn;

    const GRACE: Span = Span(30_000);

    fn of(change: impl FnOnce(&mut ServiceUnit)) -> Condition {
        let mut one = unit("a.service");
        change(&mut one);
        Condition::of(&one, StandIn::NOW, GRACE)
    }

    #[test]
    fn every_state_of_every_file() {
        use ActiveState::*;
        for (load, active, ended, enabled, expected) in [
            (LoadState::Loaded, Active, Ended::Success, true, Condition::Fine),
            (LoadState::Missing, Active, Ended::Success, false, Condition::Fine),
            (LoadState::Loaded, Reloading, Ended::Success, true, Condition::Fine),
            (LoadState::Loaded, Activating, Ended::Success, true, Condition::Changing),
            (LoadState::Loaded, Deactivating, Ended::ExitCode, true, Condition::Changing),
            (LoadState::Loaded, Inactive, Ended::Success, true, Condition::Fine),
            // Stopped by a person while systemd waited for its restart.
            (LoadState::Loaded, Inactive, Ended::ExitCode, true, Condition::Fine),
            (LoadState::Loaded, Inactive, Ended::Dependency, true, Condition::Dependency),
            (LoadState::Loaded, Failed, Ended::ExitCode, false, Condition::Failed),
            (LoadState::Loaded, Failed, Ended::Other, false, Condition::Failed),
            (LoadState::Masked, Failed, Ended::ExitCode, false, Condition::Fine),
            (LoadState::Masked, Inactive, Ended::Dependency, false, Condition::Fine),
            (LoadState::Missing, Failed, Ended::ExitCode, false, Condition::Gone),
            (LoadState::Missing, Inactive, Ended::Success, false, Condition::Gone),
            (LoadState::Broken, Failed, Ended::Resources, false, Condition::Broken),
            (LoadState::Broken, Inactive, Ended::Success, true, Condition::Broken),
            (LoadState::Broken, Inactive, Ended::Success, false, Condition::Fine),
            (LoadState::Loaded, Other, Ended::Success, true, Condition::Unclear),
        ] {
            let found = of(|unit| (unit.load, unit.active, unit.ended, unit.enabled) = (load, active, ended, enabled));
            assert_eq!(found, expected, "{load:?} {active:?} {ended:?} {enabled}");
        }
    }

    #[test]
    fn a_stop_that_looks_like_a_failure_is_none() {
        for (ended, code, last_job, expected) in [
            (Ended::ExitCode, Some(143), Some("done"), Condition::Fine),
            (Ended::ExitCode, Some(143), None, Condition::Fine),
            (Ended::ExitCode, Some(1), Some("done"), Condition::Failed),
            (Ended::TimedOut, None, Some("done"), Condition::Fine),
            (Ended::TimedOut, None, Some("failed"), Condition::Failed),
            (Ended::TimedOut, None, None, Condition::Failed),
            (Ended::Killed, None, Some("done"), Condition::Failed),
        ] {
            let found = of(|unit| {
                (unit.active, unit.ended, unit.exit_code) = (ActiveState::Failed, ended, code);
                unit.last_job = last_job.map(str::to_owned);
            });
            assert_eq!(found, expected, "{ended:?} {code:?} {last_job:?}");
        }
    }

    #[test]
    fn a_restart_by_systemd_has_its_time() {
        let waiting = |ago: u64, delay: u64| {
            of(|unit| {
                (unit.active, unit.sub_state) = (ActiveState::Activating, "auto-restart".into());
                (unit.since, unit.restart_delay) = (Some(StandIn::NOW - ago), delay);
            })
        };
        assert_eq!(waiting(1_000, 5_000), Condition::Restarting(Span(4_000)));
        assert_eq!(waiting(35_000, 5_000), Condition::Restarting(Span(0)));
        assert_eq!(waiting(35_001, 5_000), Condition::Overdue);
        assert_eq!(waiting(1_000, u64::MAX), Condition::Restarting(Span(u64::MAX - StandIn::NOW)));
        let never = of(|unit| {
            (unit.active, unit.sub_state, unit.since) = (ActiveState::Activating, "auto-restart".into(), None)
        });
        assert_eq!(never, Condition::Restarting(Span(unit("a.service").restart_delay)));
    }

    #[test]
    fn the_start_limit_is_seen_by_the_restarts() {
        let hit = |restarts_itself, restarts, start_burst| {
            let one = failed("a.service", Ended::ExitCode);
            let one = ServiceUnit { restarts_itself, restarts, start_burst, ..one };
            (has_hit_start_limit(&one), how(&one))
        };
        let words = "exited with status 1, and reached its start limit of 5 starts in 10 s";
        assert_eq!(hit(true, 4, 5), (true, words.into()));
        for (restarts_itself, restarts, burst) in [(true, 3, 5), (false, 4, 5), (true, 4, 0)] {
            assert_eq!(hit(restarts_itself, restarts, burst), (false, "exited with status 1".into()));
        }
    }

    #[test]
    fn each_way_to_fail_has_its_words() {
        let words = |ended, code, number| {
            how(&ServiceUnit { exit_code: code, exit_signal: number, ..failed("a.service", ended) })
        };
        assert_eq!(words(Ended::ExitCode, Some(203), None), "exited with status 203");
        assert_eq!(words(Ended::ExitCode, None, None), "exited with an error");
        assert_eq!(words(Ended::Killed, None, Some(9)), "was killed by SIGKILL (signal 9)");
        assert_eq!(words(Ended::Killed, None, Some(64)), "was killed by signal 64");
        assert_eq!(words(Ended::Killed, None, None), "was killed by a signal");
        assert_eq!(words(Ended::CoreDump, None, Some(11)), "crashed with SIGSEGV (signal 11) and dumped core");
        assert_eq!(words(Ended::StartLimit, None, None), "reached its start limit of 5 starts in 10 s");
        let all = [Ended::Watchdog, Ended::Oom, Ended::TimedOut, Ended::Resources, Ended::Dependency, Ended::Other];
        let all: std::collections::BTreeSet<String> = all.into_iter().map(|ended| words(ended, None, None)).collect();
        assert_eq!(all.len(), 6);
    }
}
