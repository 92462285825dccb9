//! Indexes that queries do not use because their build failed, and what a rebuild left behind.

use ansai_sdk::pages::Part;
use ansai_sdk::{Decision, Failure, Severity};

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
    let severity = |index: &Index, _| severity(index);
    let indexes = view.place.all("index", "index");
    for found in report.each(indexes, all, |index| &index.about, severity, |index| index.bytes) {
        let Index { name, table, bytes, .. } = &found.thing;
        let words = match found.severity {
            None => format!("index {name} of {table} is valid, or is being built"),
            Some(_) if found.thing.leftover => format!("a rebuild left index {name} of {table} behind"),
            Some(_) => format!("index {name} of {table} is invalid: queries do not use it"),
        };
        report.add(found.observe(words).text("table", &**table).bytes("size", *bytes));
    }
}

pub(crate) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let listed = calls::indexes(situation.host, situation.target, Part::Same);
    situation.next.listed(
        ("index", situation.target),
        listed,
        |index| &index.about,
        |index| Ok(decide(situation, &index)),
    )
}

fn decide(situation: &Situation<'_>, index: &Index) -> Decision {
    let (host, target, next) = (situation.host, situation.target, &situation.next);
    if severity(index).is_none() {
        return Decision::Wait(format!("{} is valid now, or is being built", index.about.name));
    }
    if index.leftover {
        let why = "a rebuild failed and left it behind: it takes room, and each change of the table updates it";
        let reason = format!("{} is left of a failed rebuild", index.name);
        let call = || calls::drop_leftover(host, target, &index.id, &reason);
        return next.step(MAINTAIN, DROP_LEFTOVER, ("drop it", why), call);
    }
    if is_of_a_rebuild(index) {
        let why = "its name says that a rebuild left it behind, but ansai did not begin that rebuild: if nobody needs it, `drop \
                   index concurrently` frees its room";
        return next.advise("drop it if it is left of a rebuild", why);
    }
    let why = "its build failed: queries do not use it, and each change of the table updates it; if duplicate rows are the \
               cause, a rebuild fails again";
    let reason = format!("index {} is invalid", index.name);
    let call = || calls::reindex(host, target, &index.id, situation.within(), &reason);
    next.step(MAINTAIN, REINDEX, ("build it again", why), call)
}
