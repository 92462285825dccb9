//! `check`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Millis, Outcome as Became, Preview, Refusal, Timestamp, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction};
use ansai_kit::call::{read, to_text};
use ansai_kit::host::ProbeContext;
use ansai_kit::remote::Server;
use ansai_kit::target::DEFAULT_CALL_LIMIT;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::exchange::{Exchange, ask};
use super::wire::{Answer, Method, Outcome, Request};
use super::{origin, path};

const LONGEST: Millis = Millis::new(3_600_000);
/// So that the step ends by itself, with its reason, before the host ends it.
const MARGIN: u64 = 30_000;
const AGAIN: Millis = Millis::new(1_000);
/// A request may take at least this long, also at the end of `within`.
const LEAST: Duration = Duration::from_millis(500);
/// More checks than can run at the same time.
const MOST_CHECKS: usize = 1_000;

/// Since when the answers of the running checks are good. If ansai restarts meanwhile, the time that they must stay good
/// begins again.
static GOOD_SINCE: LazyLock<Mutex<HashMap<String, Instant>>> = LazyLock::new(Mutex::default);

pub(super) struct Check;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Arguments {
    request: Request,
    least_status: u16,
    most_status: u16,
    within: Millis,
    holds: Millis,
    reason: String,
}

impl Arguments {
    fn check(&self) -> Result<(), Refusal> {
        path::check(&self.request)?;
        let (least, most) = (self.least_status, self.most_status);
        if !(100..=599).contains(&least) || !(100..=599).contains(&most) || least > most {
            return Err(Refusal::Invalid(format!("no status is in the range {least} to {most}")));
        }
        for (name, value) in [("within", self.within), ("holds", self.holds)] {
            if value > LONGEST {
                return Err(Refusal::Invalid(format!("`{name}` is {value}, more than {LONGEST}")));
            }
        }
        Ok(())
    }

    /// `GET /health of target \`site\``.
    fn what(&self) -> String {
        let method = match self.request.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
        };
        format!("{method} {} of target `{}`", self.request.path, self.request.target)
    }

    fn range(&self) -> String {
        match (self.least_status, self.most_status) {
            (least, most) if least == most => format!("status {least}"),
            (least, most) => format!("a status from {least} to {most}"),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Handle {
    until: Timestamp,
}

impl TypedAction for Check {
    type Arguments = Arguments;
    type Targets = String;
    const NOUN: &'static str = "check";

    /// The server is not called: a preview runs among local probes, which a server that hangs would keep waiting.
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, String), Refusal> {
        arguments.check()?;
        let (target, _) = origin::of(ask.reach, &arguments.request.target)?;
        let mut preview = Preview::nothing(target.target.about.clone());
        preview.takes = Some(Millis::new(arguments.within.get().saturating_add(arguments.holds.get())));
        let text = arguments.request.contains.as_ref().map(|_| " and the expected text").unwrap_or_default();
        let holds = match arguments.holds {
            Millis::ZERO => String::new(),
            holds => format!(", and for {holds} more"),
        };
        let (what, range) = (arguments.what(), arguments.range());
        preview.sample = vec![format!("{what} has {range}{text} within {}{holds}", arguments.within)];
        Ok((preview, arguments.request.target))
    }

    fn previews_without_server(&self) -> bool {
        true
    }

    /// It only looks.
    fn touches(&self, preview: &Preview, _target: &String) -> Vec<Touch> {
        vec![Touch::shared(preview.about.clone())]
    }

    fn describe(&self, target: String) -> Described {
        Described { names: vec![target], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Begun, Refusal> {
        arguments.check()?;
        origin::of(doing.reach, &arguments.request.target)?;
        let handle = Handle { until: doing.now + arguments.within };
        // After a restart of ansai, `holds` begins again.
        let (within, holds) = (arguments.within.get(), arguments.holds.get());
        let limit = Millis::new(within.saturating_add(holds.saturating_mul(2)).saturating_add(MARGIN));
        Ok(Begun::Running { handle: to_text(&handle)?, limit })
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(Applied { outcome: Became::Done, ..Applied::unknown("a check changed nothing") })
    }

    fn resolve(&self, _doing: &StepContext<'_>, _what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(Applied { outcome: Became::Failed, ..Applied::unknown("ansai ended before the check did") })
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    /// It waits for one answer, at most as long as a call of the server may take: the host asks on a thread of its own.
    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        let handle = serde_json::from_str::<Handle>(handle.get());
        let (Ok(Handle { until }), Ok(arguments)) = (handle, read::<Arguments>(doing.arguments)) else {
            return Progress::Finished(Applied::unknown("the handle or the arguments of the step are invalid"));
        };
        let progress = look(doing, &arguments, until);
        if matches!(progress, Progress::Finished(_)) {
            forget(doing.step_id);
        }
        progress
    }

    fn cancel(&self, doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        forget(doing.step_id);
        Applied { outcome: Became::Failed, ..Applied::unknown("the check was cancelled; it changed nothing") }
    }
}

fn look(doing: &StepContext<'_>, arguments: &Arguments, until: Timestamp) -> Progress {
    let seen = one_answer(doing, arguments, until);
    let finished = |outcome, why: Option<Refusal>, detail: String| {
        Progress::Finished(Applied { outcome, reason: why, ..Applied::unknown(detail) })
    };
    let what = arguments.what();
    let good = good_since(doing.step_id);
    match (seen, good) {
        (Ok(seen), since) => {
            let since = since.unwrap_or_else(|| remember(doing.step_id));
            let held = since.elapsed();
            let needed = Duration::from(arguments.holds);
            if held >= needed {
                return finished(Became::Done, None, format!("{what}: {seen}"));
            }
            let rest = Millis::from(needed - held);
            Progress::Running { note: format!("{what}: {seen}, for {rest} more"), again_in: AGAIN.min(rest) }
        }
        (Err(why), Some(since)) => {
            let detail = format!("{what}: good for {}, then {}", Millis::from(since.elapsed()), why.0);
            finished(Became::Failed, Some(why.refusal(&detail)), detail)
        }
        (Err(why), None) if doing.now >= until => {
            let detail = format!("{what}: {}", why.0);
            finished(Became::Failed, Some(why.refusal(&detail)), detail)
        }
        (Err(why), None) => Progress::Running { note: format!("{what}: {}", why.0), again_in: AGAIN },
    }
}

/// What was seen instead of a good answer, and the refusal of the host, if it did not call the server.
struct NotGood(String, Option<Refusal>);

impl NotGood {
    fn refusal(&self, detail: &str) -> Refusal {
        self.1.clone().unwrap_or_else(|| Refusal::Unavailable(detail.to_owned()))
    }
}

fn one_answer(doing: &StepContext<'_>, arguments: &Arguments, until: Timestamp) -> Result<String, NotGood> {
    let refused = |refusal: Refusal| NotGood(refusal.to_string(), Some(refusal));
    let server = Server::Target(arguments.request.target.clone());
    let limit = doing.reach.call_limit(&server).map_err(refused)?.unwrap_or(DEFAULT_CALL_LIMIT);
    let left = until.checked_since(doing.now).map_or(Duration::ZERO, Duration::from);
    // While the answer must stay good, every request has its full time.
    let limit = if good_since(doing.step_id).is_some() { limit } else { limit.min(left.max(LEAST)) };
    let exchange = Exchange { host: doing.host, reach: doing.reach, now: doing.now, limit };
    judged(arguments, &ask(&exchange, &arguments.request).map_err(refused)?)
}

fn judged(arguments: &Arguments, answer: &Answer) -> Result<String, NotGood> {
    match &answer.outcome {
        Outcome::Status(status) => {
            let seen = format!("status {status} after {}", answer.took);
            let is_in_range = (arguments.least_status..=arguments.most_status).contains(status);
            match (is_in_range, answer.contained) {
                (true, true) => Ok(seen),
                (true, false) => Err(NotGood(format!("{seen}, without the expected text"), None)),
                (false, _) => Err(NotGood(seen, None)),
            }
        }
        Outcome::NoAnswer(no) => Err(NotGood(no.detail.clone(), None)),
        Outcome::Refused(refusal) => Err(NotGood(refusal.to_string(), Some(refusal.clone()))),
    }
}

fn good_since(step: &str) -> Option<Instant> {
    GOOD_SINCE.lock().unwrap_or_else(PoisonError::into_inner).get(step).copied()
}

fn remember(step: &str) -> Instant {
    let mut all = GOOD_SINCE.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    if all.len() >= MOST_CHECKS {
        // Only checks that were left at a stop are still here.
        all.clear();
    }
    *all.entry(step.to_owned()).or_insert(now)
}

fn forget(step: &str) {
    GOOD_SINCE.lock().unwrap_or_else(PoisonError::into_inner).remove(step);
}
