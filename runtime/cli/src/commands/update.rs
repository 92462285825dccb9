//! `ansai update`: newer versions of the policies that `ansai.lock` pins by a range.

mod accepted;
mod pinning;
mod shadow;
mod show;
mod show_shadow;

use ansai_core::{Millis, codes, exit};
use ansai_daemon::pulled::{self, Acceptance, Newer, Search, Shadowed};
use ansai_daemon::{Configuration, Error};
use ansai_registry::{Lock, Locked, Reference, Selector, ShadowRecord, Store};
use ansai_supervisor::clock;
use clap::Args;

use self::accepted::Accepted;
use self::pinning::Pinning;
use crate::exit::{Fault, worst};
use crate::global::{Format, Global};
use crate::output::{self, json};
use crate::registry::{self, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai update --dry-run                     show what is newer, and pin nothing\n  \
    ansai update                               pin what can do no more than before; ask about the rest on a terminal\n  \
    ansai update --accept-wider disk-space@1.3.0    also pin this version of disk-space, which can do more\n  \
    ansai update disk-space --shadow 7d        run the new version beside the pinned one, in observe mode, for 7 days\n  \
    ansai update --show-shadow                 show what differs between the two\n  \
    ansai update --accept-differences disk-space@1.3.0    pin it although they decide differently\n  \
    ansai update --retry disk-space            let a version run again that failed on this host\n\n\
    It looks for newer versions of the policies whose source in the configuration is a range, such as `@^1.2`, and\n\
    verifies them. A version that can do more than the pinned one is held. Exit code 7 means that one is held, 4 that\n\
    one is refused. A registry that does not answer stops no other one. The last good version stays in ansai.lock: the\n\
    daemon goes back to it by itself if the new one fails in its first evaluations. Reload the daemon to run what is\n\
    pinned.\n\n\
    With --shadow, the new version decides about the recorded evaluations of the last 4 weeks at once. After a reload, the\n\
    daemon runs it beside the pinned one for as long as you say: it changes nothing and tells nobody. Only time in which\n\
    the daemon runs counts. Then it takes over, if both decide the same and it can do no more. Otherwise it is held, and\n\
    told with the code shadow-held. `ansai update` pins what took over.")]
pub(crate) struct Arguments {
    /// Instances of the configuration [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Show what would be pinned, and pin nothing
    #[arg(long)]
    dry_run: bool,
    /// Pin this version of this instance although it can do more; with --shadow, let it take over; repeatable. The version
    /// can be a digest: `NAME@sha256:HEX`
    #[arg(long, value_name = "NAME@VERSION", conflicts_with = "dry_run")]
    accept_wider: Vec<Accepted>,
    /// Run the new version beside the pinned one for this time, such as `7d`, before it takes over
    #[arg(long, value_name = "TIME", value_parser = shadow::time, conflicts_with = "dry_run")]
    shadow: Option<Millis>,
    /// Pin this version of this instance although it decides differently from the pinned one; with --shadow, let it take
    /// over; repeatable
    #[arg(long, value_name = "NAME@VERSION", conflicts_with = "dry_run")]
    accept_differences: Vec<Accepted>,
    /// Show the versions that run beside pinned ones, and what differs
    #[arg(long, conflicts_with_all = ["dry_run", "accept_wider", "shadow", "accept_differences"])]
    show_shadow: bool,
    /// End the version that runs beside the pinned one of this instance; repeatable
    #[arg(long, value_name = "NAME",
        conflicts_with_all = ["names", "dry_run", "accept_wider", "shadow", "accept_differences", "show_shadow"])]
    end_shadow: Vec<String>,
    /// Let the version of this instance run again that failed on this host: the pinned one, or the one that took over;
    /// repeatable
    #[arg(long, value_name = "NAME", conflicts_with_all =
        ["names", "dry_run", "accept_wider", "shadow", "accept_differences", "show_shadow", "end_shadow"])]
    retry: Vec<String>,
    #[command(flatten)]
    reached: Reached,
}

impl Arguments {
    /// Whether a person accepts something about this version.
    fn accepts(&self, instances: &[String], policy: &Locked) -> bool {
        self.accept_wider.iter().chain(&self.accept_differences).any(|one| one.is_of(instances, policy))
    }
}

/// What becomes of one pinned policy.
enum Outcome {
    /// There is no newer one that verifies.
    Newest,
    /// It is not pinned by a range.
    NoRange,
    /// A newer version. `last_good` is the version that is kept to go back to, once it is pinned.
    Newer { newer: Box<Newer>, pinning: Pinning, last_good: Option<String> },
    /// It cannot be told: its registry does not answer, for example.
    Failed(Box<Error>),
}

/// One pinned policy, the instances that run it, and the versions that were refused.
struct Updated {
    instances: Vec<String>,
    pinned: Locked,
    outcome: Outcome,
    refused: Vec<(Reference, Error)>,
    /// What is known of a version that begins to run beside the pinned one.
    shadow: Option<Box<ShadowRecord>>,
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
    if arguments.show_shadow {
        return show_shadow::run(&arguments.names, global.format, &configuration, (&store, &lock));
    }
    if !arguments.end_shadow.is_empty() {
        return shadow::end(&arguments.end_shadow, global.format, &configuration, (&store, lock));
    }
    pinning::check_seen(arguments, &configuration, &store, &lock)?;
    let (lock, took_over) = shadow::pin_what_took_over(arguments, &configuration, &store, lock)?;
    registry::sweep(&store, global);
    let mut acceptance = Acceptance::of(Some(&configuration), &store);
    acceptance.refresh(&arguments.reached.connection())?.iter().for_each(output::warning);
    let trials = store.trials().map_err(Error::from)?;
    let shadows = Shadowed::all(&lock, &store.shadows().map_err(Error::from)?);
    let mut updated = Vec::new();
    for pinned in lock.policies() {
        let instances = instances(&configuration, &pinned.source);
        if !arguments.names.is_empty() && !instances.iter().any(|name| arguments.names.contains(name)) {
            continue;
        }
        let refuse = |new: &Locked| {
            let failed_here = || pulled::is_faulty(&new.digest, &trials).then(|| pinning::failed_here(new));
            pulled::check_same(&lock, new).err().or_else(failed_here)
        };
        let client = |registry: &str| arguments.reached.client(registry, &store);
        let beside = shadows.get(&pinned.source);
        // A person names the version that ran beside the pinned one, so a newer one does not take its place.
        let seen = beside.map(|one| &one.shadow.policy).filter(|policy| arguments.accepts(&instances, policy));
        let found = pulled::resolve(acceptance.registries(), &pinned.source, client).and_then(|(wanted, client)| {
            let is_range = matches!(wanted.selector, Selector::Versions(_));
            let (of, from) = ((&store, pinned), (&wanted, &client));
            let search = || match seen {
                Some(seen) => pulled::exactly(&acceptance, of, from, &interfaces, seen, refuse),
                None => pulled::newer(&acceptance, of, from, &interfaces, refuse),
            };
            is_range.then(search).transpose()
        });
        let mut begun = None;
        let (outcome, refused) = match found {
            // What is found in other registries counts all the same.
            Err(error) => (Outcome::Failed(Box::new(error)), Vec::new()),
            Ok(None) => (Outcome::NoRange, Vec::new()),
            Ok(Some(Search { newer: None, refused })) => (Outcome::Newest, refused),
            Ok(Some(Search { newer: Some(newer), refused })) => {
                let pinning = pinning::decide(arguments, global, &instances, (pinned, beside), &newer)?;
                if pinning == Pinning::Beside {
                    let of = (&store, pinned, beside);
                    begun = Some(Box::new(shadow::begin(global, &configuration, of, &newer, &instances)?));
                }
                (Outcome::Newer { newer: Box::new(newer), pinning, last_good: None }, refused)
            }
        };
        updated.push(Updated { instances, pinned: pinned.clone(), outcome, refused, shadow: begun });
    }
    pinning::write(arguments, &configuration, &store, &mut updated)?;
    match global.format {
        Format::Json => json::document(&show::document(lock.path(), &updated, &took_over))?,
        Format::Text => show::text(lock.path(), &updated, &took_over)?,
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
    let accepted = arguments.accept_wider.iter().chain(&arguments.accept_differences).map(|one| &one.instance);
    let ended = arguments.retry.iter().chain(&arguments.end_shadow);
    let mut named = arguments.names.iter().chain(accepted).chain(ended);
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
    let shadows = store.shadows().map_err(Error::from)?;
    let mut retried = Vec::new();
    for pinned in lock.policies() {
        let instances = instances(configuration, &pinned.source);
        if instances.iter().any(|name| arguments.retry.contains(name)) {
            // What took over runs in place of the pinned version.
            let runs = pulled::took_over(lock, &pinned.source, &shadows).map_or(pinned, |shadow| &shadow.policy);
            store.note_trial(&runs.digest, clock::now(), None).map_err(Error::from)?;
            retried.push(runs.clone());
        }
    }
    show::retried(&retried, global.format)?;
    Ok(exit::FINE)
}

/// What failed or is refused says more than what is held.
fn code(updated: &[Updated]) -> u8 {
    let is_held = |one: &Updated| {
        matches!(
            &one.outcome,
            Outcome::Newer { pinning: Pinning::Held | Pinning::WouldHold | Pinning::Changed | Pinning::ShadowHeld, .. }
        )
    };
    let failed = updated.iter().filter_map(|one| match &one.outcome {
        Outcome::Failed(error) => Some(error.exit_code()),
        Outcome::Newest | Outcome::NoRange | Outcome::Newer { .. } => None,
    });
    let refused = updated.iter().filter(|one| !one.refused.is_empty()).map(|_| exit::REFUSED);
    match worst(failed.chain(refused)) {
        exit::FINE if updated.iter().any(is_held) => exit::WIDER,
        code => code,
    }
}
