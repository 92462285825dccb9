//! Files with what a plan would touch and what it did touch. The audit log has their hashes.
#![expect(clippy::disallowed_methods, reason = "an adapter to the state directory")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ansai_core::Instant;
use ansai_kit::action::{Item, Proposed};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const MOST_BYTES: u64 = 256 << 20;

/// A file of a plan cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// An I/O error.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        error: std::io::Error,
    },
    /// Its content is not what ansai wrote.
    #[error("{path}: {error}")]
    Form {
        /// The file.
        path: PathBuf,
        /// The error.
        error: serde_json::Error,
    },
    /// Not the id of a plan.
    #[error("`{0}` is not the id of a plan")]
    Id(String),
}

/// A plan as it was approved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlanFile {
    /// Its id.
    pub(crate) plan: String,
    /// Whose grants it acts on.
    pub(crate) instance: String,
    /// The incident of its finding; none for a plan of the host itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) incident: Option<String>,
    /// When.
    pub(crate) at: Instant,
    /// What was proposed, with targets and their identities.
    pub(crate) steps: Vec<Proposed>,
}

/// The directory of plans.
#[derive(Debug, Clone)]
pub(crate) struct Plans(PathBuf);

impl Plans {
    /// Opens or creates it, and removes what a crash left unfinished. Only one process may have it open.
    pub(crate) fn open(dir: PathBuf) -> Result<Plans, PlanFileError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        let opened = made.and_then(|()| remove_unfinished(&dir)).and_then(|()| match dir.parent() {
            // The name of the directory too is durable before the first plan.
            Some(parent) => std::fs::File::open(parent)?.sync_all(),
            None => Ok(()),
        });
        match opened {
            Ok(()) => Ok(Plans(dir)),
            Err(error) => Err(PlanFileError::Io { path: dir, error }),
        }
    }

    /// Writes a plan, durably; answers its SHA-256.
    pub(crate) fn put(&self, plan: &PlanFile) -> Result<String, PlanFileError> {
        self.write(&self.file(&plan.plan, "plan")?, plan)
    }

    /// Reads a plan.
    pub(crate) fn get(&self, plan: &str) -> Result<PlanFile, PlanFileError> {
        Ok(self.read(&self.file(plan, "plan")?)?.0)
    }

    /// Writes what a step did to its targets, durably; answers the SHA-256.
    pub(crate) fn put_items(&self, plan: &str, step: u32, items: &[Item]) -> Result<String, PlanFileError> {
        self.write(&self.file(plan, &format!("{step}.items"))?, &items)
    }

    /// What a step did to its targets, and the SHA-256 of that.
    pub(crate) fn items(&self, plan: &str, step: u32) -> Result<(Vec<Item>, String), PlanFileError> {
        self.read(&self.file(plan, &format!("{step}.items"))?)
    }

    fn file(&self, plan: &str, what: &str) -> Result<PathBuf, PlanFileError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if plan.is_empty() || plan.len() > 100 || !plan.chars().all(plain) {
            return Err(PlanFileError::Id(ansai_core::text::inert(plan, 100)));
        }
        Ok(self.0.join(format!("{plan}.{what}.zst")))
    }

    fn write(&self, path: &Path, value: &impl Serialize) -> Result<String, PlanFileError> {
        let io = |error| PlanFileError::Io { path: path.to_owned(), error };
        let text = serde_json::to_vec(value).map_err(|error| PlanFileError::Form { path: path.to_owned(), error })?;
        let packed = zstd::encode_all(text.as_slice(), 3).map_err(io)?;
        let temporary = path.with_extension("tmp");
        let result = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(&packed).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&temporary, path))
            .and_then(|()| std::fs::File::open(&self.0)?.sync_all());
        if result.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        result.map_err(io)?;
        Ok(hex::encode(Sha256::digest(&text)))
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, path: &Path) -> Result<(T, String), PlanFileError> {
        let io = |error| PlanFileError::Io { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(io)?;
        let mut text = Vec::new();
        zstd::Decoder::new(file).map_err(io)?.take(MOST_BYTES).read_to_end(&mut text).map_err(io)?;
        let value =
            serde_json::from_slice(&text).map_err(|error| PlanFileError::Form { path: path.to_owned(), error })?;
        Ok((value, hex::encode(Sha256::digest(&text))))
    }
}

fn remove_unfinished(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
