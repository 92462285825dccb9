//! `ansai doctor`: what ansai can and cannot do on this host, as this user.

use ansai_core::exit;
use ansai_core::text::inert;
use ansai_daemon::{Configuration, state};
use clap::Args;

use crate::arguments::{Format, Global};
use crate::diagnosis::{self, Answer, Finding};
use crate::exit::worst;
use crate::output::{self, colour, json, lines};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai doctor\n  sudo ansai doctor --format json\n\n\
    Exit code 3 when something is missing without which nothing works; 5 when that could not be told.")]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    let findings = diagnosis::all(&state_dir);
    match global.format {
        Format::Json => json::document(&findings)?,
        Format::Text => {
            for finding in &findings {
                output::say(&line(finding))?;
            }
            lines::line(&summary(&findings))?;
        }
    }
    Ok(worst(findings.iter().filter(|finding| finding.needed).map(|finding| match finding.answer {
        Answer::Ok => exit::FINE,
        Answer::Missing => exit::UNHEALTHY,
        Answer::CouldNotTell => exit::UNKNOWN,
    })))
}

fn line(finding: &Finding) -> String {
    let (style, word) = match finding.answer {
        Answer::Ok => (colour::GOOD, "ok"),
        Answer::Missing if finding.needed => (colour::ERROR, "missing"),
        Answer::Missing => (colour::WARNING, "missing"),
        Answer::CouldNotTell => (colour::WARNING, "could not tell"),
    };
    let word = colour::paint(style, &format!("{word:14}"));
    let text = |text: &str| inert(text, output::MOST_TEXT);
    let mut out = format!("{word}  {}: {}\n", finding.what, text(&finding.detail));
    if let Some(hint) = &finding.hint {
        out += &format!("{:16}hint: {}\n", "", text(hint));
    }
    out
}

fn summary(findings: &[Finding]) -> String {
    let count = |answer| findings.iter().filter(|finding| finding.answer == answer).count();
    let (missing, unknown) = (count(Answer::Missing), count(Answer::CouldNotTell));
    match (missing, unknown) {
        (0, 0) => "everything is here".to_owned(),
        _ => format!("{} ok, {missing} missing, {unknown} could not be told", count(Answer::Ok)),
    }
}
