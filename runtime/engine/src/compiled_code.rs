//! Compiled code that this process maps: a sealed file in memory, or a file of the cache.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, SealFlags};
use wasmtime::component::Component;

/// Compiled code in a sealed memory file (memfd). No process can change it, even one that has it open.
#[derive(Debug)]
pub(crate) struct CompiledCode(File);

impl CompiledCode {
    /// Seals the file.
    pub(crate) fn seal(file: File) -> std::io::Result<CompiledCode> {
        rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(CompiledCode(file))
    }

    /// Writes these bytes to a new memory file and seals it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> std::io::Result<CompiledCode> {
        let mut file = memory_file("code")?;
        file.write_all(bytes)?;
        CompiledCode::seal(file)
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

/// An empty memory file that can be sealed and that cannot be executed as a program.
pub(crate) fn memory_file(name: &str) -> std::io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3 does not know NOEXEC_SEAL.
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        made => made,
    };
    Ok(File::from(made?))
}

/// Maps native code. When mapping fails (the file system of the cache is mounted `noexec`, or /proc is missing), it copies
/// the code.
///
/// The caller guarantees that the file holds what the compiler made, and that it does not change while it is mapped. This
/// holds for [`CompiledCode`], which is sealed, and for the files of [`Cache`]: their bytes had this user's MAC, no other
/// user can write to them, and this user only replaces such files by renaming.
///
/// [`Cache`]: crate::cache::Cache
#[expect(unsafe_code, reason = "wasmtime trusts compiled code; the doc comment says who guarantees for it")]
pub(crate) fn map(engine: &wasmtime::Engine, file: &File) -> wasmtime::Result<Component> {
    // By descriptor, since the path could name another file by now.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: the caller guarantees for the file; the tests of `cache` and tests/engine/load.rs show that changed bytes
    // are refused before.
    let mapped = unsafe { Component::deserialize_file(engine, path) };
    mapped.or_else(|why| {
        tracing::debug!("cannot map compiled code, copying it: {why:#}");
        let bytes = read(file)?;
        // SAFETY: the same bytes of the same file.
        unsafe { Component::deserialize(engine, bytes) }
    })
}

fn read(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    OffsetReader { file, offset: 0 }.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file from an offset, independently of the position of its descriptor.
pub(crate) struct OffsetReader<'f> {
    pub(crate) file: &'f File,
    pub(crate) offset: u64,
}

impl std::io::Read for OffsetReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
