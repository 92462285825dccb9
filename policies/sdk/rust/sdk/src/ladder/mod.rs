//! Proposes repairs in order, from the mildest to the last resort.

mod earlier;
#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use earlier::verb;
use earlier::{has_failed, told, was_tried};

use crate::{Attempt, Decision, Host, OnFailure, Preview, Refusal, text};

/// Maximum number of reasons in the explanation.
const MOST_NOTES: usize = 8;
/// Maximum length of the explanation, in bytes.
const MOST_WORDS: usize = 4000;

/// Proposes steps in order until they are enough.
///
/// It skips steps that failed before for the same finding, unless the reason may go away by itself
/// ([`Refusal::may_go_away`]). It notes what is refused or not granted. In the end it decides: apply the proposed steps, or
/// give up with all reasons.
///
/// ```
/// use ansai_sdk::{Decision, Host, Ladder, Preview, Refusal};
///
/// # fn clean_cache(_: &Host) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
/// # fn remove(_: &Host, _: &str, _: u64) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
/// fn plan(host: &Host, need: u64) -> Decision {
///     let mut ladder = Ladder::new(host, need, |preview| preview.frees_now_bytes);
///     if ladder.is_granted("ansai:packages/package-cache-actions") {
///         ladder.step("ansai:packages/package-cache-actions.clean-cache", "apt", |_| clean_cache(host));
///     }
///     ladder.step("ansai:files/files-actions.remove", "/tmp", |rest| remove(host, "/tmp", rest));
///     ladder.decide(|_| vec!["no old file is left".into()])
/// }
/// ```
pub struct Ladder<'a> {
    host: &'a Host,
    attempts: Vec<Attempt>,
    need: u64,
    counts: Box<dyn Fn(&Preview) -> u64 + 'a>,
    on_failure: OnFailure,
    gained: u64,
    items: u64,
    notes: Vec<String>,
}

impl<'a> Ladder<'a> {
    /// Proposes steps until their previews add up to `need`: bytes, files, connections. `counts` returns how much of it
    /// a preview promises.
    pub fn new(host: &'a Host, need: u64, counts: impl Fn(&Preview) -> u64 + 'a) -> Ladder<'a> {
        Ladder {
            host,
            attempts: host.attempts(),
            need,
            counts: Box::new(counts),
            on_failure: OnFailure::Stop,
            gained: 0,
            items: 0,
            notes: Vec::new(),
        }
    }

    /// Proposes a single step: for example a restart, then verify, and the next step only if that does not help.
    ///
    /// A step that was done is not a failed step, so check it with [`was_tried`](Ladder::was_tried) to skip it in the
    /// next plan.
    pub fn one_step(host: &'a Host) -> Ladder<'a> {
        Ladder::new(host, 1, |_| 1)
    }

    /// Sets what the host does to earlier steps if one fails. By default it keeps them and stops.
    pub fn on_failure(self, on_failure: OnFailure) -> Ladder<'a> {
        Ladder { on_failure, ..self }
    }

    /// The whole need.
    pub fn need(&self) -> u64 {
        self.need
    }

    /// What the proposed steps promise together.
    pub fn gained(&self) -> u64 {
        self.gained
    }

    /// Number of things that the proposed steps change.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// The remaining need.
    pub fn remaining(&self) -> u64 {
        self.need.saturating_sub(self.gained)
    }

    /// Whether the proposed steps are enough. [`step`](Ladder::step) checks this itself; call it to avoid searching for
    /// candidates.
    pub fn is_enough(&self) -> bool {
        self.remaining() == 0
    }

    /// Whether the operator granted an interface. If not, notes it for the explanation.
    pub fn is_granted(&mut self, interface: &str) -> bool {
        let granted = self.host.grants().has(interface);
        if !granted {
            self.note(format!("{interface} is not granted"));
        }
        granted
    }

    /// What a probe answers. A refusal is noted for the explanation, with `what` it is about.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Ladder, Refusal};
    ///
    /// let host = StandIn::default().host();
    /// let mut ladder = Ladder::one_step(&host);
    /// let refused: Result<u64, Refusal> = Err(Refusal::TimedOut("after 5 s".into()));
    /// assert_eq!(ladder.read("package caches", refused), None);
    /// # let words = format!("{:?}", ladder.decide(|_| vec!["nothing to clean".into()]));
    /// # assert!(words.contains("not possible: package caches: timed out: after 5 s"), "{words}");
    /// ```
    pub fn read<T>(&mut self, what: &str, answer: Result<T, Refusal>) -> Option<T> {
        answer.map_err(|refusal| self.note(format!("{what}: {}", refusal.words()))).ok()
    }

    /// Whether an earlier plan for this finding tried this action for this target, with any outcome. A step that never
    /// began because it was skipped, or because of a reason that may go away by itself, does not count.
    pub fn was_tried(&self, action: &str, target: &str) -> bool {
        was_tried(&self.attempts, action, target)
    }

    /// Proposes a step by calling an action with the remaining need, unless the steps so far are enough or the same
    /// step failed before. `action` is the full name of the action; `target` is the subject of the step, or a text
    /// that is one of its arguments, such as a directory.
    pub fn step(&mut self, action: &str, target: &str, call: impl FnOnce(u64) -> Result<Preview, Refusal>) {
        if self.is_wanted(action, target) {
            let answer = call(self.remaining());
            self.take(action, target, answer);
        }
    }

    fn is_wanted(&mut self, action: &str, target: &str) -> bool {
        if self.is_enough() {
            return false;
        }
        let failed = has_failed(&self.attempts, action, target);
        if failed {
            self.note(format!("{} {target} failed before", verb(action)));
        }
        !failed
    }

    fn take(&mut self, action: &str, target: &str, answer: Result<Preview, Refusal>) {
        match answer {
            Ok(preview) => {
                self.gained = self.gained.saturating_add((self.counts)(&preview));
                self.items = self.items.saturating_add(preview.items);
            }
            Err(refusal) => {
                let note = format!("{} {target}: {}", verb(action), refusal.words());
                self.host.log(&note);
                self.note(note);
            }
        }
    }

    /// Notes for the explanation why a step is not possible. Repeated reasons are noted once.
    pub fn note(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.notes.contains(&why) {
            self.notes.push(why);
        }
    }

    /// Whether the proposed steps are worth applying. After an attempt that was not enough, they must promise at least
    /// a tenth of the need, so that an incident does not continue forever in small steps.
    pub fn is_useful(&self) -> bool {
        let is_little = !self.attempts.is_empty() && self.gained.saturating_mul(10) < self.need;
        self.items > 0 && !is_little
    }

    /// Decides to apply the steps if they are [useful](Ladder::is_useful), otherwise to give up. `why` is the
    /// explanation, with the most important sentence first. Earlier attempts and impossible steps follow after that
    /// sentence.
    pub fn decide(&self, why: impl FnOnce(&Ladder<'a>) -> Vec<String>) -> Decision {
        if self.is_useful() {
            return Decision::Apply(self.on_failure);
        }
        self.give_up(why(self))
    }

    fn give_up(&self, why: Vec<String>) -> Decision {
        let mut why = why.into_iter();
        let mut parts: Vec<String> = why.next().into_iter().collect();
        parts.extend(told(&self.attempts));
        parts.extend(text::list("not possible", self.notes.iter().take(MOST_NOTES).cloned()));
        parts.extend(why);
        parts.retain(|part| !part.is_empty());
        Decision::GiveUp(text::cut(&parts.join("; "), MOST_WORDS).to_owned())
    }
}

impl fmt::Debug for Ladder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ladder").field("need", &self.need).field("gained", &self.gained).finish_non_exhaustive()
    }
}
