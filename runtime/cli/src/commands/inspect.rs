//! `ansai inspect`: what a component is, from its own bytes.

use std::path::PathBuf;

use ansai_config::SettingDescription;
use ansai_core::{Interface, Limits, exit, quantity};
use ansai_host_functions::registry::Registry;
use clap::Args;
use serde_json::json;

use crate::arguments::{Format, Global};
use crate::component::Component;
use crate::output::{self, abilities, json, lines};
use crate::sources::{self, Source};

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai inspect policies/disk-space\n  ansai inspect disk-space.wasm --format json\n\n\
    What it can do is read from the component itself, not from what its author says."
)]
pub(crate) struct Arguments {
    /// A component, or a directory with one or several
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = Registry::builtin().interfaces();
    let found = sources::find(std::slice::from_ref(&arguments.path))?;
    let mut components = Vec::new();
    for source in found {
        match source {
            Source::Component(path) => components.push(Component::read(&path, &interfaces)?),
            Source::OnlySources(dir) => return Err(sources::only_sources(&dir).into()),
        }
    }
    match global.format {
        Format::Json => {
            let described: Vec<_> = components.iter().map(|one| describe(one, &interfaces)).collect();
            json::document(&described)?;
        }
        Format::Text => {
            for (index, component) in components.iter().enumerate() {
                let gap = if index == 0 { "" } else { "\n" };
                output::say(&format!("{gap}{}", show(component, &interfaces)))?;
            }
        }
    }
    Ok(exit::FINE)
}

fn describe(component: &Component, interfaces: &[Interface]) -> serde_json::Value {
    let imports = component.found.imports.iter().map(|import| {
        let known = abilities::interface(import, interfaces);
        json!({ "name": import, "kind": known.map(|one| one.kind), "words": known.map(|one| one.words) })
    });
    json!({
        "path": component.path,
        "bytes": component.found.bytes,
        "sha256": component.found.digest,
        "imports": imports.collect::<Vec<_>>(),
        "manifest": component.manifest.to_json(),
        "settings": component.schema.describe(),
        "limits": component.manifest.limits.over(Limits::default()),
    })
}

fn show(component: &Component, interfaces: &[Interface]) -> String {
    let manifest = &component.manifest;
    let mut out = lines::title(&format!("{} {}", manifest.name, manifest.version));
    out += &lines::pairs(&[
        ("about", manifest.description.clone()),
        ("file", component.path.display().to_string()),
        ("size", quantity::show_bytes(component.found.bytes as u64)),
        ("sha256", component.found.digest.clone()),
        ("every", quantity::show_milliseconds(manifest.every)),
    ]);
    out += &lines::title("What it can do");
    out += &abilities::show(component, interfaces);
    out += &lines::title("Settings");
    let settings = component.schema.describe();
    if settings.is_empty() {
        out += "  none\n";
    }
    for setting in &settings {
        out += &self::setting(setting);
    }
    out += &lines::title("Limits of one evaluation");
    let limits = manifest.limits.over(Limits::default());
    out += &indented(&lines::pairs(&[
        ("memory", quantity::show_bytes(limits.memory_bytes)),
        ("fuel", limits.fuel.to_string()),
        ("deadline", quantity::show_milliseconds(limits.deadline_ms)),
        ("calls", limits.calls.to_string()),
        ("proposals", limits.proposals.to_string()),
    ]));
    out
}

fn setting(setting: &SettingDescription) -> String {
    let text = |text: &str| ansai_core::text::inert(text, output::MOST_TEXT);
    let default = match (&setting.default, setting.required) {
        (Some(default), _) => format!(", default {}", text(&default.to_string())),
        (None, true) => ", must be given".to_owned(),
        (None, false) => String::new(),
    };
    let mut out = format!("  {} ({}{default})\n", text(&setting.path), text(&setting.kind));
    if !setting.description.is_empty() {
        out += &format!("      {}\n", text(&setting.description));
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
