//! The steps of a renewal, and of loading what was renewed.

use ansai_sdk::{Decision, OnFailure, Refusal, Sequence, Span};

use super::Situation;
use crate::calls::{self, CHECK_SERVED, CHECK_STAGED, INSTALL, RELOAD, RENEW};
use crate::imports::ansai::certificate::certificate_probe::{Certificate, Lineage};
use crate::judge::{life, replaces, severity};

/// When to look again if certbot or another process is busy.
const SOON: Span = Span(15 * 60_000);

/// Lets the server load its file, and checks that it does.
pub(super) fn load(situation: &Situation<'_>, target: &str) -> Decision {
    let host = situation.host;
    let reason = format!("the newer certificate of {} is not loaded", situation.finding.key);
    let mut steps = Sequence::new(host);
    steps.step(RELOAD, target, || calls::reload(host, target, &reason));
    check_served(situation, &mut steps, target, &reason);
    decide(situation, &steps)
}

/// Renews, checks what came, installs it, and checks what is served then. If a step fails, the host undoes those before
/// it: the previous certificate is back. `staged` is what an earlier renewal has left.
pub(super) fn install(
    situation: &Situation<'_>,
    lineage: &Lineage,
    target: &str,
    staged: Option<&Certificate>,
) -> Decision {
    let (host, name) = (situation.host, &*lineage.name);
    let reason = format!("the certificate of {} has to be replaced", situation.finding.key);
    let mut steps = Sequence::new(host).on_failure(OnFailure::UndoApplied);
    if staged.is_none() {
        steps.step(RENEW, name, || calls::renew(host, name, &reason));
    }
    steps.step(CHECK_STAGED, name, || calls::check_staged(host, name, target, &reason));
    steps.step(INSTALL, target, || calls::install(host, name, target, &reason));
    check_served(situation, &mut steps, target, &reason);
    decide(situation, &steps)
}

fn check_served(situation: &Situation<'_>, steps: &mut Sequence<'_>, target: &str, reason: &str) {
    let (host, within) = (situation.host, situation.settings.settle.0);
    let endpoint = situation.seen.server.endpoint();
    steps.step(CHECK_SERVED, &situation.finding.key, || calls::check_served(host, target, &endpoint, within, reason));
}

fn decide(situation: &Situation<'_>, steps: &Sequence<'_>) -> Decision {
    if steps.refusal().is_some_and(Refusal::may_go_away) {
        situation.host.look_again(SOON);
    }
    steps.decide()
}

/// The certificate that an earlier renewal has staged, if it is better than what is served. Authorities limit renewals, so
/// it is used, unless this incident has tried that.
pub(super) fn usable<'a>(situation: &Situation<'_>, lineage: &'a Lineage) -> Option<&'a Certificate> {
    let (staged, served) = (lineage.staged.as_ref()?, situation.seen.leaf().ok()?);
    let now = situation.host.now();
    let is_good = life(staged, now).is_now() && severity(situation.settings, staged, now).is_none();
    let tried = situation.host.attempts().into_iter().flat_map(|attempt| attempt.steps);
    let was_tried =
        tried.filter(|step| step.action == CHECK_STAGED || step.action == INSTALL).any(|step| step.has_begun());
    (is_good && replaces(staged, served, now) && !was_tried).then_some(staged)
}
