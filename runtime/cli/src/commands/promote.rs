//! `ansai promote`: what each action achieved, and whether it may do more by itself.

mod row;
mod show;

use ansai_config::did_you_mean;
use ansai_core::control::{Answer, Request};
use ansai_core::promotion::{ActionRecord, Promotion};
use ansai_core::text::inert;
use ansai_core::{InstanceName, Mode, codes, exit};
use ansai_daemon::configuration::ConfigurationError;
use ansai_daemon::promotion::Change;
use ansai_daemon::{Configuration, Error};
use ansai_supervisor::clock;
use clap::{Args, ValueEnum};

use self::row::{Row, rows};
use self::show::Shown;
use super::plans;
use crate::asking::ask;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, json, promotion};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai promote                                           list all actions with their level and record\n  \
    ansai promote disk-space                                show the record, and the change of ansai.toml\n  \
    ansai promote disk-space files-actions --write          make the change\n  \
    ansai promote disk-space --to observe --write           go back to observe\n\n\
    Levels: `observe` changes nothing, `approve` asks a person, `enforce` acts by itself. A promotion is one level up. It\n\
    needs a record: enough incidents, days and, for `enforce`, plans that healed. Without --write nothing is written. A\n\
    running ansai reads the configuration again before its next step."
)]
pub(crate) struct Arguments {
    /// Instance, as in `[policy.NAME]` of the configuration [default: list all]
    instance: Option<InstanceName>,
    /// Interface of the action, such as `files-actions` [default: the only one of the instance]
    action: Option<String>,
    /// Level that the action gets [default: the next one]
    #[arg(long, value_enum, value_name = "LEVEL", requires = "instance")]
    to: Option<Level>,
    /// Write the change to the configuration
    #[arg(long, requires = "instance")]
    write: bool,
    /// Promote although the record lacks something
    #[arg(long, requires = "instance")]
    anyway: bool,
}

/// What happens to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    /// It is shown, and nothing changes
    Observe,
    /// A person is asked
    Approve,
    /// It is applied
    Enforce,
}

impl From<Level> for Mode {
    fn from(level: Level) -> Mode {
        match level {
            Level::Observe => Mode::Observe,
            Level::Approve => Mode::Approve,
            Level::Enforce => Mode::Enforce,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = global.configuration(&interfaces)?.ok_or_else(|| Error::from(ConfigurationError::Needed))?;
    let records = records(arguments, global)?;
    let rows = rows(&configuration, &records, &interfaces, clock::now());
    let Some(instance) = &arguments.instance else {
        match global.format {
            Format::Json => json::document(&show::document(&rows, None))?,
            Format::Text => output::say(&show::list(&rows))?,
        }
        return Ok(exit::FINE);
    };
    let row = find(&rows, &configuration, instance, arguments.action.as_deref())?;
    let row = match arguments.to {
        Some(to) => row.towards(to.into(), clock::now()),
        None => row.clone(),
    };
    let Some(to) = row.to else {
        match global.format {
            Format::Json => json::document(&show::document(&[row], None))?,
            Format::Text => output::say(&show::one(&row, None))?,
        }
        return Ok(exit::FINE);
    };
    let change = Change::of(&configuration, (&row.instance, &row.action), to, &interfaces)?;
    let is_thin = !row.missing.is_empty() && !arguments.anyway;
    let mut shown = Shown { path: &configuration.path, to, change: &change, is_written: false };
    if is_thin || !arguments.write {
        match global.format {
            Format::Json => json::document(&show::document(std::slice::from_ref(&row), Some(&shown)))?,
            Format::Text => output::say(&show::one(&row, Some(&shown)))?,
        }
        return if is_thin { Err(thin(&row, to).into()) } else { Ok(exit::FINE) };
    }
    write(&row, to, (&configuration, &change), global)?;
    shown.is_written = true;
    match global.format {
        Format::Json => json::document(&show::document(&[row], Some(&shown)))?,
        Format::Text => output::say(&show::one(&row, Some(&shown)))?,
    }
    Ok(exit::FINE)
}

/// What the actions achieved. To go down to `observe` needs no record: also while nobody can tell.
fn records(arguments: &Arguments, global: &Global) -> anyhow::Result<Vec<ActionRecord>> {
    match ask(global, Request::ActionRecords) {
        Ok(done) => match done.answer {
            Answer::ActionRecords { records } => Ok(records),
            _ => Err(plans::unexpected()),
        },
        Err(error) if arguments.to == Some(Level::Observe) => {
            output::tell(&format!("warning: what the actions achieved is unknown: {error}"));
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Records the change, then makes it. Less is always permitted: also while it cannot be recorded.
fn write(
    row: &Row,
    to: Mode,
    (configuration, change): (&Configuration, &Change),
    global: &Global,
) -> anyhow::Result<()> {
    change.check_trust(configuration)?;
    let promotion = Promotion {
        instance: row.instance.clone(),
        action: row.action.to_string(),
        from: row.level,
        to,
        missing: row.missing.clone(),
        configuration_sha256: change.sha256(),
    };
    match ask(global, Request::Promote(promotion)) {
        Ok(_) => {}
        Err(error) if to < row.level => output::tell(&format!("warning: the audit log does not have this: {error}")),
        Err(error) => return Err(error),
    }
    Ok(change.write()?)
}

fn thin(row: &Row, to: Mode) -> Fault {
    let message = format!("the record of {} is too thin for {to}: {}", row.action, promotion::missing(&row.missing));
    Fault::refused(codes::THIN_RECORD, message).hint("wait for more, or pass --anyway")
}

/// The row of an action of an instance.
fn find<'r>(
    rows: &'r [Row],
    configuration: &Configuration,
    instance: &InstanceName,
    action: Option<&str>,
) -> Result<&'r Row, Fault> {
    let instances: Vec<&str> = configuration.config.policies.keys().map(InstanceName::as_str).collect();
    if !instances.contains(&instance.as_str()) {
        let fault = Fault::usage(codes::UNKNOWN_INSTANCE, format!("the configuration has no instance `{instance}`"));
        return Err(fault.maybe_hint(did_you_mean(instance.as_str(), &instances)));
    }
    let own: Vec<&Row> = rows.iter().filter(|row| row.instance == *instance).collect();
    let names: Vec<&str> = own.iter().map(|row| row.action.as_str()).collect();
    let named = |row: &&&Row| action.is_none_or(|action| is_named(row.action.as_str(), action));
    let found: Vec<&&Row> = own.iter().filter(named).collect();
    match (found.as_slice(), action) {
        ([row], _) => Ok(row),
        ([], Some(action)) => {
            let message = format!("{instance} is granted no action `{}`", inert(action, 100));
            Err(Fault::usage(codes::UNKNOWN_ACTION, message).maybe_hint(did_you_mean(action, &names)))
        }
        ([], None) => {
            let message = format!("{instance} is granted no actions, so there is nothing to promote");
            Err(Fault::usage(codes::UNKNOWN_ACTION, message)
                .hint("`ansai check --suggest-grants` prints what its policy asks for"))
        }
        _ => {
            let message = format!("{instance} has several actions: name one");
            Err(Fault::usage(codes::UNKNOWN_ACTION, message).hint(names.join("\n")))
        }
    }
}

/// Whether an interface is meant: by its name, its last part, or one of its functions.
fn is_named(interface: &str, written: &str) -> bool {
    let short = |name: &str| name.rsplit_once('/').map_or(name, |(_, short)| short).to_owned();
    let without_function = |name: &str| match name.rsplit_once('.') {
        Some((interface, _)) => interface.to_owned(),
        None => name.to_owned(),
    };
    let written = without_function(written);
    interface == written || short(interface) == written
}

/// The records of the functions of an interface.
fn of_interface<'a>(
    records: &'a [ActionRecord],
    instance: &'a InstanceName,
    interface: &'a str,
) -> impl Iterator<Item = &'a ActionRecord> {
    records.iter().filter(move |one| {
        one.instance == *instance && one.action.rsplit_once('.').is_some_and(|(name, _)| name == interface)
    })
}

#[cfg(test)]
mod tests;
