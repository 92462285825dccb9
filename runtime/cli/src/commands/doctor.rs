//! `ansai doctor`: what ansai can do on this host as this user.

use ansai_core::exit;
use ansai_core::text::inert;
use ansai_daemon::state;
use ansai_kit::doctor::{Answer, Finding};
use clap::Args;

use crate::diagnosis;
use crate::exit::worst;
use crate::global::{Format, Global};
use crate::output::{self, colour, json, lines};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai doctor\n  sudo ansai doctor --format json\n\n\
    Exit codes: 0 OK; 3 a required facility is missing; 5 a required facility could not be checked.")]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = global.configuration_of_state(&interfaces)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    let findings = diagnosis::all(configuration.as_ref(), &state_dir);
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
        Answer::Unknown => exit::UNKNOWN,
    })))
}

fn line(finding: &Finding) -> String {
    let (style, word) = match finding.answer {
        Answer::Ok => (colour::GOOD, "ok"),
        Answer::Missing if finding.needed => (colour::ERROR, "missing"),
        Answer::Missing => (colour::WARNING, "missing"),
        Answer::Unknown => (colour::WARNING, "unknown"),
    };
    let word = colour::paint(style, &format!("{word:7}"));
    let text = |text: &str| inert(text, output::MOST_TEXT);
    let mut out = format!("{word}  {}: {}\n", finding.what, text(&finding.detail));
    if let Some(hint) = &finding.hint {
        out += &format!("{:9}hint: {}\n", "", text(hint));
    }
    out
}

fn summary(findings: &[Finding]) -> String {
    let count = |answer| findings.iter().filter(|finding| finding.answer == answer).count();
    let (missing, unknown) = (count(Answer::Missing), count(Answer::Unknown));
    match (missing, unknown) {
        (0, 0) => "all checks passed".to_owned(),
        _ => format!("{} ok, {missing} missing, {unknown} unknown", count(Answer::Ok)),
    }
}
