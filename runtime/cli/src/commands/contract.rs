//! `ansai contract`: what policies can call, from this program itself.

use ansai_config::did_you_mean;
use ansai_core::text::inert;
use ansai_core::{codes, exit};
use ansai_devkit::reference::{Found, Reference};
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, contract, json, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai contract                      every interface with its functions\n  \
    ansai contract files-actions        one interface, and how to request and grant it\n  \
    ansai contract list-files           one function with its parameter and result types\n  \
    ansai contract --format json        everything as JSON\n\n\
    Names may be written as in your language: list-files, list_files or listFiles.")]
pub(crate) struct Arguments {
    /// Interface, function, type or package [default: list all interfaces]
    name: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let reference = Reference::of(&ansai_host_functions::builtin())?;
    let width = terminal::stdout_width();
    let Some(name) = &arguments.name else {
        match global.format {
            Format::Text => output::say(&contract::index(&reference, width))?,
            Format::Json => json::document(&reference)?,
        }
        return Ok(exit::FINE);
    };
    let found = reference.find(name);
    if found.is_empty() {
        let shown = inert(name, 80);
        let near = did_you_mean(name, &reference.names()).filter(|hint| hint.starts_with("did you mean"));
        return Err(Fault::usage(codes::NOT_IN_CONTRACT, format!("the contract has no `{shown}`"))
            .hint(near.unwrap_or_else(|| "run `ansai contract` to list all interfaces".to_owned()))
            .into());
    }
    match global.format {
        Format::Text => {
            let shown: Vec<String> = found.iter().map(|one| contract::one(*one, &reference, width)).collect();
            output::say(&shown.join("\n"))?;
        }
        Format::Json => json::document(&found.iter().map(described).collect::<Vec<_>>())?,
    }
    Ok(exit::FINE)
}

fn described(found: &Found<'_>) -> serde_json::Value {
    match found {
        Found::Package(package) => serde_json::json!({ "package": package }),
        Found::Interface(_, interface) => serde_json::json!({ "interface": interface }),
        Found::Function(of, function) => serde_json::json!({ "of": of.name, "function": function }),
        Found::Type(of, ty) => serde_json::json!({ "of": of.name, "type": ty }),
        Found::Export(function) => serde_json::json!({ "export": function }),
    }
}
