//! Bytes for keys.

use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::{Result, StorageError};

/// Bytes that nobody can guess.
///
/// # Errors
/// The system has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let path = Path::new("/dev/urandom");
    let opened = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let device = opened.map_err(StorageError::at("open", path))?;
    let mut bytes = [0; N];
    std::io::Read::read_exact(&mut std::fs::File::from(device), &mut bytes).map_err(StorageError::at("read", path))?;
    Ok(bytes)
}
