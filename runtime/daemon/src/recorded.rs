//! Recordings that the audit log names, and the components that they were made with.

mod error;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_audit::{Catalog, RecordingId};
use ansai_config::PolicySource;
use ansai_engine::component::inspect;
use ansai_engine::{Engine, Policy, Recording};

pub use self::error::RecordingError;
use crate::component::not_loaded;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::pulled::Pulled;
use crate::share::Share;
use crate::sources::{self, Source};
use crate::{history, state};

/// The recordings of a state directory.
pub struct Recorded {
    /// All that are stored.
    pub catalog: Catalog,
    /// Hash by id, from the audit log.
    hashes: BTreeMap<String, [u8; 32]>,
}

impl Recorded {
    /// Opens the store and reads the audit log.
    ///
    /// # Errors
    /// There are no recordings, or the log cannot be read or was changed.
    pub fn open(state_dir: &Path) -> Result<Recorded, Error> {
        let catalog = catalog(state_dir)?.ok_or_else(|| RecordingError::None(state_dir.to_owned()))?;
        Ok(Recorded { hashes: history::recordings(state_dir)?, catalog })
    }

    /// A recording, if its hash is the one in the audit log.
    ///
    /// # Errors
    /// It is unknown, damaged, or not the one that was recorded.
    pub fn get(&self, id: &RecordingId) -> Result<Recording, Error> {
        let Some(sha256) = self.hashes.get(id.as_str()) else {
            // An id that is not stored either is mistyped.
            self.catalog.get(id).map_err(RecordingError::from)?;
            return Err(RecordingError::NotInLog(id.clone()).into());
        };
        let content = self.catalog.get_verified(id, sha256).map_err(RecordingError::from)?;
        parse(id, &content)
    }
}

/// The recordings of a state directory; `None` if there never were any.
///
/// # Errors
/// The store does not open.
pub fn catalog(state_dir: &Path) -> Result<Option<Catalog>, Error> {
    let directory = state_dir.join("recordings");
    if !state::exists(&directory) {
        return Ok(None);
    }
    Ok(Some(Catalog::open(&directory).map_err(RecordingError::from)?))
}

/// A recording as it is stored; it is not compared with the audit log.
///
/// # Errors
/// It is unknown or damaged.
pub fn stored(catalog: &Catalog, id: &RecordingId) -> Result<Recording, Error> {
    parse(id, &catalog.get(id).map_err(RecordingError::from)?)
}

fn parse(id: &RecordingId, content: &[u8]) -> Result<Recording, Error> {
    let parsed = serde_json::from_slice(content);
    Ok(parsed.map_err(|error| RecordingError::Form { id: id.clone(), error })?)
}

/// Components by digest, compiled when they are needed.
pub struct Components {
    engine: Engine,
    with: Option<PathBuf>,
    paths: BTreeMap<String, PathBuf>,
    loaded: BTreeMap<PathBuf, Policy>,
}

impl Components {
    /// Those at some paths, of the configuration, and the built-in and pulled ones where there are some; or `with` for all
    /// recordings.
    ///
    /// # Errors
    /// A path that leads to no policy, or a built-in policy that is not available.
    pub fn new(
        engine: Engine,
        policies: &[PathBuf],
        with: Option<&Path>,
        configuration: Option<&Configuration>,
        share: &Share,
        pulled: &Pulled,
    ) -> Result<Components, Error> {
        let mut wanted = share.resolve(policies)?;
        if let Some(configuration) = configuration {
            let config = &configuration.config;
            for source in config.policies.keys().filter_map(|name| config.source(name)) {
                // The store is asked for all its versions below.
                if !matches!(source, PolicySource::Registry(_)) {
                    wanted.push(share.source(source)?);
                }
            }
        }
        // A run without a configuration used them. Without a share directory, there are none.
        wanted.extend(share.policies().unwrap_or_default());
        wanted.extend(pulled.components(configuration));
        let mut paths = BTreeMap::new();
        for source in sources::find(&wanted)? {
            // A file that is no component cannot be the recorded one.
            if let Source::Component(path) = source
                && let Ok(bytes) = sources::read(&path)
                && let Ok(found) = inspect(&bytes)
            {
                paths.insert(found.digest, path);
            }
        }
        Ok(Components { engine, with: with.map(Path::to_owned), paths, loaded: BTreeMap::new() })
    }

    /// The engine that they run on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The path of the component with a digest.
    ///
    /// # Errors
    /// It is at none of the paths.
    pub fn path(&self, digest: &str) -> Result<PathBuf, Error> {
        let path = self.with.as_ref().or_else(|| self.paths.get(digest)).cloned();
        Ok(path.ok_or_else(|| RecordingError::NoComponent(digest.to_owned()))?)
    }

    /// The compiled component with a digest.
    ///
    /// # Errors
    /// It is at none of the paths, or does not load.
    pub fn policy(&mut self, digest: &str) -> Result<Policy, Error> {
        let path = self.path(digest)?;
        if let Some(policy) = self.loaded.get(&path) {
            return Ok(policy.clone());
        }
        let bytes = sources::read(&path)?;
        let policy = self.engine.load(&bytes).map_err(|error| not_loaded(&path, error))?;
        self.loaded.insert(path, policy.clone());
        Ok(policy)
    }
}
