//! Reads each thing once, as a number and in words.

use ansai_sdk::share::{self, percent_words};
use ansai_sdk::{Host, Measure, Refusal, Size, Span, text};

use crate::calls;
use crate::imports::ansai::system::system_probe::{InUse, MemoryState, Pressured, Stalled};
use crate::settings::Settings;
use crate::what::What;

/// Below this share of memory in use, a full swap harms nobody.
const TIGHT: f64 = 75.0;
/// How long processors must be busy.
const BUSY: Span = Span(600_000);

/// What was read.
pub(crate) struct Reading {
    /// Higher is worse. Percent, or tasks for each processor.
    pub(crate) value: f64,
    /// A sentence without its end.
    pub(crate) words: String,
    pub(crate) measures: Vec<Measure>,
}

/// Reads what has a number. `None` if there is nothing to tell yet, or none of it on this host.
pub(crate) fn read(what: What, settings: &Settings, host: &Host) -> Result<Option<Reading>, Refusal> {
    Ok(match what {
        What::Load => Some(load(host)?),
        What::Processors => processors(host)?,
        What::Memory => memory(&calls::memory(host)?),
        What::Swap => swap(&calls::memory(host)?, settings),
        What::StalledProcessors => {
            let stall = calls::pressure(host, Pressured::Cpu)?;
            stall.some.as_ref().map(|one| stalled(one, "tasks waited for a processor"))
        }
        What::StalledMemory => {
            let stall = calls::pressure(host, Pressured::Memory)?;
            stall.full.as_ref().map(|one| stalled(one, "all tasks waited for memory"))
        }
        What::StalledIo => {
            let stall = calls::pressure(host, Pressured::Io)?;
            stall.full.as_ref().map(|one| stalled(one, "all tasks waited for disks"))
        }
        What::OpenFiles => in_use(&calls::open_files(host)?, "open file"),
        What::Threads => in_use(&calls::threads(host)?, "thread"),
        What::Clock | What::Restart => None,
    })
}

fn load(host: &Host) -> Result<Reading, Refusal> {
    let load = calls::load(host)?;
    let value = load.fifteen / f64::from(load.cpus.max(1));
    let measures = vec![
        Measure::ratio("load-per-processor", value),
        Measure::ratio("load-1-minute", load.one),
        Measure::ratio("load-15-minutes", load.fifteen),
        Measure::count("processors", load.cpus.into()),
    ];
    let words = format!("{} tasks for each processor run or wait, over 15 min", tenths(value));
    Ok(Reading { value, words, measures })
}

/// The store has the busy and the idle time of the last evaluation, since boot.
fn processors(host: &Host) -> Result<Option<Reading>, Refusal> {
    let time = calls::cpu(host)?;
    let idle = time.idle.saturating_add(time.io_wait);
    let busy = time.user.saturating_add(time.system).saturating_add(time.steal);
    let key = What::Processors.name();
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
    let now = now * 100.0;
    host.append(key, now)?;
    let window =
        ansai_sdk::series::Window::since(host.now().saturating_sub(BUSY.0), ansai_sdk::series::Reduction::Minimum);
    // Without a sample for most of that time, a short peak would count.
    let lowest = host.look_at(key, window).ok().filter(|trend| trend.span >= BUSY.0 / 2).map(|trend| trend.minimum);
    let Some(value) = lowest else { return Ok(None) };
    let measures = vec![Measure::ratio("busy", now / 100.0), Measure::ratio("lowest-in-10-minutes", value / 100.0)];
    let words = format!(
        "the processors are {} busy, and were at least {} for 10 min",
        percent_words(now),
        percent_words(value)
    );
    Ok(Some(Reading { value, words, measures }))
}

fn memory_in_use(memory: &MemoryState) -> Option<f64> {
    Some(share::in_use(memory.total_bytes, memory.available_bytes)? * 100.0)
}

fn memory(memory: &MemoryState) -> Option<Reading> {
    let value = memory_in_use(memory)?;
    let (total, available) = (Size(memory.total_bytes), Size(memory.available_bytes));
    let words = format!("memory is {} in use, {available} of {total} available", percent_words(value));
    Some(Reading {
        value,
        words,
        measures: vec![Measure::bytes("available", available.0), Measure::bytes("total", total.0)],
    })
}

fn swap(memory: &MemoryState, settings: &Settings) -> Option<Reading> {
    let value = share::in_use(memory.swap_total_bytes, memory.swap_free_bytes)? * 100.0;
    let (total, free) = (Size(memory.swap_total_bytes), Size(memory.swap_free_bytes));
    let in_use = memory_in_use(memory)?;
    let mut words = format!("swap is {} in use, {free} of {total} free", percent_words(value));
    let is_full = value >= settings.swap_warning;
    if is_full && in_use < TIGHT {
        words.push_str("; that harms nobody, because memory is available");
    }
    let measures = vec![Measure::bytes("free", free.0), Measure::bytes("total", total.0)];
    Some(Reading { value: if in_use < TIGHT { 0.0 } else { value }, words, measures })
}

fn stalled(of: &Stalled, what: &str) -> Reading {
    let value = of.last300_seconds * 100.0;
    let measures = vec![
        Measure::ratio("last-5-minutes", of.last300_seconds),
        Measure::ratio("last-10-seconds", of.last10_seconds),
    ];
    Reading { value, words: format!("{what} for {} of the last 5 min", percent_words(value)), measures }
}

fn in_use(found: &InUse, thing: &str) -> Option<Reading> {
    let value = share::of(found.used, found.limit)? * 100.0;
    let words = format!("{}, {} of what the kernel permits", text::count(found.used, thing), percent_words(value));
    Some(Reading {
        value,
        words,
        measures: vec![Measure::count("used", found.used), Measure::count("limit", found.limit)],
    })
}

/// `2.4`, rounded down.
pub(crate) fn tenths(number: f64) -> String {
    let tenths = (number * 10.0 + 1e-6) as u64;
    format!("{}.{}", tenths / 10, tenths % 10)
}
