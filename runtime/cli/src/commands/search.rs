//! `ansai search`: finds policies in an index.

use ansai_core::exit;
use clap::Args;

use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{self, json, lines};
use crate::policy_index::{self, Indexed};

/// The most policies that are shown as text.
const MOST: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai search disk\n  ansai search postgres replication\n  \
    ansai search disk --index https://policies.example.org/index.json --index-key example.pub\n\n\
    A policy is found if it has all words in its name, description, abilities, imports or languages. What an index says\n\
    is what its publisher says; `ansai pull` and `ansai verify` check a policy itself.")]
pub(crate) struct Arguments {
    /// Words to search for; without any, all policies are listed
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    #[command(flatten)]
    index: Indexed,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let index = arguments.index.read(global)?;
    let found = index.search(&arguments.words);
    if global.format == Format::Json {
        json::document(&found)?;
        return Ok(exit::FINE);
    }
    for policy in found.iter().take(MOST) {
        let version = policy.newest().map(|one| format!(" {}", one.version)).unwrap_or_default();
        output::say(&lines::title(&format!("{}{version}", policy.name)))?;
        lines::line(&format!("  {}", policy.description))?;
        lines::line(&format!("  {}", policy_index::marks(policy)))?;
    }
    match found.len() {
        0 => lines::line(&format!("no match among {}", count(index.policies.len(), "policy")))?,
        number if number > MOST => lines::line(&format!("and {} more: --format json shows all", number - MOST))?,
        _ => {}
    }
    Ok(exit::FINE)
}
