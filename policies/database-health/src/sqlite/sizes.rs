//! A `-wal` file that stays large, and pages that nobody uses.

use ansai_sdk::{CouldNotTell as _, Decision, Failure, Severity, Size, Span, share};

use super::memory::Memory;
use super::{FREE_PAGES, File, WAL, calls, damage, path_of};
use crate::imports::ansai::sqlite::sqlite_probe::{Database, Depth, Hold};
use crate::plan::{MAINTAIN, Situation};
use crate::report::Report;
use crate::settings::{HALF, Settings};

/// How long a `-wal` file must be large: under load, the program itself makes it smaller soon.
const LONG: Span = Span(15 * 60_000);
/// A database with fewer unused bytes is healthy: it uses them again.
const LEAST_FREE: u64 = 16 << 20;
/// How often its size a vacuum needs.
const ROOM: u64 = 2;

fn free_bytes(found: &Database) -> u64 {
    found.free_pages.saturating_mul(found.page_bytes.into())
}

fn free_severity(found: &Database, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let part = share::of(found.free_pages, found.pages)?;
    settings.free_pages().severity(part * 100.0, open).filter(|_| free_bytes(found) >= LEAST_FREE)
}

fn wal_severity(found: &Database, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    settings.wal.rearm_by(HALF).severity(found.wal_bytes as f64, open)
}

pub(super) fn observe(file: &File<'_>, memory: &mut Memory, report: &mut Report<'_>) {
    let (host, path, found, settings) = (report.host(), file.place.name, &file.found, file.settings);
    let open = host.open_severity(&file.place.key(WAL));
    let large = wal_severity(found, settings, open);
    memory.wal_since = match large {
        None => 0,
        Some(_) if memory.wal_since == 0 || memory.wal_since > host.now() => host.now(),
        Some(_) => memory.wal_since,
    };
    let is_long = open.is_some() || host.since(memory.wal_since) >= LONG;
    let words = format!("the -wal file of {path} has {}", Size(found.wal_bytes));
    let seen = file.place.observe(WAL, large.filter(|_| is_long), words).bytes("wal", found.wal_bytes);
    report.add_news(seen.bytes("size", found.bytes).at_distance(found.wal_bytes as f64));
    let (part, free) = (share::of(found.free_pages, found.pages).unwrap_or_default(), free_bytes(found));
    let severity = free_severity(found, settings, host.open_severity(&file.place.key(FREE_PAGES)));
    let words = format!("{} of {path} is unused ({})", share::percent_words(part * 100.0), Size(free));
    let seen = file.place.observe(FREE_PAGES, severity, words).ratio("free", part).bytes("free-bytes", free);
    report.add_news(seen.at_distance(free as f64));
}

/// Who reads or writes at this moment, so that a step would have to wait, as `backup (pid 812)`.
fn in_use(found: &Database) -> Option<String> {
    let holder = found.holders.iter().find(|one| one.holds != Hold::Open)?;
    Some(format!("{} (pid {})", holder.process, holder.pid))
}

fn look(situation: &Situation<'_>) -> Result<Database, Failure> {
    let path = path_of(situation);
    calls::look(situation.host, path, Depth::Header).could_not_tell(&format!("{path} cannot be looked at"))
}

pub(crate) fn plan_wal(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, path) = (situation.host, path_of(situation));
    let found = look(situation)?;
    let has = format!("has {}", Size(found.wal_bytes));
    if wal_severity(&found, situation.settings, situation.finding.severity()).is_none() {
        return Ok(Decision::Wait(format!("the -wal file of {path} {has} now")));
    }
    let uses = in_use(&found).map(|reader| format!(", and {reader} uses it")).unwrap_or_default();
    let why = format!("the -wal file {has}{uses}");
    let advice = ("find who reads it all the time, so that it becomes smaller", why.as_str());
    Ok(situation.next.step(MAINTAIN, calls::CHECKPOINT, advice, || calls::checkpoint(host, path, &why)))
}

pub(crate) fn plan_free_pages(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, path) = (situation.host, path_of(situation));
    let found = look(situation)?;
    let unused = Size(free_bytes(&found));
    if free_severity(&found, situation.settings, situation.finding.severity()).is_none() {
        return Ok(Decision::Wait(format!("{path} has {unused} unused now")));
    }
    if let Some(holder) = in_use(&found).filter(|_| situation.next.is_at(MAINTAIN)) {
        return Ok(situation.next.wait_for(Span(10 * 60_000), format!("{path} is used by {holder}")));
    }
    let needed = found.bytes.saturating_add(found.wal_bytes).saturating_mul(ROOM);
    if found.available_bytes < needed {
        let why = format!("a vacuum needs {}, and {} are available", Size(needed), Size(found.available_bytes));
        return Ok(situation.next.advise("make room on its file system, then vacuum it", why));
    }
    let why = format!("{unused} of {} are unused", Size(found.bytes));
    let call = || calls::vacuum(host, path, damage::within(situation), &why);
    Ok(situation.next.step(MAINTAIN, calls::VACUUM, ("vacuum it while nobody uses it", &why), call))
}
