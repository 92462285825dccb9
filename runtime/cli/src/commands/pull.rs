//! `ansai pull`: from registries into the store of this host.

use ansai_config::REGISTRY;
use ansai_core::{codes, exit};
use ansai_daemon::Configuration;
use ansai_daemon::pulled::{self, Acceptance};
use ansai_registry::{FILE_NAME, Locked, Reference, Store};
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
    ansai pull acme/disk-space@^1.2                             a short name; [registry] says where it leads\n  \
    ansai pull localhost:5000/disk-space:1.2.0 --plain-http     from a registry on this machine\n\n\
    Without REFERENCE, it pulls each `source = \"oci:REFERENCE\"` of the configuration and writes ansai.lock next to\n\
    it. The daemon runs what this file pins, and contacts no registry. Lists of revocations are fetched first.\n\
    A policy that no [[trust]] of the configuration covers only observes.\n\
    --ca and --plain-http hold for all registries of the configuration, and --ca for the lists.")]
pub(crate) struct Arguments {
    /// Policy: NAMESPACE/NAME@RANGE, REGISTRY/REPOSITORY:TAG, REGISTRY/REPOSITORY@RANGE or REGISTRY/REPOSITORY@sha256:DIGEST [default: those of
    /// the configuration]
    #[arg(value_name = "REFERENCE")]
    reference: Option<String>,
    /// Accept a version that is older than one that the registry offered before
    #[arg(long)]
    allow_older: bool,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let Some(text) = &arguments.reference else { return configured(arguments, global) };
    let text = text.strip_prefix(REGISTRY).unwrap_or(text);
    let configuration = global.configuration(&interfaces)?;
    let store = registry::store(global, &interfaces)?;
    let mut acceptance = acceptance(arguments, configuration.as_ref(), &store);
    registry::sweep(&store, global);
    refresh(&mut acceptance, arguments)?;
    let client = |registry: &str| arguments.reached.client(registry, &store);
    let locked = pulled::pull(&acceptance, &store, text, &interfaces, client)?;
    let reference: Reference = locked.resolved.parse().map_err(ansai_daemon::Error::from)?;
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
    let mut acceptance = acceptance(arguments, Some(&configuration), &store);
    refresh(&mut acceptance, arguments)?;
    let client = |registry: &str| arguments.reached.client(registry, &store);
    let locked = pulled::pull_all_by(&acceptance, &configuration, &store, &interfaces, client)?;
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

fn acceptance(arguments: &Arguments, configuration: Option<&Configuration>, store: &Store) -> Acceptance {
    Acceptance::of(configuration, store).allowing_older(arguments.allow_older)
}

fn refresh(acceptance: &mut Acceptance, arguments: &Arguments) -> Result<(), ansai_daemon::Error> {
    let warnings = acceptance.refresh(&arguments.reached.connection())?;
    warnings.iter().for_each(output::warning);
    Ok(())
}

fn show(locked: &Locked) -> std::io::Result<()> {
    let imports = if locked.imports.is_empty() { "none".to_owned() } else { locked.imports.join(", ") };
    let signers = match locked.signers.as_slice() {
        [] => "nobody whom [[trust]] names: it only observes".to_owned(),
        signers => signers.join(", "),
    };
    output::say(&output::lines::title(&locked.resolved))?;
    output::say(&lines::pairs(&[
        ("version", locked.version.clone()),
        ("digest", locked.digest.to_string()),
        ("component", locked.component.to_string()),
        ("imports", imports),
        ("signed by", signers),
    ]))
}
