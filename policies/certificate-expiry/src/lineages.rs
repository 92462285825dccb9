//! Certificates of certbot that no endpoint names: nobody sees how they are served, but whether they are renewed.

use ansai_sdk::{Host, Observation, Status, text};

use crate::judge::{distance, life, severity};
use crate::seen::View;
use crate::settings::Settings;

/// The prefix of the keys of these findings.
pub(crate) const LINEAGE: &str = "lineage:";
/// The key of what is unknown of all of them.
pub(crate) const KEY: &str = "lineages";

pub(crate) fn is_watched(name: &str, settings: &Settings) -> bool {
    let is_named = settings.endpoints.0.iter().any(|server| server.lineage.as_deref() == Some(name));
    !is_named && !settings.ignores_lineage(name)
}

pub(crate) fn observe(settings: &Settings, view: &View<'_>, host: &Host) -> Vec<Observation> {
    let watched = view.lineages.list.iter().filter(|one| is_watched(&one.name, settings));
    watched
        .map(|lineage| {
            let (key, about, name) = (format!("{LINEAGE}{}", lineage.name), lineage.about.clone(), &lineage.name);
            let Some(current) = &lineage.current else {
                return Observation::unknown(key, about, format!("the certificate {name} of certbot cannot be read"));
            };
            let wish = view.wishes.due(name, host.now());
            let worst = severity(settings, current, host.now()).max(wish.and_then(|wish| wish.severity(host.now())));
            let status = worst.map_or(Status::Healthy, Status::Unhealthy);
            let mut words = format!("the certificate {name} of certbot {}", life(current, host.now()).words());
            if let Some(wish) = wish {
                words = format!("{words}, and {}", wish.words());
            }
            if status != Status::Healthy && !lineage.last_failure.is_empty() {
                words = format!("{words}; its last renewal failed: {}", text::cut(&lineage.last_failure, 200));
            }
            let seen = Observation::new(key, about, status, words).at_distance(distance(settings, current, host.now()));
            crate::detect::evidence(seen, current)
        })
        .collect()
}
