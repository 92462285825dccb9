//! What a hook answered: its code or status, and what it says.

use ansai_core::text::inert;
use ansai_core::{Measure, Millis, Subject, Unit, Value};
use ansai_kit::redact::Redactor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json};

const MOST_FACTS: usize = 64;
const MOST_NAME: usize = 64;
const MOST_TEXT: usize = 256;
const MOST_MESSAGE: usize = 500;
/// Bytes of a message that are looked at.
const MOST_LINE: usize = 4_096;

/// As in the WIT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Answer {
    pub(super) about: Subject,
    pub(super) healthy: Option<bool>,
    pub(super) exit_code: Option<i32>,
    pub(super) http_status: Option<u32>,
    pub(super) took: Millis,
    pub(super) facts: Vec<Measure>,
    pub(super) skipped: u32,
    pub(super) message: String,
}

/// What a hook wrote.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Its own word for whether it is healthy.
    healthy: Option<bool>,
    /// Its word for that may have been in an object that cannot be read.
    is_lost: bool,
    facts: Vec<Measure>,
    skipped: u32,
    message: String,
}

impl Said {
    /// Of its whole output, with its secrets: a JSON object, or text of which the first line counts. `rest` is for the
    /// case that it says nothing.
    pub(super) fn read(output: &str, is_whole: bool, rest: Option<&str>, redactor: &Redactor) -> Said {
        if is_whole && let Ok(object) = serde_json::from_str::<Map<String, Json>>(output) {
            return Said::object(object, redactor);
        }
        let start = output.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        // A cut line is not kept, so nothing of a long object may be left.
        let is_lost = start.starts_with('{') || (!is_whole && start.is_empty());
        // As a whole: a line alone may not show that it is a part of a secret.
        let masked = redactor.redact(output);
        let first = masked.text.lines().map(str::trim).find(|line| !line.is_empty());
        let message = first.or(rest).map(|line| text(line, MOST_MESSAGE, redactor)).unwrap_or_default();
        Said { is_lost, message, ..Said::default() }
    }

    fn object(object: Map<String, Json>, redactor: &Redactor) -> Said {
        let mut said = Said::default();
        for (name, value) in object {
            match (name.as_str(), value) {
                ("healthy", Json::Bool(healthy)) => said.healthy = Some(healthy),
                ("message", Json::String(message)) => said.message = text(&message, MOST_MESSAGE, redactor),
                (_, value) => match fact(&name, value, redactor).filter(|_| said.facts.len() < MOST_FACTS) {
                    Some(fact) => said.facts.push(fact),
                    None => said.skipped = said.skipped.saturating_add(1),
                },
            }
        }
        said
    }

    /// The answer, where the code or status alone means this. What it says can make it worse, never better: a program
    /// that fails does not become healthy by its words. With an object that cannot be read, it is unknown whether it is
    /// healthy.
    pub(super) fn answer(self, about: Subject, status: Option<bool>, took: Millis) -> Answer {
        let healthy = match (status, self.healthy) {
            (Some(true), Some(false)) => Some(false),
            (Some(true), None) if self.is_lost => None,
            (status, _) => status,
        };
        let Said { facts, skipped, message, .. } = self;
        Answer { about, healthy, exit_code: None, http_status: None, took, facts, skipped, message }
    }
}

/// One line without secrets and control characters.
fn text(line: &str, most: usize, redactor: &Redactor) -> String {
    let line = redactor.beginning(line, MOST_LINE);
    let mut line = inert(&redactor.redact(line).text, most);
    // What is escaped is longer than it was.
    if let Some((end, _)) = line.char_indices().nth(most) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A number, text or switch, or an object with `value` and `unit`.
fn fact(name: &str, value: Json, redactor: &Redactor) -> Option<Measure> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(known) {
        return None;
    }
    let (value, unit) = match value {
        Json::Object(mut object) => {
            let value = object.remove("value")?;
            let unit = match object.remove("unit") {
                None => Unit::None,
                Some(Json::String(word)) => unit(&word),
                Some(_) => return None,
            };
            (value, unit)
        }
        value => (value, Unit::None),
    };
    // Whatever its name says, such as `password`: the value alone shows nothing.
    let is_secret = |shown: &str| redactor.redact(&format!("{name}={shown}")).masked > 0;
    let value = match value {
        Json::Bool(flag) => Value::Flag(flag),
        Json::Number(number) if is_secret(&number.to_string()) => Value::Text("***".to_owned()),
        Json::Number(number) => whole(&number)?,
        Json::String(words) if is_secret(&words) => Value::Text("***".to_owned()),
        Json::String(words) => Value::Text(text(&words, MOST_TEXT, redactor)),
        _ => return None,
    };
    Some(Measure { name: name.to_owned(), value, unit })
}

fn whole(number: &Number) -> Option<Value> {
    match number.as_u64() {
        Some(count) => Some(Value::Count(count)),
        None => number.as_f64().filter(|number| number.is_finite()).map(Value::Number),
    }
}

/// A unit that the contract does not know is another one.
fn unit(word: &str) -> Unit {
    serde_json::from_value(Json::String(word.to_owned())).unwrap_or(Unit::Other)
}

#[cfg(test)]
mod tests;
