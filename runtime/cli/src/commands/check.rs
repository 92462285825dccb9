//! `ansai check`: all that can be known without running anything.

use std::path::{Path, PathBuf};

use ansai_config::{Diagnostics, Manifest, Schema, suggest_grants};
use ansai_core::{Interface, Mode, exit};
use ansai_engine::Engine;
use ansai_host_functions::registry::Registry;
use clap::Args;

use crate::arguments::{Format, Global};
use crate::component::Component;
use crate::configuration::Configuration;
use crate::exit::{Fault, worst};
use crate::host;
use crate::load::{self, Asked, Unloaded};
use crate::output::report::NotLoaded;
use crate::output::{self, colour, json, lines};
use crate::sources::{self, Source};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai check policies/\n  ansai check policies/ --config ansai.toml\n  \
    ansai check policies/disk-space --suggest-grants >> ansai.toml")]
pub(crate) struct Arguments {
    /// Policies: a component, a directory with one or with its sources, or a directory of such directories
    #[arg(value_name = "DIR", required_unless_present = "config")]
    paths: Vec<PathBuf>,
    /// Print the grants that the policies ask for, as lines for the configuration, and nothing else
    #[arg(long)]
    suggest_grants: bool,
}

/// What was found out about one policy or instance.
struct Checked {
    name: String,
    warnings: Vec<String>,
    fault: Option<Fault>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = Registry::builtin();
    let interfaces = registry.interfaces();
    let found = sources::find(&arguments.paths)?;
    if arguments.suggest_grants {
        return suggest(&found, &interfaces);
    }
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    let engine = host::engine_with_users_cache(registry)?;
    let mut checked: Vec<Checked> = found.iter().map(|source| source_of(source, &interfaces, &engine)).collect();
    if let Some(configuration) = &configuration {
        checked.extend(configured(configuration, arguments, &interfaces, &engine)?);
    }
    let code = worst(checked.iter().filter_map(|one| one.fault.as_ref()).map(|fault| fault.code));
    match global.format {
        Format::Text => text(&checked)?,
        Format::Json => document(checked, code)?,
    }
    Ok(code)
}

fn suggest(found: &[Source], interfaces: &[Interface]) -> anyhow::Result<u8> {
    for source in found {
        let manifest = match source {
            Source::Component(path) => Component::read(path, interfaces)?.manifest,
            Source::OnlySources(dir) => own_manifest(dir, interfaces)?.into(),
        };
        output::say(&suggest_grants(&manifest, &manifest.name, interfaces))?;
    }
    Ok(exit::FINE)
}

fn own_manifest(dir: &Path, interfaces: &[Interface]) -> Result<Manifest, Fault> {
    let path = dir.join("policy.toml");
    Manifest::load(&path, interfaces)
        .map_err(|problems| Fault::invalid(format!("{} is not valid", path.display()), problems))
}

fn source_of(source: &Source, interfaces: &[Interface], engine: &Engine) -> Checked {
    let mut checked = Checked { name: source.path().display().to_string(), warnings: Vec::new(), fault: None };
    let done = match source {
        Source::OnlySources(dir) => sources_alone(dir, interfaces, &mut checked),
        Source::Component(path) => built(path, interfaces, engine, &mut checked),
    };
    checked.fault = done.err();
    checked
}

fn sources_alone(dir: &Path, interfaces: &[Interface], checked: &mut Checked) -> Result<(), Fault> {
    let manifest = own_manifest(dir, interfaces)?;
    checked.warnings.extend(messages(&manifest.warnings));
    if let Some(schema) = &manifest.settings_schema {
        let path = dir.join(schema);
        Schema::load(&path).map_err(|problems| Fault::invalid(format!("{} is not valid", path.display()), problems))?;
    }
    checked.warnings.push(format!("not built yet: run `ansai build {}`", dir.display()));
    Ok(())
}

fn built(path: &Path, interfaces: &[Interface], engine: &Engine, checked: &mut Checked) -> Result<(), Fault> {
    let component = Component::read(path, interfaces)?;
    checked.name = format!("{} ({})", component.manifest.name, path.display());
    checked.warnings.extend(messages(&component.manifest.warnings));
    component.compile(engine)?;
    let beside = path.parent().map(|dir| dir.join("policy.toml")).filter(|file| sources::read(file).is_ok());
    if let Some(file) = beside {
        let manifest = Manifest::load(&file, interfaces)
            .map_err(|problems| Fault::invalid(format!("{} is not valid", file.display()), problems))?;
        if manifest.to_json() != component.manifest.to_json() {
            let dir = path.parent().unwrap_or(Path::new(".")).display();
            checked.warnings.push(format!("built from another policy.toml: run `ansai build {dir}`"));
        }
    }
    Ok(())
}

fn configured(
    configuration: &Configuration,
    arguments: &Arguments,
    interfaces: &[Interface],
    engine: &Engine,
) -> Result<Vec<Checked>, Fault> {
    let mut file = Checked { name: configuration.path.display().to_string(), warnings: Vec::new(), fault: None };
    file.warnings.extend(messages(&configuration.config.warnings));
    match configuration.check_trust(Mode::Enforce) {
        Ok(warning) => file.warnings.extend(warning),
        Err(fault) => file.fault = Some(fault),
    }
    let asked = Asked {
        paths: &arguments.paths,
        configuration: Some(configuration),
        ceiling: Mode::Enforce,
        engine,
        interfaces,
    };
    let loading = load::load(&asked)?;
    file.warnings.extend(loading.warnings);
    file.warnings.extend(loading.not_configured.iter().map(|name| format!("{name} is not configured")));
    let ready = loading.ready.iter().map(|ready| Checked {
        name: format!("[policy.{}], mode {}", ready.loaded.name, ready.force.mode),
        warnings: Vec::new(),
        fault: None,
    });
    let mut all: Vec<Checked> = std::iter::once(file).chain(ready).collect();
    let own = |unloaded: &Unloaded| configuration.config.policies.contains_key(&unloaded.name);
    // Paths that are no components were checked by themselves.
    let unloaded = loading.unloaded.into_iter().filter(own);
    all.extend(unloaded.map(|one| Checked {
        name: format!("[policy.{}]", one.name),
        warnings: Vec::new(),
        fault: Some(one.fault),
    }));
    Ok(all)
}

fn messages(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics.entries().into_iter().map(|entry| entry.message).collect()
}

fn text(checked: &[Checked]) -> anyhow::Result<()> {
    for one in checked {
        let name = ansai_core::text::inert(&one.name, output::MOST_TEXT);
        match &one.fault {
            None => output::say(&format!("{}  {name}\n", colour::paint(colour::GOOD, "ok   ")))?,
            Some(fault) => {
                output::say(&format!("{}  {name}\n", colour::paint(colour::ERROR, "wrong")))?;
                output::fault(fault);
            }
        }
        for warning in &one.warnings {
            lines::line(&format!("       {warning}"))?;
        }
    }
    Ok(())
}

fn document(checked: Vec<Checked>, code: u8) -> anyhow::Result<()> {
    let entries: Vec<_> = checked
        .into_iter()
        .map(|one| {
            let fault = one.fault.map(|fault| NotLoaded::from(&Unloaded { name: one.name.clone(), fault }));
            serde_json::json!({ "name": one.name, "ok": fault.is_none(), "problem": fault, "warnings": one.warnings })
        })
        .collect();
    json::document(&serde_json::json!({ "checked": entries, "exit_code": code }))
}
