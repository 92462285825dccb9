//! `look-file`.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ansai_certificates::{Bundle, Certificate, Distrust, Pairing, Roots, describe, judge, pairing};
use ansai_core::text::{inert, path_text};
use ansai_core::{Refusal, Subject};
use ansai_kit::host::ProbeContext;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, readlinkat};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::fields::ROOTS;
use crate::disk::ways::answering_through_links;
use crate::safety::beneath::open_following;
use crate::safety::root::absolute;

/// The largest file with certificates: the authorities of a whole distribution take a fifth.
const MOST_BYTES: usize = 4 << 20;
/// The largest file with a key, which may hold certificates, too.
const MOST_KEY_BYTES: usize = 256 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LookFile {
    path: String,
    key_path: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Chain {
    pub(super) about: Subject,
    pub(super) path: String,
    pub(super) certificates: Vec<Certificate>,
    pub(super) omitted: u32,
    pub(super) key: Pairing,
    pub(super) trusted: Option<bool>,
    pub(super) distrust: Vec<Distrust>,
    pub(super) explanation: String,
}

pub(super) fn look_file(ask: &ProbeContext<'_>, LookFile { path, key_path }: LookFile) -> Result<Chain, Refusal> {
    if let Some(key) = &key_path {
        ask.permit(&ROOTS, key)?;
    }
    let bytes = read(ask, &path, MOST_BYTES)?;
    let bundle = Bundle::read(&bytes).map_err(|error| Refusal::Invalid(format!("{path}: {error}")))?;
    let Some(leaf) = bundle.leaf() else { return Err(Refusal::Invalid(format!("{path}: no certificate in it"))) };
    let key = match key_path {
        Some(key) => pairing(leaf, &read(ask, &key, MOST_KEY_BYTES)?),
        None => Pairing::Unknown,
    };
    let judged = judge(&bundle.certificates, None, Roots::of(ask.host).as_deref(), ask.now);
    Ok(Chain {
        about: Subject::new("file", &path),
        certificates: bundle.certificates.iter().filter_map(|der| describe(der)).collect(),
        omitted: bundle.omitted,
        key,
        trusted: judged.trusted,
        distrust: judged.distrust,
        explanation: judged.explanation,
        path,
    })
}

/// Reads a regular file. The grant must permit what the path leads to, too: certbot uses links.
fn read(ask: &ProbeContext<'_>, text: &str, most: usize) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let invalid = || Refusal::Invalid(format!("`{}` is not an absolute path in plain form", inert(text, 200)));
    let path = absolute(text).ok_or_else(invalid)?;
    let path = Path::new(std::ffi::OsStr::from_bytes(&path));
    answering_through_links(ask.host, path)?;
    let failed = |error: rustix::io::Errno| Refusal::io(text, &error.into());
    // Not opened for reading before it is known what it is: to open a device can act.
    let file = open_following(ask.host, path, OFlags::PATH).map_err(failed)?;
    ask.permit(&ROOTS, &real(ask, &file, text)?)?;
    if FileType::from_raw_mode(fstat(&file).map_err(failed)?.st_mode) != FileType::RegularFile {
        return Err(Refusal::Invalid(format!("{text} is not a regular file")));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(handle(&file), flags, Mode::empty()).map_err(failed)?;
    // At once, so that no copy of a key is left behind by a buffer that grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let mut file = std::fs::File::from(file).take(most as u64 + 1);
    file.read_to_end(&mut bytes).map_err(|error| Refusal::io(text, &error))?;
    match bytes.len() > most {
        true => Err(Refusal::Unavailable(format!("{text} has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

/// The path that an open file really has, as the host has it.
fn real(ask: &ProbeContext<'_>, file: &OwnedFd, text: &str) -> Result<String, Refusal> {
    let unknown = || Refusal::Unavailable(format!("where {text} leads to is unknown"));
    let own = readlinkat(CWD, handle(file), Vec::new()).map_err(|_| unknown())?;
    let own = Path::new(std::ffi::OsStr::from_bytes(own.as_bytes())).to_owned();
    let real_root = std::path::Path::new("/");
    if ask.host.is_this_machine() {
        return Ok(path_text(own.as_os_str().as_bytes()));
    }
    let root = readlink_of(ask.host.root()).ok_or_else(unknown)?;
    let below = own.strip_prefix(&root).map_err(|_| unknown())?;
    Ok(path_text(real_root.join(below).as_os_str().as_bytes()))
}

/// The path by which the kernel has an open file.
fn handle(file: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// The real path of a directory.
fn readlink_of(path: &Path) -> Option<std::path::PathBuf> {
    let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let own = readlinkat(CWD, handle(&opened), Vec::new()).ok()?;
    Some(Path::new(std::ffi::OsStr::from_bytes(own.as_bytes())).to_owned())
}
