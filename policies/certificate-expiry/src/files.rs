//! The file that a server loads: what would happen if it were loaded now.

use ansai_sdk::{Host, Life, Observation, Refusal, Severity, Status};

use crate::faults::words;
use crate::imports::ansai::certificate::certificate_probe::Pairing;
use crate::imports::ansai::certificate::served_certificate_probe::Distrust;
use crate::judge::{life, names, replaces};
use crate::seen::{Seen, View};

/// The prefix of the keys of these findings.
pub(crate) const FILE: &str = "file:";

/// What is wrong with the file of an endpoint apart from its age, worst first, each with its severity. What it has in common
/// with what is served is a finding about the endpoint.
pub(crate) fn faults(seen: &Seen<'_>) -> Vec<(Severity, String)> {
    let (Some(chain), Some(leaf)) = (seen.chain(), seen.on_disk()) else { return Vec::new() };
    let mut found = Vec::new();
    if chain.key == Pairing::Differs {
        found.push((Severity::Critical, "its private key belongs to another certificate".to_owned()));
    }
    if seen.leaf().is_ok_and(|served| served.about == leaf.about) {
        return found;
    }
    if !seen.is_for_its_name(leaf) {
        found.push((Severity::Warning, format!("it is for {}, not for {}", names(leaf), seen.server.wanted_name())));
    }
    let counts = |one: &&Distrust| seen.counts(**one) && **one != Distrust::WrongName;
    found.extend(chain.distrust.iter().filter(counts).map(|one| (Severity::Warning, words(*one).to_owned())));
    found
}

/// The findings about files, one for each file.
pub(crate) fn observe(view: &View<'_>, host: &Host) -> Vec<Observation> {
    let mut all: Vec<Observation> = Vec::new();
    for seen in &view.seen {
        let Some((path, answer)) = &seen.file else { continue };
        let key = format!("{FILE}{path}");
        let observation = match answer {
            Ok(chain) => {
                let mut found = faults(seen);
                found.extend(out_of_step(seen, host.now()));
                let about = chain.about.clone();
                match found.iter().map(|(severity, _)| *severity).max() {
                    Some(severity) => {
                        let words: Vec<String> = found.into_iter().map(|(_, words)| words).collect();
                        let words = format!("{path} must not be loaded: {}", words.join("; "));
                        Observation::new(&key, about, Status::Unhealthy(severity), words)
                    }
                    None if host.is_open(&key) => {
                        Observation::new(&key, about, Status::Healthy, format!("{path} can be loaded"))
                    }
                    None => continue,
                }
            }
            Err(Refusal::NotFound(_)) => {
                let words = format!("{path} does not exist: {} would not start with it", seen.server.address);
                Observation::new(&key, seen.about(host), Status::Unhealthy(Severity::Warning), words)
            }
            Err(refusal) => {
                let why = format!("{path} cannot be read: {}", refusal.words());
                Observation::unknown(&key, seen.about(host), why)
            }
        };
        // Of several endpoints with one file, the worst is said.
        observation.add_worst(&mut all);
    }
    all
}

/// A file that is older than what is served, or not valid now: to load it would be a step back.
fn out_of_step(seen: &Seen<'_>, now: u64) -> Option<(Severity, String)> {
    let (served, leaf) = (seen.leaf().ok()?, seen.on_disk()?);
    if served.about == leaf.about {
        return None;
    }
    match life(leaf, now) {
        Life::Left(_) if leaf.not_after == served.not_after || replaces(leaf, served, now) => None,
        Life::Left(_) => Some((Severity::Notice, "it is older than what is served".into())),
        life => Some((Severity::Warning, format!("its certificate {}", life.words()))),
    }
}
