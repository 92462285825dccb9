//! Reads each thing once, as a number or a severity, and in words.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::share::{self, percent_words};
use ansai_sdk::{Host, Observation, Refusal, Severity, Size, Span, Status, text};

use crate::calls;
use crate::imports::ansai::system::system_probe::{InUse, MemoryState, Pressured};
use crate::settings::Settings;

/// Below this share of memory in use, a full swap harms nobody.
const TIGHT: f64 = 75.0;
/// How long processors must be busy.
const BUSY: Span = Span(600_000);
/// A longer time without a look does not count: nobody knows whether the clock was synchronized.
const CLOCK_GAP: Span = Span(3_600_000);

/// A number of which higher is worse, percent or tasks for each processor, and its observation. What has no number has its
/// severity there. `None` if there is nothing to tell yet, or none of it on this host.
pub(crate) type Read = Result<Option<(f64, Observation)>, Refusal>;

/// What is seen, as a sentence without its end. The key is that of the table.
fn seen(host: &Host, status: impl Into<Status>, words: impl Into<String>) -> Observation {
    Observation::new("", host.host(), status, words)
}

fn number(host: &Host, words: impl Into<String>) -> Observation {
    seen(host, Status::Healthy, words)
}

pub(crate) fn load(_: &Settings, host: &Host) -> Read {
    let load = calls::load(host)?;
    let each = load.fifteen / f64::from(load.cpus.max(1));
    let seen = number(host, format!("{} tasks for each processor run or wait, over 15 min", text::tenths(each)));
    let seen = seen.ratio("load-per-processor", each).ratio("load-1-minute", load.one);
    Ok(Some((each, seen.ratio("load-15-minutes", load.fifteen).count("processors", u64::from(load.cpus)))))
}

/// The store has the busy and the idle time of the last evaluation, since boot.
pub(crate) fn processors(_: &Settings, host: &Host) -> Read {
    let key = "processors";
    let time = calls::cpu(host)?;
    let idle = time.idle.saturating_add(time.io_wait);
    let busy = time.user.saturating_add(time.system).saturating_add(time.steal);
    let before = host.recall_numbers(key);
    if host.keeps_what_is_stored() {
        host.remember(key, &format!("{busy} {idle}"));
    }
    // After a restart of the machine, the times begin again.
    let passed =
        before.and_then(|[old_busy, old_idle]| Some((busy.checked_sub(old_busy)?, idle.checked_sub(old_idle)?)));
    let Some(now) = passed.and_then(|(busy, idle)| share::of(busy, busy.saturating_add(idle))) else {
        return Ok(None);
    };
    host.append(key, now * 100.0)?;
    let window = Window::since(host.before(BUSY), Reduction::Minimum);
    // Without a sample for most of that time, a short peak would count.
    let Some(trend) = host.look_at(key, window).ok().filter(|trend| trend.span >= BUSY.0 / 2) else { return Ok(None) };
    let lowest = trend.minimum;
    let (percent, least) = (percent_words(now * 100.0), percent_words(lowest));
    let seen = number(host, format!("the processors are {percent} busy, and were at least {least} for 10 min"));
    Ok(Some((lowest, seen.ratio("busy", now).ratio("lowest-in-10-minutes", lowest / 100.0))))
}

fn memory_in_use(memory: &MemoryState) -> Option<f64> {
    Some(share::in_use(memory.total_bytes, memory.available_bytes)? * 100.0)
}

pub(crate) fn memory(_: &Settings, host: &Host) -> Read {
    let memory = calls::memory(host)?;
    let Some(used) = memory_in_use(&memory) else { return Ok(None) };
    let (total, available) = (Size(memory.total_bytes), Size(memory.available_bytes));
    let words = format!("memory is {} in use, {available} of {total} available", percent_words(used));
    Ok(Some((used, number(host, words).bytes("available", available.0).bytes("total", total.0))))
}

pub(crate) fn swap(settings: &Settings, host: &Host) -> Read {
    let memory = calls::memory(host)?;
    let used = share::in_use(memory.swap_total_bytes, memory.swap_free_bytes).map(|used| used * 100.0);
    let (Some(used), Some(of_memory)) = (used, memory_in_use(&memory)) else { return Ok(None) };
    let (total, free) = (Size(memory.swap_total_bytes), Size(memory.swap_free_bytes));
    let mut words = format!("swap is {} in use, {free} of {total} free", percent_words(used));
    let is_harmless = of_memory < TIGHT;
    if is_harmless && settings.swap.severity(used, None).is_some() {
        words.push_str("; that harms nobody, because memory is available");
    }
    let seen = number(host, words).bytes("free", free.0).bytes("total", total.0);
    Ok(Some((if is_harmless { 0.0 } else { used }, seen)))
}

pub(crate) fn stalled(host: &Host, what: Pressured) -> Read {
    let stall = calls::pressure(host, what)?;
    let (of, who) = match what {
        Pressured::Cpu => (stall.some, "tasks waited for a processor"),
        Pressured::Memory => (stall.full, "all tasks waited for memory"),
        Pressured::Io => (stall.full, "all tasks waited for disks"),
        Pressured::Irq => return Ok(None),
    };
    let Some(of) = of else { return Ok(None) };
    let percent = of.last300_seconds * 100.0;
    let seen = number(host, format!("{who} for {} of the last 5 min", percent_words(percent)));
    let seen = seen.ratio("last-5-minutes", of.last300_seconds).ratio("last-10-seconds", of.last10_seconds);
    Ok(Some((percent, seen)))
}

pub(crate) fn in_use(found: InUse, host: &Host, thing: &str) -> Read {
    let Some(used) = share::of(found.used, found.limit).map(|share| share * 100.0) else { return Ok(None) };
    let words = format!("{}, {} of what the kernel permits", text::count(found.used, thing), percent_words(used));
    Ok(Some((used, number(host, words).count("used", found.used).count("limit", found.limit))))
}

pub(crate) fn clock(settings: &Settings, host: &Host) -> Read {
    let is_synchronized = calls::clock_synchronized(host)?;
    let waited = host.lasts("clock", !is_synchronized, CLOCK_GAP);
    let is_long = waited >= settings.clock_grace;
    let seen = match is_long || host.is_open("clock") {
        _ if is_synchronized => number(host, "the clock is synchronized"),
        false => number(host, "the clock is not synchronized yet"),
        true if is_long => {
            let words = format!("the clock has not been synchronized for {waited}");
            seen(host, Severity::Warning, words).instant("since", host.before(waited))
        }
        // Nobody looked for a while: it may have been synchronized in between, and is not now.
        true => seen(host, Severity::Warning, "the clock is still not synchronized"),
    };
    Ok(Some((0.0, seen)))
}

pub(crate) fn restart(settings: &Settings, host: &Host) -> Read {
    let found = calls::restart_needed(host)?;
    if !found.needed {
        return Ok(Some((0.0, number(host, "no restart is needed"))));
    }
    let since = found.since.filter(|since| *since <= host.now());
    let waited = since.map(|since| host.since(since));
    let is_overdue = waited.is_some_and(|waited| waited >= settings.restart_within);
    let severity = if is_overdue { Severity::Warning } else { Severity::Notice };
    let named: Vec<String> = found.packages.iter().take(5).cloned().collect();
    let because = if named.is_empty() { String::new() } else { format!(" because of {}", named.join(", ")) };
    let time = waited.map(|waited| format!(", since {waited} ago")).unwrap_or_default();
    let words = format!("the machine needs a restart{because}{time}");
    Ok(Some((0.0, seen(host, severity, words).instant("since", since).count("packages", found.packages.len() as u64))))
}
