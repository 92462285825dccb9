//! `ansai audit`: the record of what was seen, decided and done.

use std::path::Path;

use ansai_audit::{Entry, Head, verify};
use ansai_core::exit;
use clap::{Args, Subcommand};

use crate::arguments::{Format, Global};
use crate::configuration::Configuration;
use crate::exit::Fault;
use crate::history;
use crate::output::{self, events, json, lines, time};
use crate::state;

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai audit show --instance disk-space\n  ansai audit verify --head 1205:3f…")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the newest record's number and hash: keep it elsewhere, and the log can be checked against it later
    #[command(after_help = "Example:\n  ansai audit head >> /elsewhere/ansai-heads")]
    Head,
    /// Check every record and the chain that binds them
    #[command(after_help = "Example:\n  ansai audit verify --head \"$(tail -n 1 /elsewhere/ansai-heads)\"\n\n\
        Without --head, a log that was cut or rewritten as a whole cannot be told from a sound one.")]
    Verify {
        /// A head that was kept elsewhere: the log must still reach and hold that very record
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<Head>,
    },
    /// Print records, oldest first
    #[command(after_help = "Examples:\n  ansai audit show --since 1200\n  ansai audit show --instance disk-space")]
    Show {
        /// Begin with this record
        #[arg(long, value_name = "N", default_value_t = 1)]
        since: u64,
        /// Only records of this instance, and of its plans
        #[arg(long, value_name = "NAME")]
        instance: Option<String>,
    },
    /// Print every record as one line of JSON, with its number and hash
    #[command(after_help = "Example:\n  ansai audit export > audit.jsonl")]
    Export,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::registry::Registry::builtin().interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    match &arguments.verb {
        Verb::Head => head(&state_dir, global.format)?,
        Verb::Verify { head } => check(&state_dir, *head, global.format)?,
        Verb::Show { since, instance } => show(&state_dir, *since, instance.as_deref(), global.format)?,
        Verb::Export => export(&state_dir)?,
    }
    Ok(exit::FINE)
}

fn head(state_dir: &Path, format: Format) -> anyhow::Result<()> {
    let mut newest = Head::genesis();
    if let Some(reader) = history::reader(state_dir, 1)? {
        for entry in reader {
            newest = entry.map_err(history::broken)?.head();
        }
    }
    match format {
        Format::Text => Ok(lines::line(&newest.to_string())?),
        Format::Json => json::document(&serde_json::json!({ "head": newest })),
    }
}

fn check(state_dir: &Path, expected: Option<Head>, format: Format) -> anyhow::Result<()> {
    let directory = history::directory(state_dir);
    if !state::exists(&directory) {
        if let Some(expected) = expected.filter(|expected| *expected != Head::genesis()) {
            let shown = directory.display();
            return Err(Fault::refused(format!("{shown} holds no record, but was known to reach {expected}")).into());
        }
        return match format {
            Format::Text => Ok(lines::line("nothing was recorded yet")?),
            Format::Json => json::document(&serde_json::json!({ "records": 0, "head": Head::genesis() })),
        };
    }
    let verified = verify(&directory, expected).map_err(history::broken)?;
    match format {
        Format::Json => json::document(&serde_json::json!({
            "records": verified.records,
            "segments": verified.segments,
            "head": verified.head,
            "torn_tail_bytes": verified.torn_tail_bytes,
            "compared_with": expected,
        })),
        Format::Text => {
            let against = match expected {
                Some(expected) => format!("and agrees with the head of record {}", expected.sequence),
                None => "in itself; compare with a head kept elsewhere to tell more".to_owned(),
            };
            lines::line(&format!("{} records, sound {against}", verified.records))?;
            if verified.torn_tail_bytes > 0 {
                let bytes = verified.torn_tail_bytes;
                lines::line(&format!("{bytes} bytes behind it were never finished: a crash, or ansai at work"))?;
            }
            Ok(lines::line(&format!("audit head {}", verified.head))?)
        }
    }
}

fn show(state_dir: &Path, since: u64, instance: Option<&str>, format: Format) -> anyhow::Result<()> {
    let Some(reader) = history::reader(state_dir, since)? else {
        return nothing(format);
    };
    let mut plans = std::collections::BTreeSet::new();
    for entry in reader {
        let entry = entry.map_err(history::broken)?;
        let Ok(record) = history::record(&entry) else {
            // Another version's: shown, not hidden.
            lines::line(&format!("{:>6}  a record of a form that this version does not know", entry.sequence))?;
            continue;
        };
        if let Some(wanted) = instance {
            let plan = events::plan(&record.event);
            let own = events::instance(&record.event) == Some(wanted);
            if own && let Some(plan) = plan {
                plans.insert(plan.to_owned());
            }
            if !own && !plan.is_some_and(|plan| plans.contains(plan)) {
                continue;
            }
        }
        match format {
            Format::Json => export_entry(&entry)?,
            Format::Text => {
                let at = time::local(record.at);
                output::say(&format!("{:>6}  {at}  {}\n", entry.sequence, events::line(&record.event)))?;
            }
        }
    }
    Ok(())
}

fn nothing(format: Format) -> anyhow::Result<()> {
    if format == Format::Text {
        lines::line("nothing was recorded yet")?;
    }
    Ok(())
}

fn export(state_dir: &Path) -> anyhow::Result<()> {
    let Some(reader) = history::reader(state_dir, 1)? else { return Ok(()) };
    for entry in reader {
        export_entry(&entry.map_err(history::broken)?)?;
    }
    Ok(())
}

fn export_entry(entry: &Entry) -> anyhow::Result<()> {
    let record = serde_json::from_slice::<serde_json::Value>(&entry.payload)
        .unwrap_or_else(|_| serde_json::json!({ "bytes": hex::encode(&entry.payload) }));
    json::line(&serde_json::json!({
        "sequence": entry.sequence,
        "hash": hex::encode(entry.hash),
        "record": record,
    }))
}
