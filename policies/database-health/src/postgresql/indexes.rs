//! Indexes that queries do not use because their build failed, and what a rebuild left behind.

use ansai_sdk::pages::Part;
use ansai_sdk::{CouldNotTell as _, Decision, Failure, Measure, Observation, Severity, Status};

use crate::calls::{self, DROP_LEFTOVER, REINDEX};
use crate::imports::ansai::database::database_probe::Index;
use crate::plan::{MAINTAIN, Situation};
use crate::report::Report;
use crate::server::View;

/// An index that is being built is not valid yet, and is none of them.
fn severity(index: &Index) -> Option<Severity> {
    match (index.valid || index.building, index.leftover) {
        (true, _) => None,
        (false, true) => Some(Severity::Notice),
        (false, false) => Some(Severity::Warning),
    }
}

/// Whether it has the name that PostgreSQL gives to what a rebuild leaves behind: then a rebuild of it would be useless.
fn is_of_a_rebuild(index: &Index) -> bool {
    let name = index.name.trim_end_matches(|c: char| c.is_ascii_digit());
    name.ends_with("_ccnew") || name.ends_with("_ccold")
}

pub(super) fn observe(view: &View<'_>, all: Vec<Index>, report: &mut Report<'_>) {
    let key = |index: &Index| format!("index:{}", index.about.name);
    let fault = |index: &Index| severity(index).map(|severity| (severity, index.bytes));
    for index in &report.worst("index", view.target, &view.server.about, all, key, fault) {
        let status = severity(index).map_or(Status::Healthy, Status::Unhealthy);
        let words = match (severity(index), index.leftover) {
            (None, _) => format!("index {} of {} is valid, or is being built", index.name, index.table),
            (Some(_), true) => format!("a rebuild left index {} of {} behind", index.name, index.table),
            (Some(_), false) => format!("index {} of {} is invalid: queries do not use it", index.name, index.table),
        };
        report.add(
            Observation::new(key(index), index.about.clone(), status, words)
                .with(Measure::text("table", &*index.table))
                .with(Measure::bytes("size", index.bytes)),
        );
    }
}

pub(super) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target, about) = (situation.host, situation.target, &situation.finding.about);
    let listed = calls::indexes(host, target, Part::Same)
        .could_not_tell(&format!("the indexes of {target} cannot be listed"))?;
    let Some(index) = listed.entries.into_iter().find(|index| index.about == *about) else {
        return Ok(situation.not_listed(listed.end.is_none()));
    };
    if severity(&index).is_none() {
        return Ok(Decision::Wait(format!("{} is valid now, or is being built", about.name)));
    }
    if index.leftover {
        let why = "a rebuild failed and left it behind: it takes room, and each change of the table updates it";
        return Ok(situation.next.step(MAINTAIN, DROP_LEFTOVER, ("drop it", why), || {
            calls::drop_leftover(host, target, &index.id, &format!("{} is left of a failed rebuild", index.name))
        }));
    }
    if is_of_a_rebuild(&index) {
        let why = "its name says that a rebuild left it behind, but ansai did not begin that rebuild: if nobody needs it, `drop \
                   index concurrently` frees its room";
        return Ok(situation.next.advise("drop it if it is left of a rebuild", why));
    }
    let why = "its build failed: queries do not use it, and each change of the table updates it; if duplicate rows are the \
               cause, a rebuild fails again";
    let within = situation.settings.maintain_within.0;
    Ok(situation.next.step(MAINTAIN, REINDEX, ("build it again", why), || {
        calls::reindex(host, target, &index.id, within, &format!("index {} is invalid", index.name))
    }))
}
