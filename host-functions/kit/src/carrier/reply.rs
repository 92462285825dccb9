//! What comes back from the process that calls servers. It is untrusted: somebody else's server may have taken it over.

use ansai_core::Refusal;
use ansai_core::text::inert;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Lost;
use crate::redact::Redactor;
use crate::secret::Secret;

/// The longest sentence of a refusal, in bytes.
const MOST_WHY: usize = 2_000;

/// An answer, or why there is none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Answer {
    /// What the call answered.
    Ok(Box<RawValue>),
    /// Nothing was done.
    Refused(Refusal),
    /// Something may have been done.
    Lost(Refusal),
}

/// The refusal of a reply that is not one.
pub fn invalid() -> Refusal {
    Refusal::Unavailable("the process that calls servers sent an invalid answer".into())
}

/// Masks the secrets of the targets of a request. The functions of these domains tell no secret; a process that was taken
/// over may.
#[derive(Debug)]
pub struct Masks(Redactor);

impl Masks {
    /// Of these secrets.
    pub fn of(secrets: &[Secret]) -> Masks {
        Masks(Redactor::of_secrets(secrets.iter().map(Secret::expose)))
    }

    /// The answer of a reply, masked and not read yet.
    ///
    /// # Errors
    /// [`Lost::NotSent`] if the process refused, so that nothing was done; [`Lost::Unanswered`] if it does not know what was
    /// done, or the reply is invalid.
    pub fn answer(&self, reply: &RawValue) -> Result<Box<RawValue>, Lost> {
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
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
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
    fn what_is_no_answer_is_refused_and_texts_are_short_and_inert() {
        for text in ["1", "{}", r#"{"ok":1,"refused":{"denied":"x"}}"#, r#"{"done":1}"#, r#"{"refused":{"no":"x"}}"#] {
            assert_eq!(masks().answer(&raw(text)).unwrap_err(), Lost::Unanswered(invalid()), "{text}");
        }
        let long = format!(r#"{{"refused":{{"other":"\u001b[2J{}"}}}}"#, "x".repeat(100_000));
        let Err(Lost::NotSent(Refusal::Other(why))) = masks().answer(&raw(&long)) else { panic!("not refused") };
        assert!(why.len() <= MOST_WHY + 8 && !why.contains('\u{1b}'), "{}", why.len());
    }
}
