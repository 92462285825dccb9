//! `copy` and `recover-copy`.

use std::sync::Arc;

use ansai_core::text::path_text;
use ansai_core::{Bytes, Measure, Millis, Outcome, Preview, Refusal, Reversibility, Subject, Timestamp, Touch, Unit};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction, Work as Kind, read_targets,
};
use ansai_kit::host::{Host, ProbeContext};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::new_file::{Directory, plain};
use super::target::Target;
use super::way::Way;
use super::{applied, failed, within};
use crate::safety::identity::Identity;
use crate::sqlite::holders::Holders;
use crate::sqlite::place::{Place, available, mount};
use crate::sqlite::run::Work;
use crate::sqlite::subject;

/// The longest name of a copy, in bytes.
const LONGEST_NAME: usize = 255;

pub(in crate::sqlite) struct Copy;
pub(in crate::sqlite) struct RecoverCopy;

#[derive(Serialize, Deserialize)]
pub(in crate::sqlite) struct Arguments {
    path: String,
    into: String,
    within: Millis,
    reason: String,
}

/// The database and its new file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sqlite) struct Targets {
    database: Target,
    into: String,
    /// In that directory, as text.
    name: String,
    /// The mount point of that directory.
    mount: Option<String>,
}

impl Targets {
    fn new_path(&self) -> String {
        format!("{}/{}", self.into.trim_end_matches('/'), self.name)
    }
}

fn preview<W: Way>(
    ask: &ProbeContext<'_>,
    arguments: &Arguments,
    earlier: &[Arc<Proposed>],
) -> Result<(Preview, Targets), Refusal> {
    within(arguments.within)?;
    let (place, mut preview, database) = Target::preview(ask, &arguments.path)?;
    let directory = Directory::open(ask.host, &arguments.into, place.stat.uid)?;
    preview.needs_bytes = W::most_bytes(place.all_bytes());
    room(&directory, preview.needs_bytes)?;
    let name = name(&place, W::WORD, ask.now);
    if name.len() > LONGEST_NAME {
        return Err(Refusal::Unsupported(format!("{} has too long a name for a copy", arguments.path)));
    }
    let targets = Targets {
        database,
        into: arguments.into.clone(),
        name: path_text(&name),
        mount: mount(ask.host, directory.root()),
    };
    let taken = |step: &Arc<Proposed>| {
        read_targets::<Targets>(&step.targets).is_ok_and(|other| other.new_path() == targets.new_path())
    };
    if directory.has(&name)? || earlier.iter().any(taken) {
        return Err(Refusal::Busy(format!("{} exists already", targets.new_path())));
    }
    preview.reversible = Reversibility::Fully;
    // WAL readers wait for nobody, and nobody waits for them.
    preview.interrupts = Some(Millis::ZERO);
    preview.mount.clone_from(&targets.mount);
    preview.sample = vec![format!("{} to {}", arguments.path, targets.new_path())];
    Ok((preview, targets))
}

/// `app.db.copy-1790000000`: the second in which it was previewed.
fn name(place: &Place, word: &str, now: Timestamp) -> Vec<u8> {
    [&place.name, format!(".{word}-{}", now.as_millis() / 1000).as_bytes()].concat()
}

fn touches(preview: &Preview, targets: &Targets) -> Vec<Touch> {
    // The database is only read: the step after a copy may change it.
    let read = Touch::shared(preview.about.clone());
    let made = Touch::exclusive(subject(&targets.new_path()));
    let mount = targets.mount.iter().map(|mount| Touch::shared(Subject::new("filesystem", mount)));
    [read, made].into_iter().chain(mount).collect()
}

fn begin<W: Way>(doing: &StepContext<'_>, arguments: &Arguments, targets: &Targets) -> Result<Begun, Refusal> {
    let limit = within(arguments.within)?;
    let place = targets.database.again(doing)?;
    let owner = place.owner(doing.host)?;
    let name = plain(&targets.name)?;
    let directory = Directory::open(doing.host, &targets.into, owner.uid)?;
    let most_bytes = W::most_bytes(place.all_bytes());
    room(&directory, most_bytes)?;
    if directory.has(&name)? {
        return Err(Refusal::Changed(format!("{} exists by now", targets.new_path())));
    }
    let draft = directory.create(doing.step_id, owner)?;
    let task = W::task(draft.new_file(doing.host));
    let work = Work { host: doing.host, place: &place, owner, task, limit, most_bytes };
    let new_path = targets.new_path();
    let made = work.run(&|| doing.is_stopping()).and_then(|reply| {
        let told = W::told(reply);
        let told = told.ok_or_else(|| Refusal::Unavailable("the answer is not about a copy".to_owned()))?;
        Ok((told, draft.complete(&name)?))
    });
    let ((done, mut measures), identity) = match made {
        Ok(made) => made,
        Err(why) => return Ok(Begun::Finished(failed(&new_path, why))),
    };
    measures.push(Measure::count("copied-bytes", identity.size, Unit::Bytes));
    let detail = format!("{done}; the new file {new_path} has {}", Bytes::new(identity.size));
    let mut applied = applied(&new_path, Outcome::Done, detail, measures);
    let undo = serde_json::to_value(identity).unwrap_or(Value::Null);
    applied.items.iter_mut().for_each(|item| item.undo.clone_from(&undo));
    Ok(Begun::Finished(applied))
}

fn room(directory: &Directory, needed: u64) -> Result<(), Refusal> {
    let available = available(directory.root())?;
    match needed <= available {
        true => Ok(()),
        false => Err(Refusal::Unavailable(format!(
            "the copy needs {}, and {} are available",
            Bytes::new(needed),
            Bytes::new(available)
        ))),
    }
}

/// The place of the database may be gone or damaged, so nothing but the directory of the copy is opened.
fn directory(host: &Host, targets: &Targets) -> Result<Directory, Refusal> {
    Directory::open(host, &targets.into, targets.database.uid)
}

fn undo(doing: &StepContext<'_>, targets: &Targets, items: &[Item]) -> Result<Applied, Refusal> {
    let done = items.iter().find(|item| item.fate == Fate::Done);
    let Some(done) = done else {
        return Ok(applied(&targets.new_path(), Outcome::Done, "nothing to undo".into(), Vec::new()));
    };
    let identity: Identity = serde_json::from_value(done.undo.clone())
        .map_err(|_| Refusal::Unsupported("the record of the step does not say which file it made".to_owned()))?;
    let (name, path) = (plain(&targets.name)?, targets.new_path());
    let directory = directory(doing.host, targets)?;
    if !directory.has(&name)? {
        return Ok(applied(&path, Outcome::Done, "the copy is gone already".into(), Vec::new()));
    }
    for suffix in [b"-wal".as_slice(), b"-journal"] {
        if directory.has(&[&name, suffix].concat())? {
            return Err(Refusal::Busy(format!("{path} is in use: {} exists", path_text(&[&name, suffix].concat()))));
        }
    }
    let place = Place::of(doing.host, &path)?;
    let holders = Holders::of(doing.host, &place, &|| doing.is_stopping());
    if !holders.listed.is_empty() {
        return Err(Refusal::Busy(format!("{path} is open: {}", holders.shown())));
    }
    Ok(match directory.remove(doing.step_id, &name, identity) {
        Ok(()) => applied(&path, Outcome::Done, format!("removed {path}"), Vec::new()),
        Err(blocked) => {
            let fate = Fate::from(blocked);
            let detail = match &fate {
                Fate::Skipped(why) | Fate::Failed(why) => why.clone(),
                Fate::Done => String::new(),
            };
            applied(&path, Outcome::Failed, detail, Vec::new())
        }
    })
}

/// What has its name is complete.
fn resolve(doing: &StepContext<'_>, targets: &Targets) -> Result<Applied, Refusal> {
    let (name, path) = (plain(&targets.name)?, targets.new_path());
    let directory = directory(doing.host, targets)?;
    let rest = directory.discard(doing.step_id)?;
    Ok(match directory.look(&name) {
        Ok(stat) if stat.is_file() && stat.uid == targets.database.uid => {
            let mut applied = applied(&path, Outcome::Done, format!("{path} is complete"), Vec::new());
            let undo = serde_json::to_value(Identity::of(&stat)).unwrap_or(Value::Null);
            applied.items.iter_mut().for_each(|item| item.undo.clone_from(&undo));
            applied
        }
        _ if rest => {
            applied(&path, Outcome::Failed, "ansai ended before the copy was complete; removed it".into(), Vec::new())
        }
        _ => applied(&path, Outcome::Failed, "ansai ended before there was a copy".into(), Vec::new()),
    })
}

/// Both actions, by what differs.
macro_rules! action {
    ($way:ident) => {
        impl TypedAction for $way {
            type Arguments = Arguments;
            type Targets = Targets;
            const NOUN: &'static str = "database";

            fn preview(
                &self,
                ask: &ProbeContext<'_>,
                arguments: Arguments,
                earlier: &[Arc<Proposed>],
            ) -> Result<(Preview, Targets), Refusal> {
                preview::<$way>(ask, &arguments, earlier)
            }

            fn touches(&self, preview: &Preview, targets: &Targets) -> Vec<Touch> {
                touches(preview, targets)
            }

            fn work(&self) -> Option<Kind> {
                Some(Kind::Backup)
            }

            fn amounts(&self, targets: &Targets, _treated: Option<&[Item]>) -> Vec<Amount> {
                targets.database.amounts()
            }

            fn describe(&self, targets: Targets) -> Described {
                Described { names: vec![targets.new_path()], undo_for: None }
            }

            fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
                begin::<$way>(doing, &what.arguments, &what.targets)
            }

            fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, items: &[Item]) -> Result<Applied, Refusal> {
                undo(doing, &what.targets, items)
            }

            fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
                resolve(doing, &what.targets)
            }
        }
    };
}

action!(Copy);
action!(RecoverCopy);
