//! `list-dependants`: what is stopped and restarted together with a unit.

use std::collections::BTreeMap;

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;

use super::name::{is_unit, subject};
use super::probe::{find, limit};
use super::state::active;
use super::systemd::{self, Systemd};
use super::wire::{ActiveState, Dependant, DependantPage, ListDependants};
use crate::bus::{BusError, Open, Properties};

/// The properties that name them: systemd propagates stops and restarts along these.
const NAMED_IN: [&str; 3] = ["RequiredBy", "BoundBy", "ConsistsOf"];
/// The most dependants of one unit.
const MOST: usize = 1_024;
/// Dependants in one page.
const PAGE: usize = 256;

/// All that depends on a unit.
pub(super) struct Dependants {
    /// The nearest first, then by name.
    pub(super) all: Vec<Dependant>,
    pub(super) skipped: u32,
    /// False if there were too many.
    pub(super) complete: bool,
}

impl Dependants {
    /// Those that run, which a stop of the unit would stop.
    pub(super) fn running(&self) -> impl Iterator<Item = &Dependant> {
        self.all.iter().filter(|one| !matches!(one.active, ActiveState::Inactive | ActiveState::Failed))
    }

    /// Reads them.
    ///
    /// # Errors
    /// The bus does not answer.
    pub(super) fn of(systemd: &Systemd, limit: std::time::Duration, id: &str) -> Result<Dependants, Refusal> {
        let id = id.to_owned();
        Ok(systemd.ask(limit, async move |open: Open| search(&open, id).await)?)
    }
}

async fn search(open: &Open, id: String) -> Result<Dependants, BusError> {
    let first = systemd::unit(&open.connection, &id).await?;
    let mut seen: BTreeMap<String, u32> = [(id, 0)].into();
    let mut found = Dependants { all: Vec::new(), skipped: 0, complete: true };
    let mut level: Vec<String> = named(&first);
    let mut distance = 1_u32;
    while !level.is_empty() {
        let mut next = Vec::new();
        level.sort_unstable();
        for name in level {
            if seen.contains_key(&name) {
                continue;
            }
            if seen.len() > MOST {
                found.complete = false;
                return Ok(found);
            }
            seen.insert(name.clone(), distance);
            match systemd::unit(&open.connection, &name).await {
                Ok(unit) => {
                    next.extend(named(&unit));
                    let active = active(unit.text("ActiveState")?);
                    found.all.push(Dependant { about: subject(&name), id: name, active, distance });
                }
                Err(error @ (BusError::TimedOut | BusError::Closed(_))) => return Err(error),
                Err(_) => found.skipped = found.skipped.saturating_add(1),
            }
        }
        (level, distance) = (next, distance.saturating_add(1));
    }
    Ok(found)
}

fn named(unit: &Properties) -> Vec<String> {
    NAMED_IN.iter().flat_map(|property| unit.texts(property)).filter(|name| is_unit(name)).collect()
}

pub(super) fn list_dependants(
    ask: &ProbeContext<'_>,
    ListDependants { name, cursor }: ListDependants,
) -> Result<DependantPage, Refusal> {
    let after = cursor.as_deref().map(place).transpose()?;
    let unit = find(ask, &name)?;
    let Dependants { mut all, skipped, complete } =
        Dependants::of(&Systemd::of(ask.host)?, limit(ask.deadline), unit.id())?;
    if let Some((distance, id)) = after {
        all.retain(|one| (one.distance, one.id.as_str()) > (distance, id));
    }
    let is_more = all.len() > PAGE;
    all.truncate(PAGE);
    let cursor = all.last().filter(|_| is_more).map(|last| format!("{}/{}", last.distance, last.id));
    Ok(DependantPage { entries: all, skipped, complete: complete && cursor.is_none(), cursor })
}

/// What a cursor says.
fn place(cursor: &str) -> Result<(u32, &str), Refusal> {
    let invalid = || Refusal::Invalid("`cursor` is not one of this list".into());
    let (distance, id) = cursor.split_once('/').ok_or_else(invalid)?;
    Ok((distance.parse().map_err(|_| invalid())?, id))
}
