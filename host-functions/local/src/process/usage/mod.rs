//! `cgroup-probe`: what services use.
//!
//! `trees` finds the control groups of services, `controllers` reads their files in both versions, `memory` says what they
//! mean. Where the kernel does not count the memory of a service, `sum` adds up its processes. `run` recognizes a restart.

mod controllers;
mod counted;
mod memory;
mod run;
mod sum;
mod text;
mod trees;

use ansai_core::text::inert;
use ansai_core::{Refusal, Subject, never};
use ansai_kit::host::{Host, ProbeContext};

use super::wire::{Accounting, ListUsages, Look, Usage, UsagePage};
use crate::safety::processes::Unseen;
use crate::service::fields::UNITS;
use crate::service::name::{self, Globs, is_service, subject};
pub(crate) use counted::Counted;
pub(crate) use memory::Memory;

use controllers::Controllers;
use trees::{Place, Trees};

/// Services in one page.
const PAGE: usize = 256;

pub(super) fn look(ask: &ProbeContext<'_>, Look { about }: Look) -> Result<Usage, Refusal> {
    let Subject { kind, name } = &about;
    if kind != never::UNIT {
        return Err(Refusal::Unsupported(format!("what a {} uses is not known: only units", inert(kind, 40))));
    }
    let name = name::service(name)?;
    ask.permit(&UNITS, name)?;
    let nothing = || Refusal::NotFound(format!("nothing of {name} runs"));
    let trees = Trees::of(ask.host)?;
    let place = trees.find(name)?.ok_or_else(nothing)?;
    match usage(ask.host, &trees, name, &place) {
        Ok(Some(usage)) => Ok(usage),
        Ok(None) => Err(nothing()),
        Err(Unseen) => Err(Refusal::Unavailable(format!("the control group of {name} cannot be read"))),
    }
}

pub(super) fn list_usages(
    ask: &ProbeContext<'_>,
    ListUsages { globs, cursor }: ListUsages,
) -> Result<UsagePage, Refusal> {
    let globs = Globs::read(&globs)?;
    let trees = Trees::of(ask.host)?;
    let wanted = trees.all()?.into_iter().filter(|(name, _)| {
        let is_after = cursor.as_ref().is_none_or(|after| name > after);
        is_after && globs.cover(name) && ask.permit(&UNITS, name).is_ok()
    });
    let mut page = UsagePage { entries: Vec::new(), skipped: 0, complete: true, cursor: None };
    let mut last = None;
    for (done, (name, place)) in wanted.enumerate() {
        if done >= PAGE || ask.deadline.is_over() {
            (page.complete, page.cursor) = (false, last.or(cursor));
            break;
        }
        match usage(ask.host, &trees, &name, &place) {
            Ok(Some(usage)) => page.entries.push(usage),
            Ok(None) => {}
            Err(Unseen) => page.skipped = page.skipped.saturating_add(1),
        }
        last = Some(name);
    }
    Ok(page)
}

/// What one service uses; `None` if it has ended.
fn usage(host: &Host, trees: &Trees, name: &str, place: &Place) -> Result<Option<Usage>, Unseen> {
    let run = run::of(host, name);
    let Some(read) = Controllers::read(trees, place)? else { return Ok(None) };
    let oldest = run.since.or_else(|| run::oldest(host, &read.pids));
    let processes = u32::try_from(read.pids.len()).map_err(|_| Unseen)?;
    let Controllers { memory, cpu, throttled, stall, tasks, pids } = read;
    let empty = Usage {
        about: subject(name),
        accounting: Accounting::Processes,
        invocation: run.invocation,
        since: oldest,
        total_bytes: None,
        anonymous_bytes: 0,
        shared_bytes: None,
        page_cache_bytes: None,
        kernel_bytes: None,
        swapped_bytes: None,
        high_bytes: None,
        limit_bytes: None,
        oom_kills: None,
        high_hits: None,
        limit_hits: None,
        cpu,
        throttled,
        memory_stall: stall,
        processes,
        tasks,
    };
    if let Some(memory) = memory {
        return Ok(Some(memory.fill(empty)));
    }
    // A service without processes uses nothing, and a sum would say so although the kernel may still keep its files.
    let Some(sum) = sum::of(host, &pids)? else { return Ok(None) };
    let cpu = empty.cpu.or(Some(sum.cpu));
    Ok(Some(Usage { anonymous_bytes: sum.anonymous, swapped_bytes: Some(sum.swapped), cpu, ..empty }))
}

/// Whether a name can be that of a service that is listed.
fn is_listed(name: &str) -> bool {
    is_service(name)
}
