//! The steps of a restart, and of what was not started because of the failure.

use ansai_sdk::{Decision, Refusal, Sequence, Span};

use super::Situation;
use crate::answers::name_of;
use crate::calls::{self, CAPTURE, CHECK_ACTIVE, HTTP_ACTIONS, RESTART, START};
use crate::condition::Condition;
use crate::imports::ansai::service::service_probe::{ActiveState, ServiceUnit};

/// Maximum number of dependants that are started in one plan. The others are findings of their own.
const MOST_DEPENDANTS: usize = 8;
/// How long a restarted service must go on to answer.
const HOLDS: Span = Span(5_000);
/// When to look again if the host cannot say when a restart is possible.
const SOON: Span = Span(60_000);

/// The failure is not reset before: if the restart then did not begin, the service would look as if a person had stopped
/// it. systemd needs no reset, because its start limit is over.
pub(super) fn repair(situation: &Situation<'_>) -> Decision {
    let (host, unit, settings, reason) = (situation.host, &situation.unit, situation.settings, situation.reason());
    let id = unit.id.as_str();
    let mut steps = Sequence::new(host);
    steps.may_fail(CAPTURE, id, || calls::capture(host, id, settings.capture_lines, &reason));
    // Without an invocation, or before its first start, there is no run to replace.
    if unit.one_shot || unit.active == ActiveState::Inactive || unit.invocation.is_empty() {
        steps.step(START, id, || calls::start(host, id, &reason));
    } else {
        steps.step(RESTART, id, || calls::restart(host, id, &unit.invocation, &reason));
    }
    // A one-shot may run long, so the next evaluation checks it.
    if !unit.one_shot {
        steps.step(CHECK_ACTIVE, id, || calls::check_active(host, id, settings.settle.0, &reason));
    }
    if steps.refusal().is_none() {
        check_answers(situation, &reason);
        start_dependants(situation, &mut steps);
    }
    if steps.refusal().is_some_and(Refusal::may_go_away) {
        host.look_again(SOON.max(Span(unit.start_interval)));
    }
    steps.decide()
}

/// What a service serves is the proof that it works. A check that is refused does not prevent the restart, because the
/// policy looks again afterwards.
fn check_answers(situation: &Situation<'_>, reason: &str) {
    let (host, settings, unit) = (situation.host, situation.settings, &situation.unit);
    if unit.one_shot || !host.grants().has(HTTP_ACTIONS) {
        return;
    }
    let id = unit.id.as_str();
    let name = if situation.answer.is_some() { name_of(situation.finding) } else { id };
    for serve in settings.serves_of(name) {
        let (least, most, within) = (serve.least_status, serve.most_status, settings.starts_within.0);
        if let Err(refusal) = calls::check(host, &serve.request(), least, most, within, HOLDS.0, reason) {
            host.log(&format!("the answers of {id} are not checked: {}", refusal.words()));
        }
    }
}

/// Services that were not started because of this one, nearest first. One that is refused does not stop the others.
fn start_dependants(situation: &Situation<'_>, steps: &mut Sequence<'_>) {
    let (host, id, settle) = (situation.host, &situation.unit.id, situation.settings.settle.0);
    let dependants = calls::dependants(host, id).map(|listed| listed.entries).unwrap_or_default();
    let waiting = dependants.into_iter().filter(|one| one.active == ActiveState::Inactive);
    let watched = waiting.filter(|one| one.id != *id && situation.settings.watches(&one.id));
    let looked = watched.filter_map(|one| calls::look(host, &one.id).ok());
    for unit in looked.filter(|unit| is_startable(situation, unit)).take(MOST_DEPENDANTS) {
        let reason = format!("{} was not started, because {id} failed", unit.id);
        match calls::start(host, &unit.id, &reason) {
            Err(refusal) => host.log(&format!("{} is not started: {}", unit.id, refusal.words())),
            Ok(_) if unit.one_shot => {}
            Ok(_) => {
                steps.step(CHECK_ACTIVE, &unit.id, || calls::check_active(host, &unit.id, settle, &reason));
            }
        }
    }
}

fn is_startable(situation: &Situation<'_>, unit: &ServiceUnit) -> bool {
    let condition = Condition::of(unit, situation.host.now(), situation.settings.settle);
    let may_run = !unit.one_shot || situation.settings.retry_oneshots;
    condition == Condition::Dependency && may_run && !unit.never_touch
}
