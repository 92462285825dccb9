//! Explains why a file is not a valid scenario: the parser's message with a hint.

use ansai_config::{Diagnostics, Report, did_you_mean};
use ansai_core::{Code, codes};

/// Returns the parser's error with the nearest known word.
pub(super) fn explained(file: &str, text: &str, error: &toml::de::Error) -> Diagnostics {
    // Further lines of the parser's message repeat the place.
    let said = error.message().lines().next().unwrap_or_default();
    let (code, message, hint) = words(said);
    let mut report = Report::new(file, text);
    report.error(code, error.span().or(Some(0..0)), &message, hint);
    report.finish().err().unwrap_or_default()
}

/// serde's message lists the known words in backticks after the unknown one.
fn words(said: &str) -> (Code, String, Option<String>) {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let written = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    if said.starts_with("unknown field") {
        return (codes::UNKNOWN_KEY, format!("unknown key `{written}`"), did_you_mean(written, &known));
    }
    if said.starts_with("unknown variant") {
        return (codes::UNKNOWN_WORD, format!("this cannot be `{written}`"), did_you_mean(written, &known));
    }
    if said.starts_with("missing field") {
        return (codes::MISSING_KEY, format!("`{written}` is missing here"), None);
    }
    let code = match said {
        said if said.starts_with("duplicate key") => codes::DUPLICATE_KEY,
        said if said.starts_with("invalid type") || said.starts_with("invalid length") => codes::WRONG_TYPE,
        said if said.starts_with("invalid value") => codes::OUT_OF_RANGE,
        _ => codes::SYNTAX,
    };
    (code, said.to_owned(), None)
}
