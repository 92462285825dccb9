//! What contenders have reported.

use anyhow::Context as _;
use serde_json::Value;

use crate::contender::Contender;

/// One report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When, in milliseconds since 1970, by the clock of the contender. Monit says full seconds.
    pub at: u64,
    /// About what, as the contender names it: the key of an incident, a service, a file system.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Reads what `site found` prints.
///
/// # Errors
/// If it is not what the contender is known to print.
pub fn read(contender: Contender, text: &str) -> anyhow::Result<Vec<Report>> {
    match contender {
        Contender::Ansai => incidents(text),
        Contender::Systemd | Contender::Monit => text.lines().map(line).collect(),
    }
}

/// `MILLISECONDS SUBJECT TEXT`.
fn line(line: &str) -> anyhow::Result<Report> {
    let mut words = line.splitn(3, ' ');
    let (at, subject, text) = (words.next(), words.next(), words.next());
    let at = at.and_then(|at| at.parse().ok()).with_context(|| format!("a time in {line:?}"))?;
    Ok(Report { at, subject: subject.unwrap_or_default().to_owned(), text: text.unwrap_or_default().to_owned() })
}

/// The incidents of ansai, open and closed.
fn incidents(text: &str) -> anyhow::Result<Vec<Report>> {
    let mut reports = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let document = document.context("what `ansai incidents` says")?;
        for list in ["open", "closed"] {
            for incident in document.get(list).and_then(Value::as_array).into_iter().flatten() {
                let text = |name: &str| incident.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let at = incident.get("opened").and_then(Value::as_u64).context("when an incident was opened")?;
                reports.push(Report { at, subject: text("key"), text: text("summary") });
            }
        }
    }
    reports.sort_by_key(|report| report.at);
    Ok(reports)
}

impl Report {
    /// Whether it is about one of these subjects: `session:main-db:381` is about `main-db`.
    #[must_use]
    pub fn is_about(&self, subjects: &[String]) -> bool {
        let mut words = self.subject.split(['/', ' ', ':']);
        words.any(|word| subjects.iter().any(|subject| word.strip_suffix(".service").unwrap_or(word) == subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_of_the_site_in_them() {
        let keys = [
            ("app.service", "app"),
            ("answers-nothing:app.service", "app"),
            ("/srv", "srv"),
            ("inodes:/srv", "srv"),
            ("server:main-db", "main-db"),
            ("session:main-db:381:1795975160909013", "main-db"),
        ];
        for (key, name) in keys {
            let report = Report { at: 0, subject: key.to_owned(), text: String::new() };
            assert!(report.is_about(&[name.to_owned()]), "{key}");
            assert!(!report.is_about(&["neighbour-a".to_owned()]), "{key}");
        }
    }
}
