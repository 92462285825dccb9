//! A directory by its path or by its handle.

use std::path::Path;

use crate::{Directory, Result};

/// What a [`Directory`] can be had from: a path, or a handle that is open already.
pub trait ToDirectory {
    /// The directory, which must exist.
    ///
    /// # Errors
    /// The system refuses.
    fn to_directory(&self) -> Result<Directory>;

    /// The directory, which is created if it is missing.
    ///
    /// # Errors
    /// The system refuses.
    fn to_created_directory(&self) -> Result<Directory>;
}

impl<P: AsRef<Path> + ?Sized> ToDirectory for P {
    fn to_directory(&self) -> Result<Directory> {
        Directory::open(self)
    }

    fn to_created_directory(&self) -> Result<Directory> {
        Directory::create(self)
    }
}

impl ToDirectory for Directory {
    fn to_directory(&self) -> Result<Directory> {
        Ok(self.clone())
    }

    fn to_created_directory(&self) -> Result<Directory> {
        Ok(self.clone())
    }
}

impl ToDirectory for &Directory {
    fn to_directory(&self) -> Result<Directory> {
        Ok(Directory::clone(self))
    }

    fn to_created_directory(&self) -> Result<Directory> {
        Ok(Directory::clone(self))
    }
}
