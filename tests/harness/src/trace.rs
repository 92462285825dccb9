//! Finds the system calls of a program that changed something. It detects what comparing directory trees cannot: a
//! change that was reverted, or a write of the same bytes. It does not see io_uring.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use crate::command::{Invocation, Ran};
use crate::syscalls::Names::{Descriptor, EachPath, FirstPath, LastPath};
use crate::syscalls::{MUTATIONS, SYNCS};

/// The mutating system calls of a program and its child processes, in chronological order.
pub struct Trace {
    calls: Vec<String>,
    directory: PathBuf,
}

impl Invocation {
    /// Runs the program under `strace` until it exits.
    ///
    /// # Panics
    /// As [`run`](Self::run), and if `strace` is not permitted to trace.
    #[track_caller]
    pub fn run_traced(self) -> (Ran, Trace) {
        let records = tempfile::tempdir().expect("a directory for the trace");
        // `?` marks a name that this machine's kernel may not know.
        let syncs = SYNCS.iter().map(|(name, _)| name);
        let names: Vec<String> =
            MUTATIONS.iter().map(|one| &one.name).chain(syncs).map(|name| format!("?{name}")).collect();
        let directory = self.working_directory();
        let ran = self
            // One file for each thread, because calls are complete lines there.
            .under(
                "strace",
                ["-f", "-ff", "-ttt", "-y", "-qq", "--signal=none", "-e", &format!("trace={}", names.join(",")), "-o"],
                records.path().join("of"),
            )
            .run();
        let mut lines: Vec<String> = Vec::new();
        for record in records.path().read_dir().expect("a directory of ours").flatten() {
            let text = std::fs::read(record.path()).expect("a record of strace");
            lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
        }
        assert!(!lines.is_empty() || ran.code == 0, "strace recorded nothing: {}", ran.stderr);
        // All lines begin with seconds since 1970, with the same width.
        lines.sort();
        let calls = lines.into_iter().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect();
        (ran, Trace { calls, directory })
    }
}

impl Trace {
    /// The calls that succeeded in changing `directory` or something below it, in strace's format. An open that could
    /// create or truncate counts. Relative paths are resolved against the program's initial working directory.
    pub fn mutations_below(&self, directory: impl AsRef<Path>) -> Vec<String> {
        let root = directory.as_ref().canonicalize().unwrap_or_else(|_| normal(directory.as_ref()));
        self.calls.iter().filter(|call| self.changed(call).iter().any(|path| is_below(path, &root))).cloned().collect()
    }

    fn changed(&self, call: &str) -> Vec<PathBuf> {
        let Some((name, rest)) = call.split_once('(') else { return Vec::new() };
        let (arguments, result) = rest.rsplit_once(" = ").unwrap_or((rest, "?"));
        let Some(mutation) = MUTATIONS.iter().find(|known| known.name == name) else {
            return Vec::new();
        };
        let conditions = mutation.conditions;
        let met =
            conditions.is_empty() || conditions.iter().any(|words| words.iter().all(|word| arguments.contains(word)));
        if result.starts_with('-') || !met {
            return Vec::new();
        }
        let (paths, descriptors) = self.named(arguments);
        let chosen = match mutation.names {
            Descriptor(nth) => descriptors.get(nth).into_iter(),
            // A call on a descriptor without a path, such as futimens.
            _ if paths.is_empty() => descriptors.first().into_iter(),
            EachPath => return paths,
            FirstPath => paths.first().into_iter(),
            LastPath => paths.last().into_iter(),
        };
        chosen.cloned().collect()
    }

    /// The strings of a call, as paths relative to the preceding descriptor, and the paths of its descriptors.
    fn named(&self, arguments: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut paths, mut descriptors) = (Vec::new(), Vec::new());
        let mut base = self.directory.clone();
        let mut rest = arguments;
        while let Some(start) = rest.find(['"', '<']) {
            let (end, quoted) = if rest[start..].starts_with('"') { ('"', true) } else { ('>', false) };
            let (value, length) = unescaped(&rest[start + 1..], end);
            rest = &rest[start + 1 + length..];
            if quoted {
                paths.push(normal(&base.join(value)));
                base.clone_from(&self.directory);
            } else if value.is_absolute() {
                descriptors.push(value.clone());
                base = value;
            }
        }
        (paths, descriptors)
    }
}

/// The text up to an unescaped `end`, with strace's escapes decoded, and the number of bytes of `text` that it used.
fn unescaped(text: &str, end: char) -> (PathBuf, usize) {
    let bytes = text.as_bytes();
    let (mut value, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == end as u8 {
            break;
        }
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let octal = bytes[at..].iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
        if octal > 0 {
            value.push(u8::from_str_radix(&text[at..at + octal], 8).unwrap_or(b'?'));
            at += octal;
        } else if let Some(&letter) = bytes.get(at) {
            value.push(match letter {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'v' => 11,
                b'f' => 12,
                other => other,
            });
            at += 1;
        }
    }
    (PathBuf::from(OsString::from_vec(value)), at)
}

/// Removes `.` and `..`, which strace shows as the program wrote them.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Whether a path is below `root`, as written or after resolving symbolic links.
fn is_below(path: &Path, root: &Path) -> bool {
    let followed = path.parent().and_then(|parent| parent.canonicalize().ok()).zip(path.file_name());
    path.starts_with(root) || followed.is_some_and(|(parent, name)| parent.join(name).starts_with(root))
}
