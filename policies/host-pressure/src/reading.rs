//! Reads each thing once, as a number or a severity, and in words.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::share::{self, percent_words};
use ansai_sdk::{Host, Measure, Refusal, Severity, Size, Span, text};

use crate::calls;
use crate::imports::ansai::system::system_probe::{InUse, MemoryState, Pressured, Stalled};
use crate::settings::Settings;

/// Below this share of memory in use, a full swap harms nobody.
const TIGHT: f64 = 75.0;
/// How long processors must be busy.
const BUSY: Span = Span(600_000);
/// A longer time without a look does not count: nobody knows whether the clock was synchronized.
const CLOCK_GAP: Span = Span(3_600_000);

/// What was read.
pub(crate) struct Reading {
    /// Higher is worse. Percent, or tasks for each processor.
    pub(crate) value: f64,
    /// Of what has no number.
    pub(crate) severity: Option<Severity>,
    /// A sentence without its end.
    pub(crate) words: String,
    pub(crate) measures: Vec<Measure>,
}

/// `None` if there is nothing to tell yet, or none of it on this host.
pub(crate) type Read = Result<Option<Reading>, Refusal>;

fn value(value: f64, words: String, measures: Vec<Measure>) -> Read {
    Ok(Some(Reading { value, severity: None, words, measures }))
}

fn state(severity: Option<Severity>, words: impl Into<String>, measures: Vec<Measure>) -> Read {
    Ok(Some(Reading { value: 0.0, severity, words: words.into(), measures }))
}

pub(crate) fn load(_: &Settings, host: &Host) -> Read {
    let load = calls::load(host)?;
    let each = load.fifteen / f64::from(load.cpus.max(1));
    let measures = vec![
        Measure::ratio("load-per-processor", each),
        Measure::ratio("load-1-minute", load.one),
        Measure::ratio("load-15-minutes", load.fifteen),
        Measure::count("processors", load.cpus.into()),
    ];
    value(each, format!("{} tasks for each processor run or wait, over 15 min", tenths(each)), measures)
}

/// The store has the busy and the idle time of the last evaluation, since boot.
pub(crate) fn processors(_: &Settings, host: &Host) -> Read {
    let key = "processors";
    let time = calls::cpu(host)?;
    let idle = time.idle.saturating_add(time.io_wait);
    let busy = time.user.saturating_add(time.system).saturating_add(time.steal);
    let before = host.recall(key).and_then(|text| {
        let (busy, idle) = text.split_once(' ')?;
        Some((busy.parse::<u64>().ok()?, idle.parse::<u64>().ok()?))
    });
    if host.keeps_what_is_stored() {
        host.remember(key, &format!("{busy} {idle}"));
    }
    // After a restart of the machine, the times begin again.
    let passed =
        before.and_then(|(old_busy, old_idle)| Some((busy.checked_sub(old_busy)?, idle.checked_sub(old_idle)?)));
    let Some(now) = passed.and_then(|(busy, idle)| share::of(busy, busy.saturating_add(idle))) else {
        return Ok(None);
    };
    host.append(key, now * 100.0)?;
    let window = Window::since(host.now().saturating_sub(BUSY.0), Reduction::Minimum);
    // Without a sample for most of that time, a short peak would count.
    let Some(trend) = host.look_at(key, window).ok().filter(|trend| trend.span >= BUSY.0 / 2) else { return Ok(None) };
    let lowest = trend.minimum;
    let measures = vec![Measure::ratio("busy", now), Measure::ratio("lowest-in-10-minutes", lowest / 100.0)];
    let (now, least) = (percent_words(now * 100.0), percent_words(lowest));
    value(lowest, format!("the processors are {now} busy, and were at least {least} for 10 min"), measures)
}

fn memory_in_use(memory: &MemoryState) -> Option<f64> {
    Some(share::in_use(memory.total_bytes, memory.available_bytes)? * 100.0)
}

pub(crate) fn memory(_: &Settings, host: &Host) -> Read {
    let memory = calls::memory(host)?;
    let Some(used) = memory_in_use(&memory) else { return Ok(None) };
    let (total, available) = (Size(memory.total_bytes), Size(memory.available_bytes));
    let words = format!("memory is {} in use, {available} of {total} available", percent_words(used));
    value(used, words, vec![Measure::bytes("available", available.0), Measure::bytes("total", total.0)])
}

pub(crate) fn swap(settings: &Settings, host: &Host) -> Read {
    let memory = calls::memory(host)?;
    let used = share::in_use(memory.swap_total_bytes, memory.swap_free_bytes).map(|used| used * 100.0);
    let (Some(used), Some(of_memory)) = (used, memory_in_use(&memory)) else { return Ok(None) };
    let (total, free) = (Size(memory.swap_total_bytes), Size(memory.swap_free_bytes));
    let mut words = format!("swap is {} in use, {free} of {total} free", percent_words(used));
    let is_harmless = of_memory < TIGHT;
    if is_harmless && used >= settings.swap.warning {
        words.push_str("; that harms nobody, because memory is available");
    }
    let measures = vec![Measure::bytes("free", free.0), Measure::bytes("total", total.0)];
    value(if is_harmless { 0.0 } else { used }, words, measures)
}

pub(crate) fn stalled_processors(_: &Settings, host: &Host) -> Read {
    stalled(calls::pressure(host, Pressured::Cpu)?.some, "tasks waited for a processor")
}

pub(crate) fn stalled_memory(_: &Settings, host: &Host) -> Read {
    stalled(calls::pressure(host, Pressured::Memory)?.full, "all tasks waited for memory")
}

pub(crate) fn stalled_io(_: &Settings, host: &Host) -> Read {
    stalled(calls::pressure(host, Pressured::Io)?.full, "all tasks waited for disks")
}

fn stalled(of: Option<Stalled>, what: &str) -> Read {
    let Some(of) = of else { return Ok(None) };
    let percent = of.last300_seconds * 100.0;
    let measures = vec![
        Measure::ratio("last-5-minutes", of.last300_seconds),
        Measure::ratio("last-10-seconds", of.last10_seconds),
    ];
    value(percent, format!("{what} for {} of the last 5 min", percent_words(percent)), measures)
}

pub(crate) fn open_files(_: &Settings, host: &Host) -> Read {
    in_use(&calls::open_files(host)?, "open file")
}

pub(crate) fn threads(_: &Settings, host: &Host) -> Read {
    in_use(&calls::threads(host)?, "thread")
}

fn in_use(found: &InUse, thing: &str) -> Read {
    let Some(used) = share::of(found.used, found.limit).map(|share| share * 100.0) else { return Ok(None) };
    let words = format!("{}, {} of what the kernel permits", text::count(found.used, thing), percent_words(used));
    value(used, words, vec![Measure::count("used", found.used), Measure::count("limit", found.limit)])
}

/// The store has the times at which it was first and last seen without synchronization.
pub(crate) fn clock(settings: &Settings, host: &Host) -> Read {
    let is_synchronized = calls::clock_synchronized(host)?;
    let waited = host.lasts("clock", !is_synchronized, CLOCK_GAP);
    if is_synchronized {
        return state(None, "the clock is synchronized", vec![]);
    }
    let is_long = waited >= settings.clock_grace;
    if !is_long && !host.is_open("clock") {
        return state(None, "the clock is not synchronized yet", vec![]);
    }
    if !is_long {
        // Nobody looked for a while: it may have been synchronized in between, and is not now.
        return state(Some(Severity::Warning), "the clock is still not synchronized", vec![]);
    }
    let words = format!("the clock has not been synchronized for {waited}");
    let since = host.now().saturating_sub(waited.0);
    state(Some(Severity::Warning), words, vec![Measure::instant("since", since)])
}

pub(crate) fn restart(settings: &Settings, host: &Host) -> Read {
    let found = calls::restart_needed(host)?;
    if !found.needed {
        return state(None, "no restart is needed", vec![]);
    }
    let since = found.since.filter(|since| *since <= host.now());
    let waited = since.map(|since| Span(host.now().saturating_sub(since)));
    let is_overdue = waited.is_some_and(|waited| waited >= settings.restart_within);
    let mut words = "the machine needs a restart".to_owned();
    if let Some(packages) = text::list("because of", found.packages.iter().take(5).cloned()) {
        words = format!("{words} {}", packages.replacen(": ", " ", 1));
    }
    if let Some(waited) = waited {
        words = format!("{words}, since {waited} ago");
    }
    let mut measures: Vec<Measure> = since.map(|since| Measure::instant("since", since)).into_iter().collect();
    measures.push(Measure::count("packages", found.packages.len() as u64));
    state(Some(if is_overdue { Severity::Warning } else { Severity::Notice }), words, measures)
}

/// `2.4`, rounded down.
pub(crate) fn tenths(number: f64) -> String {
    let tenths = (number * 10.0 + 1e-6) as u64;
    format!("{}.{}", tenths / 10, tenths % 10)
}
