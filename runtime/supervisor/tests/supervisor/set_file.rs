//! Sets a file to `new`, until it is verified or for a time. What was in the file goes back. Both are on the disk before
//! their outcome is recorded.
//!
//! A test stops it at a point: if there is a file `stop-at` with the name of the point beside the file, it makes
//! `reached` and lingers there until the file is gone or names another point.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Lasting, Millis, Outcome, Preview, Refusal, Reversibility};
use ansai_kit::action::{Applied, Begun, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::guard::{Guard, Reversal};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use crate::slow_actions::{Arguments, applied, history, item, note, preview};

/// Puts it back, if nobody else has changed it, and writes that down.
const REVERSAL: &str = "[ \"$(cat \"$1\")\" = new ] && printf %s \"$2\" > \"$1\"; echo \"guard $4\" >> \"$3\"";

pub(crate) struct SetFile(pub(crate) fn(Millis) -> Lasting);

#[derive(Serialize, Deserialize)]
pub(crate) struct Targets {
    path: PathBuf,
    old: String,
}

fn content(path: &Path) -> Result<String, Refusal> {
    std::fs::read_to_string(path).map_err(|error| Refusal::io(path.display(), &error))
}

fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    std::fs::write(path, text).map_err(|error| Refusal::io(path.display(), &error))
}

fn flush(path: &Path) -> Result<(), Refusal> {
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(|error| Refusal::io(path.display(), &error))
}

/// Lingers as long as the test wants it here.
pub(crate) fn point(file: &Path, name: &str) {
    let beside = |what: &str| file.with_file_name(what);
    let is_here = || std::fs::read_to_string(beside("stop-at")).is_ok_and(|wanted| wanted == name);
    if is_here() {
        std::fs::write(beside("reached"), name).unwrap();
    }
    while is_here() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits as long as there is a file `slow` beside. The file `held` says that it waits, and so that the step acts.
pub(crate) fn hold(file: &Path) {
    if file.with_file_name("slow").exists() {
        std::fs::write(file.with_file_name("held"), "").unwrap();
    }
    while file.with_file_name("slow").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl TypedAction for SetFile {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        _: &ProbeContext<'_>,
        arguments: Arguments,
        _: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        let (lasting, old) = ((self.0)(Millis::new(arguments.number)), content(&arguments.text)?);
        let (preview, path) = preview(arguments, Reversibility::Fully)?;
        Ok((Preview { lasting, ..preview }, Targets { path, old }))
    }

    fn guard(&self, _: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Guard, Refusal> {
        let Targets { path, old } = targets;
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // One that everybody can change, if the test has made it.
        let open = path.with_file_name("program");
        let program = if open.exists() { open } else { "/bin/sh".into() };
        let arguments = vec!["-c".into(), REVERSAL.into(), "sh".into(), text(&path), old, text(&history(&path)), name];
        Ok(Guard::Timer(Reversal { program, arguments }))
    }

    fn begin(&self, _: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Begun, Refusal> {
        let Targets { path, old } = targets;
        point(&path, "before");
        if content(&path)? != old {
            return Err(Refusal::Changed(format!("{} has another content", path.display())));
        }
        hold(&path);
        note(&path, "set");
        write(&path, "new")?;
        point(&path, "acted");
        flush(&path)?;
        Ok(Begun::Finished(applied(Outcome::Done, "set", vec![item(&path)])))
    }

    fn confirm(&self, _: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<(), Refusal> {
        point(&targets.path, "disarmed");
        if targets.path.with_file_name("confirm-fails").exists() {
            return Err(Refusal::Busy("somebody else has it".into()));
        }
        note(&targets.path, "confirm");
        Ok(())
    }

    fn undo(&self, _: &StepContext<'_>, Step { targets, .. }: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
        let Targets { path, old } = targets;
        if content(&path)? == "new" {
            write(&path, &old)?;
            flush(&path)?;
        }
        note(&path, "unset");
        point(&path, "undone");
        Ok(applied(Outcome::Done, "set back", vec![]))
    }

    fn resolve(&self, _: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        match content(&targets.path)?.as_str() {
            "new" => Ok(applied(Outcome::Done, "found set", vec![item(&targets.path)])),
            _ => Ok(applied(Outcome::Failed, "found as it was", vec![])),
        }
    }
}
