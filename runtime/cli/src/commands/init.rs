//! `ansai init`: writes a configuration that only observes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansai_config::{Suggested, suggest};
use ansai_core::text::inert;
use ansai_core::{codes, exit};
use ansai_daemon::load::LoadedInstance;
use ansai_daemon::{Daemon, configuration, state};
use ansai_events::Stream;
use ansai_supervisor::InstanceReport;
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, json, lines};
use crate::{compiler, environment, runtime, writing};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai init                     write /etc/ansai/ansai.toml\n  \
    ansai init -o ansai.toml       write another file\n\n\
    The configuration has each built-in policy that finds something to check on this host, with the grants that it\n\
    asks for, and a comment for each of the others. It only observes, and changes nothing until you write\n\
    mode = \"enforce\". To find out what there is to check, each policy is evaluated once.")]
pub(crate) struct Arguments {
    /// File to write [default: --config FILE, else /etc/ansai/ansai.toml]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// The policies of this host: those with something to check, and the others with the reason.
#[derive(Default)]
struct Sorted {
    useful: Vec<String>,
    left_out: Vec<(String, String)>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let path = arguments.output.clone().or_else(|| global.config.clone());
    let path = path.unwrap_or_else(|| PathBuf::from(configuration::HOST_PATH));
    writing::absent_unless(arguments.force, &path)?;
    let (text, sorted) = suggested(global)?;
    match arguments.force {
        true => writing::replace_own(&path, &text)?,
        false => writing::create_with_directory(&path, &text)?,
    }
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "path": path,
            "policies": sorted.useful,
            "left_out": sorted.left_out.iter().map(|(name, why)| serde_json::json!({ "policy": name, "why": why }))
                .collect::<Vec<_>>(),
        }))?,
        Format::Text => said(&path.display().to_string(), path == Path::new(configuration::HOST_PATH), &sorted)?,
    }
    Ok(exit::FINE)
}

fn said(path: &str, is_default: bool, sorted: &Sorted) -> std::io::Result<()> {
    let config = if is_default { String::new() } else { format!(" --config {path}") };
    lines::line(&format!("created {path}; it only observes"))?;
    for name in &sorted.useful {
        lines::line(&format!("  {name}"))?;
    }
    for (name, why) in &sorted.left_out {
        lines::line(&format!("  {name}: left out: {why}"))?;
    }
    for (what, then) in [
        ("review:", path.to_owned()),
        ("check:", format!("ansai check{config}")),
        ("try:", format!("ansai run --once{config}")),
    ] {
        lines::line(&format!("  {what:8}{then}"))?;
    }
    Ok(())
}

/// The text of the configuration.
fn suggested(global: &Global) -> anyhow::Result<(String, Sorted)> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let share = global.share();
    // What is found now is not the business of the state directory, which a daemon may be using.
    let state = tempfile::Builder::new().prefix("ansai-init-").tempdir_in(environment::temporary_directory()?)?;
    let daemon = Daemon::builder(compiler::compiler())
        .paths(share.policies().map_err(ansai_daemon::Error::from)?)
        .share(share.clone())
        .state_dir(state.path().to_owned())
        .load()?;
    let reports = match daemon.instances() {
        [] => Vec::new(),
        _ => runtime::block_on(async { Ok::<_, ansai_daemon::Error>(daemon.open(Stream::new())?.run_once().await) })??,
    };
    let mut sorted = Sorted::default();
    let mut out = head(&state::directory(global.state_dir.as_deref(), None)?.display().to_string());
    for instance in daemon.instances() {
        let name = instance.instance.name.to_string();
        let report = reports.iter().find(|report| report.instance == instance.instance.name);
        if report.is_some_and(InstanceReport::is_idle) {
            sorted.left_out.push((name, "nothing to check on this host".to_owned()));
            continue;
        }
        out += &format!("\n{}", stanza(instance, &share.source_text(&instance.component.path, &name), &interfaces));
        sorted.useful.push(name);
    }
    let known: BTreeSet<&str> = daemon.not_loaded().iter().map(|one| one.name.as_str()).collect();
    let failed = known.into_iter().filter_map(|name| daemon.not_loaded().iter().find(|one| one.name == name));
    sorted.left_out.extend(failed.map(|one| (inert(&one.name, 200), inert(&one.error.to_string(), output::MOST_TEXT))));
    for (name, why) in &sorted.left_out {
        out += &format!(
            "\n# {name}: left out: {why}\n# `ansai check builtin:{name} --suggest-grants` prints its lines.\n"
        );
    }
    if sorted.useful.is_empty() {
        return Err(Fault::other(codes::NO_POLICY, "no built-in policy finds anything to check on this host").into());
    }
    Ok((out, sorted))
}

fn stanza(instance: &LoadedInstance, source: &str, interfaces: &[ansai_core::Interface]) -> String {
    let component = &instance.component;
    let (name, settings) = (instance.instance.name.as_str(), component.schema.describe());
    suggest(&Suggested { manifest: &component.manifest, settings: &settings, instance: name, source }, interfaces)
}

fn head(state_dir: &str) -> String {
    format!(
        "# The configuration of ansai on this host. It only observes: nothing changes until a mode is\n\
         # \"approve\" or \"enforce\".\n\
         #   ansai check        finds mistakes in it\n\
         #   ansai run --once   checks this host once, and shows what each policy would do\n\
         # A running ansai reads modes, grants and [never] again when this file changes, and all of it after SIGHUP.\n\
         \n\
         [daemon]\n\
         state_dir = {}\n\
         mode = \"observe\"  # for instances that set none\n\
         \n\
         # What no step may touch, whatever is granted, in addition to the defaults that `ansai check` shows.\n\
         # [never]\n\
         # unit = [\"postgresql*\"]\n\
         \n\
         # The oldest records of the audit log are dropped, or moved to an archive; the rest stays provable.\n\
         # [audit]\n\
         # keep = \"365d\"\n\
         # max_bytes = \"1GiB\"\n\
         # archive = \"/var/log/ansai-archive\"\n\
         \n\
         # Sends signed heads of the audit log to another place, so that they prove that it is complete.\n\
         # [audit.export]\n\
         # every = \"1h\"\n\
         # file = \"/mnt/elsewhere/ansai-heads\"\n",
        serde_json::Value::from(state_dir),
    )
}
