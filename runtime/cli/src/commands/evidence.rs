//! `ansai evidence`: what steps captured.

use ansai_core::event::{EvidenceDrop, EvidenceRef};
use ansai_core::exit;
use ansai_core::text::inert;
use ansai_daemon::evidence::{self, EvidenceError, RecordedEvidence, StoredEvidence};
use clap::Args;
use serde::Serialize;

use crate::global::{Format, Global};
use crate::output::{self, MOST_TEXT, json, lines, time};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai evidence                                list what steps captured\n  \
    ansai evidence web/down-nginx/1795300000000   show what was captured for an incident\n  \
    ansai evidence 20261121t030243-117-0001       show what a plan captured\n\n\
    Secrets are masked before anything is stored. Each item is compared with its hash in the audit log.")]
pub(crate) struct Arguments {
    /// Incident, plan or item; without it, everything is listed
    #[arg(value_name = "INCIDENT")]
    wanted: Option<String>,
}

/// An item in JSON.
#[derive(Serialize)]
struct Document<'a> {
    at: String,
    instance: &'a str,
    incident: Option<&'a str>,
    plan: &'a str,
    step: u32,
    #[serde(flatten)]
    reference: &'a EvidenceRef,
    state: &'static str,
    /// Why ansai removed it.
    removed: Option<EvidenceDrop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

/// An item with its content, if it is still there.
type Read = Result<Option<String>, EvidenceError>;

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let configuration = global.configuration_of_state(&ansai_host_functions::builtin().interfaces())?;
    let state_dir = global.state_dir(configuration.as_ref())?;
    let mut recorded = evidence::recorded(&state_dir)?;
    if let Some(wanted) = &arguments.wanted {
        recorded.retain(|one| one.is_of(wanted));
        if recorded.is_empty() {
            return Err(ansai_daemon::Error::from(EvidenceError::Unknown(inert(wanted, 300))).into());
        }
    }
    let store = StoredEvidence::open(&state_dir)?;
    let mut problem = None;
    let mut documents = Vec::new();
    if recorded.is_empty() && global.format == Format::Text {
        lines::line("no evidence yet")?;
    }
    for one in &recorded {
        let read = store.read(one);
        let with_content = arguments.wanted.is_some();
        match (global.format, with_content) {
            (Format::Json, _) => {
                let content = read.as_ref().ok().and_then(|content| content.as_deref()).filter(|_| with_content);
                documents.push(serde_json::to_value(Document {
                    at: time::rfc3339(one.at),
                    instance: &one.instance,
                    incident: one.incident.as_deref(),
                    plan: &one.plan,
                    step: one.step,
                    reference: &one.reference,
                    state: state(&read),
                    removed: one.dropped,
                    content,
                })?);
            }
            (Format::Text, false) => line(one, &read)?,
            (Format::Text, true) => show(one, &read)?,
        }
        problem = problem.or(read.err());
    }
    if global.format == Format::Json {
        json::document(&documents)?;
    }
    match problem {
        Some(problem) => Err(ansai_daemon::Error::from(problem).into()),
        None => Ok(exit::FINE),
    }
}

fn state(read: &Read) -> &'static str {
    match read {
        Ok(Some(_)) => "kept",
        Ok(None) => "removed",
        Err(EvidenceError::Changed(_)) => "changed",
        Err(EvidenceError::Missing(_)) => "missing",
        Err(_) => "unreadable",
    }
}

/// The state of an item, with the reason.
fn state_text(one: &RecordedEvidence, read: &Read) -> String {
    match (read, one.dropped) {
        (Ok(None), Some(why)) => format!("removed: {why}"),
        (Err(_), _) => state(read).to_uppercase(),
        _ => state(read).to_owned(),
    }
}

fn line(one: &RecordedEvidence, read: &Read) -> anyhow::Result<()> {
    let (id, at, size) = (&one.reference.id, time::local(one.at), one.reference.bytes.to_string());
    let of = one.incident.as_deref().unwrap_or(&one.plan);
    let state = state_text(one, read);
    Ok(lines::line(&format!("{id}  {at}  {size:>8}  {of}  {}  {state}", one.reference.name))?)
}

fn show(one: &RecordedEvidence, read: &Read) -> anyhow::Result<()> {
    output::say(&lines::title(&one.reference.name))?;
    output::say(&lines::pairs(&[
        ("evidence", one.reference.id.clone()),
        ("time", time::local(one.at)),
        ("instance", one.instance.clone()),
        ("incident", one.incident.clone().unwrap_or_else(|| "none".to_owned())),
        ("step", format!("{} of plan {}", one.step, one.plan)),
        ("sha256", one.reference.sha256.clone()),
        ("state", state_text(one, read)),
    ]))?;
    for line in read.as_ref().ok().and_then(|content| content.as_deref()).unwrap_or_default().lines() {
        output::say(&format!("    {}\n", inert(line, MOST_TEXT)))?;
    }
    Ok(output::say("\n")?)
}
