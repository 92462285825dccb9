//! Opens a file once, reads at most a given size, and finds out who can write it.
#![expect(clippy::disallowed_methods, reason = "the one adapter of this crate to the file system")]

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use ansai_core::codes;
use ansai_storage::{GroupWrite, TrustError, Trusted};
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat, stat};

use crate::diagnostics::Diagnostics;
use crate::problem::{Problem, Problems};
use crate::source::Source;
use crate::trust::{Place, Trust};

/// Reads a file: its text, a problem with its text if there is one, and its trust.
pub(crate) fn read(path: &Path, most_bytes: usize) -> Result<(Source, Option<Problem>, Trust), Diagnostics> {
    let name = path.display().to_string();
    open(path, &name, most_bytes).map_err(|problem| {
        let source = Source { name: name.clone(), text: String::new() };
        Problems::from(problem).of(&Arc::new(source))
    })
}

fn open(path: &Path, name: &str, most_bytes: usize) -> Result<(Source, Option<Problem>, Trust), Problem> {
    // Follow links first: trust depends on the file itself and on its directory.
    let real = std::fs::canonicalize(path).map_err(cannot_read)?;
    let (Some(parent), Some(last)) = (real.parent(), real.file_name()) else {
        return Err(not_a_file());
    };
    let directory_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, parent, directory_flags, Mode::empty()).map_err(cannot_read)?;
    // Non-blocking, because a FIFO would wait for a writer.
    let file_flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(&directory, last, file_flags, Mode::empty()).map_err(cannot_read)?;
    let of_file = fstat(&file).map_err(cannot_read)?;
    if FileType::from_raw_mode(of_file.st_mode) != FileType::RegularFile {
        return Err(not_a_file());
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(most_bytes as u64 + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
    let (source, problem) = Source::from_bytes(name, bytes, most_bytes);
    let mut directories = vec![place(parent, &fstat(&directory).map_err(cannot_read)?)];
    // A user who can write the directory of a link can make it point elsewhere.
    let written = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let of_written = stat(written).map_err(cannot_read)?;
    directories.push(place(written, &of_written));
    let file = place(&real, &of_file);
    let is_writable = |place: &Place| place.owned.is_writable_by_others(GroupWrite::Refused);
    let way = way(path, &of_file);
    let writable_by_others = is_writable(&file) || directories.iter().any(is_writable) || way.is_some();
    let trust = Trust { writable_by_others, owner_uid: file.owned.uid, file, directories, way };
    Ok((source, problem, trust))
}

/// What is wrong with the way to the file that was read, from the root of the file system on.
fn way(path: &Path, of_file: &Stat) -> Option<ansai_storage::Problem> {
    let shown = path.display();
    match Trusted::open(path) {
        Err(TrustError::Untrusted(problem)) => Some(problem),
        Err(TrustError::Access(error)) => Some((error.to_string(), "check the path".to_owned())),
        Ok(found) => match fstat(&found.handle) {
            Ok(stat) if (stat.st_dev, stat.st_ino) == (of_file.st_dev, of_file.st_ino) => None,
            _ => Some((format!("{shown} was replaced while it was read"), "start again".to_owned())),
        },
    }
}

fn place(path: &Path, stat: &Stat) -> Place {
    Place { path: path.display().to_string(), owned: stat.into() }
}

fn not_a_file() -> Problem {
    Problem::whole(codes::NOT_A_FILE, "not a regular file").hint("give the path of a file")
}

fn cannot_read(error: impl Into<std::io::Error>) -> Problem {
    let error: std::io::Error = error.into();
    let problem = Problem::whole(codes::FILE_ACCESS, format!("cannot be read: {}", words(&error)));
    match error.kind() {
        std::io::ErrorKind::NotFound => problem.hint("check the path, or create the file"),
        std::io::ErrorKind::PermissionDenied => problem.hint("run as the user who may read it"),
        _ => problem,
    }
}

/// The message without `(os error 2)`.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or_default();
    plain.to_lowercase()
}
