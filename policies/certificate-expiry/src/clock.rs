//! Whether the clock of the host is wrong. Then certificates only look expired, and to renew them would not help.

use ansai_sdk::text::date;
use ansai_sdk::{Host, Observation, Severity, Status};

use crate::calls;
use crate::judge::life;
use crate::seen::{Seen, View};

pub(crate) const KEY: &str = "clock";

/// Why the clock may be wrong; `None` if there is no reason to think so.
pub(crate) fn doubt(view: &View<'_>, host: &Host) -> Option<String> {
    let leaves = view.seen.iter().filter_map(|seen| seen.leaf().ok());
    let mut known: Vec<_> = leaves.map(|leaf| (&*leaf.about.name, life(leaf, host.now()).is_now())).collect();
    known.sort_unstable();
    known.dedup();
    // One certificate that is valid now shows that the clock is about right.
    if known.is_empty() || known.iter().any(|(_, is_valid)| *is_valid) {
        return None;
    }
    match (calls::clock_synchronized(host), known.len()) {
        (Ok(true), _) | (Err(_), 1) => None,
        (Ok(false), _) => Some("the clock of this host is not synchronized".into()),
        (Err(refusal), _) => Some(format!("whether the clock is synchronized is unknown: {}", refusal.words())),
    }
}

/// The observation about the clock, if there is something to say.
pub(crate) fn observe(doubt: Option<&str>, view: &View<'_>, host: &Host) -> Option<Observation> {
    let about = host.host();
    if let Some(why) = doubt {
        let words = format!("no certificate is valid at the time of this host ({}), and {why}", date(host.now()));
        return Some(Observation::new(KEY, about, Status::Unhealthy(Severity::Critical), words));
    }
    let is_known = |seen: &Seen<'_>| seen.leaf().is_ok();
    host.is_open(KEY).then(|| match view.seen.iter().any(is_known) {
        true => Observation::new(KEY, about, Status::Healthy, "the clock of this host seems right"),
        false => Observation::unknown(KEY, about, "no certificate could be read"),
    })
}
