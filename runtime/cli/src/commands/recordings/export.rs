//! `ansai recordings export`: a scenario from a recorded evaluation.

use std::path::PathBuf;

use ansai_audit::RecordingId;
use ansai_core::event::Phase;
use ansai_core::text::inert;
use ansai_core::{codes, exit};
use ansai_daemon::Configuration;
use ansai_daemon::Warning;
use ansai_daemon::recorded::{Components, Recorded};
use ansai_devkit::scenario::{self, Problem, Scenario, Subject};
use ansai_engine::Recording;
use ansai_kit::registry::Registry;
use clap::Args;

use crate::commands::test::subject;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, json, lines, time};
use crate::{compiler, runtime, writing};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Recording, from `ansai recordings list`
    id: RecordingId,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Directories with components, besides the sources of the configuration
    #[arg(long, value_name = "DIR", num_args = 1..)]
    policies: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, global: &Global, configuration: Option<&Configuration>) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let recorded = Recorded::open(&global.state_dir(configuration)?)?;
    let recording = recorded.get(&arguments.id)?;
    let subject = component(arguments, global, &registry, configuration, &recording)?;
    let title = title(&recording);
    let text = scenario::export(&recording, &title, &registry, subject.as_ref()).map_err(|error| {
        Fault::other(codes::NOT_EXPORTABLE, format!("cannot make a scenario from {}: {error}", arguments.id))
    })?;
    let text = format!("# From recording {}, by `ansai recordings export`.\n{text}", arguments.id);
    if let Some(subject) = &subject {
        check(subject, &text)?;
    }
    match &arguments.output {
        None => output::say(&text)?,
        Some(path) if arguments.force => writing::replace(path, &text)?,
        Some(path) => writing::create(path, &text)?,
    }
    if let Some(path) = &arguments.output {
        match global.format {
            Format::Text => lines::line(&format!("wrote {}", path.display()))?,
            Format::Json => json::document(&serde_json::json!({
                "recording": arguments.id,
                "path": path,
                "passes": subject.is_some(),
            }))?,
        }
    }
    Ok(exit::FINE)
}

/// The recorded component; `None` with a warning if it is not found.
fn component(
    arguments: &Arguments,
    global: &Global,
    registry: &Registry,
    configuration: Option<&Configuration>,
    recording: &Recording,
) -> Result<Option<Subject>, Fault> {
    let engine = compiler::engine(registry.clone())?;
    let components =
        Components::new(engine, &arguments.policies, None, configuration, &global.share(), &global.pulled())?;
    match components.path(&recording.component) {
        Ok(path) => subject(&path, components.engine(), registry).map(Some),
        Err(error) => {
            let hint = "pass --policies DIR with the component";
            let message = format!("the scenario was not run: {error}; {hint}");
            output::warning(&Warning::new(error.code(), message));
            Ok(None)
        }
    }
}

fn title(recording: &Recording) -> String {
    let what = match (recording.phase, &recording.finding) {
        (Phase::Plan, Some(finding)) => format!("the plan for {}", finding.key),
        _ => "the findings".to_owned(),
    };
    let at = time::rfc3339(recording.at);
    inert(&format!("{what} of {}, recorded at {at}", recording.instance), 300)
}

/// Runs the scenario. One that does not pass is not written.
fn check(subject: &Subject, text: &str) -> anyhow::Result<()> {
    let invalid = |problems| Fault::invalid("the exported scenario is invalid", problems);
    let scenario = Scenario::parse("the scenario", text).map_err(invalid)?;
    let ran = runtime::block_on(scenario::run(subject, &scenario))?.map_err(invalid)?;
    if ran.problems.is_empty() {
        return Ok(());
    }
    let problems: Vec<String> = ran.problems.iter().map(Problem::to_string).collect();
    Err(Fault::other(codes::NOT_EXPORTABLE, "the exported scenario fails with the recorded component")
        .hint(problems.join("\n"))
        .into())
}
