//! What to do about a leak: collect garbage, hold it below its limit, restart it, tell a person. One step at a time.

use ansai_sdk::{
    Attempt, CouldNotTell as _, Decision, Failure, Host, Ladder, Observation, Preview, Recommendation, Refusal,
    Sequence, Severity, Span,
};

use crate::calls::{
    self, CAPTURE, CHECK_ACTIVE, HOOK_ACTIONS, MEMORY_ACTIONS, MOST_PAGES, PROCESS_ACTIONS, Parameter, RESTART,
    RUN_HOOK, SEND, SERVICE_ACTIONS, SET_HIGH,
};
use crate::evidence::{self, BEFORE, LEFT, LIMIT, MEMORY, PER_HOUR};
use crate::imports::ansai::process::process_probe::Order;
use crate::imports::ansai::service::service_probe::{ActiveState, ServiceUnit};
use crate::service::FASTER;
use crate::settings::Settings;

/// Restarts of this long ago may have been for the same leak.
const REMEMBERED: Span = Span::from_days(14);

struct Situation<'a> {
    host: &'a Host,
    settings: &'a Settings,
    finding: &'a Observation,
    unit: ServiceUnit,
}

pub(crate) fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
    let id = &finding.about.name;
    let unit = match calls::unit(host, id) {
        Ok(unit) => unit,
        Err(Refusal::NotFound(_)) => return Ok(Decision::Wait(format!("{id} no longer exists"))),
        refused => refused.could_not_tell(&format!("{id} cannot be read"))?,
    };
    let situation = Situation { host, settings, finding, unit };
    Ok(situation.decide())
}

impl Situation<'_> {
    fn id(&self) -> &str {
        &self.unit.id
    }

    fn decide(&self) -> Decision {
        let id = self.id();
        if evidence::is_by_processes(self.finding) {
            return self.advise(
                "find out why it starts so many processes",
                "each process has the memory that it had before, so this is no leak: `systemctl status` lists them, and \
                 `TasksMax=` in the unit limits them",
            );
        }
        if self.unit.never_touch {
            let why = format!("`[never]` of the configuration or its defaults protect {id}: restart it yourself");
            return self.advise("restart it when it suits, because ansai must not touch it", &why);
        }
        if !matches!(self.unit.active, ActiveState::Active | ActiveState::Reloading) {
            return Decision::Wait(format!("{id} does not run now, or is being started or stopped"));
        }
        if self.host.stage() == "person" {
            return self.advise("find its leak, and restart it before it reaches its limit", "no step has helped");
        }
        let milder = self.run_hook().or_else(|| self.send_signal()).or_else(|| self.hold());
        milder.unwrap_or_else(|| self.restart())
    }

    /// Lets the service collect garbage by the operator's hook.
    fn run_hook(&self) -> Option<Decision> {
        let (host, id, hook) = (self.host, self.id(), &self.settings.collect_hook);
        let is_possible = self.settings.collects(id) && !hook.is_empty() && host.grants().has(HOOK_ACTIONS);
        if !is_possible || Ladder::one_step(host).was_tried(RUN_HOOK, hook) {
            return None;
        }
        let parameters = [Parameter { name: "unit".into(), value: id.into() }];
        self.taken(RUN_HOOK, || calls::run_hook(host, hook, &parameters, &self.reason()))
    }

    /// Lets the service collect garbage by a signal.
    fn send_signal(&self) -> Option<Decision> {
        let signal = self.settings.signal().filter(|_| self.settings.collects(self.id()))?;
        if !self.host.grants().has(PROCESS_ACTIONS) || self.has_sent() {
            return None;
        }
        self.taken(SEND, || calls::send(self.host, &self.main_process()?, signal, &self.reason()))
    }

    /// A step about a process has the process as its subject, not the service.
    fn has_sent(&self) -> bool {
        let attempts = self.host.attempts();
        attempts.iter().flat_map(|attempt| &attempt.steps).any(|step| step.action == SEND && step.has_begun())
    }

    fn main_process(&self) -> Result<String, Refusal> {
        let (id, pid) = (self.id(), self.unit.main_pid);
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let page = calls::processes(self.host, Order::Memory, Some(id), cursor.as_deref())?;
            if let Some(main) = page.entries.into_iter().find(|process| Some(process.pid) == pid) {
                return Ok(main.identity);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        Err(Refusal::NotFound(format!("{id} has no main process")))
    }

    /// Keeps it below its limit until its restart, so that the kernel does not kill it before.
    fn hold(&self) -> Option<Decision> {
        let (host, id) = (self.host, self.id());
        let limit = self.finding.counted(LIMIT)?;
        let bytes = (limit as f64 * self.settings.hold_percent / 100.0) as u64;
        if !host.grants().has(MEMORY_ACTIONS) || Ladder::one_step(host).was_tried(SET_HIGH, id) || self.size() >= bytes
        {
            return None;
        }
        self.taken(SET_HIGH, || calls::set_high(host, id, bytes, self.settings.hold_for.0, &self.reason()))
    }

    /// A plan of one step. If it is refused for now, it is tried again later. What is refused for good, or in an emergency,
    /// is logged and leaves its place to the next step.
    fn taken(&self, action: &str, call: impl FnOnce() -> Result<Preview, Refusal>) -> Option<Decision> {
        let mut steps = Sequence::new(self.host);
        steps.step(action, self.id(), call);
        let is_emergency = self.finding.severity() == Some(Severity::Emergency);
        match steps.refusal() {
            None => Some(steps.decide()),
            Some(refusal) if refusal.may_go_away() && !is_emergency => Some(steps.decide()),
            Some(refusal) => {
                self.host.log(&format!("{} is not helped by a milder step: {}", self.id(), refusal.words()));
                None
            }
        }
    }

    fn restart(&self) -> Decision {
        let (host, id) = (self.host, self.id());
        if !host.grants().has(SERVICE_ACTIONS) {
            let why = format!(
                "{SERVICE_ACTIONS} is not granted: restart it yourself before it reaches its limit, or grant it"
            );
            return self.advise("restart it when it suits", &why);
        }
        let since = host.now().saturating_sub(REMEMBERED.0);
        let history = match host.history(&self.finding.about, since) {
            Ok(history) => history,
            Err(refusal) => {
                return Decision::Wait(format!("it is unknown when {id} was restarted: {}", refusal.words()));
            }
        };
        if let Some(last) = history.iter().filter(|attempt| self.has_restarted(attempt)).map(when).max() {
            if let Some(why) = self.is_faster(last) {
                return Decision::GiveUp(format!("a restart only postpones it: {why}; {}", self.finding.summary));
            }
            let next = last.saturating_add(self.settings.restart_every.0);
            if let Some(rest) = next.checked_sub(host.now()).filter(|rest| *rest > 0) {
                // If the clock was set back, the pause is not longer for that.
                let rest = Span(rest.min(self.settings.restart_every.0));
                host.look_again(rest);
                return Decision::Wait(format!(
                    "{id} was restarted within {}; next restart in {rest}",
                    self.settings.restart_every
                ));
            }
        }
        let reason = self.reason();
        let mut steps = Sequence::new(host);
        steps.may_fail(CAPTURE, id, || calls::capture(host, id, self.settings.capture_lines, &reason));
        steps.step(RESTART, id, || calls::restart(host, id, &self.unit.invocation, &reason));
        steps.step(CHECK_ACTIVE, id, || calls::check_active(host, id, self.settings.settle.0, &reason));
        steps.decide()
    }

    fn has_restarted(&self, attempt: &Attempt) -> bool {
        attempt.steps.iter().any(|step| step.action == RESTART && step.about.name == self.id() && step.has_begun())
    }

    /// Why restarts do not help: it grows faster after one, or is full again before the next one is allowed.
    fn is_faster(&self, last: u64) -> Option<String> {
        let count = |name| self.finding.counted(name);
        let now = count(PER_HOUR).unwrap_or_default();
        if let Some(before) = count(BEFORE).filter(|before| now as f64 > FASTER * *before as f64) {
            let (now, before) = (ansai_sdk::Size(now), ansai_sdk::Size(before));
            return Some(format!("it grows by {now} an hour, and grew by {before} before the last restart"));
        }
        let full = self.host.now().saturating_add(count(LEFT)?);
        let next = last.saturating_add(self.settings.restart_every.0);
        let is_soon = last <= self.host.now() && full < next;
        is_soon.then(|| format!("it reaches its limit within {} of its last restart", self.settings.restart_every))
    }

    fn size(&self) -> u64 {
        self.finding.counted(MEMORY).unwrap_or_default()
    }

    fn advise(&self, what: &str, why: &str) -> Decision {
        let detail = format!("{}; {why}", self.finding.summary);
        Decision::Recommend(vec![Recommendation::on(self.finding, self.id(), what, detail)])
    }

    /// The reason of a step.
    fn reason(&self) -> String {
        self.finding.summary.clone()
    }
}

/// When an attempt ended, or began if that is unknown.
fn when(attempt: &Attempt) -> u64 {
    attempt.ended.unwrap_or(attempt.at)
}
