//! `ansai test`: a policy against its scenarios.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::exit;
use ansai_core::text::inert;
use ansai_devkit::scenario::{self, Ran, Scenario, Subject};
use ansai_host_functions::registry::Registry;
use clap::Args;
use serde_json::json;

use crate::arguments::{Format, Global};
use crate::component::Component;
use crate::exit::Fault;
use crate::host;
use crate::output::{self, json};
use crate::runtime;
use crate::sources::{self, Source};

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai test policies/disk-space\n  ansai test policies/ --only full --format json\n\n\
    A scenario is a TOML file in the directory `scenarios` beside the component: canned replies of a host, and what\n\
    the policy must say and propose. Context, store and series are the real ones, seeded from the file."
)]
pub(crate) struct Arguments {
    /// Built policies: directories or components
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Only scenarios whose name holds this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

struct Tested {
    name: String,
    ran: Result<Ran, String>,
}

impl Tested {
    fn problems(&self) -> Vec<String> {
        match &self.ran {
            Ok(ran) => ran.problems.clone(),
            Err(problem) => vec![problem.clone()],
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = Registry::builtin();
    let engine = host::engine(registry.clone(), None)?;
    let mut tested = Vec::new();
    for source in sources::find(&arguments.paths)? {
        let path = match source {
            Source::Component(path) => path,
            Source::OnlySources(dir) => return Err(sources::only_sources(&dir).into()),
        };
        let component = Component::read(&path, &registry.interfaces())?;
        let subject = Subject {
            policy: component.compile(&engine)?,
            manifest: Arc::unwrap_or_clone(component.manifest),
            schema: Some(component.schema),
            registry: registry.clone(),
        };
        let dir = path.parent().unwrap_or(Path::new(".")).join("scenarios");
        for file in sources::scenarios(&dir)? {
            let name = format!("{}/{}", subject.manifest.name, Scenario::name(&file));
            if arguments.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
                continue;
            }
            let ran = match Scenario::load(&file) {
                Ok(scenario) => Ok(runtime::block_on(scenario::run(&subject, &scenario))?),
                Err(error) => Err(error.to_string()),
            };
            let one = Tested { name, ran };
            if global.format == Format::Text {
                output::say(&format!("{}\n", show(&one)))?;
            }
            tested.push(one);
        }
    }
    if tested.is_empty() {
        return Err(Fault::usage("there is no scenario here")
            .hint("write one in the directory `scenarios` beside the component")
            .into());
    }
    let failed = tested.iter().filter(|one| !one.problems().is_empty()).count();
    match global.format {
        Format::Json => json::document(&document(&tested))?,
        Format::Text => output::say(&format!("\n{} passed, {failed} failed\n", tested.len() - failed))?,
    }
    Ok(if failed == 0 { exit::FINE } else { exit::OTHER })
}

fn show(one: &Tested) -> String {
    let problems = one.problems();
    let name = inert(&one.name, 200);
    if problems.is_empty() {
        let fuel = one.ran.as_ref().map(|ran| ran.fuel.iter().sum::<u64>()).unwrap_or_default();
        return format!("ok    {name}  ({fuel} fuel)");
    }
    let mut out = format!("FAIL  {name}");
    let log = one.ran.as_ref().map(|ran| ran.log.clone()).unwrap_or_default();
    let log = log.into_iter().map(|line| format!("log: {line}"));
    for line in
        problems.into_iter().flat_map(|problem| problem.lines().map(str::to_owned).collect::<Vec<_>>()).chain(log)
    {
        out.push_str("\n      ");
        out.push_str(&inert(&line, 400));
    }
    out
}

fn document(tested: &[Tested]) -> serde_json::Value {
    let scenarios: Vec<_> = tested
        .iter()
        .map(|one| {
            let fuel = one.ran.as_ref().map(|ran| ran.fuel.clone()).unwrap_or_default();
            json!({ "name": one.name, "passed": one.problems().is_empty(), "problems": one.problems(), "fuel": fuel })
        })
        .collect();
    json!({ "scenarios": scenarios })
}
