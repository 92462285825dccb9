//! Observes each endpoint of the settings, its file, and what certbot manages.

use ansai_sdk::text::date;
use ansai_sdk::{Host, Life, Measure, Observation, Severity, Status};

use crate::clock;
use crate::faults::{self, CHAIN, NAME};
use crate::files::{self, FILE};
use crate::imports::ansai::certificate::certificate_probe::Certificate;
use crate::judge::{distance, life, severity};
use crate::lineages::{self, LINEAGE};
use crate::seen::{Seen, View};
use crate::settings::Settings;
use crate::wishes;

pub(crate) fn detect(settings: &Settings, host: &Host) -> Vec<Observation> {
    let view = View::of_all(settings, host);
    let doubt = clock::doubt(&view, host);
    let mut all: Vec<Observation> = clock::observe(doubt.as_deref(), &view, host).into_iter().collect();
    for seen in &view.seen {
        let mut age = observe(seen, &view, settings, host);
        if let Some(first) = renewed_with(seen, &view).filter(|_| age.severity().is_some()) {
            age = age.caused_by(first.about(host));
        }
        let own = [age].into_iter().chain(faults::observe(seen, host));
        let is_held = |one: &Observation| doubt.is_some() && one.severity().is_some() && !one.key.starts_with(NAME);
        all.extend(own.map(|one| if is_held(&one) { one.caused_by(host.host()) } else { one }));
    }
    all.extend(files::observe(&view, host));
    all.extend(lineages::observe(settings, &view, host));
    let unknown = [(lineages::KEY, &view.lineages.missing), (wishes::KEY, &view.wishes.missing)];
    all.extend(unknown.into_iter().filter_map(|(key, why)| Some(Observation::unknown(key, host.host(), why.clone()?))));
    host.add_unmentioned(&mut all, |incident| Some(missing(incident, &view, settings)));
    host.fit(all)
}

/// The first endpoint that presents the same certificate of certbot and has a target, if that is another one: one renewal is
/// for all of them, so the host holds the findings about the others meanwhile.
fn renewed_with<'v>(seen: &Seen<'_>, view: &'v View<'_>) -> Option<&'v Seen<'v>> {
    let (lineage, leaf) = (seen.server.lineage.as_ref()?, seen.leaf().ok()?);
    let is_same = |other: &&Seen<'_>| {
        let presents = other.leaf().is_ok_and(|one| one.about == leaf.about);
        presents && other.server.lineage.as_ref() == Some(lineage) && other.server.target.is_some()
    };
    view.seen.iter().find(is_same).filter(|first| first.server.key() != seen.server.key())
}

/// The finding about the age of what an endpoint presents.
fn observe(seen: &Seen<'_>, view: &View<'_>, settings: &Settings, host: &Host) -> Observation {
    let (key, about, now) = (seen.server.key(), seen.about(host), host.now());
    let leaf = match seen.leaf() {
        Ok(leaf) => leaf,
        Err(refusal) => {
            let why = format!("the certificate of {key} is unknown: {}", refusal.words());
            return Observation::unknown(key, about, why);
        }
    };
    let life = life(leaf, now);
    let mut words = format!("the certificate of {key} {}", life.words());
    let mut worst = match life {
        Life::NotYet(_) => Some(Severity::Critical),
        Life::Left(_) | Life::Over(_) => severity(settings, leaf, now),
    };
    if let Some((path, newer)) = seen.newer(now) {
        worst = worst.max(Some(Severity::Warning));
        words = format!("{words}, and {path} has a newer one (until {}), which is not loaded", date(newer.not_after));
    }
    if let Some(wish) = view.wish(seen, now) {
        worst = worst.max(wish.severity(now));
        words = format!("{words}, and {}", wish.words());
    }
    let status = worst.map_or(Status::Healthy, Status::Unhealthy);
    let seen = Observation::new(key, about, status, words).at_distance(distance(settings, leaf, now));
    evidence(seen, leaf)
}

/// Adds what a person needs to find the certificate.
pub(crate) fn evidence(seen: Observation, certificate: &Certificate) -> Observation {
    seen.with(Measure::instant("not-after", certificate.not_after))
        .with(Measure::instant("not-before", certificate.not_before))
        .with(Measure::text("names", crate::judge::names(certificate)))
        .with(Measure::text("issuer", &*certificate.issuer))
        .with(Measure::text("serial", &*certificate.serial))
}

/// The status of an open incident that nothing else mentions.
fn missing(incident: &Observation, view: &View<'_>, settings: &Settings) -> Observation {
    let key = &*incident.key;
    // While a lineage cannot be found, nobody knows which file it has.
    let is_file = |path: &str| {
        let is_this = |seen: &Seen<'_>| seen.file.as_ref().is_some_and(|(one, _)| one == path);
        let is_unknown = |seen: &Seen<'_>| seen.file.is_none() && seen.server.lineage.is_some();
        view.seen.iter().any(|seen| is_this(seen) || is_unknown(seen))
    };
    let of_endpoint = key.strip_prefix(NAME).or_else(|| key.strip_prefix(CHAIN)).unwrap_or(key);
    if let Some(name) = key.strip_prefix(LINEAGE) {
        return match &view.lineages.missing {
            _ if !lineages::is_watched(name, settings) => no_longer_watched(incident),
            Some(why) => incident.now_unknown(why),
            None if view.lineages.no_manager => incident.now_unknown("certbot was not found"),
            None => incident.now_is(Status::Gone, format!("certbot no longer has the certificate {name}")),
        };
    }
    let is_watched = settings.server(of_endpoint).is_some() || key.strip_prefix(FILE).is_some_and(is_file);
    match key {
        wishes::KEY => incident.now_is(Status::Healthy, "the authorities can be asked about renewals"),
        lineages::KEY => incident.now_is(Status::Healthy, "the certificates of certbot can be listed"),
        _ if is_watched => incident.now_unknown(format!("{of_endpoint} cannot be checked now")),
        _ => no_longer_watched(incident),
    }
}

fn no_longer_watched(incident: &Observation) -> Observation {
    let words = format!("{} is no longer watched: the settings do not name it", incident.key);
    incident.now_is(Status::Healthy, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{settings, watching};

    #[test]
    fn a_call_that_is_never_answered_is_asked_once() {
        let host = ansai_sdk::testing::StandIn::default().host();
        let found = detect(&watching("a:1", ""), &host);
        assert!(matches!(found[0].status, Status::Unknown(_)), "{found:?}");
        let looks = host.stand_in().calls().iter().filter(|call| call.contains("look(")).count();
        assert_eq!((looks, detect(&settings(|_| {}), &host).len()), (1, 1));
    }
}
