//! Files with what a plan would touch and what it did touch. The audit log has their hashes.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ansai_audit::Ballast;
use ansai_core::{InstanceName, OnFailure, Timestamp};
use ansai_kit::action::{Item, Proposed};
use ansai_storage::{Access, Directory, Location, StorageError, WriteOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::unwritten::Unwritten;

const MOST_BYTES: u64 = 256 << 20;

/// A file of a plan cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
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

/// A plan as it was approved, or as it waits for approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlanFile {
    /// Its id.
    pub(crate) plan: String,
    /// Whose grants it acts on.
    pub(crate) instance: InstanceName,
    /// The incident of its finding; none for a plan of the host itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) incident: Option<String>,
    /// When.
    pub(crate) at: Timestamp,
    /// What a failed step does to what the plan has done.
    pub(crate) on_failure: OnFailure,
    /// What was proposed, with targets and their identities.
    pub(crate) steps: Vec<Proposed>,
}

/// The directory of plans, and what is released to write there when the disk is full.
#[derive(Debug, Clone)]
pub(crate) struct Plans {
    directory: Directory,
    ballast: Ballast,
    unwritten: Unwritten,
}

/// The steps of a plan that was approved, with all their targets; `directory` is `plans` in the state directory. Changes
/// nothing.
///
/// # Errors
/// There is no file of such a plan, or it cannot be read.
pub fn approved_steps(directory: &Path, plan: &str) -> Result<Vec<Proposed>, PlanFileError> {
    Ok(stored_plan(directory, plan)?.steps)
}

/// What the file of a plan holds.
pub struct StoredPlan {
    /// When it was proposed.
    pub at: Timestamp,
    /// Its steps, with all their targets.
    pub steps: Vec<Proposed>,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
}

/// A plan that was applied, or that waits for approval. `directory` is `plans` in the state directory. Changes nothing.
///
/// # Errors
/// There is no file of such a plan, or it cannot be read.
pub fn stored_plan(directory: &Path, plan: &str) -> Result<StoredPlan, PlanFileError> {
    let directory = Directory::open(directory)?;
    // Nothing is written, so nothing has to be released.
    let ballast = Ballast::new(Location::new(&directory, "ballast"), 0);
    let (PlanFile { at, steps, .. }, sha256) =
        Plans { directory, ballast, unwritten: Unwritten::default() }.get(plan)?;
    Ok(StoredPlan { at, steps, sha256 })
}

impl Plans {
    /// The same directory, only to read it: what a crash left unfinished stays.
    pub(crate) fn to_read(directory: Directory, ballast: Ballast) -> Plans {
        Plans { directory, ballast, unwritten: Unwritten::default() }
    }

    /// Takes an open directory, and removes what a crash left unfinished.
    pub(crate) fn open(directory: Directory, ballast: Ballast) -> Result<Plans, PlanFileError> {
        directory.remove_left_over()?;
        Ok(Plans { directory, ballast, unwritten: Unwritten::default() })
    }

    /// Writes a plan, durably; answers its SHA-256.
    pub(crate) fn put(&self, plan: &PlanFile) -> Result<String, PlanFileError> {
        self.write(&self.file(&plan.plan, "plan")?, plan)
    }

    /// Reads a plan, and the SHA-256 of its file. [`PlanFile::unaltered`] compares it with the audit log.
    pub(crate) fn get(&self, plan: &str) -> Result<(PlanFile, String), PlanFileError> {
        self.read(&self.file(plan, "plan")?)
    }

    /// Writes what a step did to its targets, durably; answers the SHA-256, and why it is not written. What is not is known
    /// to this run, and written as soon as that succeeds.
    pub(crate) fn put_items(&self, plan: &str, step: u32, items: &[Item]) -> (Option<String>, Option<PlanFileError>) {
        let put = || {
            let file = self.file(plan, &format!("{step}.items"))?;
            let text = self.text(&file, &items)?;
            Ok((file, text))
        };
        match put() {
            Err(error) => (None, Some(error)),
            Ok((file, text)) => {
                let sha256 = hex::encode(Sha256::digest(&text));
                let refused = self.write_text(&file, &text).err();
                if refused.is_some() {
                    self.unwritten.keep(file, text);
                }
                (Some(sha256), refused)
            }
        }
    }

    /// What a step did to its targets, and the SHA-256 of that.
    pub(crate) fn items(&self, plan: &str, step: u32) -> Result<(Vec<Item>, String), PlanFileError> {
        let file = self.file(plan, &format!("{step}.items"))?;
        match self.unwritten.get(&file) {
            Some(text) if self.write_unwritten(&file, &text).is_err() => self.parsed(&file, &text),
            _ => self.read(&file),
        }
    }

    /// What a step did is on the disk, or is written now.
    ///
    /// # Errors
    /// It is not there.
    pub(crate) fn ensure_items(&self, plan: &str, step: u32) -> Result<(), PlanFileError> {
        let file = self.file(plan, &format!("{step}.items"))?;
        if let Some(text) = self.unwritten.get(&file) {
            self.write_unwritten(&file, &text)?;
        }
        self.read::<Vec<Item>>(&file).map(drop)
    }

    fn write_unwritten(&self, file: &str, text: &[u8]) -> Result<(), PlanFileError> {
        self.write_text(file, text)?;
        self.unwritten.remove(file);
        Ok(())
    }

    /// The ids of all plans, oldest first.
    pub(crate) fn ids(&self) -> Result<Vec<String>, PlanFileError> {
        let names = self.directory.names()?;
        let mut ids: Vec<String> =
            names.iter().filter_map(|name| name.strip_suffix(".plan.zst")).map(str::to_owned).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Removes a plan with all that it did. Its own file goes last: a crash leaves a plan that is removed again.
    pub(crate) fn remove(&self, plan: &str) -> Result<(), PlanFileError> {
        let own = self.file(plan, "plan")?;
        let of_plan = |name: &String| name.strip_prefix(plan).is_some_and(|rest| rest.starts_with('.'));
        for name in self.directory.names()?.into_iter().filter(of_plan).filter(|name| *name != own) {
            self.directory.remove(name)?;
        }
        self.directory.remove(own)?;
        Ok(self.directory.sync()?)
    }

    /// The name of a file.
    fn file(&self, plan: &str, what: &str) -> Result<String, PlanFileError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if plan.is_empty() || plan.len() > 100 || !plan.chars().all(plain) {
            return Err(PlanFileError::Id(ansai_core::text::inert(plan, 100)));
        }
        Ok(format!("{plan}.{what}.zst"))
    }

    fn write(&self, file: &str, value: &impl Serialize) -> Result<String, PlanFileError> {
        let text = self.text(file, value)?;
        self.write_text(file, &text)?;
        Ok(hex::encode(Sha256::digest(&text)))
    }

    fn text(&self, file: &str, value: &impl Serialize) -> Result<Vec<u8>, PlanFileError> {
        serde_json::to_vec(value).map_err(|error| PlanFileError::Form { path: self.directory.path_of(file), error })
    }

    fn write_text(&self, file: &str, text: &[u8]) -> Result<(), PlanFileError> {
        let packed = zstd::encode_all(text, 3);
        let packed = packed.map_err(StorageError::at("compress", self.directory.path_of(file)))?;
        let write = || self.directory.replace(file, &packed, WriteOptions::PRIVATE);
        match write() {
            // Without a durable plan there is no action, and a full disk is when it is needed.
            Err(error) if error.is_out_of_space() && self.ballast.release()? => write()?,
            written => written?,
        }
        Ok(())
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<(T, String), PlanFileError> {
        let failed = |error: std::io::Error| StorageError::at("read", self.directory.path_of(name))(error);
        let file = self.directory.file(name, Access::Read)?;
        let mut text = Vec::new();
        zstd::Decoder::new(file).and_then(|decoder| decoder.take(MOST_BYTES).read_to_end(&mut text)).map_err(failed)?;
        self.parsed(name, &text)
    }

    fn parsed<T: for<'de> Deserialize<'de>>(&self, name: &str, text: &[u8]) -> Result<(T, String), PlanFileError> {
        let value = serde_json::from_slice(text)
            .map_err(|error| PlanFileError::Form { path: self.directory.path_of(name), error })?;
        Ok((value, hex::encode(Sha256::digest(text))))
    }
}
