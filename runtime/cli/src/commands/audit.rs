//! `ansai audit`: the record of what was seen, decided and done.

mod head;
mod key;
mod verify;

use std::path::Path;

use ansai_audit::{Entry, PublicKey};
use ansai_core::exit;
use ansai_daemon::{Configuration, history, state};
use clap::{Args, Subcommand};

use crate::arguments::{Format, Global};
use crate::output::{self, events, json, lines, time};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai audit show --instance disk-space\n  ansai audit verify --head 1205:3f…")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the newest head, signed: keep it elsewhere, and the log can be checked against it later
    #[command(after_help = "Example:\n  ansai audit head >> /elsewhere/ansai-heads\n\n\
        `[audit.export]` in the configuration does this on a schedule.")]
    Head,
    /// Print the public key that checks the signature of heads: keep it elsewhere, too
    #[command(after_help = "Examples:\n  ansai audit key\n  ansai audit key --rotate   stop the daemon first")]
    Key {
        /// Make a new key, which the old one names in the log
        #[arg(long)]
        rotate: bool,
    },
    /// Check every record and the chain that binds them, and that the log holds heads that were kept
    #[command(after_help = "Examples:\n  ansai audit verify --head /elsewhere/ansai-heads --key 3b6a…\n  \
        ansai audit verify --head 1205:3f…\n\n\
        Without a head, a log that was cut or rewritten as a whole cannot be told from a sound one. Exit codes: 0 sound,\n\
        4 the log is not as it was written or contradicts a head, 5 it could not be read, 6 a head proves nothing: of\n\
        another log, with a wrong signature, or of an unknown key.")]
    Verify {
        /// Heads that were kept: a file of such lines, a line that `audit head` printed, or SEQ:HASH; may be repeated
        #[arg(long = "head", value_name = "FILE|TEXT")]
        heads: Vec<String>,
        /// The key that must have signed, as `audit key` showed it; may be repeated. Without it, the keys that the log
        /// itself names
        #[arg(long = "key", value_name = "PUBLIC-KEY")]
        keys: Vec<PublicKey>,
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
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    match &arguments.verb {
        Verb::Head => head::run(&state_dir, global.format)?,
        Verb::Key { rotate } => key::run(&state_dir, *rotate, global.format)?,
        Verb::Verify { heads, keys } => return verify::run(&state_dir, heads, keys, global.format),
        Verb::Show { since, instance } => show(&state_dir, *since, instance.as_deref(), global.format)?,
        Verb::Export => export(&state_dir)?,
    }
    Ok(exit::FINE)
}

fn show(state_dir: &Path, since: u64, instance: Option<&str>, format: Format) -> anyhow::Result<()> {
    let Some(reader) = history::entries(state_dir, since)? else {
        return nothing(format);
    };
    let mut plans = std::collections::BTreeSet::new();
    for entry in reader {
        let entry = entry?;
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
    let Some(reader) = history::entries(state_dir, 1)? else { return Ok(()) };
    for entry in reader {
        export_entry(&entry?)?;
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
