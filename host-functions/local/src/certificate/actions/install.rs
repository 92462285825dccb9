//! `install`.

use std::sync::Arc;

use ansai_certificates::Roots;
use ansai_core::{Millis, Outcome, Preview, Refusal, Reversibility, Subject, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use ansai_kit::target::CertificateFiles;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::applied;
use crate::certificate::lineages::{manager, subject};
use crate::certificate::server::{self, Commands, Place};
use crate::certificate::site::Site;
use crate::certificate::{staged, swap};

pub(super) struct Install;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    lineage: String,
    target: String,
    reason: String,
}

/// The files and the commands of the target, as previewed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    certificate: String,
    key: String,
    commands: Commands,
}

impl Target {
    fn of(files: &CertificateFiles) -> Target {
        let text = |path: &std::path::Path| path.display().to_string();
        Target { certificate: text(&files.certificate), key: text(&files.key), commands: Commands::of(files) }
    }

    /// Refuses files and commands that nobody has previewed.
    fn check(&self, files: &CertificateFiles) -> Result<(), Refusal> {
        match *self == Target::of(files) {
            true => Ok(()),
            false => Err(Refusal::Changed("the target has other files or commands now".into())),
        }
    }
}

impl TypedAction for Install {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "certificate";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let site = Site::of(ask.host);
        site.require_this_machine()?;
        site.require(&arguments.lineage)?;
        let target = Target::of(server::files(ask.reach, &arguments.target)?);
        let mut preview = Preview::nothing(subject(&arguments.lineage));
        preview.items = 1;
        preview.reversible = Reversibility::Fully;
        preview.interrupts = Some(Millis::ZERO);
        preview.sample = vec![target.certificate.clone(), target.key.clone()];
        preview.sample.extend(target.commands.shown());
        Ok((preview, target))
    }

    fn touches(&self, preview: &Preview, target: &Target) -> Vec<Touch> {
        let files = [&target.certificate, &target.key].map(|path| Touch::exclusive(Subject::new("file", path)));
        let unit = server::touches(target.commands.unit.as_deref(), Touch::exclusive);
        let first = [preview.about.clone(), manager()].map(Touch::exclusive);
        first.into_iter().chain(files).chain(unit).collect()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.certificate, target.key], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let site = Site::of(doing.host);
        let files = server::files(doing.reach, &what.arguments.target)?;
        what.targets.check(files)?;
        let name = what.arguments.lineage.as_str();
        let roots = Roots::of(doing.host);
        install(&site, name, files, roots.as_deref(), doing).map(Begun::Finished)
    }

    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        let site = Site::of(doing.host);
        let files = server::files(doing.reach, &what.arguments.target)?;
        what.targets.check(files)?;
        let name = what.arguments.lineage.as_str();
        site.require_this_machine()?;
        let _lock = swap::Lock::take(&site.open()?)?;
        put_back(&site, name, files, doing.step_id)
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let name = what.arguments.lineage;
        Ok(match swap::note(&Site::of(doing.host), &name, doing.step_id)? {
            None => applied(&name, Outcome::Failed, "ansai ended before anything was replaced", Value::Null),
            // Nobody has tested it.
            Some(_) => to_put_back(&name, doing.step_id, "ansai ended before it was tested and loaded".into()),
        })
    }
}

/// Checks, replaces, tests and reloads; puts back what does not work.
pub(in crate::certificate) fn install(
    site: &Site,
    name: &str,
    files: &CertificateFiles,
    roots: Option<&Roots>,
    doing: &StepContext<'_>,
) -> Result<Applied, Refusal> {
    site.require_this_machine()?;
    site.require(name)?;
    let _lock = swap::Lock::take(&site.open()?)?;
    let installed = Place::of(&files.certificate)?.read()?;
    // Without the second, nobody could tell afterwards whether the new certificate is the reason.
    let checked = staged::check(site, name, &installed, roots, doing.now).and_then(|staged| {
        let tested = server::test(site, files);
        tested.map(|()| staged).map_err(|why| Refusal::Unavailable(format!("before anything was changed, {why}")))
    });
    let staged = match checked {
        Ok(staged) => staged,
        Err(why) => {
            let detail = why.to_string();
            return Ok(Applied { reason: Some(why), ..applied(name, Outcome::Failed, detail, Value::Null) });
        }
    };
    if doing.is_stopping() {
        return Err(Refusal::Unavailable("ansai was asked to stop".into()));
    }
    let replaced = match swap::replace(site, name, &staged, files, doing.step_id) {
        Err(why) if matches!(swap::note(site, name, doing.step_id), Ok(None)) => return Err(why),
        replaced => replaced.map(drop),
    };
    let loaded = replaced.and_then(|()| server::test(site, files)).and_then(|()| server::reload(site, files));
    let Err(why) = loaded else {
        swap::forget_old(site, name, doing.step_id);
        return Ok(applied(
            name,
            Outcome::Done,
            format!("the new certificate of {name} is loaded"),
            json!(doing.step_id),
        ));
    };
    let failed = match put_back(site, name, files, doing.step_id) {
        Ok(back) if back.outcome == Outcome::Done => {
            let detail = format!("{why}; the previous files are back and loaded");
            applied(name, Outcome::Failed, detail, Value::Null)
        }
        Ok(back) => applied(name, Outcome::Failed, format!("{why}; {}", back.detail), Value::Null),
        Err(error) => {
            to_put_back(name, doing.step_id, format!("{why}; the previous files could not be put back: {error}"))
        }
    };
    Ok(Applied { reason: Some(why), ..failed })
}

/// A step that failed with the new files in place. They are listed as done, so that the undo of the plan puts them back.
fn to_put_back(name: &str, step: &str, detail: String) -> Applied {
    let done = applied(name, Outcome::Done, "the files were replaced", json!(step));
    Applied { outcome: Outcome::Failed, detail, ..done }
}

/// Puts the previous files back and lets the server read them.
fn put_back(site: &Site, name: &str, files: &CertificateFiles, step: &str) -> Result<Applied, Refusal> {
    swap::restore(site, name, files, step)?;
    Ok(match server::reload(site, files) {
        Ok(()) => applied(name, Outcome::Done, format!("the previous certificate of {name} is back"), Value::Null),
        Err(why) => applied(name, Outcome::Failed, format!("the previous files are back, but {why}"), Value::Null),
    })
}
