//! `look` and `list-units`.

use std::time::Duration;

use ansai_core::{Refusal, Touch};
use ansai_kit::host::{Deadline, ProbeContext};

use super::fields::UNITS;
use super::name::{self, Globs, is_unit};
use super::state::Unit;
use super::systemd::{self, Listed, Systemd};
use super::wire::{ListUnits, Look, ServiceUnit, UnitPage};
use crate::bus::{self, BusError, Open};

/// Services in one page.
const PAGE: usize = 128;

/// How long a call of the bus may take in a probe or a preview.
pub(super) fn limit(deadline: &Deadline) -> Duration {
    deadline.remaining().min(bus::LIMIT)
}

pub(super) fn look(ask: &ProbeContext<'_>, Look { name }: Look) -> Result<ServiceUnit, Refusal> {
    let unit = find(ask, &name)?;
    Ok(shown(ask, unit))
}

/// A service that the scope permits, by its name or an alias.
pub(super) fn find(ask: &ProbeContext<'_>, name: &str) -> Result<Unit, Refusal> {
    let name = name::service(name)?;
    let unit = Systemd::of(ask.host)?.service(limit(ask.deadline), name)?;
    ask.permit(&UNITS, unit.id())?;
    Ok(unit)
}

fn shown(ask: &ProbeContext<'_>, unit: Unit) -> ServiceUnit {
    let never_touch = ask.reach.never().check([&Touch::exclusive(unit.shown.about.clone())]).is_err();
    ServiceUnit { never_touch, ..unit.shown }
}

pub(super) fn list_units(ask: &ProbeContext<'_>, ListUnits { globs, cursor }: ListUnits) -> Result<UnitPage, Refusal> {
    let globs = Globs::read(&globs)?;
    let systemd = Systemd::of(ask.host)?;
    let all = systemd.ask(limit(ask.deadline), async move |open: Open| systemd::services(&open.connection).await)?;
    let (mut wanted, mut skipped) = (Vec::new(), 0_u32);
    for listed in all {
        // A name that a policy could not ask for.
        if !is_unit(&listed.id) {
            skipped = skipped.saturating_add(1);
        } else if globs.cover(&listed.id) && ask.permit(&UNITS, &listed.id).is_ok() {
            wanted.push(listed);
        }
    }
    wanted.sort_by(|a, b| a.id.cmp(&b.id));
    wanted.dedup_by(|a, b| a.id == b.id);
    let (page, cursor) = page(wanted, cursor.as_deref());
    // One that cannot be read is left out. If the time is over, nothing of this page is known.
    let read = systemd.ask(limit(ask.deadline), async move |open: Open| Ok(systemd::each(&open, page).await))?;
    let mut entries = Vec::with_capacity(read.len());
    for one in read {
        match one {
            Ok(unit) if unit.exists() => entries.push(shown(ask, unit)),
            Ok(_) => {}
            Err(error @ (BusError::TimedOut | BusError::Closed(_))) => return Err(error.into()),
            Err(_) => skipped = skipped.saturating_add(1),
        }
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(UnitPage { entries, skipped, complete: cursor.is_none(), cursor })
}

/// The part after a cursor, and the cursor of the rest.
fn page(mut wanted: Vec<Listed>, cursor: Option<&str>) -> (Vec<Listed>, Option<String>) {
    if let Some(after) = cursor {
        wanted.retain(|listed| listed.id.as_str() > after);
    }
    let is_more = wanted.len() > PAGE;
    wanted.truncate(PAGE);
    let cursor = wanted.last().filter(|_| is_more).map(|last| last.id.clone());
    (wanted, cursor)
}
