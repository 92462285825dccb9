//! `compress`: each file becomes `NAME.gz` with the same owner, mode, attributes and times.

use std::io;
use std::sync::Arc;

use ansai_core::{Bytes, Preview, Refusal};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::file::File;
use super::gzip::{self, Digest};
use super::live_log::{self, Empty};
use super::remove::{Arguments, targets, writable};
use super::report::{Report, changed, failed, item};
use super::select::{self, Candidate, Found};
use super::{metadata, place, site, targets as remembered};
use crate::safety::beneath::{Mounts, open};
use crate::safety::guard::{self, Guard, Guarded};
use crate::safety::identity::{Inode, Stat};
use crate::safety::lease::{self, Kind, Lease};
use crate::safety::names::split;
use crate::safety::reason::{Blocked, Reason};
use crate::safety::root::Root;
use crate::safety::step_name::step_name;
use crate::safety::{entry, extents, safe_unlink};
use ansai_kit::action::{Amount, Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;

/// Bytes that stay free in addition to the size of the largest file.
const SPARE: u64 = 1 << 20;
/// How many files the estimate samples: it compresses the beginning of each.
const SAMPLES: usize = 8;
/// The smallest allocation: a file of one block cannot become smaller.
const BLOCK: u64 = 4096;
/// Extensions of formats that are compressed already.
const PACKED: &[&[u8]] = &[
    b"gz", b"tgz", b"xz", b"txz", b"zst", b"bz2", b"tbz2", b"zip", b"lz4", b"lzma", b"br", b"7z", b"rar", b"jpg",
    b"jpeg", b"png", b"webp", b"mp3", b"mp4", b"mkv", b"jar", b"deb", b"rpm", b"woff2",
];

/// The action `compress`.
pub(super) struct Compress;

/// What undo needs: the number of the target, the compressed file, and length and checksum of the original.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    number: usize,
    packed: File,
    length: u64,
    crc: u32,
    /// The empty file that has the name of a live log meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<Inode>,
}

impl TypedAction for Compress {
    type Arguments = Arguments;
    type Targets = remembered::Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { what, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, remembered::Targets), Refusal> {
        let mut found = select::find(ask, &what, earlier, &bar)?;
        writable(found.root())?;
        let kept = ratio(&found);
        let back = |candidate: &Candidate| comes_back(candidate.stat.bytes, kept);
        let about = place::subject(ask.host, found.root());
        let same = earlier.iter().filter(|step| step.preview.about == about);
        let freed = same.fold(0_u64, |sum, step| sum.saturating_add(step.preview.frees_now_bytes));
        let available = place::available(found.root()).unwrap_or(0).saturating_add(freed);
        leave_out_too_large(&mut found, available, back)?;
        found.limit(ask, what.enough_bytes, back);
        let mut preview = found.preview(ask);
        preview.frees_now_bytes = found.candidates.iter().map(back).sum();
        // One file at a time, each beside its original.
        preview.needs_bytes = found.candidates.iter().map(|candidate| candidate.stat.size).max().unwrap_or(0);
        Ok((preview, targets(&found, None)))
    }

    fn cost(&self, arguments: &Arguments) -> u64 {
        arguments.what.cost()
    }

    fn describe(&self, targets: remembered::Targets) -> Described {
        targets.describe()
    }

    fn amounts(&self, targets: &remembered::Targets, treated: Option<&[Item]>) -> Vec<Amount> {
        targets.amounts(treated)
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let targets = what.targets;
        remembered::check(&targets)?;
        let step = step_name(doing.step_id)?;
        let site = site::enter(doing, &targets)?;
        let before = place::available(&site.root);
        let mut items = Vec::with_capacity(targets.files.len());
        for (number, file) in targets.files.iter().enumerate() {
            let done = if doing.is_stopping() {
                Err(Fate::Skipped("stopped".into()))
            } else {
                compress(doing, &site, file, &temporary(step, number), &safe_unlink::name(step, number))
            };
            items.push(match done {
                Ok(done) => treated(file, number, done),
                Err(fate) => item(file.path.clone(), fate, 0),
            });
        }
        let (after, is_measured) =
            (place::available_after(&site.root, before, &items), extents::can_be_shared(site.root.fd()));
        let report = Report { verb: "compressed", before, after, is_measured, ..Report::default() };
        Ok(Begun::Finished(report.applied(items)))
    }

    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, items: &[Item]) -> Result<Applied, Refusal> {
        let targets = what.targets;
        remembered::check(&targets)?;
        let step = step_name(doing.step_id)?;
        let root = Root::open(doing.host, &targets.root)?;
        let undone = items.iter().filter(|item| item.fate == Fate::Done).map(|done| {
            let fate = match serde_json::from_value::<Undo>(done.undo.clone()) {
                Ok(undo) => match targets.files.get(undo.number) {
                    Some(file) => expand(&root, file, &undo, step).err().unwrap_or(Fate::Done),
                    None => Fate::Failed("there is no such target".into()),
                },
                Err(_) => Fate::Failed("there is no record of what it became".into()),
            };
            item(done.target.clone(), fate, 0)
        });
        Ok(Report { verb: "restored", ..Report::default() }.applied(undone.collect()))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let targets = what.targets;
        remembered::check(&targets)?;
        let step = step_name(doing.step_id)?;
        let root = Root::open(doing.host, &targets.root)?;
        let mut items = Vec::new();
        for (number, file) in targets.files.iter().enumerate() {
            let wrong = |error: Errno| Refusal::io(&file.path, &error.into());
            let path = file.path().ok_or_else(|| Refusal::Invalid("a target is no path below a root".into()))?;
            let (parent, name) = split(&path);
            let parent = match root.directory(parent) {
                Ok(parent) => parent,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(error) => return Err(wrong(error)),
            };
            let _ = entry::remove(parent.as_fd(), &temporary(step, number));
            let aside = safe_unlink::name(step, number);
            if let Err(blocked) = safe_unlink::settle(&root, &path, file.identity(), &aside) {
                items.push(item(file.path.clone(), blocked.into(), 0));
                continue;
            }
            let Ok(packed) = Stat::at(parent.as_fd(), &packed_name(name)) else { continue };
            let original = match Stat::at(parent.as_fd(), name) {
                Ok(stat) => Some(stat).filter(|stat| stat.ino == file.ino),
                Err(Errno::NOENT) => None,
                Err(error) => return Err(wrong(error)),
            };
            if packed.mtime != file.mtime || !packed.is_file() {
                continue;
            }
            let Ok(digest) = read_back(parent.as_fd(), &packed_name(name), file.size) else { continue };
            match original {
                // The crash came before the original was removed. It is complete, so the copy is removed.
                Some(_) => {
                    if source_digest(parent.as_fd(), name, file).is_ok_and(|is| is == digest) {
                        let _ = entry::remove(parent.as_fd(), &packed_name(name));
                    }
                }
                None => {
                    let left = name_kept(parent.as_fd(), name, &temporary(step, number), &packed);
                    items.push(treated(file, number, Packed { stat: packed, digest, left }));
                }
            }
        }
        Ok(Report { verb: "compressed", ..Report::default() }.applied(items))
    }
}

/// What became of a file.
struct Packed {
    /// Of the compressed file.
    stat: Stat,
    digest: Digest,
    left: Option<Inode>,
}

fn treated(file: &File, number: usize, Packed { stat, digest, left }: Packed) -> Item {
    let path = file.path().map(|path| packed_name(&path)).unwrap_or_default();
    let undo = Undo { number, packed: File::new(&path, &stat), length: digest.length, crc: digest.crc, left };
    let freed = file.bytes.saturating_sub(stat.bytes);
    Item { undo: serde_json::json!(undo), ..item(file.path.clone(), Fate::Done, freed) }
}

fn bar(root: &Root, path: &[u8], stat: &Stat) -> Option<&'static str> {
    let (parent, name) = split(path);
    let extension = name.rsplit(|byte| *byte == b'.').next().filter(|extension| extension.len() < name.len());
    if extension.is_some_and(|is| PACKED.iter().any(|packed| packed.eq_ignore_ascii_case(is))) {
        return Some("compressed");
    }
    if stat.bytes <= BLOCK {
        return Some("does-not-shrink");
    }
    // Its copy would have to be as large as its holes, and undo would fill them.
    if stat.bytes < stat.size / 2 {
        return Some("sparse");
    }
    if extents::are_shared_at(root, path, stat) {
        return Some(extents::SHARED_EXTENTS);
    }
    if packed_name(name).len() > 255 {
        return Some("name-too-long");
    }
    let exists = root.directory(parent).is_ok_and(|parent| Stat::at(parent.as_fd(), &packed_name(name)).is_ok());
    exists.then_some("exists")
}

/// Estimates compressed size ÷ size, from samples of the candidates; 1 if none can be read.
fn ratio(found: &Found) -> f64 {
    let every = found.candidates.len().div_ceil(SAMPLES).max(1);
    let (mut whole, mut left) = (0, 0);
    for candidate in found.candidates.iter().step_by(every) {
        let Ok(handle) = open(found.root().fd(), &candidate.path, OFlags::PATH, Mounts::Stay) else { continue };
        if Stat::of(&handle).is_ok_and(|stat| stat.inode() == candidate.stat.inode() && stat.is_file())
            && let Ok(file) = guard::reopen_unmarked(&handle)
            && let Ok((read, packed)) = gzip::sample(std::fs::File::from(file))
        {
            whole += read;
            left += packed;
        }
    }
    if whole == 0 { 1.0 } else { (left as f64 / whole as f64).min(1.0) }
}

fn comes_back(bytes: u64, kept: f64) -> u64 {
    if kept > 0.95 {
        return 0;
    }
    let left = ((bytes as f64 * kept) as u64).div_ceil(BLOCK).saturating_mul(BLOCK);
    bytes.saturating_sub(left)
}

/// Leaves out files for whose copies there is no room, after the files before them made some.
///
/// # Errors
/// `unavailable` if there is room for none.
fn leave_out_too_large(found: &mut Found, mut available: u64, back: impl Fn(&Candidate) -> u64) -> Result<(), Refusal> {
    let mut smallest = None::<u64>;
    for candidate in std::mem::take(&mut found.candidates) {
        if room(candidate.stat.size, available).is_ok() {
            available = available.saturating_add(back(&candidate));
            found.candidates.push(candidate);
        } else {
            smallest = Some(smallest.map_or(candidate.stat.size, |size| size.min(candidate.stat.size)));
            found.left.add(NO_ROOM, candidate.stat.bytes);
        }
    }
    match smallest.filter(|_| found.candidates.is_empty()) {
        Some(size) => room(size, available).map_err(Refusal::Unavailable),
        None => Ok(()),
    }
}

/// Why a file is skipped whose copy would not fit.
const NO_ROOM: &str = "no-room";

fn room(needed: u64, available: u64) -> Result<(), String> {
    let needed = needed.saturating_add(SPARE);
    if available >= needed {
        return Ok(());
    }
    Err(format!("no room to compress: {} available, {} needed", Bytes::new(available), Bytes::new(needed)))
}

fn packed_name(name: &[u8]) -> Vec<u8> {
    [name, b".gz"].concat()
}

/// The name of the new file until it is complete: always short enough, and the same after a crash.
pub(super) fn temporary(step: &[u8], number: usize) -> Vec<u8> {
    [b".ansai-", step, format!("-{number}").as_bytes()].concat()
}

fn compress(
    doing: &StepContext<'_>,
    site: &Guard,
    file: &File,
    temporary: &[u8],
    aside: &[u8],
) -> Result<Packed, Fate> {
    let guarded = site::check_extents(site, file)?;
    room(file.size, place::available(&site.root).unwrap_or(0))
        .map_err(|why| Fate::Skipped(format!("{NO_ROOM}: {why}")))?;
    let parent = guarded.parent.as_fd();
    let new = entry::create(parent, temporary).map_err(|error| failed("making a file beside it", error))?;
    let made = Stat::of(&new).map_err(|error| failed("looking at the new file", error))?.inode();
    let name = packed_name(&guarded.name);
    let packed = pack(doing, &guarded, file, &new).and_then(|digest| {
        guarded.still(file.identity())?;
        entry::rename_new(parent, temporary, parent, &name).map_err(into_fate)?;
        Ok(digest)
    });
    let digest = packed.inspect_err(|_| safe_unlink::discard(parent, temporary, aside, made))?;
    let removed = || -> Result<(Stat, Option<Empty>), Fate> {
        guarded.still(file.identity())?;
        let stat = Stat::at(parent, &name).map_err(|error| failed("looking at the new file", error))?;
        if stat.inode() != made {
            return Err(changed("somebody replaced the new file"));
        }
        // Whatever can fail comes before the original is removed.
        let empty = live_log::is_live(&guarded.name)
            .then(|| live_log::create(parent, temporary, new.as_fd(), &guarded.stat))
            .transpose()
            .map_err(|error| failed("making an empty file for its name", error))?;
        // The new name must be on disk before the old one is removed.
        entry::durable(parent)
            .map_err(|error| failed("making its name durable", error))
            .and_then(|()| Ok(guarded.remove(file.identity(), aside)?))
            .inspect_err(|_| {
                if empty.is_some() {
                    let _ = entry::remove(parent, temporary);
                }
            })?;
        Ok((stat, empty))
    };
    let (stat, empty) = removed().inspect_err(|_| safe_unlink::discard(parent, &name, aside, made))?;
    let left = empty.and_then(|empty| live_log::put(parent, temporary, &guarded.name, &empty).ok().flatten());
    entry::sync(parent);
    Ok(Packed { stat, digest, left })
}

/// After a crash: the empty file with the name of a live log, which is created if it is missing.
fn name_kept(parent: BorrowedFd<'_>, name: &[u8], temporary: &[u8], packed: &Stat) -> Option<Inode> {
    if !live_log::is_live(name) {
        return None;
    }
    if let Ok(there) = Stat::at(parent, name) {
        return (there.is_file() && there.size == 0).then(|| there.inode());
    }
    let like = regular(parent, &packed_name(name)).ok()?;
    let empty = live_log::create(parent, temporary, like.as_fd(), packed).ok()?;
    live_log::put(parent, temporary, name, &empty).ok().flatten()
}

fn into_fate(error: Errno) -> Fate {
    match error {
        Errno::EXIST => Fate::Skipped("exists: there is a file of the new name".into()),
        error => failed("renaming it", error),
    }
}

/// Writes the compressed copy, reads it back to verify it, and gives it the same owner, mode, attributes and times.
fn pack(doing: &StepContext<'_>, guarded: &Guarded, file: &File, new: &OwnedFd) -> Result<Digest, Fate> {
    let source = guarded.file.as_ref().ok_or_else(|| Fate::Failed("it cannot be read".into()))?;
    let left = std::cell::Cell::new(None);
    let may_go_on = || {
        let reason = match () {
            () if doing.is_stopping() => "stopped",
            () if lease::is_wanted(source.as_fd()) => "open",
            () => return Ok(()),
        };
        left.set(Some(reason));
        Err(io::Error::other(reason))
    };
    let written = || -> io::Result<Digest> {
        let mut target = std::fs::File::from(new.try_clone()?);
        let digest = gzip::pack(std::fs::File::from(source.try_clone()?), &mut target, file.size, &may_go_on)?;
        target.sync_all()?;
        rustix::fs::seek(&target, rustix::fs::SeekFrom::Start(0))?;
        if digest.length != file.size || gzip::unpack(&mut target, io::sink(), file.size, &may_go_on)? != digest {
            return Err(io::Error::other("what was written is not what was read"));
        }
        Ok(digest)
    };
    let digest = written().map_err(|error| match left.get() {
        Some(reason) => Fate::Skipped(reason.into()),
        None => failed("compressing it", error),
    })?;
    let size = Stat::of(new).map_err(|error| failed("looking at the new file", error))?;
    if size.size as f64 > file.size as f64 * 0.95 || size.bytes >= file.bytes {
        return Err(Fate::Skipped("does-not-shrink".into()));
    }
    metadata::equalize(source.as_fd(), &guarded.stat, new).map_err(metadata::unequal)?;
    metadata::copy_times(&guarded.stat, new)
        .and_then(|()| Ok(rustix::fs::fsync(new)?))
        .map_err(|error| failed("giving the new file its times", error))?;
    Ok(digest)
}

/// Undo: restores the original from the compressed file, if that is the one that this step made.
fn expand(root: &Root, file: &File, undo: &Undo, step: &[u8]) -> Result<(), Fate> {
    let (temporary, aside) = (&*temporary(step, undo.number), &*safe_unlink::name(step, undo.number));
    let path = file.path().ok_or_else(|| Fate::Failed("this is no path below a root".into()))?;
    let (parent, name) = split(&path);
    let parent = root.directory(parent).map_err(|error| failed("opening its directory", error))?;
    let parent = parent.as_fd();
    let packed_name = packed_name(name);
    let digest = Digest { length: undo.length, crc: undo.crc };
    let packed = regular(parent, &packed_name);
    let same = |stat: &Stat| match &packed {
        _ if !undo.packed.identity().is_still(stat) => Err(Blocked::changed("the compressed file is another one")),
        Ok(packed) if lease::take(packed.as_fd(), Kind::Write) == Lease::InUse => Err(Reason::Open.into()),
        _ => Ok(()),
    };
    let _ = entry::remove(parent, temporary);
    let back = Stat::at(parent, name).ok();
    if back.is_some_and(|stat| (stat.size, stat.mtime) == (undo.length, undo.packed.mtime))
        && source_digest(parent, name, file).is_ok_and(|is| is == digest)
    {
        // An earlier undo was interrupted here: only the compressed file remains to be removed.
        return match Stat::at(parent, &packed_name) {
            Ok(stat) if same(&stat).is_ok() => remove_packed(parent, &packed_name, aside, same),
            // Or it was set aside already.
            _ if Stat::at(parent, aside).is_ok_and(|stat| undo.packed.identity().is_still(&stat)) => {
                entry::remove(parent, aside).map_err(|error| failed("removing the compressed file", error))
            }
            _ => Ok(()),
        };
    }
    let packed = packed.as_ref().map_err(|error| failed("opening the compressed file", error))?;
    let stat = Stat::of(packed).map_err(|error| failed("looking at the compressed file", error))?;
    same(&stat)?;
    // The empty file of a live log may go, but not what its service wrote since.
    let is_another = |stat: &Stat| undo.left.is_none_or(|left| stat.ino != left.1 || stat.size > 0);
    if Stat::at(parent, name).is_ok_and(|stat| is_another(&stat)) {
        return Err(into_fate(Errno::EXIST));
    }
    room(undo.length, place::available(root).unwrap_or(0)).map_err(Fate::Failed)?;
    let new = entry::create(parent, temporary).map_err(|error| failed("making a file beside it", error))?;
    let made = Stat::of(&new).map_err(|error| failed("looking at the new file", error))?.inode();
    let written = || -> io::Result<()> {
        let target = std::fs::File::from(new.try_clone()?);
        if gzip::unpack(std::fs::File::from(packed.try_clone()?), &target, digest.length, &|| Ok(()))? != digest {
            return Err(io::Error::other("its content is not what was compressed"));
        }
        metadata::equalize(packed.as_fd(), &stat, &new)?;
        metadata::copy_times(&stat, &new)?;
        Ok(rustix::fs::fsync(&new)?)
    };
    written()
        .map_err(|error| failed("expanding it", error))
        .and_then(|()| match undo.left {
            Some(left) => live_log::remove(parent, name, left, aside),
            None => Ok(()),
        })
        .and_then(|()| entry::rename_new(parent, temporary, parent, name).map_err(into_fate))
        .inspect_err(|_| safe_unlink::discard(parent, temporary, aside, made))?;
    remove_packed(parent, &packed_name, aside, same)
}

/// Removes the compressed file, after the original is durable.
fn remove_packed(
    parent: BorrowedFd<'_>,
    name: &[u8],
    aside: &[u8],
    same: impl FnOnce(&Stat) -> Result<(), Blocked>,
) -> Result<(), Fate> {
    entry::durable(parent).map_err(|error| failed("making the original durable", error))?;
    safe_unlink::remove(parent, name, aside, same)?;
    entry::sync(parent);
    Ok(())
}

/// Opens a regular file for reading. Other kinds are recognized before they are opened.
pub(super) fn regular(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    if !Stat::of(&handle)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    match guard::reopen(&handle) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(io::ErrorKind::PermissionDenied.into()),
        Err(_) => Err(io::ErrorKind::ResourceBusy.into()),
    }
}

fn read_back(parent: BorrowedFd<'_>, name: &[u8], most: u64) -> io::Result<Digest> {
    gzip::unpack(std::fs::File::from(regular(parent, name)?), io::sink(), most, &|| Ok(()))
}

/// The digest of an original, computed in the same way as compressing does.
fn source_digest(parent: BorrowedFd<'_>, name: &[u8], file: &File) -> io::Result<Digest> {
    gzip::pack(std::fs::File::from(regular(parent, name)?), io::sink(), file.size, &|| Ok(()))
}
