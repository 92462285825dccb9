//! `ansai pull`: from registries into the store of this host.

use ansai_config::REGISTRY;
use ansai_core::{codes, exit};
use ansai_daemon::pulled;
use ansai_registry::{FILE_NAME, Locked, Reference};
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, json, lines};
use crate::registry::{self, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai pull                                                  all policies of the configuration; pins them\n  \
    ansai pull registry.example/acme/disk-space:1.2.0           this version\n  \
    ansai pull registry.example/acme/disk-space@^1.2            the highest version of a range\n  \
    ansai pull localhost:5000/disk-space:1.2.0 --plain-http     from a registry on this machine\n\n\
    Without REFERENCE, it pulls each `source = \"oci:REFERENCE\"` of the configuration and writes ansai.lock next to\n\
    it. The daemon runs what this file pins, and contacts no registry. A policy from a registry only observes.\n\
    --ca and --plain-http hold for all registries of the configuration.")]
pub(crate) struct Arguments {
    /// Policy: REGISTRY/REPOSITORY:TAG, REGISTRY/REPOSITORY@RANGE or REGISTRY/REPOSITORY@sha256:DIGEST [default: those of
    /// the configuration]
    #[arg(value_name = "REFERENCE")]
    reference: Option<String>,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let Some(text) = &arguments.reference else { return configured(arguments, global) };
    let text = text.strip_prefix(REGISTRY).unwrap_or(text);
    let reference: Reference = text.parse().map_err(ansai_daemon::Error::from)?;
    let store = registry::store(global, &interfaces)?;
    let client = arguments.reached.client(reference.registry(), &store)?;
    registry::sweep(&store, global);
    let locked = pulled::pull(&client, &store, text, &interfaces)?;
    match global.format {
        Format::Json => json::document(&registry::document(&locked))?,
        Format::Text => {
            show(&locked)?;
            output::say_last(&format!("\n[policy.{}]\nsource = \"{REGISTRY}{text}\"\n", reference.name()))?;
        }
    }
    Ok(exit::FINE)
}

fn configured(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let Some(configuration) = global.configuration(&interfaces)? else {
        let fault = Fault::usage(codes::NEEDS_CONFIGURATION, "without a configuration, nothing names a policy to pull");
        return Err(fault.hint("pass a REFERENCE, or --config FILE").into());
    };
    let store = pulled::create(&global.state_dir(Some(&configuration))?)?;
    let client = |registry: &str| arguments.reached.client(registry, &store);
    let locked = pulled::pull_all(&configuration, &store, &interfaces, client)?;
    let file = configuration.path.with_file_name(FILE_NAME);
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "lock": file,
            "policies": locked.iter().map(registry::document).collect::<Vec<_>>(),
        }))?,
        Format::Text => {
            locked.iter().try_for_each(show)?;
            let file = file.display();
            lines::line(&match locked.len() {
                0 => format!("no policy to pull: {} names none from a registry", configuration.path.display()),
                1 => format!("pinned 1 policy in {file}"),
                count => format!("pinned {count} policies in {file}"),
            })?;
        }
    }
    Ok(exit::FINE)
}

fn show(locked: &Locked) -> std::io::Result<()> {
    let imports = if locked.imports.is_empty() { "none".to_owned() } else { locked.imports.join(", ") };
    output::say(&output::lines::title(&locked.resolved))?;
    output::say(&lines::pairs(&[
        ("version", locked.version.clone()),
        ("digest", locked.digest.to_string()),
        ("component", locked.component.to_string()),
        ("imports", imports),
    ]))
}
