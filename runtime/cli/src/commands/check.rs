//! `ansai check`: everything that can be checked without running anything.

mod channel;
mod hook;
mod policy;
mod safety;
mod schedule;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansai_config::{Suggested, suggest};
use ansai_core::never::{UNIT, defaults};
use ansai_core::text::inert;
use ansai_core::watch::{Wanted, WantedBy};
use ansai_core::{Interface, Millis, Mode, NamePattern, Never, codes, exit};
use ansai_daemon::load::{self, LoadRequest};
use ansai_daemon::sources::{self, Source};
use ansai_daemon::{Component, Configuration, Share, Warning};
use ansai_kit::authorize::Scopes;
use ansai_kit::host::Host;
use ansai_kit::target::DEFAULT_CALL_LIMIT;
use ansai_local::files::behind_link;
use ansai_local::files::fields::ROOTS;
use clap::Args;

use self::policy::With;
use crate::compiler;
use crate::exit::{Fault, worst};
use crate::global::{Format, Global};
use crate::output::report::NotLoaded;
use crate::output::{self, colour, json};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai check                                   check the configuration of this host\n  ansai check policies/\n  ansai check policies/ --config ansai.toml\n  \
    ansai check policies/disk-space --suggest-grants >> ansai.toml"
)]
pub(crate) struct Arguments {
    /// Policies: components, directories with a component or its sources, directories of such directories, or
    /// `builtin:NAME` [default: the policy in this directory; else those of the configuration; without one, or with
    /// --suggest-grants, all built-in policies]
    #[arg(value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Print only an instance of each policy with the grants that it asks for, as lines for the configuration
    #[arg(long)]
    suggest_grants: bool,
}

/// The result for one policy, instance or file.
struct Checked {
    name: String,
    warnings: Vec<Warning>,
    fault: Option<Fault>,
}

impl Checked {
    /// Nothing found yet.
    fn new(name: impl Into<String>) -> Checked {
        Checked { name: name.into(), warnings: Vec::new(), fault: None }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let interfaces = registry.interfaces();
    let share = global.share();
    let mut wanted = arguments.paths.clone();
    if wanted.is_empty() && global.config.is_none() && Path::new("policy.toml").exists() {
        wanted.push(PathBuf::from("."));
    }
    let config_path = global.config_path_beside(&wanted);
    let paths = match wanted.is_empty() && (arguments.suggest_grants || config_path.is_none()) {
        true => share.policies(),
        false => share.resolve(&wanted),
    };
    let found = sources::find(&paths.map_err(ansai_daemon::Error::from)?)?;
    if arguments.suggest_grants {
        return suggestions(&found, &share, &interfaces);
    }
    // An invalid configuration is one result among the others.
    let configuration =
        config_path.as_deref().map(|path| (path, Configuration::open(path, &interfaces).map_err(Fault::from)));
    let engine = compiler::engine(registry.clone())?;
    let pulled = global.pulled();
    let with = With { registry: &registry, interfaces: &interfaces, engine: &engine, pulled: &pulled };
    let mut checked: Vec<Checked> = found.iter().flat_map(|source| policy::check(source, &with)).collect();
    match &configuration {
        Some((_, Ok(configuration))) => checked.extend(configured(configuration, &found, &share, &with)),
        Some((path, Err(fault))) => {
            checked.push(Checked { fault: Some(fault.clone()), ..Checked::new(path.display().to_string()) });
        }
        None => {}
    }
    let code = worst(checked.iter().filter_map(|one| one.fault.as_ref()).map(|fault| fault.exit));
    match global.format {
        Format::Text => text(&checked)?,
        Format::Json => document(checked, code)?,
    }
    Ok(code)
}

/// The first problem of one policy, as this command finds it; for commands that go on only without any.
pub(super) fn problem_of(source: &Source, global: &Global) -> anyhow::Result<Option<Fault>> {
    let registry = ansai_host_functions::builtin();
    let (interfaces, engine, pulled) = (registry.interfaces(), compiler::engine(registry.clone())?, global.pulled());
    let with = With { registry: &registry, interfaces: &interfaces, engine: &engine, pulled: &pulled };
    Ok(policy::check(source, &with).into_iter().find_map(|checked| checked.fault))
}

fn suggestions(found: &[Source], share: &Share, interfaces: &[Interface]) -> anyhow::Result<u8> {
    for (index, source) in found.iter().enumerate() {
        let (manifest, settings) = match source {
            Source::Component(path) => {
                let component = Component::read(path, interfaces)?;
                (component.manifest, component.schema.describe())
            }
            Source::OnlySources(dir) => (policy::own_manifest(dir, interfaces)?.into(), Vec::new()),
        };
        let source = share.source_text(source.path(), &manifest.name);
        let suggested =
            Suggested { manifest: &manifest, settings: &settings, instance: &manifest.name, source: &source };
        let gap = if index == 0 { "" } else { "\n" };
        output::say(&format!("{gap}{}", suggest(&suggested, interfaces)))?;
    }
    Ok(exit::FINE)
}

fn configured(configuration: &Configuration, found: &[Source], share: &Share, with: &With<'_>) -> Vec<Checked> {
    let mut file = Checked::new(configuration.path.display().to_string());
    file.warnings.extend(Warning::of(&configuration.config.warnings));
    match configuration.check_trust(Mode::Enforce) {
        Ok(warning) => file.warnings.extend(warning),
        Err(error) => file.fault = Some(error.into()),
    }
    let mut targets = targets(configuration);
    targets.extend(hook::check(configuration));
    targets.extend(channel::check(configuration));
    let request = LoadRequest {
        found,
        configuration: Some(configuration),
        share,
        pulled: with.pulled,
        ceiling: Mode::Enforce,
        engine: with.engine,
        workers: None,
        interfaces: with.interfaces,
    };
    let loading = load::load(&request);
    file.warnings.extend(loading.warnings);
    let not_configured = loading.not_configured.iter();
    file.warnings.extend(
        not_configured.map(|name| Warning::new(codes::NOT_CONFIGURED, format!("{name} is not in the configuration"))),
    );
    let ready = loading.ready.iter().map(|ready| {
        let configured = configuration.config.policies.get(&ready.instance.name);
        let own = configured.and_then(|own| own.call_limit);
        let limits = configured.map(|own| Warning::of_raised_limits(&own.limits)).unwrap_or_default();
        let shares = configured.map(|own| Warning::of_raised_shares(&own.shares)).unwrap_or_default();
        let instance = &ready.instance;
        let (name, mode) = (&instance.name, ready.grants.mode);
        Checked {
            warnings: linked_roots(&ready.grants.scopes).into_iter().chain(limits).chain(shares).collect(),
            ..Checked::new(format!("[policy.{name}], mode {mode}{}, {}", call_limit(own), wakes(instance)))
        }
    });
    let calls = calls(configuration);
    let safety = safety::checked(configuration);
    let mut all: Vec<Checked> = std::iter::once(file).chain(calls).chain(safety).chain(targets).chain(ready).collect();
    // Paths that are not components have a result already.
    let not_loaded =
        loading.not_loaded.into_iter().filter(|one| configuration.config.policies.contains_key(one.name.as_str()));
    all.extend(
        not_loaded
            .map(|one| Checked { fault: Some(one.error.into()), ..Checked::new(format!("[policy.{}]", one.name)) }),
    );
    all.extend(never(&configuration.never));
    all
}

/// What wakes an instance: `every 1 min, woken by file /etc/hosts (operator)`.
fn wakes(instance: &ansai_supervisor::Instance) -> String {
    let watch = |wanted: &Wanted| match wanted.by {
        WantedBy::Operator => format!("{} (operator)", wanted.watch),
        WantedBy::Policy => wanted.watch.to_string(),
    };
    let watches: Vec<String> = instance.watches.iter().map(watch).collect();
    let between = if watches.is_empty() { String::new() } else { format!(", woken by {}", watches.join("; ")) };
    format!("{}{between}", schedule::of(instance))
}

/// How long a call of a server may take, where the configuration has something to say about servers.
fn calls(configuration: &Configuration) -> Option<Checked> {
    let config = &configuration.config;
    let limits = || config.policies.values().map(|instance| instance.call_limit);
    match config.daemon.call_limit {
        Some(own) => Some(Checked::new(format!("[daemon]{}", call_limit(Some(own))))),
        None if config.targets.is_empty() && limits().all(|limit| limit.is_none()) => None,
        None => Some(Checked::new(format!("[daemon]{} by default", call_limit(Some(DEFAULT_CALL_LIMIT.into()))))),
    }
}

/// `, call limit 5 s`.
fn call_limit(limit: Option<Millis>) -> String {
    limit.map(|limit| format!(", call limit {limit}")).unwrap_or_default()
}

/// The granted directories of this host that are behind a symbolic link.
fn linked_roots(scopes: &Scopes) -> Vec<Warning> {
    let host = Host::at("/");
    let roots: BTreeSet<&String> = scopes.values().flat_map(|scope| scope.together().roots(&ROOTS)).collect();
    let linked = roots.into_iter().filter_map(|root| behind_link(&host, root));
    linked.map(|how| Warning::new(codes::LINKED_ROOT, format!("{how}: grant the directory behind it"))).collect()
}

/// What no step may touch: the operator's entries by kind, the defaults, and the exceptions to them.
fn never(never: &Never) -> Vec<Checked> {
    let own = never.own().iter().map(|(kind, patterns)| {
        let patterns: Vec<&str> = patterns.iter().map(NamePattern::text).collect();
        format!("[never], {kind}: {}", patterns.join(", "))
    });
    let defaults: Vec<&str> = defaults().iter().map(|entry| entry.pattern.text()).collect();
    let defaults = format!("[never], {UNIT} by default: {}", defaults.join(", "));
    let allowed = never.allowed().iter().map(|(kind, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("[never.allow], {kind}: {}", names.join(", "))
    });
    own.chain([defaults]).chain(allowed).map(Checked::new).collect()
}

/// Each target, with the problem of its secret.
fn targets(configuration: &Configuration) -> Vec<Checked> {
    let mut problems = configuration.secret_problems().into_iter().peekable();
    let target = |(name, target): (&String, &ansai_config::Target)| {
        let mut checked = Checked::new(format!("[target.{name}], {}{}", target.kind, call_limit(target.call_limit)));
        match problems.next_if(|problem| problem.target == *name) {
            // Only a start by systemd can tell.
            Some(problem) if problem.is_unknown() => {
                checked.warnings.push(Warning::new(problem.code(), problem.to_string()));
            }
            Some(problem) => {
                let message = format!("unusable secret of [target.{name}]");
                checked.fault = Some(Fault::invalid(message, configuration.secret_diagnostics(&problem)));
            }
            None => {}
        }
        checked
    };
    configuration.config.targets.iter().map(target).collect()
}

fn text(checked: &[Checked]) -> anyhow::Result<()> {
    for one in checked {
        let name = inert(&one.name, output::MOST_TEXT);
        match &one.fault {
            None => output::say(&format!("{}  {name}\n", colour::paint(colour::GOOD, "ok   ")))?,
            Some(fault) => {
                output::say(&format!("{}  {name}\n", colour::paint(colour::ERROR, "error")))?;
                output::fault(fault);
            }
        }
        for warning in &one.warnings {
            let word = colour::paint(colour::WARNING, &format!("warning[{}]:", warning.code));
            output::say(&format!("       {word} {}\n", inert(&warning.message, output::MOST_TEXT)))?;
        }
    }
    Ok(())
}

fn document(checked: Vec<Checked>, code: u8) -> anyhow::Result<()> {
    let entries: Vec<_> = checked
        .into_iter()
        .map(|one| {
            let fault = one.fault.map(|fault| NotLoaded::new(one.name.clone(), fault));
            let (codes, warnings): (Vec<_>, Vec<_>) =
                one.warnings.into_iter().map(|warning| (warning.code, warning.message)).unzip();
            serde_json::json!({
                "name": one.name,
                "ok": fault.is_none(),
                "problem": fault,
                "warnings": warnings,
                "warning_codes": codes,
            })
        })
        .collect();
    json::document(&serde_json::json!({ "checked": entries, "exit_code": code }))
}
