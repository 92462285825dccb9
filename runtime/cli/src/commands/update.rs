//! `ansai update`: newer versions of the policies that `ansai.lock` pins by a range.

mod pinning;
mod show;

use ansai_core::{codes, exit};
use ansai_daemon::pulled::{self, Newer};
use ansai_daemon::{Configuration, Error};
use ansai_registry::{Lock, Locked, Reference, Selector, Store};
use ansai_supervisor::clock;
use clap::Args;

use self::pinning::Pinning;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::json;
use crate::registry::{self, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai update --dry-run                     show what is newer, and pin nothing\n  \
    ansai update                               pin what can do no more than before; ask about the rest on a terminal\n  \
    ansai update --accept-wider disk-space     also pin a version of disk-space that can do more\n  \
    ansai update --retry disk-space            let a version run again that failed on this host\n\n\
    It looks for newer versions of the policies whose source in the configuration is a range, such as `@^1.2`, and\n\
    verifies them. A version that can do more than the pinned one is held. Exit code 7 means that one is held, 4 that\n\
    one is refused. The version before stays in ansai.lock: the daemon goes back to it by itself if the new one fails\n\
    in its first evaluations. Reload the daemon to run what is pinned.")]
pub(crate) struct Arguments {
    /// Instances of the configuration [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Show what would be pinned, and pin nothing
    #[arg(long)]
    dry_run: bool,
    /// Pin the new version of this instance although it can do more; repeatable
    #[arg(long, value_name = "NAME", conflicts_with = "dry_run")]
    accept_wider: Vec<String>,
    /// Let the pinned version of this instance run again, although it failed on this host; repeatable
    #[arg(long, value_name = "NAME", conflicts_with_all = ["names", "dry_run", "accept_wider"])]
    retry: Vec<String>,
    #[command(flatten)]
    reached: Reached,
}

/// What becomes of one pinned policy.
enum Outcome {
    /// There is no newer one that verifies.
    Newest,
    /// It is not pinned by a range.
    NoRange,
    /// A newer version.
    Newer { newer: Box<Newer>, pinning: Pinning },
}

/// One pinned policy, the instances that run it, and the versions that were refused.
struct Updated {
    instances: Vec<String>,
    pinned: Locked,
    outcome: Outcome,
    refused: Vec<(Reference, Error)>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let Some(configuration) = global.configuration(&interfaces)? else {
        let fault = Fault::usage(codes::NEEDS_CONFIGURATION, "without a configuration, no policy is pinned");
        return Err(fault.hint("pass --config FILE").into());
    };
    check_names(arguments, &configuration)?;
    let store = pulled::create(&global.state_dir(Some(&configuration))?)?;
    let lock = pulled::lock_of(&configuration.path).map_err(Error::from)?;
    if !arguments.retry.is_empty() {
        return retry(arguments, global, &configuration, (&store, &lock));
    }
    registry::sweep(&store, global);
    let trials = store.trials().map_err(Error::from)?;
    let mut updated = Vec::new();
    for pinned in lock.policies() {
        let instances = instances(&configuration, &pinned.source);
        if !arguments.names.is_empty() && !instances.iter().any(|name| arguments.names.contains(name)) {
            continue;
        }
        let reference = pinned.source.parse::<Reference>().map_err(Error::from)?;
        if !matches!(reference.selector, Selector::Versions(_)) {
            updated.push(Updated { instances, pinned: pinned.clone(), outcome: Outcome::NoRange, refused: Vec::new() });
            continue;
        }
        let client = arguments.reached.client(reference.registry(), &store)?;
        let refuse = |new: &Locked| pulled::is_faulty(&new.digest, &trials).then(|| pinning::failed_here(new));
        let search = pulled::newer(&client, &store, pinned, &interfaces, refuse)?;
        let outcome = match search.newer {
            None => Outcome::Newest,
            Some(newer) => {
                let pinning = pinning::decide(arguments, global, &instances, pinned, &newer)?;
                Outcome::Newer { newer: Box::new(newer), pinning }
            }
        };
        updated.push(Updated { instances, pinned: pinned.clone(), outcome, refused: search.refused });
    }
    pinning::write(&configuration, &store, &mut updated)?;
    match global.format {
        Format::Json => json::document(&show::document(lock.path(), &updated))?,
        Format::Text => show::text(lock.path(), &updated)?,
    }
    Ok(code(&updated))
}

/// The instances that run a source.
fn instances(configuration: &Configuration, source: &str) -> Vec<String> {
    let written = |one: &ansai_config::Instance| {
        one.source.as_deref().and_then(|text| text.strip_prefix(ansai_config::REGISTRY)) == Some(source)
    };
    let all = configuration.config.policies.iter();
    all.filter(|(_, one)| written(one)).map(|(name, _)| name.to_string()).collect()
}

/// A name that is mistyped must not look like one that is up to date.
fn check_names(arguments: &Arguments, configuration: &Configuration) -> anyhow::Result<()> {
    let known = |name: &&String| configuration.config.policies.contains_key(name.as_str());
    let mut named = arguments.names.iter().chain(&arguments.accept_wider).chain(&arguments.retry);
    match named.find(|name| !known(name)) {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("{} has no instance `{unknown}`", configuration.path.display());
            Err(Fault::usage(codes::UNKNOWN_INSTANCE, message).into())
        }
    }
}

fn retry(
    arguments: &Arguments,
    global: &Global,
    configuration: &Configuration,
    (store, lock): (&Store, &Lock),
) -> anyhow::Result<u8> {
    let mut retried = Vec::new();
    for pinned in lock.policies() {
        let instances = instances(configuration, &pinned.source);
        if instances.iter().any(|name| arguments.retry.contains(name)) {
            store.note_trial(&pinned.digest, clock::now(), None).map_err(Error::from)?;
            retried.push(pinned.clone());
        }
    }
    show::retried(&retried, global.format)?;
    Ok(exit::FINE)
}

/// What is refused says more than what is held.
fn code(updated: &[Updated]) -> u8 {
    let is_held = |one: &Updated| {
        matches!(&one.outcome, Outcome::Newer { pinning: Pinning::Held | Pinning::WouldHold | Pinning::Changed, .. })
    };
    match (updated.iter().any(|one| !one.refused.is_empty()), updated.iter().any(is_held)) {
        (true, _) => exit::REFUSED,
        (false, true) => exit::WIDER,
        (false, false) => exit::FINE,
    }
}
