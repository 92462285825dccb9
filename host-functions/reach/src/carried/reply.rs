//! What comes back from the process that calls servers. It is untrusted: somebody else's server may have taken it over.

use ansai_core::text::inert;
use ansai_core::{Millis, Preview, Refusal};
use ansai_kit::action::{Applied, Begun, Progress};
use ansai_kit::carrier::Lost;
use ansai_kit::redact::Redactor;
use ansai_kit::secret::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest sentence of a refusal, in bytes.
const MOST_WHY: usize = 2_000;
/// The longest answer about a step, in bytes. It is kept, and shown to people.
const MOST_STEP: usize = 1 << 20;
/// The longest handle of a running step, in bytes.
const MOST_HANDLE: usize = 64 << 10;
/// The longest time that a step may run.
const LONGEST_STEP: Millis = Millis::new(7 * 24 * 3_600_000);

/// An answer, or why there is none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Answer {
    Ok(Box<RawValue>),
    /// Nothing was done.
    Refused(Refusal),
    /// Something may have been done.
    Lost(Refusal),
}

/// What a preview answers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Foreseen {
    pub(super) preview: Preview,
    pub(super) targets: Box<RawValue>,
}

/// [`Begun`] as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Began {
    Finished(Applied),
    Running { handle: Box<RawValue>, limit: Millis },
}

/// [`Progress`] as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Seen {
    Running { note: String, again_in: Millis },
    Finished(Applied),
}

impl From<Begun> for Began {
    fn from(begun: Begun) -> Began {
        match begun {
            Begun::Finished(applied) => Began::Finished(applied),
            Begun::Running { handle, limit } => Began::Running { handle, limit },
        }
    }
}

impl Began {
    pub(super) fn accept(self) -> Result<Begun, Refusal> {
        match self {
            Began::Finished(applied) => Ok(Begun::Finished(applied)),
            Began::Running { handle, .. } if handle.get().len() > MOST_HANDLE => Err(invalid()),
            Began::Running { handle, limit } => Ok(Begun::Running { handle, limit: limit.min(LONGEST_STEP) }),
        }
    }
}

impl From<Progress> for Seen {
    fn from(progress: Progress) -> Seen {
        match progress {
            Progress::Running { note, again_in } => Seen::Running { note, again_in },
            Progress::Finished(applied) => Seen::Finished(applied),
        }
    }
}

impl From<Seen> for Progress {
    fn from(seen: Seen) -> Progress {
        match seen {
            Seen::Running { note, again_in } => Progress::Running { note, again_in },
            Seen::Finished(applied) => Progress::Finished(applied),
        }
    }
}

/// The refusal of a reply that is not one.
pub(super) fn invalid() -> Refusal {
    Refusal::Unavailable("the process that calls servers sent an invalid answer".into())
}

/// Masks the secrets of the targets of a request. The functions of these domains tell no secret; a process that was taken
/// over may.
pub(super) struct Masks(Redactor);

impl Masks {
    pub(super) fn of(secrets: &[Secret]) -> Masks {
        Masks(Redactor::of_secrets(secrets.iter().map(Secret::expose)))
    }

    /// The answer of a reply, masked and not read yet.
    ///
    /// # Errors
    /// [`Lost::NotSent`] if the process refused, so that nothing was done; [`Lost::Unanswered`] if it does not know what was
    /// done, or the reply is invalid.
    pub(super) fn answer(&self, reply: &RawValue) -> Result<Box<RawValue>, Lost> {
        let masked = self.masked(reply).map_err(Lost::Unanswered)?;
        let text = masked.as_deref().unwrap_or_else(|| reply.get());
        match serde_json::from_str(text).map_err(|_| Lost::Unanswered(invalid()))? {
            Answer::Ok(answer) => Ok(answer),
            Answer::Refused(refusal) => Err(Lost::NotSent(shortened(refusal))),
            Answer::Lost(refusal) => Err(Lost::Unanswered(shortened(refusal))),
        }
    }

    /// `None` if there is nothing to mask.
    fn masked(&self, reply: &RawValue) -> Result<Option<String>, Refusal> {
        // Escapes of JSON are among the forms of a secret that are found.
        if self.0.redact(reply.get()).masked == 0 {
            return Ok(None);
        }
        let mut value: Value = serde_json::from_str(reply.get()).map_err(|_| invalid())?;
        self.mask(&mut value);
        let text = value.to_string();
        // What is no text, such as a list of numbers, is not masked in part.
        if self.0.redact(&text).masked == 0 { Ok(Some(text)) } else { Err(invalid()) }
    }

    fn mask(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.0.redact(text).text.into_owned(),
            Value::Array(all) => all.iter_mut().for_each(|one| self.mask(one)),
            Value::Object(all) => all.values_mut().for_each(|one| self.mask(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Reads an answer as its type.
///
/// # Errors
/// It is none.
pub(super) fn read<T: DeserializeOwned>(answer: &RawValue) -> Result<T, Refusal> {
    serde_json::from_str(answer.get()).map_err(|_| invalid())
}

/// Reads an answer about a step as its type.
///
/// # Errors
/// It is none, or too long.
pub(super) fn about_step<T: DeserializeOwned>(answer: &RawValue) -> Result<T, Refusal> {
    if answer.get().len() > MOST_STEP { Err(invalid()) } else { read(answer) }
}

/// Texts of refusals are shown to policies and people.
fn shortened(refusal: Refusal) -> Refusal {
    let short = |why: String| inert(&why, MOST_WHY);
    match refusal {
        Refusal::Denied(why) => Refusal::Denied(short(why)),
        Refusal::NotFound(why) => Refusal::NotFound(short(why)),
        Refusal::Unavailable(why) => Refusal::Unavailable(short(why)),
        Refusal::Unsupported(why) => Refusal::Unsupported(short(why)),
        Refusal::Invalid(why) => Refusal::Invalid(short(why)),
        Refusal::OverBudget(why) => Refusal::OverBudget(short(why)),
        Refusal::TimedOut(why) => Refusal::TimedOut(short(why)),
        Refusal::Busy(why) => Refusal::Busy(short(why)),
        Refusal::Changed(why) => Refusal::Changed(short(why)),
        Refusal::Other(why) => Refusal::Other(short(why)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SECRET: &str = "correct-horse-7f3a";

    fn masks() -> Masks {
        Masks::of(&[Secret::of(SECRET.as_bytes())])
    }

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn secrets_in_any_form_are_masked() {
        for text in [
            r#"{"ok":{"user":"is correct-horse-7f3a"}}"#,
            r#"{"ok":{"user":"Y29ycmVjdC1ob3JzZS03ZjNh"}}"#,
            r#"{"ok":{"user":"\u0063orrect-horse-7f3a"}}"#,
            r#"{"ok":[["correct%2Dhorse%2D7f3a"]]}"#,
        ] {
            let answer = masks().answer(&raw(text)).unwrap();
            assert!(answer.get().contains("***") && !answer.get().contains("horse"), "{text}: {answer}");
        }
        let refused = masks().answer(&raw(r#"{"refused":{"denied":"not correct-horse-7f3a"}}"#)).unwrap_err();
        assert_eq!(refused, Lost::NotSent(Refusal::Denied("not ***".into())));
        let lost = masks().answer(&raw(r#"{"lost":{"other":"sent correct-horse-7f3a"}}"#)).unwrap_err();
        assert_eq!(lost, Lost::Unanswered(Refusal::Other("sent ***".into())));
        // The name of a field cannot be masked: no type has such a field.
        let named = masks().answer(&raw(r#"{"ok":{"correct-horse-7f3a":1}}"#));
        assert_eq!(named.unwrap_err(), Lost::Unanswered(invalid()));
    }

    #[test]
    fn an_answer_without_secrets_is_as_it_was_sent() {
        let text = r#"{"z":"password=hunter2-hunter2","a":[1,2.50]}"#;
        assert_eq!(masks().answer(&raw(&format!(r#"{{"ok":{text}}}"#))).unwrap().get(), text);
    }

    #[test]
    fn what_is_said_about_a_step_is_bounded() {
        let said = |bytes: usize| about_step::<String>(&raw(&format!("\"{}\"", "x".repeat(bytes))));
        assert!(said(MOST_STEP - 2).is_ok());
        assert_eq!(said(MOST_STEP - 1), Err(invalid()));
        let running = |limit| Began::Running { handle: raw("1"), limit: Millis::new(limit) }.accept().unwrap();
        for (limit, kept) in [(5, Millis::new(5)), (u64::MAX, LONGEST_STEP)] {
            assert!(matches!(running(limit), Begun::Running { limit, .. } if limit == kept), "{limit}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_and_texts_are_short_and_inert() {
        for text in ["1", "{}", r#"{"ok":1,"refused":{"denied":"x"}}"#, r#"{"done":1}"#, r#"{"refused":{"no":"x"}}"#] {
            assert_eq!(masks().answer(&raw(text)).unwrap_err(), Lost::Unanswered(invalid()), "{text}");
        }
        let long = format!(r#"{{"refused":{{"other":"\u001b[2J{}"}}}}"#, "x".repeat(100_000));
        let Err(Lost::NotSent(Refusal::Other(why))) = masks().answer(&raw(&long)) else { panic!("not refused") };
        assert!(why.len() <= MOST_WHY + 8 && !why.contains('\u{1b}'), "{}", why.len());
    }
}
