//! `ansai undo`: takes back what a plan did.

use std::sync::Arc;

use ansai_core::{Outcome, Scope, codes, exit};
use ansai_events::Stream;
use ansai_host_functions::registry::Registry;
use ansai_supervisor::authority::{EffectiveGrants, Fixed, scopes};
use ansai_supervisor::undo::UndoError;
use ansai_supervisor::{Options, StepReport, Supervisor};
use clap::Args;

use crate::arguments::{Format, Global};
use crate::commands::run::cannot_open;
use crate::configuration::Configuration;
use crate::exit::Fault;
use crate::output::{json, lines, phrases};
use crate::{host, runtime, state};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai audit show                     shows plans and their steps\n  \
    ansai undo 20261121t030243-117-0001  undoes all of it, the newest step first\n\n\
    Stop the daemon first: it alone may write its state. What was undone is in the audit log.")]
pub(crate) struct Arguments {
    /// The plan, as `ansai audit show` names it
    plan: String,
    /// Only this step of it; steps count from 0
    #[arg(long, value_name = "N")]
    step: Option<u32>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = Registry::builtin();
    let interfaces = registry.interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    if !state::exists(&state_dir) {
        return Err(Fault::usage(
            codes::UNKNOWN_PLAN,
            format!("{} does not exist: nothing was ever done", state_dir.display()),
        )
        .hint("say --state-dir DIR")
        .into());
    }
    let granted = configuration.as_ref().map(|c| force_of(c, &interfaces)).unwrap_or_default();
    let shared = host::shared(registry, &state_dir);
    let reports = runtime::block_on(async {
        let options = Options {
            state_dir: state_dir.clone(),
            mode: ansai_core::Mode::Enforce,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            events: Stream::new(),
        };
        let supervisor = Supervisor::open(options, shared, Arc::new(Fixed::new(granted)), Vec::new())
            .map_err(|error| cannot_open(&error, &state_dir))?;
        let by = format!("user {}", rustix::process::getuid().as_raw());
        tokio::task::spawn_blocking({
            let (plan, step) = (arguments.plan.clone(), arguments.step);
            move || supervisor.undo(&plan, step, &by).map_err(|error| fault(&error))
        })
        .await
        .map_err(|error| Fault::other(codes::NOT_UNDONE, format!("undoing failed: {error}")))?
    })??;
    print(&reports, global.format)?;
    Ok(code(&reports))
}

/// Grants as the configuration has them: the policy itself is not needed to take back what it had done.
fn force_of(configuration: &Configuration, interfaces: &[ansai_core::Interface]) -> Vec<(String, EffectiveGrants)> {
    let asked = Scope::default();
    let instances = configuration.config.policies.iter().map(|(name, instance)| {
        let granted = instance.grants.iter().filter_map(|(interface, granted)| {
            let known = interfaces.iter().find(|one| one.name == interface)?;
            Some((interface.clone(), Scope::in_force(known.fields, &asked, granted)))
        });
        (name.clone(), EffectiveGrants { scopes: scopes(granted.collect()), mode: instance.mode })
    });
    instances.collect()
}

fn fault(error: &UndoError) -> Fault {
    match error {
        UndoError::Plan(_) | UndoError::NoStep { .. } => {
            Fault::usage(codes::UNKNOWN_PLAN, error.to_string()).hint("`ansai audit show` names plans and their steps")
        }
        UndoError::Altered(_) | UndoError::AlreadyUndone(_) | UndoError::Refused(_) => {
            Fault::refused(codes::NOT_UNDONE, error.to_string())
        }
        _ => Fault::other(codes::NOT_UNDONE, error.to_string()),
    }
}

fn print(reports: &[StepReport], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => json::document(&reports),
        Format::Text => {
            for report in reports {
                let step = phrases::step(&report.action, &report.preview);
                lines::line(&format!("{step}: {}", phrases::step_outcome(report)))?;
            }
            Ok(())
        }
    }
}

fn code(reports: &[StepReport]) -> u8 {
    let is = |outcome| reports.iter().any(|report| report.outcome == Some(outcome));
    if is(Outcome::Refused) {
        exit::REFUSED
    } else if reports.iter().all(|report| report.outcome.is_none_or(|outcome| outcome == Outcome::Reverted)) {
        exit::FINE
    } else if is(Outcome::Unknown) {
        exit::UNKNOWN
    } else {
        exit::OTHER
    }
}
