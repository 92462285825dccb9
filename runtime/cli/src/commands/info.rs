//! `ansai info`: a policy of an index.

use ansai_config::REGISTRY;
use ansai_core::{Bytes, codes, exit};
use ansai_registry::index::{Listed, Version};
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{self, json, lines};
use crate::policy_index::{self, Indexed};

/// The most versions besides the highest one.
const MOST: usize = 10;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai info disk-space\n  ansai info registry.example/acme/disk-space --format json\n\n\
    What an index says is what its publisher says; `ansai pull` and `ansai verify` check a policy itself."
)]
pub(crate) struct Arguments {
    /// Name of a policy, or its place REGISTRY/REPOSITORY
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    index: Indexed,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let index = arguments.index.read(global)?;
    let found = index.named(&arguments.name);
    if found.is_empty() {
        let message = format!("no policy `{}` in the index", ansai_core::text::inert(&arguments.name, 200));
        return Err(Fault::usage(codes::NOT_IN_REGISTRY, message)
            .hint("search for it with `ansai search WORDS`")
            .into());
    }
    if global.format == Format::Json {
        json::document(&found)?;
        return Ok(exit::FINE);
    }
    for (number, policy) in found.iter().enumerate() {
        if number > 0 {
            output::say("\n")?;
        }
        show(policy)?;
    }
    Ok(exit::FINE)
}

fn show(policy: &Listed) -> std::io::Result<()> {
    let Some(newest) = policy.newest() else { return lines::line(&format!("{}: no versions", policy.name)) };
    output::say(&lines::title(&format!("{} {}", policy.name, newest.version)))?;
    let mut facts = vec![
        ("description", policy.description.clone()),
        ("size", Bytes::new(newest.bytes).to_string()),
        ("languages", listed(&newest.languages, "unknown")),
        ("can", listed(&newest.abilities, "see and change nothing")),
        ("imports", listed(&newest.imports, "none")),
        ("signed by", policy_index::signers(newest)),
        ("scenarios", policy_index::scenarios(newest)),
    ];
    if newest.is_reproduced {
        facts.push(("build", "a second build gave the same bytes, according to its signer".to_owned()));
    }
    facts.push(("component", newest.component.clone()));
    facts.extend(newest.digest.iter().map(|digest| ("digest", digest.clone())));
    let older: Vec<String> =
        policy.versions.iter().skip(1).take(MOST).map(|one: &Version| one.version.clone()).collect();
    if !older.is_empty() {
        let more = policy.versions.len().saturating_sub(MOST + 1);
        let more = if more == 0 { String::new() } else { format!(" and {}", count(more, "older version")) };
        facts.push(("older", format!("{}{more}", older.join(", "))));
    }
    output::say(&lines::pairs(&facts))?;
    if let Some(chaos) = &newest.chaos {
        lines::line("")?;
        lines::line(&format!("chaos board: {}, measured on {}", chaos.summary(), chaos.measured))?;
        for one in &chaos.faults {
            let more = match (one.damage, one.false_alarms) {
                (0, 0) => String::new(),
                (damage, alarms) => format!(", damage: {damage}, false alarms: {alarms}"),
            };
            lines::line(&format!("  {} ({}): {}{more}", one.fault, one.what, one.words()))?;
        }
    }
    match policy.reference() {
        Some(reference) => {
            lines::line("")?;
            lines::line(&format!("[policy.{}]", policy.name))?;
            lines::line(&format!("source = \"{REGISTRY}{reference}\""))
        }
        None => lines::line("The index names no place in a registry where it can be pulled."),
    }
}

fn listed(words: &[String], none: &str) -> String {
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}
