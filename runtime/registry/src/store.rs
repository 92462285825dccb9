//! Policies on this machine: an OCI image layout, whose content is named by its digest.

mod index;
mod known;
mod lock;

use std::fs::File;
use std::io;
use std::path::PathBuf;

use ansai_storage::{Directory, Permissions, StorageError, WriteOptions};
use rustix::fs::FlockOperation;

use crate::artifact::{MANIFEST_TYPE, MOST_DOCUMENT_BYTES};
use crate::{Descriptor, Digest, Fetched, MOST_COMPONENT_BYTES, Manifest, Reference, RegistryError, Result};
pub use index::Entry;
use index::Index;
pub(crate) use lock::INDEX;

/// Its directory in the state directory.
const NAME: &str = "registry";
const LAYOUT: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";

/// The policies of this machine. Commands and the daemon share it.
pub struct Store {
    root: Directory,
    content: Directory,
}

impl Store {
    /// Opens the store in a state directory. A missing one is created.
    ///
    /// # Errors
    /// The system refuses, or another user can change it.
    pub fn create(state: &Directory) -> Result<Store> {
        Store::at(state.create_subdirectory(NAME)?)
    }

    /// Makes a directory a store: an OCI image layout.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn at(root: Directory) -> Result<Store> {
        if root.read("oci-layout", 0)?.is_none() {
            root.replace("oci-layout", LAYOUT, WriteOptions::PRIVATE)?;
        }
        let content = root.create_subdirectory("blobs")?.create_subdirectory("sha256")?;
        Ok(Store { root, content })
    }

    /// The same, if there is one.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn open(state: &Directory) -> Result<Option<Store>> {
        match state.subdirectory(NAME).map_err(RegistryError::from).and_then(Store::at_existing) {
            Err(RegistryError::Storage(error)) if StorageError::is_not_found(&error) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// The store in a directory that has one.
    ///
    /// # Errors
    /// It has none, or as [`Store::create`].
    pub fn at_existing(root: Directory) -> Result<Store> {
        let content = root.subdirectory("blobs")?.subdirectory("sha256")?;
        Ok(Store { root, content })
    }

    /// Copies the content of a policy into another store, verified. It has no name there yet.
    ///
    /// # Errors
    /// It is not a policy, is damaged, has another size than its manifest announces, or the other store cannot be written.
    pub fn copy(&self, entry: &Entry, to: &Store) -> Result<Fetched> {
        let busy = to.busy()?;
        let no_policy = |problem| RegistryError::Artifact { reference: entry.reference.to_string(), problem };
        let bytes = self.read(&entry.digest, MOST_DOCUMENT_BYTES)?;
        let manifest = Manifest::parse(&bytes).map_err(no_policy)?;
        let component = manifest.component().map_err(no_policy)?.clone();
        let config = self.read_exactly(&manifest.config)?;
        manifest.check_config(&config).map_err(no_policy)?;
        let descriptor = Descriptor::of(MANIFEST_TYPE, &bytes);
        to.put_bytes(&component, &self.read_exactly(&component)?)?;
        to.put_bytes(&manifest.config, &config)?;
        to.put_bytes(&descriptor, &bytes)?;
        Ok(Fetched { reference: entry.reference.clone(), manifest: descriptor, component, _busy: busy })
    }

    /// The directory of files of its own, such as logins.
    pub(crate) fn root(&self) -> &Directory {
        &self.root
    }

    /// Whether content is there, and is what it should be.
    pub(crate) fn has(&self, wanted: &Descriptor) -> Result<bool> {
        match self.read(&wanted.digest, wanted.size) {
            Ok(_) => Ok(true),
            Err(RegistryError::NotStored(_) | RegistryError::Damaged(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores content whole or not at all.
    pub(crate) fn put(
        &self,
        wanted: &Descriptor,
        write: impl FnOnce(&mut File) -> io::Result<Result<()>>,
    ) -> Result<()> {
        let mut refused = None;
        let options = WriteOptions { permissions: Permissions::PRIVATE, ..WriteOptions::PRIVATE };
        let written = self.content.replace_with(wanted.digest.hex(), options, |file| match write(file)? {
            Ok(()) => Ok(()),
            Err(error) => {
                refused = Some(error);
                Err(io::Error::other("refused"))
            }
        });
        match refused {
            Some(error) => Err(error),
            None => Ok(written.map(drop)?),
        }
    }

    pub(crate) fn put_bytes(&self, wanted: &Descriptor, bytes: &[u8]) -> Result<()> {
        if self.has(wanted)? {
            return Ok(());
        }
        self.put(wanted, |file| io::Write::write_all(file, bytes).map(Ok))
    }

    /// Content of at most so many bytes, verified.
    fn read(&self, digest: &Digest, most: u64) -> Result<Vec<u8>> {
        let found = self.content.read(digest.hex(), most)?;
        let bytes = found.ok_or_else(|| RegistryError::NotStored(digest.to_string()))?.bytes;
        if Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(RegistryError::Damaged(self.path(digest))) }
    }

    /// Content of the size that its manifest announces, verified.
    fn read_exactly(&self, wanted: &Descriptor) -> Result<Vec<u8>> {
        let bytes = self.read(&wanted.digest, wanted.size)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) != wanted.size {
            let what = format!("content {}", wanted.digest);
            return Err(RegistryError::Size { what, announced: wanted.size });
        }
        Ok(bytes)
    }

    /// The manifest of a policy.
    ///
    /// # Errors
    /// It is not there, or was changed.
    pub fn manifest(&self, digest: &Digest) -> Result<Manifest> {
        let bytes = self.read(digest, MOST_DOCUMENT_BYTES)?;
        let no_policy = |problem| RegistryError::Artifact { reference: digest.to_string(), problem };
        Manifest::parse(&bytes).map_err(no_policy)
    }

    /// The path of the component of a policy, and its digest. The content was verified; whoever reads it again compares the
    /// digest again.
    ///
    /// # Errors
    /// It is not there, or was changed.
    pub fn component(&self, manifest: &Digest) -> Result<(PathBuf, Digest)> {
        let parsed = self.manifest(manifest)?;
        let no_policy = |problem| RegistryError::Artifact { reference: manifest.to_string(), problem };
        let component = parsed.component().map_err(no_policy)?;
        self.read(&component.digest, MOST_COMPONENT_BYTES)?;
        Ok((self.path(&component.digest), component.digest.clone()))
    }

    /// The path of content.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.content.path_of(digest.hex())
    }

    /// Gives a fetched policy its name. Another one of the same name loses it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn add(&self, fetched: &Fetched) -> Result<()> {
        let _alone = self.lock(lock::INDEX, FlockOperation::LockExclusive)?;
        let mut index = Index::read(&self.root)?;
        index.put(&fetched.reference, Descriptor { media_type: MANIFEST_TYPE.to_owned(), ..fetched.manifest.clone() });
        index.write(&self.root)
    }

    /// The policies, sorted by name.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        Index::read(&self.root).map(|index| index.entries())
    }

    /// Takes the name of a policy away.
    ///
    /// # Errors
    /// It has no such policy, or cannot be written.
    pub fn remove(&self, reference: &Reference) -> Result<Entry> {
        let _alone = self.lock(lock::INDEX, FlockOperation::LockExclusive)?;
        let mut index = Index::read(&self.root)?;
        let removed = index.remove(reference).ok_or_else(|| RegistryError::NotStored(reference.to_string()))?;
        index.write(&self.root)?;
        Ok(removed)
    }

    /// Removes content that belongs to no policy, except what `keep` names, and answers how many bytes that freed. While a
    /// policy is being pulled, nothing is removed: its content has no name yet.
    ///
    /// # Errors
    /// The store cannot be read or written. If the manifest of a policy cannot be read, nothing is removed.
    pub fn sweep(&self, keep: &[Digest]) -> Result<u64> {
        let Some(_alone) = self.try_lock_busy()? else { return Ok(0) };
        let index = Index::read(&self.root)?;
        let mut needed: Vec<Digest> = Vec::new();
        for digest in index.entries().into_iter().map(|entry| entry.digest).chain(keep.iter().cloned()) {
            match self.manifest(&digest) {
                Ok(manifest) => {
                    needed.push(manifest.config.digest.clone());
                    needed.extend(manifest.component().ok().map(|component| component.digest.clone()));
                }
                // What is missing or was changed names no other content.
                Err(RegistryError::NotStored(_) | RegistryError::Damaged(_) | RegistryError::Artifact { .. }) => {}
                // What cannot be read now may name a component that is needed.
                Err(error) => return Err(error),
            }
            needed.push(digest);
        }
        self.content.remove_left_over()?;
        let mut freed = 0_u64;
        for name in self.content.names()? {
            let is_content = format!("sha256:{name}").parse::<Digest>().ok();
            if is_content.is_some_and(|digest| !needed.contains(&digest)) {
                let bytes = self.content.metadata(&name)?.allocated_bytes;
                if self.content.remove(&name)? {
                    freed = freed.saturating_add(bytes);
                }
            }
        }
        self.sweep_signatures(&needed)?;
        Ok(freed)
    }
}
