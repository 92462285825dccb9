//! `ansai audit`: the log of everything that was observed, decided and done.

mod export;
mod head;
mod kept_heads;
mod key;
mod show;
mod verify;

use ansai_audit::PublicKey;
use ansai_core::exit;
use clap::{Args, Subcommand};

use crate::global::Global;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai audit show --instance disk-space\n  ansai audit verify --head 1205:3f…")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the newest head, signed; keep it on another machine to verify the log against it later
    #[command(after_help = "Example:\n  ansai audit head >> /elsewhere/ansai-heads\n\n\
        `[audit.export]` in the configuration exports heads on a schedule.")]
    Head,
    /// Print the public key that heads are signed with; keep it on another machine
    #[command(after_help = "Examples:\n  ansai audit key\n  ansai audit key --rotate   (stop the daemon first)")]
    Key {
        /// Make a new key; the old one signs it in the log
        #[arg(long)]
        rotate: bool,
    },
    /// Verify every record, the chain that links them, and that the log contains the given heads
    #[command(after_help = "Examples:\n  ansai audit verify --head /elsewhere/ansai-heads --key 3b6a…\n  \
        ansai audit verify --head 1205:3f…\n\n\
        Only a head that was kept elsewhere shows that a log was truncated or rewritten as a whole.\n\n\
        Exit codes: 0 OK; 4 the log was changed or damaged, or contradicts a head; 5 the log cannot be read; 6 a head\n\
        cannot be verified: it belongs to another log, its signature is wrong, its key is unknown, or its record was\n\
        dropped.")]
    Verify {
        /// Head that was kept elsewhere: a file with one per line, a line of `ansai audit head`, or SEQUENCE:HASH;
        /// repeatable
        #[arg(long = "head", value_name = "FILE|HEAD")]
        heads: Vec<String>,
        /// Public key that must have signed the heads, as `ansai audit key` printed it; repeatable [default: the keys
        /// that the log names]
        #[arg(long = "key", value_name = "PUBLIC-KEY")]
        keys: Vec<PublicKey>,
        /// Directory of `[audit] archive`: also verify the records that were moved there
        #[arg(long, value_name = "DIR")]
        archive: Option<std::path::PathBuf>,
    },
    /// Show records, oldest first
    #[command(
        after_help = "Examples:\n  ansai audit show --since 12h --changes                show what ansai did\n  \
        ansai audit show --plan 20261121t030243-117-0001   show one plan\n  \
        ansai audit show --instance disk-space\n  \
        ansai audit show --from 1200"
    )]
    Show(show::Arguments),
    /// Print every record as one line of JSON, with its number and hash
    #[command(after_help = "Example:\n  ansai audit export > audit.jsonl")]
    Export,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let configuration = global.configuration_of_state(&ansai_host_functions::builtin().interfaces())?;
    let state_dir = global.state_dir(configuration.as_ref())?;
    match &arguments.verb {
        Verb::Head => head::run(&state_dir, global.format)?,
        Verb::Key { rotate } => key::run(&state_dir, *rotate, global.format)?,
        Verb::Verify { heads, keys, archive } => {
            return verify::run(&state_dir, heads, keys, archive.as_deref(), global.format);
        }
        Verb::Show(arguments) => show::run(arguments, &state_dir, global)?,
        Verb::Export => export::run(&state_dir)?,
    }
    Ok(exit::FINE)
}
