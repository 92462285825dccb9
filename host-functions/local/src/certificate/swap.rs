//! Puts a staged version in place of the installed one, and back.
//!
//! What is to be done is written down first, in `ansai/NAME/swap-STEP`: a crash between any two of these changes is found
//! and put back. The files of a version get a new number in the archive of certbot, and the links lead there, each replaced
//! at once. A target whose files are not these links gets copies, with the owner and the mode of the files before, which
//! are kept in `ansai/NAME/previous-STEP`.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, fchown};

use ansai_certificates::fingerprint;
use ansai_core::Refusal;
use ansai_kit::target::CertificateFiles;
use ansai_storage::{Access, Directory, Existing, Trusted, WriteOptions};
use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_lock, openat, renameat};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::server::Place;
use super::site::{KINDS, Site, Version, linked, number_of, refused, untrusted};
use super::staging::link;

const MOST_NOTE: u64 = 4_096;
const MOST_CHAIN: u64 = 1 << 20;
/// How many installations are kept, the last one among them.
const KEPT: usize = 3;

/// What a step replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Note {
    /// The version before and after, in the archive of certbot.
    pub(super) from: u32,
    pub(super) to: u32,
    /// Whether the target has files of its own.
    pub(super) has_copies: bool,
    /// The fingerprint of the new chain: after an undo, certbot may use the number again.
    pub(super) installed: String,
}

/// The lock that certbot takes, so that it and ansai do not change a lineage at the same time.
pub(super) struct Lock(#[allow(dead_code, reason = "closing it ends the lock")] File);

impl Lock {
    pub(super) fn take(config: &Directory) -> Result<Lock, Refusal> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |error: rustix::io::Errno| Refusal::io(config.path_of(".certbot.lock").display(), &error.into());
        let file = openat(config, ".certbot.lock", flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock(File::from(file))),
            Err(_) => Err(Refusal::Busy("another certbot runs now".into())),
        }
    }
}

/// The files of the target, if they are not the links of the lineage.
fn copies(site: &Site, name: &str, files: &CertificateFiles) -> Result<Option<[Place; 2]>, Refusal> {
    let places = [Place::of(&files.certificate)?, Place::of(&files.key)?];
    // The directory of certbot can be a link itself.
    let config = Trusted::open(&site.config).map_err(untrusted)?.path;
    let archive = config.join("archive").join(name);
    let is_here = |place: &Place| place.path.parent() == Some(archive.as_path());
    let is_of_certbot = |place: &Place| place.path.starts_with(&config);
    match (places.iter().all(is_here), places.iter().any(is_of_certbot)) {
        (true, _) => Ok(None),
        (false, false) => Ok(Some(places)),
        (false, true) => Err(Refusal::Denied(format!("the files of the target are not all those of {name}"))),
    }
}

/// Writes down what will be done, does it, and answers the note.
///
/// # Errors
/// Nothing was changed if there is no [`note`] of this step afterwards; else what was changed must be [put back](restore).
pub(super) fn replace(
    site: &Site,
    name: &str,
    staged: &Version,
    files: &CertificateFiles,
    step: &str,
) -> Result<Note, Refusal> {
    let own = site.own(name)?;
    let config = site.open()?;
    let of = |directory: &str| config.subdirectory(directory).and_then(|all| all.subdirectory(name)).map_err(refused);
    let (live, archive) = (of("live")?, of("archive")?);
    let from = linked(&live, name, "fullchain")?;
    let to = next_number(&archive)?;
    let copies = copies(site, name, files)?;
    let note = Note { from, to, has_copies: copies.is_some(), installed: fingerprint(staged.fullchain()) };
    if let Some([certificate, key]) = &copies {
        let previous = own.create_subdirectory(format!("previous-{step}")).map_err(refused)?;
        previous.replace("certificate", &certificate.read()?, WriteOptions::PRIVATE).map_err(refused)?;
        previous.replace("key", &key.read()?, WriteOptions::PRIVATE).map_err(refused)?;
    }
    let text = serde_json::to_vec(&note).map_err(|error| Refusal::Other(error.to_string()))?;
    own.replace(note_name(step), &text, WriteOptions::PRIVATE).map_err(refused)?;
    let done = exchange(&live, &archive, name, staged, &note).and_then(|()| match &copies {
        Some([certificate, key]) => {
            write_over(key, staged.key())?;
            write_over(certificate, staged.fullchain())
        }
        None => Ok(()),
    });
    done.map(|()| note)
}

/// A number that no version has.
fn next_number(archive: &Directory) -> Result<u32, Refusal> {
    let names = archive.names().map_err(refused)?;
    let numbers = names.iter().filter_map(|file| KINDS.iter().find_map(|kind| number_of(file, kind)));
    numbers.max().unwrap_or(0).checked_add(1).ok_or_else(|| Refusal::Unavailable("certbot has no number left".into()))
}

fn exchange(live: &Directory, archive: &Directory, name: &str, staged: &Version, note: &Note) -> Result<(), Refusal> {
    for (kind, bytes) in KINDS.iter().zip(&staged.files) {
        let before = archive.file(format!("{kind}{}.pem", note.from), Access::Read).map_err(refused)?;
        let options = WriteOptions { existing: Existing::Refused, ..WriteOptions::PRIVATE };
        let file = format!("{kind}{}.pem", note.to);
        archive.replace_with(&file, options, |new| write_like(new, bytes, &before)).map_err(refused)?;
    }
    relink(live, name, note.to)
}

/// Writes with the owner and the mode of another file.
fn write_like(new: &mut File, bytes: &[u8], before: &File) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let found = before.metadata()?;
    new.write_all(bytes)?;
    fchown(&*new, Some(found.uid()), Some(found.gid()))?;
    new.set_permissions(std::fs::Permissions::from_mode(found.mode() & 0o7777))
}

fn write_over(place: &Place, bytes: &[u8]) -> Result<(), Refusal> {
    let before = place.directory.file(&place.name, Access::Read).map_err(refused)?;
    let written =
        place.directory.replace_with(&place.name, WriteOptions::PRIVATE, |new| write_like(new, bytes, &before));
    written.map(drop).map_err(refused)
}

/// Makes all links lead to a version, each replaced at once.
fn relink(live: &Directory, name: &str, number: u32) -> Result<(), Refusal> {
    for kind in KINDS {
        let (link_name, temporary) = (format!("{kind}.pem"), format!(".{kind}.ansai"));
        let _ = live.remove(&temporary);
        link(&format!("../../archive/{name}/{kind}{number}.pem"), live, &temporary)?;
        let put = renameat(live, temporary.as_str(), live, link_name.as_str());
        put.map_err(|error| Refusal::io(live.path_of(&link_name).display(), &error.into()))?;
    }
    live.sync().map_err(refused)
}

/// What a step wrote down; `None` if it has changed nothing.
pub(super) fn note(site: &Site, name: &str, step: &str) -> Result<Option<Note>, Refusal> {
    let Some(own) = site.own_if_there(name)? else { return Ok(None) };
    let content = own.read(note_name(step), MOST_NOTE).map_err(refused)?;
    let invalid = |error| Refusal::Unavailable(format!("the note of the step is invalid: {error}"));
    content.map(|content| serde_json::from_slice(&content.bytes).map_err(invalid)).transpose()
}

/// Puts back what a step has replaced. It may be repeated. A version that somebody has installed since stays.
///
/// # Errors
/// `not-found` if it has replaced nothing, or what it replaced is not kept any more. `changed` if it is another version now.
pub(super) fn restore(site: &Site, name: &str, files: &CertificateFiles, step: &str) -> Result<(), Refusal> {
    let gone = || Refusal::NotFound("what this step replaced is not kept any more".into());
    let Note { from, to, has_copies, installed } = note(site, name, step)?.ok_or_else(gone)?;
    let config = site.open()?;
    let of = |directory: &str| config.subdirectory(directory).and_then(|all| all.subdirectory(name)).map_err(refused);
    let (live, archive) = (of("live")?, of("archive")?);
    let numbers: Vec<u32> = KINDS.iter().map(|kind| linked(&live, name, kind)).collect::<Result<_, _>>()?;
    // certbot uses the number again after an undo that ended before this could be recorded.
    let found = archive.read(format!("fullchain{to}.pem"), MOST_CHAIN).map_err(refused)?;
    let is_other = found.is_some_and(|found| fingerprint(&found.bytes) != installed);
    let is_other = is_other || (has_copies && is_copy_of_another(site, name, files, step, &installed)?);
    if is_other || numbers.iter().any(|number| *number != from && *number != to) {
        return Err(Refusal::Changed(format!("another certificate of {name} was installed meanwhile")));
    }
    relink(&live, name, from)?;
    if has_copies {
        restore_copies(site, name, files, step)?;
    }
    // certbot would install a version that no link leads to.
    for kind in KINDS {
        archive.remove(format!("{kind}{to}.pem")).map_err(refused)?;
    }
    archive.sync().map_err(refused)
}

/// What the file `certificate` or `key` of the target was before the step.
fn previous(site: &Site, name: &str, step: &str, file: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let kept = site.own(name)?.subdirectory(format!("previous-{step}")).map_err(refused)?;
    let content = kept.read(file, MOST_CHAIN).map_err(refused)?;
    let missing = || Refusal::Unavailable(format!("the previous {file} is missing"));
    Ok(Zeroizing::new(content.ok_or_else(missing)?.bytes))
}

/// Whether the target's own file has neither the certificate before the step nor the one after it.
fn is_copy_of_another(
    site: &Site,
    name: &str,
    files: &CertificateFiles,
    step: &str,
    installed: &str,
) -> Result<bool, Refusal> {
    let now = Place::of(&files.certificate)?.read()?;
    Ok(fingerprint(&now) != installed && *now != *previous(site, name, step, "certificate")?)
}

fn restore_copies(site: &Site, name: &str, files: &CertificateFiles, step: &str) -> Result<(), Refusal> {
    for (path, file) in [(&files.key, "key"), (&files.certificate, "certificate")] {
        let (place, before) = (Place::of(path)?, previous(site, name, step, file)?);
        if *place.read()? != *before {
            write_over(&place, &before)?;
        }
    }
    Ok(())
}

/// Removes what older steps have kept. What the step just done keeps stays, also if the clock was put back.
pub(super) fn forget_old(site: &Site, name: &str, step: &str) {
    let Ok(Some(own)) = site.own_if_there(name) else { return };
    let Ok(names) = own.names() else { return };
    for prefix in ["previous-", "swap-"] {
        // Ids of steps begin with their time.
        let is_older = |name: &&String| name.strip_prefix(prefix).is_some_and(|other| other != step);
        let mut old: Vec<&String> = names.iter().filter(is_older).collect();
        old.sort_unstable();
        old.truncate(old.len().saturating_sub(KEPT - 1));
        for name in old {
            let _ = if prefix == "swap-" { own.remove(name).map(drop) } else { own.remove_subdirectory(name) };
        }
    }
}

fn note_name(step: &str) -> String {
    format!("swap-{step}")
}
