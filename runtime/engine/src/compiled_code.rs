//! Compiled code on its way into this process: a file that nobody can change any more, mapped and not copied.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, SealFlags};
use wasmtime::component::Component;

/// Compiled code in memory of the kernel's, sealed: it keeps its bytes whoever else has it open.
#[derive(Debug)]
pub(crate) struct Code(File);

impl Code {
    /// What is in the file, from now on unchangeable.
    pub(crate) fn seal(file: File) -> std::io::Result<Code> {
        rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(Code(file))
    }

    /// These bytes.
    pub(crate) fn of(bytes: &[u8]) -> std::io::Result<Code> {
        let mut file = memory_file("code")?;
        file.write_all(bytes)?;
        Code::seal(file)
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

/// An empty file in memory, which can be sealed and not executed as a program.
pub(crate) fn memory_file(name: &str) -> std::io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3.
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        made => made,
    };
    Ok(File::from(made?))
}

/// Maps native code. Where a mapping is not possible—the file system of the cache is mounted `noexec`, /proc is
/// missing—its bytes are copied.
///
/// The caller vouches for the file: it holds what the compiler made, and it does not change while it is mapped. That
/// is so for [`Code`], which is sealed, and for what [`Cache`] hands out: its bytes had this user's MAC, and nobody but
/// this user can write to it, who writes such files by renaming alone.
///
/// [`Cache`]: crate::cache::Cache
#[expect(unsafe_code, reason = "wasmtime trusts compiled code; see there who vouches for it")]
pub(crate) fn map(engine: &wasmtime::Engine, file: &File) -> wasmtime::Result<Component> {
    // By its descriptor: a path could lead elsewhere by now.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: the caller vouches for the file; the tests of `cache` and tests/engine/load.rs show that changed bytes
    // do not get here.
    let mapped = unsafe { Component::deserialize_file(engine, path) };
    mapped.or_else(|why| {
        tracing::debug!("compiled code is copied, not mapped: {why:#}");
        let bytes = read(file)?;
        // SAFETY: the same bytes of the same file.
        unsafe { Component::deserialize(engine, bytes) }
    })
}

fn read(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    At { file, at: 0 }.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads from the beginning, whatever the position of the file is.
pub(crate) struct At<'f> {
    pub(crate) file: &'f File,
    pub(crate) at: u64,
}

impl std::io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
