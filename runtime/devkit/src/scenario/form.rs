//! A scenario that is not in the form: what the parser says, with the way out.

use ansai_config::{Diagnostics, Report, did_you_mean};

/// The parser's error with the nearest known word.
pub(super) fn explained(file: &str, text: &str, error: &toml::de::Error) -> Diagnostics {
    // The parser may say more on further lines.
    let said = error.message().lines().next().unwrap_or_default();
    let (message, hint) = words(said);
    let mut report = Report::new(file, text);
    report.error(error.span().or(Some(0..0)), &message, hint);
    report.finish().err().unwrap_or_default()
}

/// serde lists what it knows in backticks after the word that it does not know.
fn words(said: &str) -> (String, Option<String>) {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let written = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    if said.starts_with("unknown field") {
        return (format!("unknown key `{written}`"), did_you_mean(written, &known));
    }
    if said.starts_with("unknown variant") {
        return (format!("this cannot be `{written}`"), did_you_mean(written, &known));
    }
    if said.starts_with("missing field") {
        return (format!("`{written}` is missing here"), None);
    }
    (said.to_owned(), None)
}
