//! What to do about a finding: load what was renewed, renew what certbot manages, and tell a person everything else.

mod steps;
#[cfg(test)]
mod tests;

use ansai_sdk::text::date;
use ansai_sdk::{CouldNotTell as _, Decision, Failure, Host, Life, Observation, Recommendation, Span, text};

use crate::calls::{ACTIONS, RENEW};
use crate::clock;
use crate::faults::{self, CHAIN, NAME};
use crate::files::FILE;
use crate::imports::ansai::certificate::certificate_probe::Lineage;
use crate::judge::{life, severity};
use crate::lineages::LINEAGE;
use crate::seen::{Seen, View};
use crate::settings::Settings;

const WEEK: Span = Span::from_days(7);
/// The stage at which nothing is applied.
const PERSON: &str = "person";

/// What all parts use.
struct Situation<'a> {
    host: &'a Host,
    settings: &'a Settings,
    finding: &'a Observation,
    /// As it is now: since `detect`, certbot or a person may have acted.
    seen: &'a Seen<'a>,
    view: &'a View<'a>,
}

pub(crate) fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
    let key = &*finding.key;
    let of_endpoint = |kind: &str| key.strip_prefix(kind).and_then(|key| settings.server(key));
    let Some(server) = settings.server(key).or_else(|| of_endpoint(NAME)).or_else(|| of_endpoint(CHAIN)) else {
        return Ok(of_other(key, finding));
    };
    let view = View::of(vec![server], settings, host);
    let Some(seen) = view.seen.first() else { return Ok(Decision::Wait(format!("{key} is not watched"))) };
    // Only the other endpoints show whether the clock is wrong.
    if seen.leaf().is_ok_and(|leaf| !life(leaf, host.now()).is_now())
        && let Some(why) = clock::doubt(&View::of_all(settings, host), host)
    {
        let words = format!("no certificate is valid at the time of this host, and {why}");
        return Ok(Decision::Recommend(vec![advice(finding, "check the clock of this host", words)]));
    }
    let situation = Situation { host, settings, finding, seen, view: &view };
    match settings.server(key) {
        Some(_) => situation.decide(),
        None => Ok(situation.of_fault()),
    }
}

/// Findings that are about no endpoint.
fn of_other(key: &str, finding: &Observation) -> Decision {
    let (what, why) = if key == clock::KEY {
        (
            "set the clock of this host",
            "with a wrong clock, certificates look expired that are not; `timedatectl` shows it".to_owned(),
        )
    } else if let Some(path) = key.strip_prefix(FILE) {
        ("correct the file before the server is restarted", format!("{path} is what the server loads then"))
    } else if let Some(name) = key.strip_prefix(LINEAGE) {
        let why = format!(
            "`certbot renew --cert-name {name}` renews it and says what is wrong; `certbot delete` removes it if it is no \
             longer used; an entry in `endpoints` lets ansai renew it"
        );
        ("renew or delete this certificate of certbot", why)
    } else {
        return Decision::Wait(format!("{key} is no longer watched"));
    };
    Decision::Recommend(vec![advice(finding, what, why)])
}

fn advice(finding: &Observation, what: &str, why: impl Into<String>) -> Recommendation {
    let name = finding.key.strip_prefix(NAME).or_else(|| finding.key.strip_prefix(CHAIN)).unwrap_or(&finding.key);
    Recommendation::on(finding, name, what, why)
}

impl Situation<'_> {
    /// What a renewal does not repair.
    fn of_fault(&self) -> Decision {
        let Ok(served) = &self.seen.served else { return Decision::Wait("the server cannot be checked now".into()) };
        let (what, why) = if self.finding.key.starts_with(NAME) {
            let wanted = self.seen.server.wanted_name();
            let why = format!("issue a certificate for {wanted}, or have the server choose another one for this name");
            ("its certificate is for another name", why)
        } else {
            ("correct its chain", faults::advice(&served.distrust).to_owned())
        };
        match self.seen.newer(self.host.now()) {
            Some((path, _)) => Decision::Wait(format!("{path} has a newer certificate, which is loaded first")),
            None => self.recommend(what, why),
        }
    }

    fn decide(&self) -> Result<Decision, Failure> {
        let (key, now) = (&self.finding.key, self.host.now());
        let leaf = self.seen.leaf().could_not_tell(&format!("the certificate of {key} is unknown"))?;
        let life = life(leaf, now);
        if let Some((path, _)) = self.seen.newer(now) {
            return Ok(self.load(path));
        }
        if matches!(life, Life::NotYet(_)) {
            let why = format!(
                "it {} ({}): a renewal would replace it, but not explain it; load the previous one until then",
                life.words(),
                date(leaf.not_before)
            );
            return Ok(self.recommend("its certificate is not valid yet", why));
        }
        let wish = self.view.wish(self.seen, now);
        if severity(self.settings, leaf, now).is_none() && wish.is_none() {
            return Ok(Decision::Wait(format!("the certificate of {key} {} now", life.words())));
        }
        let wish = wish.map_or_else(String::new, |wish| format!(", and {}", wish.words()));
        Ok(self.renew(&format!("it {} ({}){wish}", life.words(), date(leaf.not_after))))
    }

    fn load(&self, path: &str) -> Decision {
        let Some(target) = &self.seen.server.target else {
            let why =
                format!("{path} has a newer certificate; with `target` in its entry of `endpoints`, ansai does this");
            return self.recommend("reload the server", why);
        };
        if let Some(decision) = self.not_now(&format!("reload the server: {path} has a newer certificate")) {
            return decision;
        }
        steps::load(self, target)
    }

    /// Renews what certbot manages. `why` says when the certificate expires.
    fn renew(&self, why: &str) -> Decision {
        let server = self.seen.server;
        let Some(name) = &server.lineage else {
            let how = "ansai does not know who renews it: get a new certificate from its issuer and load it, or name its \
                       `lineage` if certbot renews it";
            return self.recommend("renew its certificate", format!("{why}; {how}"));
        };
        let Some(lineage) = self.view.lineage(name) else {
            let missing = self.view.lineages.missing.clone();
            let missing = missing.unwrap_or_else(|| format!("certbot has no certificate with the name {name}"));
            return self.recommend("renew its certificate", format!("{why}; {missing}"));
        };
        let Some(target) = &server.target else {
            let how = format!(
                "`certbot renew --cert-name {name}` renews it, then reload the server; with `target` in its entry of \
                 `endpoints`, ansai does both"
            );
            return self.recommend("renew its certificate", format!("{why}; {how}"));
        };
        if let Some(decision) = self.not_now(&format!("{why}; {}", by_hand(lineage))) {
            return decision;
        }
        if let Some(staged) = steps::usable(self, lineage) {
            return steps::install(self, lineage, target, Some(staged));
        }
        // Those of this endpoint's certificate.
        match self.host.steps_since(self.host.now().saturating_sub(WEEK.0), &self.finding.about, RENEW) {
            Err(refusal) => Decision::Wait(format!("it is unknown how often {name} was renewed: {}", refusal.words())),
            Ok(count) if count >= self.settings.renewals => {
                let count = text::count(count.into(), "renewal");
                let why = match self.settings.renewals {
                    0 => format!("{why}; `renewals` is 0, so it is not renewed; {}", by_hand(lineage)),
                    _ => format!("{why}; {count} within 7 days did not help; {}", by_hand(lineage)),
                };
                self.recommend("renew its certificate", why)
            }
            Ok(_) => steps::install(self, lineage, target, None),
        }
    }

    /// Why nothing may be done by the policy, whatever would be right.
    fn not_now(&self, why: &str) -> Option<Decision> {
        if !self.host.grants().has(ACTIONS) {
            return Some(self.recommend("its certificate needs a person", format!("{why}; {ACTIONS} is not granted")));
        }
        if self.host.stage() == PERSON {
            let failed =
                self.host.last_failure().map_or_else(String::new, |detail| format!("; last attempt: {detail}"));
            return Some(self.recommend("its certificate needs a person", format!("{why}{failed}")));
        }
        None
    }

    fn recommend(&self, what: &str, why: impl Into<String>) -> Decision {
        Decision::Recommend(vec![advice(self.finding, what, why)])
    }
}

fn by_hand(lineage: &Lineage) -> String {
    let by_hand = format!("`certbot renew --cert-name {}` shows what is wrong", lineage.name);
    match &*lineage.last_failure {
        "" => by_hand,
        failure => format!("{by_hand}; the last renewal failed: {}", text::cut(failure, 300)),
    }
}
