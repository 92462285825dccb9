//! `ansai:test/slow-actions`: steps that last, steps that leave a mark, steps that go wrong.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ansai_core::scope::{Count, PER_HOURS, Roots, TypedField, is_within};
use ansai_core::{
    Interface, InterfaceKind, InterfaceName, Lasting, Millis, Outcome, Preview, Refusal, Reversibility, Scope,
    Sensitivity, Subject, Touch,
};
use ansai_kit::action::{
    Amount, Applied, Begun, Captured, Fate, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction,
    read_targets,
};
use ansai_kit::authorize::{Canonical, Check};
use ansai_kit::call::to_text;
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::set_file::{SetFile, hold};

pub(crate) const NAME: InterfaceName = InterfaceName::from_static("ansai:test/slow-actions");

/// Where marks may be.
pub(crate) const PLACES: TypedField<Roots> = TypedField::set("places", "directories of marks");
/// How long a mark may take, in milliseconds.
pub(crate) const MOST_NUMBER: TypedField<Count> = TypedField::at_most("most_number", u64::MAX, "milliseconds");
/// How many marks a step, and all steps within a window, may make of one file.
pub(crate) const MOST_MARKS: TypedField<Count> = TypedField::at_most("most_marks", u64::MAX, "marks");
const MARK: &[Check] = &[Check::of("/text", &PLACES), Check::of("/number", &MOST_NUMBER)];

/// The interface.
pub(crate) static SLOW_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: NAME,
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose steps of a test",
        fields: &[PLACES.field(), MOST_NUMBER.field(), MOST_MARKS.field(), PER_HOURS.field()],
    },
    doctor: &[],
    functions: &[
        Function { name: "wait", checks: &[], body: Body::Action(&Wait(OnStop::Leave)) },
        Function { name: "wait-or-cancel", checks: &[], body: Body::Action(&Wait(OnStop::Cancel)) },
        Function { name: "mark", checks: MARK, body: Body::Action(&Mark) },
        Function { name: "flaky", checks: &[], body: Body::Action(&Flaky) },
        Function { name: "set", checks: &[], body: Body::Action(&SetFile(Lasting::UntilVerified)) },
        Function { name: "set-for-a-time", checks: &[], body: Body::Action(&SetFile(Lasting::ForATime)) },
        Function { name: "reload", checks: &[], body: Body::Action(&Reload) },
    ],
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) number: u64,
    limit: u64,
    pub(crate) text: PathBuf,
    reason: String,
}

/// What a step touches: its file, and by the beginning of the file's name something else.
pub(crate) fn touches(preview: &Preview) -> Vec<Touch> {
    let name = Path::new(&preview.about.name).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let more = match name.split_once('-').map_or(name, |(first, _)| first) {
        "sshd" => Some(Touch::shared(Subject::new("unit", "sshd.service"))),
        "nginx" => Some(Touch::shared(Subject::new("unit", "nginx.service"))),
        "upgrade" => Some(Touch::exclusive(Subject::new("unit", "nginx.service"))),
        "reboot" => Some(Touch::exclusive(Subject::new("host", "web-1"))),
        _ => None,
    };
    Touch::of(preview).into_iter().chain(more).collect()
}

pub(crate) fn preview(arguments: Arguments, reversible: Reversibility) -> Result<(Preview, PathBuf), Refusal> {
    let subject = Subject::new("file", arguments.text.to_str().unwrap());
    Ok((Preview { items: 1, reversible, ..Preview::nothing(subject) }, arguments.text))
}

pub(crate) fn applied(outcome: Outcome, detail: &str, items: Vec<Item>) -> Applied {
    Applied { outcome, items, ..Applied::unknown(detail) }
}

pub(crate) fn item(path: &Path) -> Item {
    let path = path.to_str().unwrap();
    Item { target: path.into(), fate: Fate::Done, freed_bytes: 0, undo: path.into() }
}

/// Beside a path, another one: what was done to it, line by line.
pub(crate) fn history(path: &Path) -> PathBuf {
    path.with_file_name("history")
}

pub(crate) fn note(path: &Path, what: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(history(path)).unwrap();
    writeln!(file, "{what} {}", path.file_name().unwrap().to_str().unwrap()).unwrap();
}

/// Runs a shell in a session of its own for `number` milliseconds; then it writes `done` to the file.
struct Wait(OnStop);

/// A process that another one cannot be taken for, also after its number was used again.
#[derive(Serialize, Deserialize)]
pub(crate) struct Handle {
    pub(crate) pid: i32,
    started: u64,
    file: PathBuf,
}

impl Handle {
    fn read(handle: &RawValue) -> Handle {
        serde_json::from_str(handle.get()).unwrap()
    }

    pub(crate) fn runs(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    fn is_done(&self) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|text| text == "done\n")
    }

    /// Ends the step before its time, as if it were done.
    pub(crate) fn finish(&self) {
        std::fs::write(&self.file, "done\n").unwrap();
        self.kill();
    }

    pub(crate) fn kill(&self) {
        let group = rustix::process::Pid::from_raw(self.pid).unwrap();
        let killed = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        // Not yet in its own session, so it has no children either.
        killed.or_else(|_| rustix::process::kill_process(group, rustix::process::Signal::KILL)).unwrap();
    }

    /// What a test wrote beside the file.
    fn note(&self) -> String {
        std::fs::read_to_string(self.file.with_extension("note")).unwrap_or_default()
    }
}

/// Field 22 of `/proc/PID/stat`; `None` for no process, or one that has ended and was not waited for.
fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, and ends at the last parenthesis.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if fields.next()? == "Z" { None } else { fields.nth(18)?.parse().ok() }
}

impl TypedAction for Wait {
    type Arguments = Arguments;
    type Targets = PathBuf;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        _: &ProbeContext<'_>,
        arguments: Arguments,
        _: &[Arc<Proposed>],
    ) -> Result<(Preview, PathBuf), Refusal> {
        preview(arguments, Reversibility::None)
    }

    fn touches(&self, preview: &Preview, _: &PathBuf) -> Vec<Touch> {
        touches(preview)
    }

    fn begin(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Begun, Refusal> {
        note(&arguments.text, "wait");
        let seconds = Duration::from_millis(arguments.number).as_secs_f64();
        let mut child = Command::new("setsid")
            .args(["/bin/sh", "-c", "echo ran >> \"$1.ran\"; sleep \"$2\"; echo done >> \"$1\"", "sh"])
            .arg(&arguments.text)
            .arg(seconds.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Refusal::io("setsid", &error))?;
        let pid = i32::try_from(child.id()).unwrap();
        let started = start_time(pid).ok_or_else(|| Refusal::Other("it ended at once".into()))?;
        std::thread::spawn(move || child.wait());
        // Until it is in a session of its own, it ends with the group of whoever is killed.
        let own = rustix::process::Pid::from_raw(pid);
        while rustix::process::getsid(own).is_ok_and(|session| Some(session) != own) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let handle = to_text(&Handle { pid, started, file: arguments.text })?;
        Ok(Begun::Running { handle, limit: Millis::new(arguments.limit) })
    }

    fn undo(&self, _: &StepContext<'_>, _: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("waiting cannot be undone".into()))
    }

    fn resolve(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let path = arguments.text;
        match Path::new(&format!("{}.ran", path.display())).exists() {
            // It had begun, and where it runs was not written down.
            true => Err(Refusal::Other("it ran, and how far cannot be told".into())),
            false => Ok(applied(Outcome::Failed, "it never ran", vec![])),
        }
    }

    fn on_stop(&self) -> OnStop {
        self.0
    }

    fn poll(&self, _: &StepContext<'_>, handle: &RawValue) -> Progress {
        let handle = Handle::read(handle);
        let runs = handle.runs();
        match (handle.is_done(), runs) {
            (true, _) => Progress::Finished(applied(Outcome::Done, "waited", vec![])),
            (false, true) => Progress::Running { note: handle.note(), again_in: Millis::ZERO },
            (false, false) => Progress::Finished(applied(Outcome::Failed, "it ended before it was done", vec![])),
        }
    }

    fn cancel(&self, _: &StepContext<'_>, handle: &RawValue) -> Applied {
        let handle = Handle::read(handle);
        if handle.runs() {
            handle.kill();
        }
        while handle.runs() {
            std::thread::sleep(Duration::from_millis(5));
        }
        match handle.is_done() {
            true => applied(Outcome::Done, "waited", vec![]),
            false => applied(Outcome::Failed, "cancelled", vec![]),
        }
    }
}

/// Makes a file, then lingers for `number` milliseconds.
struct Mark;

impl TypedAction for Mark {
    type Arguments = Arguments;
    type Targets = PathBuf;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        _: &ProbeContext<'_>,
        arguments: Arguments,
        _: &[Arc<Proposed>],
    ) -> Result<(Preview, PathBuf), Refusal> {
        // With a limit, it says that a part of it stays.
        let reversible = if arguments.limit == 0 { Reversibility::Fully } else { Reversibility::Partly };
        let (preview, path) = preview(arguments, reversible)?;
        Ok((preview, behind_links(&path)))
    }

    fn canonical(&self, _: &Preview, path: &PathBuf) -> Vec<Canonical> {
        vec![Canonical::new(&PLACES, path.to_str().unwrap())]
    }

    fn touches(&self, preview: &Preview, _: &PathBuf) -> Vec<Touch> {
        touches(preview)
    }

    fn amounts(&self, _: &PathBuf, treated: Option<&[Item]>) -> Vec<Amount> {
        vec![Amount::of(&MOST_MARKS, treated.map_or(1, |items| items.len() as u64))]
    }

    fn begin(&self, _: &StepContext<'_>, Step { arguments, targets }: Step<Self>) -> Result<Begun, Refusal> {
        let path = arguments.text;
        if behind_links(&path) != targets {
            return Err(Refusal::Changed(format!("{} leads elsewhere now", path.display())));
        }
        std::fs::File::create_new(&path).map_err(|error| Refusal::io(path.display(), &error))?;
        note(&path, "mark");
        hold(&path);
        std::thread::sleep(Duration::from_millis(arguments.number));
        let marked = applied(Outcome::Done, "marked", vec![item(&path)]);
        Ok(Begun::Finished(Applied { evidence: captured(&path), ..marked }))
    }

    /// Lingers too, for `limit` milliseconds. It cannot be repeated: a file that is gone is an error.
    fn undo(&self, _: &StepContext<'_>, what: Step<Self>, items: &[Item]) -> Result<Applied, Refusal> {
        for item in items {
            let path = Path::new(item.undo.as_str().unwrap());
            std::fs::remove_file(path).map_err(|error| Refusal::io(path.display(), &error))?;
            note(path, "unmark");
            while path.with_file_name("slow-undo").exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
            std::thread::sleep(Duration::from_millis(what.arguments.limit));
        }
        Ok(applied(Outcome::Done, "unmarked", vec![]))
    }

    fn resolve(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let path = arguments.text;
        match path.exists() {
            true => {
                let marked = applied(Outcome::Done, "found marked", vec![item(&path)]);
                Ok(Applied { evidence: captured(&path), ..marked })
            }
            false => Ok(applied(Outcome::Failed, "found unmarked", vec![])),
        }
    }
}

/// What a mark or a reload of a file captures whose name begins with `capture-`: what a test wrote beside it.
fn captured(path: &Path) -> Vec<Captured> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let times = match name {
        "capture-many" => 16,
        name if name.starts_with("capture-") => 1,
        _ => return Vec::new(),
    };
    let content = std::fs::read(path.with_extension("content")).unwrap();
    (0..times).map(|number| Captured::new(format!("content {number} of {name}"), content.clone())).collect()
}

/// The same file, without the links above it.
fn behind_links(path: &Path) -> PathBuf {
    let directory = path.parent().and_then(|directory| directory.canonicalize().ok());
    directory.map_or_else(|| path.to_owned(), |directory| directory.join(path.file_name().unwrap()))
}

/// Goes wrong: by its outcome (0), by a refusal (1), by a panic (2).
/// Goes wrong: by its outcome (0), by a refusal (1), by a panic (2), by its outcome after a part of its work (3). From 10
/// on, it lingers that many milliseconds before it goes wrong after a part of its work.
struct Flaky;

/// Flaky did a part of its work.
const IN_PART: u64 = 3;

impl TypedAction for Flaky {
    type Arguments = Arguments;
    type Targets = PathBuf;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        _: &ProbeContext<'_>,
        arguments: Arguments,
        _: &[Arc<Proposed>],
    ) -> Result<(Preview, PathBuf), Refusal> {
        preview(arguments, Reversibility::Partly)
    }

    /// No argument is checked: the target shows the table.
    fn is_within(&self, scope: &Scope, targets: &RawValue) -> Result<bool, Refusal> {
        let path: String = read_targets(targets)?;
        Ok(scope.roots(&PLACES).iter().any(|place| is_within(&path, place)))
    }

    fn begin(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Begun, Refusal> {
        match arguments.number {
            0 => Ok(Begun::Finished(applied(Outcome::Failed, "it did not work", vec![]))),
            1 => Err(Refusal::Busy("somebody else has it".into())),
            2 => panic!("a fault of an action"),
            IN_PART.. => {
                let path = arguments.text;
                std::fs::File::create_new(&path).map_err(|error| Refusal::io(path.display(), &error))?;
                note(&path, "half");
                if arguments.number > IN_PART {
                    std::thread::sleep(Duration::from_millis(arguments.number));
                }
                Ok(Begun::Finished(applied(Outcome::Failed, "half of it worked", vec![item(&path)])))
            }
        }
    }

    /// Can be repeated. Lingers for `limit` milliseconds after it removed something.
    fn undo(&self, _: &StepContext<'_>, what: Step<Self>, items: &[Item]) -> Result<Applied, Refusal> {
        for item in items {
            let path = Path::new(item.undo.as_str().unwrap());
            if std::fs::remove_file(path).is_ok() {
                note(path, "unhalf");
                std::thread::sleep(Duration::from_millis(what.arguments.limit));
            }
        }
        Ok(applied(Outcome::Done, "removed the half", vec![]))
    }

    fn resolve(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Applied, Refusal> {
        match arguments.text.exists() {
            true => Ok(applied(Outcome::Failed, "found the half", vec![item(&arguments.text)])),
            false => Err(Refusal::Other("it left no trace".into())),
        }
    }
}

/// Reads a file again: the history tells whether it was there. Works (0) or fails (1). After undo it works (0), fails (1),
/// refuses (2), or lingers `limit` milliseconds the first time.
struct Reload;

fn reload(path: &Path) {
    note(path, if path.exists() { "reload present" } else { "reload absent" });
}

impl TypedAction for Reload {
    type Arguments = Arguments;
    type Targets = PathBuf;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        _: &ProbeContext<'_>,
        arguments: Arguments,
        _: &[Arc<Proposed>],
    ) -> Result<(Preview, PathBuf), Refusal> {
        preview(arguments, Reversibility::None)
    }

    fn touches(&self, preview: &Preview, _: &PathBuf) -> Vec<Touch> {
        touches(preview)
    }

    fn begin(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Begun, Refusal> {
        reload(&arguments.text);
        let outcome = if arguments.number == 0 { Outcome::Done } else { Outcome::Failed };
        let evidence = captured(&arguments.text);
        Ok(Begun::Finished(Applied { evidence, ..applied(outcome, "read again", vec![]) }))
    }

    fn undo(&self, _: &StepContext<'_>, _: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
        panic!("there is nothing to undo")
    }

    fn resolve(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Applied, Refusal> {
        Err(Refusal::Other("it left no trace".into()))
    }

    fn acts_after_undo(&self) -> bool {
        true
    }

    fn after_undo(&self, _: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Applied, Refusal> {
        if arguments.limit == 2 {
            return Err(Refusal::Busy("somebody else reads it".into()));
        }
        reload(&arguments.text);
        match arguments.limit {
            0 => {}
            1 => return Ok(applied(Outcome::Failed, "the file is invalid", vec![])),
            linger => {
                if std::fs::File::create_new(arguments.text.with_extension("lingered")).is_ok() {
                    std::thread::sleep(Duration::from_millis(linger));
                }
            }
        }
        Ok(applied(Outcome::Done, "read the old file", vec![]))
    }
}
