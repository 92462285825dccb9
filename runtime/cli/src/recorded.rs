//! Recordings that the audit log binds, and the components that they were made with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_audit::{Catalog, RecordingId};
use ansai_core::codes;
use ansai_engine::component::inspect;
use ansai_engine::{Engine, Policy, Recording};
use ansai_kit::registry::Registry;

use crate::arguments::Global;
use crate::commands::recordings::{catalog, parse, unknown};
use crate::component::not_loaded;
use crate::configuration::Configuration;
use crate::exit::Fault;
use crate::sources::{self, Source};
use crate::{history, host, state};

/// The recordings of a state directory.
pub(crate) struct Recorded {
    pub(crate) catalog: Catalog,
    /// Hash by id, from the audit log.
    hashes: BTreeMap<String, [u8; 32]>,
}

impl Recorded {
    pub(crate) fn open(global: &Global, configuration: Option<&Configuration>) -> anyhow::Result<Recorded> {
        let state_dir = state::directory(global.state_dir.as_deref(), configuration)?;
        let Some(catalog) = catalog(&state_dir)? else {
            return Err(
                Fault::usage(codes::UNKNOWN_RECORDING, format!("{} holds no recordings", state_dir.display())).into()
            );
        };
        Ok(Recorded { hashes: history::recordings(&state_dir)?, catalog })
    }

    /// A recording, if it is the one of the audit log.
    pub(crate) fn get(&self, id: &RecordingId) -> Result<Recording, Fault> {
        let Some(sha256) = self.hashes.get(id.as_str()) else {
            // One that is not kept at all is a mistake in the name.
            self.catalog.get(id).map_err(|error| unknown(&error))?;
            return Err(Fault::refused(codes::DAMAGED_RECORDING, format!("the audit log knows no recording {id}")));
        };
        let content = self.catalog.get_verified(id, sha256).map_err(|error| unknown(&error))?;
        parse(id, &content)
    }
}

/// Components by digest, compiled when they are needed.
pub(crate) struct Components {
    engine: Engine,
    with: Option<PathBuf>,
    paths: BTreeMap<String, PathBuf>,
    loaded: BTreeMap<PathBuf, Policy>,
}

impl Components {
    /// Those at some paths and of the configuration; or one for all.
    pub(crate) fn new(
        registry: Registry,
        policies: &[PathBuf],
        with: Option<&Path>,
        configuration: Option<&Configuration>,
    ) -> Result<Components, Fault> {
        let mut wanted = policies.to_vec();
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
        let engine = host::engine_with_users_cache(registry)?;
        Ok(Components { engine, with: with.map(Path::to_owned), paths, loaded: BTreeMap::new() })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where the component with a digest lies.
    pub(crate) fn path(&self, digest: &str) -> Result<PathBuf, Fault> {
        match self.with.as_ref().or_else(|| self.paths.get(digest)) {
            Some(path) => Ok(path.clone()),
            None => {
                let short = digest.get(..12).unwrap_or(digest);
                Err(Fault::usage(codes::UNKNOWN_COMPONENT, format!("no component here has the digest {short}…"))
                    .hint("say --policies DIR where it lies, or --with FILE to replay with another"))
            }
        }
    }

    pub(crate) fn policy(&mut self, digest: &str) -> Result<Policy, Fault> {
        let path = self.path(digest)?;
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
