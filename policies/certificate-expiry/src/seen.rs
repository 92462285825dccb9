//! What one evaluation sees: the certificates that are served, the files they come from, and what certbot manages.

use ansai_sdk::{Host, Refusal, Subject};

use crate::calls::{self, Lineages};
use crate::imports::ansai::certificate::certificate_probe::{Certificate, Chain, Lineage};
use crate::imports::ansai::certificate::served_certificate_probe::{Distrust, Presented, Served};
use crate::judge::{is_for, life, replaces};
use crate::settings::{Server, Settings};
use crate::wishes::{Wish, Wishes};

/// One endpoint of the settings, and what was seen of it.
pub(crate) struct Seen<'a> {
    pub(crate) server: &'a Server,
    pub(crate) served: Result<Served, Refusal>,
    /// The file that the server loads, if the settings or its lineage name one.
    pub(crate) file: Option<(String, Result<Chain, Refusal>)>,
}

pub(crate) struct View<'a> {
    pub(crate) seen: Vec<Seen<'a>>,
    pub(crate) lineages: Lineages,
    pub(crate) wishes: Wishes,
}

impl<'a> View<'a> {
    /// Looks at all endpoints of the settings.
    pub(crate) fn of_all(settings: &'a Settings, host: &Host) -> View<'a> {
        View::of(settings.endpoints.0.iter().collect(), settings, host)
    }

    pub(crate) fn of(servers: Vec<&'a Server>, settings: &Settings, host: &Host) -> View<'a> {
        let lineages = calls::lineages(host);
        let endpoints: Vec<_> = servers.iter().map(|server| server.endpoint()).collect();
        let answers = if endpoints.is_empty() { Vec::new() } else { calls::served(host, &endpoints) };
        let mut seen: Vec<Seen<'a>> = Vec::new();
        for (server, served) in servers.into_iter().zip(answers) {
            let lineage = server.lineage.as_ref().and_then(|name| lineages.list.iter().find(|one| one.name == *name));
            let path = server.file.clone().or_else(|| lineage.map(|one| one.path.clone()));
            let owner = lineage.filter(|one| path.as_ref() == Some(&one.path));
            let key = server.key_file.clone().or_else(|| owner.map(|one| one.key_path.clone()));
            let file = path.map(|path| {
                // Several endpoints often share a file.
                let known = seen.iter().filter_map(|one| one.file.as_ref()).find(|(known, _)| *known == path);
                let look = || calls::look_file(host, &path, key.as_deref());
                let answer = known.map_or_else(look, |(_, answer)| answer.clone());
                (path, answer)
            });
            seen.push(Seen { server, served, file });
        }
        let wishes = Wishes::of(&lineages.list, settings, host);
        View { seen, lineages, wishes }
    }

    pub(crate) fn lineage(&self, name: &str) -> Option<&Lineage> {
        self.lineages.list.iter().find(|one| one.name == name)
    }

    /// What the authority wishes now for the certificate that an endpoint presents. It was asked about the one on disk.
    pub(crate) fn wish(&self, seen: &Seen<'_>, now: u64) -> Option<&Wish> {
        let (lineage, leaf) = (self.lineage(seen.server.lineage.as_ref()?)?, seen.leaf().ok()?);
        let is_same = lineage.current.as_ref().is_some_and(|current| current.about == leaf.about);
        self.wishes.due(&lineage.name, now).filter(|_| is_same)
    }
}

impl Seen<'_> {
    /// The subject of the endpoint; that of the host if even the question was refused.
    pub(crate) fn about(&self, host: &Host) -> Subject {
        self.served.as_ref().map_or_else(|_| host.host(), |served| served.about.clone())
    }

    /// The certificate of the server.
    ///
    /// # Errors
    /// Why it is unknown.
    pub(crate) fn leaf(&self) -> Result<&Certificate, Refusal> {
        match &self.served.as_ref().map_err(Clone::clone)?.presented {
            Presented::Certificates(chain) => {
                chain.first().ok_or_else(|| Refusal::Invalid("the server sent no certificate".into()))
            }
            Presented::Failed(refusal) => Err(refusal.clone()),
        }
    }

    /// The chain of the file, if it could be read.
    pub(crate) fn chain(&self) -> Option<&Chain> {
        self.file.as_ref().and_then(|(_, answer)| answer.as_ref().ok())
    }

    /// The certificate of the file.
    pub(crate) fn on_disk(&self) -> Option<&Certificate> {
        self.chain().and_then(|chain| chain.certificates.first())
    }

    /// The path and certificate of the file if the server only has to load it: it replaces what is served, and is good.
    pub(crate) fn newer(&self, now: u64) -> Option<(&str, &Certificate)> {
        let (served, found) = (self.leaf().ok()?, self.on_disk()?);
        let is_newer = found.about != served.about && replaces(found, served, now);
        let is_good = life(found, now).is_now() && crate::files::faults(self).is_empty();
        let (path, _) = self.file.as_ref()?;
        (is_newer && is_good).then_some((path.as_str(), found))
    }

    /// What clients dislike about a chain, as far as it counts for this endpoint.
    pub(crate) fn counts(&self, distrust: Distrust) -> bool {
        match distrust {
            Distrust::UnknownIssuer => !self.server.private_issuer,
            // The life of the certificate itself is a finding of its own.
            Distrust::Expired | Distrust::NotYetValid => false,
            _ => true,
        }
    }

    /// Whether a certificate is for the name of this endpoint.
    pub(crate) fn is_for_its_name(&self, certificate: &Certificate) -> bool {
        is_for(certificate, self.server.wanted_name())
    }
}
