//! `capture`: the last lines of a container's log, and its state, as evidence.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::text::{inert, prose};
use ansai_core::{Measure, Outcome, Preview, Refusal, Reversibility, Touch, Unit};
use ansai_kit::action::{Applied, Begun, Captured, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use ansai_kit::redact::Redactor;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::target::Target;
use crate::container::probe::Seen;

const MOST_LINES: u32 = 1_000;
/// What is read of a log, and what is kept of its end, in bytes.
const READ: u64 = 8 << 20;
const KEPT: usize = 512 << 10;
const LIMIT: Duration = Duration::from_secs(20);
/// The most bytes of an environment.
const MOST_ENVIRONMENT: usize = 64 << 10;
/// Results of its check that are kept.
const MOST_RESULTS: usize = 5;

pub(super) struct Capture;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    container: String,
    lines: u32,
    reason: String,
}

impl TypedAction for Capture {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "log";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, container, lines, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        if lines == 0 || lines > MOST_LINES {
            return Err(Refusal::Invalid(format!("`lines` is {lines}, not between 1 and {MOST_LINES}")));
        }
        let (_, mut preview, target) = Target::preview(ask, &target, &container)?;
        (preview.items, preview.reversible) = (0, Reversibility::Fully);
        preview.sample = vec![format!("the last {lines} lines of {}", target.name)];
        Ok((preview, target))
    }

    /// It only reads.
    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        vec![Touch::shared(target.about())]
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.name], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, targets }: Step<Self>) -> Result<Begun, Refusal> {
        let (engine, seen) = targets.again(doing)?;
        let name = &targets.name;
        // An automaton for all of them takes many times their size.
        if seen.found.config.env.iter().fold(0_usize, |sum, line| sum.saturating_add(line.len())) > MOST_ENVIRONMENT {
            return Err(Refusal::Unsupported(format!("the environment of {name} is too large to mask its log")));
        }
        let redactor = redactor(&seen);
        let state = Captured::new(format!("state of {name}"), text(&state(&seen, &redactor)));
        let path =
            format!("/containers/{}/logs?stdout=1&stderr=1&timestamps=1&tail={}", targets.identity.id, arguments.lines);
        let (log, detail) = match engine.within(LIMIT).beginning(&path, READ) {
            Ok(bytes) => {
                let log = end(&redactor, &if seen.found.config.tty { bytes } else { unframed(&bytes) });
                let lines = log.lines().count() as u64;
                let shown = match redactor.skipped().len() {
                    0 => String::new(),
                    1 => "; 1 value of its environment is not masked".to_owned(),
                    many => format!("; {many} values of its environment are not masked"),
                };
                let plural = if lines == 1 { "" } else { "s" };
                let detail = format!("kept {lines} line{plural} of the log of {name}{shown}");
                let measure = Measure::count("lines", lines, Unit::None);
                (Some((Captured::new(format!("last lines of {name}"), log), measure)), detail)
            }
            // Its driver may keep no log: the state is still worth having.
            Err(failed) => {
                (None, format!("the state of {name} was kept; its log cannot be read: {}", failed.refusal(name)))
            }
        };
        let outcome = if log.is_some() { Outcome::Done } else { Outcome::Failed };
        let (log, measure) = log.unzip();
        Ok(Begun::Finished(Applied {
            evidence: [state].into_iter().chain(log).collect(),
            measures: measure.into_iter().collect(),
            ..targets.applied(outcome, detail)
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(what.targets.applied(Outcome::Done, "reading changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(what.targets.applied(Outcome::Failed, "ansai ended before the log was kept"))
    }
}

/// Masks the values of the environment wherever they are: most secrets of containers are there.
fn redactor(seen: &Seen) -> Redactor {
    let values = seen.found.config.env.iter().filter_map(|line| line.split_once('=')).map(|(_, value)| value);
    Redactor::with_secrets(values.filter(|value| !value.is_empty()).map(str::as_bytes))
}

/// What a person needs of its state. The values of the environment are left out.
fn state(seen: &Seen, redactor: &Redactor) -> Value {
    let (found, state) = (&seen.found, &seen.found.state);
    let masked = |text: &str| inert(&redactor.redact(text).text, 1024);
    let names: Vec<String> = found
        .config
        .env
        .iter()
        .take(256)
        .map(|line| inert(line.split_once('=').map_or("***", |(name, _)| name), 128))
        .collect();
    let results: Vec<Value> = state
        .health
        .log
        .iter()
        .rev()
        .take(MOST_RESULTS)
        .map(|one| json!({ "start": masked(&one.start), "exit-code": one.exit_code, "output": masked(&one.output) }))
        .collect();
    json!({
        "id": found.id,
        "name": seen.name,
        "image": masked(&found.config.image),
        "status": masked(&state.status),
        "exit-code": state.exit_code,
        "oom-killed": state.oom_killed,
        "error": masked(&state.error),
        "started": masked(&state.started_at),
        "finished": masked(&state.finished_at),
        "restarts": found.restart_count,
        "restart-policy": masked(&found.host_config.restart_policy.name),
        "memory-limit-bytes": found.host_config.memory,
        "health": masked(&state.health.status),
        "last-checks": results,
        "labels": seen.labels().iter().map(|label| masked(label)).collect::<Vec<_>>(),
        "environment-names": names,
        "mounted-at": found.mounts.iter().take(64).map(|mount| masked(&mount.destination)).collect::<Vec<_>>(),
    })
}

fn text(state: &Value) -> String {
    serde_json::to_string_pretty(state).unwrap_or_default()
}

/// The end of a log, without secrets.
fn end(redactor: &Redactor, bytes: &[u8]) -> String {
    // Masked before it is cut: half a secret would not be found.
    let masked = redactor.redact(&String::from_utf8_lossy(bytes)).text.into_owned();
    let from = masked.len().saturating_sub(KEPT);
    let from = (from..masked.len()).find(|place| masked.is_char_boundary(*place)).unwrap_or(masked.len());
    prose(masked.get(from..).unwrap_or_default(), KEPT)
}

/// A log without a terminal comes in frames: 1 byte for the stream, 3 of zeros, 4 for the length. What is not framed is
/// taken as it is.
fn unframed(mut bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len());
    while let Some((&[stream, 0, 0, 0, a, b, c, d], rest)) = bytes.split_first_chunk::<8>() {
        if stream > 2 {
            break;
        }
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX).min(rest.len());
        let (frame, after) = rest.split_at(length);
        all.extend_from_slice(frame);
        bytes = after;
    }
    all.extend_from_slice(bytes);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_may_lie_about_their_length() {
        let frame = |length: u32, text: &str| [&[1, 0, 0, 0][..], &length.to_be_bytes(), text.as_bytes()].concat();
        assert_eq!(unframed(&[frame(3, "ab\n"), frame(2, "c\n")].concat()), b"ab\nc\n");
        assert_eq!(unframed(&frame(u32::MAX, "ab")), b"ab");
        assert_eq!(unframed(b"plain text without frames"), b"plain text without frames");
        assert_eq!(unframed(&[1, 0, 0]), [1, 0, 0]);
        assert_eq!(unframed(&frame(0, "")), b"");
    }

    #[test]
    fn what_is_cut_is_masked_first() {
        let redactor = Redactor::with_secrets([b"s3cr3t-of-the-shop".as_slice()]);
        let log = format!("first\npassword is s3cr3t-of-the-shop{}", "\nx".repeat(KEPT / 2));
        let kept = end(&redactor, log.as_bytes());
        assert!(kept.len() <= KEPT && !kept.contains("the-shop"));
        assert!(end(&redactor, b"a s3cr3t-of-the-shop\xff").starts_with("a ***"));
    }
}
