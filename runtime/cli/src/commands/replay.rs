//! `ansai replay`: the same answers must give the same findings and plans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_audit::{Catalog, RecordingId};
use ansai_core::exit;
use ansai_engine::component::inspect;
use ansai_engine::replay::{Replayed, replay};
use ansai_engine::{Engine, Policy};
use ansai_host_functions::registry::Registry;
use clap::Args;

use crate::arguments::{Format, Global};
use crate::commands::recordings::{catalog, parse, unknown};
use crate::component::not_loaded;
use crate::configuration::Configuration;
use crate::exit::{Fault, worst};
use crate::output::{json, lines};
use crate::sources::{self, Source};
use crate::{history, host, runtime, state};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai replay ID --policies policies/\n  \
    ansai replay ID --with new.wasm       what would another version have done?\n  \
    ansai replay --all --policies policies/\n\n\
    A recording is replayed only when its hash is the one that the audit log holds.\n\
    Exit code 0: identical; 4: different, or not the recording of the log; 5: could not be replayed.")]
pub(crate) struct Arguments {
    /// The recording, as `ansai recordings list` names it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<RecordingId>,
    /// Every recording that is kept
    #[arg(long)]
    all: bool,
    /// Replay with this component, whichever was recorded
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Where components are looked for, besides the sources of the configuration
    #[arg(long, value_name = "DIR", num_args = 1..)]
    policies: Vec<PathBuf>,
}

/// How one went.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Compared {
    Identical { fuel_compared: bool },
    Differs(String),
    Excluded,
    NotReplayed(String),
    Refused(String),
}

impl Compared {
    fn code(&self) -> u8 {
        match self {
            Compared::Identical { .. } => exit::FINE,
            Compared::Differs(_) | Compared::Refused(_) => exit::REFUSED,
            Compared::Excluded | Compared::NotReplayed(_) => exit::UNKNOWN,
        }
    }

    /// A word for programs, and the words for people.
    fn words(&self) -> (&'static str, String) {
        match self {
            Compared::Identical { fuel_compared: true } => ("identical", "identical, fuel too".to_owned()),
            Compared::Identical { fuel_compared: false } => {
                ("identical", "identical; fuel not compared: another component or engine".to_owned())
            }
            Compared::Differs(difference) => ("differs", format!("differs: {difference}")),
            Compared::Excluded => ("excluded", "ended by a deadline: when depends on the machine".to_owned()),
            Compared::NotReplayed(why) => ("not-replayed", format!("not replayed: {why}")),
            Compared::Refused(why) => ("refused", format!("refused: {why}")),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = Registry::builtin();
    let configuration = Configuration::maybe(global.config.as_deref(), &registry.interfaces())?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    let Some(catalog) = catalog(&state_dir)? else {
        return Err(Fault::usage(format!("{} holds no recordings", state_dir.display())).into());
    };
    let recorded = history::recordings(&state_dir)?;
    let mut components = Components::new(registry, arguments, configuration.as_ref())?;
    let ids = match &arguments.id {
        Some(id) => vec![id.clone()],
        None => catalog.list().into_iter().map(|one| one.id).collect(),
    };
    let mut results = Vec::new();
    for id in ids {
        let result = match one(&catalog, &recorded, &mut components, &id) {
            Ok(result) => result,
            // One asked for by name is an error with its hint; among all it is a line.
            Err(fault) if arguments.all && fault.code == exit::REFUSED => Compared::Refused(fault.message),
            Err(fault) if arguments.all => Compared::NotReplayed(fault.message),
            Err(fault) => return Err(fault.into()),
        };
        if global.format == Format::Text {
            lines::line(&format!("{id}: {}", result.words().1))?;
        }
        results.push((id, result));
    }
    if global.format == Format::Json {
        let entries: Vec<_> = results
            .iter()
            .map(|(id, result)| {
                let (result, detail) = result.words();
                serde_json::json!({ "recording": id, "result": result, "detail": detail })
            })
            .collect();
        json::document(&entries)?;
    } else if arguments.all {
        let count = |word: &str| results.iter().filter(|(_, result)| result.words().0 == word).count();
        lines::line(&format!(
            "{} recordings: {} identical, {} different, {} refused, {} not replayed",
            results.len(),
            count("identical"),
            count("differs"),
            count("refused"),
            count("excluded") + count("not-replayed"),
        ))?;
    }
    Ok(worst(results.iter().map(|(_, result)| result.code())))
}

fn one(
    catalog: &Catalog,
    recorded: &BTreeMap<String, [u8; 32]>,
    components: &mut Components,
    id: &RecordingId,
) -> Result<Compared, Fault> {
    let Some(sha256) = recorded.get(id.as_str()) else {
        // One that is not kept at all is a mistake in the name.
        catalog.get(id).map_err(|error| unknown(&error))?;
        return Err(Fault::refused(format!("the audit log knows no recording {id}")));
    };
    let content = catalog.get_verified(id, sha256).map_err(|error| unknown(&error))?;
    let recording = parse(id, &content)?;
    let policy = components.policy(&recording.component)?;
    let replayed =
        runtime::block_on(replay(&policy, &recording)).map_err(|error| Fault::other(format!("{error:#}")))?;
    Ok(match replayed.0 {
        Replayed::Identical { fuel_compared } => Compared::Identical { fuel_compared },
        Replayed::Differs(difference) => Compared::Differs(difference.to_string()),
        Replayed::Excluded => Compared::Excluded,
    })
}

/// Components by digest, compiled when they are needed.
struct Components {
    engine: Engine,
    with: Option<PathBuf>,
    paths: BTreeMap<String, PathBuf>,
    loaded: BTreeMap<PathBuf, Policy>,
}

impl Components {
    fn new(
        registry: Registry,
        arguments: &Arguments,
        configuration: Option<&Configuration>,
    ) -> Result<Components, Fault> {
        let mut wanted = arguments.policies.clone();
        if let Some(configuration) = configuration {
            wanted
                .extend(configuration.config.policies.keys().filter_map(|name| configuration.config.source_path(name)));
        }
        let mut paths = BTreeMap::new();
        for source in sources::find(&wanted)? {
            // What is no component cannot be the recorded one.
            if let Source::Component(path) = source
                && let Ok(bytes) = sources::read(&path)
                && let Ok(found) = inspect(&bytes)
            {
                paths.insert(found.digest, path);
            }
        }
        let engine = host::engine(registry, None)?;
        Ok(Components { engine, with: arguments.with.clone(), paths, loaded: BTreeMap::new() })
    }

    fn policy(&mut self, digest: &str) -> Result<Policy, Fault> {
        let path = match self.with.as_ref().or_else(|| self.paths.get(digest)) {
            Some(path) => path.clone(),
            None => {
                let short = digest.get(..12).unwrap_or(digest);
                return Err(Fault::usage(format!("no component here has the digest {short}…"))
                    .hint("say --policies DIR where it lies, or --with FILE to replay with another"));
            }
        };
        if let Some(policy) = self.loaded.get(&path) {
            return Ok(policy.clone());
        }
        let policy = load(&self.engine, &path)?;
        self.loaded.insert(path, policy.clone());
        Ok(policy)
    }
}

fn load(engine: &Engine, path: &Path) -> Result<Policy, Fault> {
    let bytes = sources::read(path)?;
    engine.load(&bytes).map_err(|error| not_loaded(path, &error))
}
