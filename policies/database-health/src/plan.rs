//! What to do about a finding. Each module plans its own kinds; what they share is here.

use ansai_sdk::{
    Decision, Effectiveness, Failure, ForTarget as _, Host, Observation, OnFailure, Preview, Recommendation, Refusal,
    Sequence, Span, text,
};

use crate::report::scope;
use crate::settings::Settings;
use crate::{advice, mysql, postgresql, server, sqlite};

/// The stages of `policy.toml`.
pub(crate) const MAINTAIN: &str = "maintain";
pub(crate) const CANCEL: &str = "cancel";
pub(crate) const TERMINATE: &str = "terminate";
/// Nothing is applied at this one.
const PERSON: &str = "person";

/// A step that began and was verified so often without success is not tried again.
const TRIES: u32 = 3;
/// When to plan again if the server is busy.
const SOON: Span = Span(60_000);

/// A finding, and what is needed to decide about it.
pub(crate) struct Situation<'a> {
    pub(crate) host: &'a Host,
    pub(crate) settings: &'a Settings,
    pub(crate) finding: &'a Observation,
    /// `session` of the key `session:main-db/…`.
    pub(crate) kind: &'a str,
    /// `main-db` of this key.
    pub(crate) target: &'a str,
}

/// The target of a key `KIND:TARGET` or `KIND:TARGET/REST`.
pub(crate) fn target_of(key: &str) -> &str {
    scope(key).split_once(':').map_or(key, |(_, target)| target)
}

pub(crate) fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
    let kind = finding.key.split(':').next().unwrap_or_default();
    let target = target_of(&finding.key);
    let situation = Situation { host, settings: &settings.for_target(host, target)?, finding, kind, target };
    let of_server = || server::plan(&situation).or_else(|| postgresql::plan(&situation));
    let of_others = || mysql::plan(&situation).or_else(|| sqlite::plan(&situation));
    let decision = advice::plan(&situation).or_else(of_server).or_else(of_others);
    decision.unwrap_or_else(|| Ok(Decision::Wait(format!("{} is no longer watched", finding.key))))
}

impl Situation<'_> {
    /// Recommends something to a person, with the evidence of the finding. `what` is an imperative.
    pub(crate) fn advise(&self, what: &str, why: impl Into<String>) -> Decision {
        let advice = Recommendation::new(format!("{}: {what}", self.finding.about.name), why);
        Decision::Recommend(vec![self.finding.evidence.iter().cloned().fold(advice, Recommendation::with)])
    }

    /// Whether a stage is this one. Without stages, all are.
    pub(crate) fn is_at(&self, stage: &str) -> bool {
        let now = self.host.stage();
        now.is_empty() || now == stage
    }

    /// Proposes one step at its stage. Before its stage there is nothing to do; a person gets `what` as advice, an imperative
    /// with its reason `why`, if no step is possible or has helped.
    pub(crate) fn step(
        &self,
        stage: &str,
        action: &str,
        advice: (&str, &str),
        call: impl FnOnce() -> Result<Preview, Refusal>,
    ) -> Decision {
        self.steps(stage, action, advice, |steps| {
            steps.step(action, &self.finding.about.name, call);
        })
    }

    /// The same for several steps, of which `action` is the first one.
    pub(crate) fn steps(
        &self,
        stage: &str,
        action: &str,
        (what, why): (&str, &str),
        propose: impl FnOnce(&mut Sequence<'_>),
    ) -> Decision {
        let interface = action.rsplit_once('.').map_or(action, |(interface, _)| interface);
        if !self.host.grants().has(interface) {
            return self.advise(what, format!("{why}; {interface} is not granted"));
        }
        if self.host.stage() == PERSON {
            return self.advise(what, format!("{why}; no step has helped{}", self.last_failure()));
        }
        if !self.is_at(stage) {
            return Decision::Apply(OnFailure::Stop);
        }
        // A history that cannot be read knows nothing against it.
        let earlier = Effectiveness::of_host(self.host, &self.finding.about, action).unwrap_or_default();
        if earlier.never_helped(TRIES) {
            let verb = action.rsplit('.').next().unwrap_or_default();
            return self.advise(what, format!("{why}; `{verb}` has not helped {} times", earlier.verified));
        }
        let mut steps = Sequence::new(self.host);
        propose(&mut steps);
        match steps.refusal() {
            Some(refusal) if refusal.may_go_away() => {
                self.host.look_again(SOON);
                steps.decide()
            }
            Some(refusal) => self.advise(what, format!("{why}; not possible: {}", refusal.words())),
            None => steps.decide(),
        }
    }

    fn last_failure(&self) -> String {
        let mut steps = self.host.attempts().into_iter().flat_map(|attempt| attempt.steps);
        let failed = steps.rfind(|step| !step.detail.is_empty());
        failed.map_or_else(String::new, |step| format!("; last step: {}", text::cut(&step.detail, 200)))
    }

    /// The thing of the finding is not in a list, all of which was read or not.
    pub(crate) fn not_listed(&self, is_whole: bool) -> Decision {
        let name = &self.finding.about.name;
        Decision::Wait(match is_whole {
            true => format!("{name} no longer exists"),
            false => format!("{name} is not in the part of the list that was read this time"),
        })
    }

    /// Waits for a time, and then plans again.
    pub(crate) fn wait_for(&self, rest: Span, why: impl Into<String>) -> Decision {
        self.host.look_again(rest);
        Decision::Wait(why.into())
    }
}
