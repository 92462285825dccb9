//! What a step may do to a service, whatever is granted. Asked when the step is proposed, and again before it acts.

use ansai_core::{Millis, Refusal, Timestamp};

use super::state::Unit;
use super::wire::{ActiveState, Ended, LoadState};

/// Refuses a unit that systemd cannot run, or that somebody does not want to run.
fn check_load(unit: &Unit) -> Result<(), Refusal> {
    let id = unit.id();
    match unit.shown.load {
        LoadState::Loaded => Ok(()),
        LoadState::Masked => Err(Refusal::Denied(format!("{id} is masked: somebody does not want it to run"))),
        LoadState::Missing => Err(Refusal::NotFound(format!("{id} has no unit file"))),
        LoadState::Broken | LoadState::Other => {
            Err(Refusal::Unavailable(format!("systemd cannot read the unit file of {id}")))
        }
    }
}

/// Refuses while systemd does something with it already.
fn check_idle(unit: &Unit) -> Result<(), Refusal> {
    let (id, sub) = (unit.id(), &unit.shown.sub_state);
    if unit.pending_job {
        return Err(Refusal::Busy(format!("systemd has a job for {id} already")));
    }
    match unit.shown.active {
        ActiveState::Activating | ActiveState::Deactivating | ActiveState::Reloading => {
            Err(Refusal::Busy(format!("{id} is changing its state: {sub}")))
        }
        _ => Ok(()),
    }
}

/// How long the start limit of a service permits no other start. systemd does not tell how many
/// starts it has counted, so this is careful: the last restarts are taken to be within the interval.
pub(super) fn limited_for(unit: &Unit, now: Timestamp) -> Option<Millis> {
    let shown = &unit.shown;
    if shown.start_burst == 0 || shown.start_interval == Millis::ZERO {
        return None;
    }
    let is_used_up = shown.ended == Ended::StartLimit || shown.restarts.saturating_add(1) >= shown.start_burst;
    // The clock was set back: nobody knows when it was.
    let since = shown.since.filter(|since| *since <= now)?;
    let until = since + shown.start_interval;
    until.checked_since(now).filter(|left| is_used_up && *left > Millis::ZERO)
}

/// Refuses while the start limit of systemd is used up.
pub(super) fn check_limit(unit: &Unit, now: Timestamp) -> Result<(), Refusal> {
    match limited_for(unit, now) {
        Some(left) => Err(Refusal::Busy(format!(
            "{} has used up its start limit, {} within {}: possible again in {left}",
            unit.id(),
            unit.shown.start_burst,
            unit.shown.start_interval
        ))),
        None => Ok(()),
    }
}

/// Whether somebody stopped it, although systemd counts its end as a failure: it exited as a program of Java or a shell
/// does when it is told to end (128 and the number of SIGTERM), or did not end in time.
fn was_stopped(unit: &Unit) -> bool {
    let shown = &unit.shown;
    match shown.ended {
        Ended::ExitCode => shown.exit_code == Some(143),
        Ended::TimedOut => shown.last_job.as_deref() == Some("done"),
        _ => false,
    }
}

/// Refuses to start what runs, what somebody has stopped or masked, and what systemd does not let start now.
pub(super) fn may_start(unit: &Unit, had_failed: bool, now: Timestamp) -> Result<(), Refusal> {
    match unit.shown.active {
        ActiveState::Active => Err(Refusal::Changed(format!("{} is active", unit.id()))),
        _ => may_restart(unit, had_failed, now),
    }
}

/// Refuses to restart what somebody has stopped or masked, and what systemd does not let restart now. `had_failed` says
/// that this run of the service had failed before: then its failure was reset meanwhile, perhaps by an earlier step.
pub(super) fn may_restart(unit: &Unit, had_failed: bool, now: Timestamp) -> Result<(), Refusal> {
    check_load(unit)?;
    check_idle(unit)?;
    let id = unit.id();
    if unit.refuses_start {
        return Err(Refusal::Unsupported(format!("{id} can only be started by other units (RefuseManualStart=)")));
    }
    if unit.is_transient && !unit.shown.restarts_itself {
        return Err(Refusal::Denied(format!("{id} was started for one run (systemd-run): it is not repeated")));
    }
    match unit.shown.active {
        ActiveState::Failed if was_stopped(unit) => {
            return Err(Refusal::Denied(format!("{id} was stopped, although it did not end with success")));
        }
        ActiveState::Active | ActiveState::Failed => {}
        // Any other failure of what is inactive was before somebody stopped it, perhaps in its restart delay.
        ActiveState::Inactive if had_failed || unit.shown.ended == Ended::Dependency => {}
        ActiveState::Inactive if unit.has_run => {
            return Err(Refusal::Denied(format!("{id} has not failed: somebody stopped it, or it ended with success")));
        }
        ActiveState::Inactive if unit.shown.enabled => {}
        ActiveState::Inactive => {
            return Err(Refusal::Denied(format!("{id} is not enabled, and was not started since the boot")));
        }
        _ => return Err(Refusal::Busy(format!("{id} is in an unknown state"))),
    }
    check_limit(unit, now)
}

/// Refuses to reload what does not run or cannot reload.
pub(super) fn may_reload(unit: &Unit) -> Result<(), Refusal> {
    check_load(unit)?;
    check_idle(unit)?;
    let id = unit.id();
    match unit.shown.active {
        ActiveState::Active if unit.shown.can_reload => Ok(()),
        ActiveState::Active => Err(Refusal::Unsupported(format!("{id} cannot be reloaded (no ExecReload=)"))),
        _ => Err(Refusal::Busy(format!("{id} does not run"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::sample::failed;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn refused(of: Result<(), Refusal>) -> &'static str {
        match of {
            Ok(()) => "no",
            Err(Refusal::Denied(_)) => "denied",
            Err(Refusal::Busy(_)) => "busy",
            Err(Refusal::Changed(_)) => "changed",
            Err(Refusal::NotFound(_)) => "not-found",
            Err(Refusal::Unsupported(_)) => "unsupported",
            Err(_) => "other",
        }
    }

    fn with(change: impl FnOnce(&mut Unit)) -> Unit {
        let mut unit = failed();
        change(&mut unit);
        unit
    }

    #[test]
    fn only_failures_are_restarted() {
        for (what, unit, start, restart) in [
            ("failed", failed(), "no", "no"),
            ("active", with(|unit| unit.shown.active = ActiveState::Active), "changed", "no"),
            ("masked", with(|unit| unit.shown.load = LoadState::Masked), "denied", "denied"),
            ("missing", with(|unit| unit.shown.load = LoadState::Missing), "not-found", "not-found"),
            ("broken", with(|unit| unit.shown.load = LoadState::Broken), "other", "other"),
            ("waits", with(|unit| unit.shown.active = ActiveState::Activating), "busy", "busy"),
            ("job", with(|unit| unit.pending_job = true), "busy", "busy"),
            ("refuses", with(|unit| unit.refuses_start = true), "unsupported", "unsupported"),
            ("told to end", with(|unit| unit.shown.exit_code = Some(143)), "denied", "denied"),
            ("did not stop", with(|unit| unit.shown.ended = Ended::TimedOut), "denied", "denied"),
            (
                "did not start",
                with(|unit| (unit.shown.ended, unit.shown.last_job) = (Ended::TimedOut, Some("failed".into()))),
                "no",
                "no",
            ),
            ("one run", with(|unit| unit.is_transient = true), "denied", "denied"),
            ("one that lasts", with(|unit| (unit.is_transient, unit.shown.restarts_itself) = (true, true)), "no", "no"),
        ] {
            assert_eq!(
                [refused(may_start(&unit, false, NOW)), refused(may_restart(&unit, false, NOW))],
                [start, restart],
                "{what}"
            );
        }
    }

    #[test]
    fn what_somebody_stopped_stays_stopped() {
        let stopped = |change: fn(&mut Unit)| {
            with(|unit| {
                (unit.shown.active, unit.shown.ended) = (ActiveState::Inactive, Ended::Success);
                change(unit);
            })
        };
        assert_eq!(refused(may_start(&stopped(|_| ()), false, NOW)), "denied");
        assert_eq!(refused(may_restart(&stopped(|_| ()), false, NOW)), "denied");
        assert_eq!(refused(may_restart(&stopped(|_| ()), true, NOW)), "no", "its failure was reset");
        let never_ran = stopped(|unit| (unit.has_run, unit.shown.enabled) = (false, true));
        assert_eq!(refused(may_start(&never_ran, false, NOW)), "no");
        let not_enabled = stopped(|unit| (unit.has_run, unit.shown.enabled) = (false, false));
        assert_eq!(refused(may_start(&not_enabled, false, NOW)), "denied", "systemd-poweroff.service is such a one");
        let in_its_delay = stopped(|unit| unit.shown.ended = Ended::ExitCode);
        assert_eq!(refused(may_restart(&in_its_delay, false, NOW)), "denied", "stopped in its restart delay");
        let dependency = stopped(|unit| unit.shown.ended = Ended::Dependency);
        assert_eq!(refused(may_start(&dependency, false, NOW)), "no");
    }

    #[test]
    fn the_start_limit_of_systemd_holds() {
        let limited = with(|unit| {
            unit.shown.ended = Ended::StartLimit;
            (unit.shown.start_burst, unit.shown.start_interval) = (5, Millis::new(10_000));
            unit.shown.since = Some(Timestamp::from_millis(995_000));
        });
        assert_eq!(limited_for(&limited, NOW), Some(Millis::new(5_000)));
        assert_eq!(refused(may_restart(&limited, false, NOW)), "busy");
        assert_eq!(refused(may_restart(&limited, false, Timestamp::from_millis(1_005_000))), "no");
        assert_eq!(limited_for(&limited, Timestamp::from_millis(900_000)), None, "the clock was set back");
        let flapping = Unit {
            shown: super::super::wire::ServiceUnit { ended: Ended::ExitCode, restarts: 4, ..limited.shown.clone() },
            ..limited.clone()
        };
        assert_eq!(refused(may_restart(&flapping, false, NOW)), "busy", "the fifth start is the last one");
        let without =
            Unit { shown: super::super::wire::ServiceUnit { start_burst: 0, ..limited.shown.clone() }, ..limited };
        assert_eq!(refused(may_restart(&without, false, NOW)), "no");
    }

    #[test]
    fn only_what_runs_is_reloaded() {
        assert_eq!(refused(may_reload(&failed())), "busy");
        let active =
            |can_reload| with(|unit| (unit.shown.active, unit.shown.can_reload) = (ActiveState::Active, can_reload));
        assert_eq!([refused(may_reload(&active(true))), refused(may_reload(&active(false)))], ["no", "unsupported"]);
    }
}
