//! A policy that a command is asked about: a file, a directory, an instance of the configuration, or a name in a registry.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansai_config::{BUILTIN, REGISTRY};
use ansai_core::Interface;
use ansai_daemon::component::Component;
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_registry::{Claim, PublicKey, Reference, Selector, signers};

use crate::global::Global;
use crate::registry::{self, Checked, Reached};

/// A component, and where it is from.
pub(crate) struct Found {
    pub(crate) component: Component,
    /// What `source` of the configuration would be.
    pub(crate) source: String,
    /// Files of the given keys that have signed it; `None` if it is of no registry, or no key was given.
    pub(crate) signed_by: Option<BTreeSet<String>>,
    /// Whether it is in a registry or was pulled from one.
    pub(crate) is_of_registry: bool,
}

/// What finding needs.
pub(crate) struct Finder<'a> {
    pub(crate) global: &'a Global,
    pub(crate) reached: &'a Reached,
    pub(crate) keys: &'a [PathBuf],
    pub(crate) interfaces: &'a [Interface],
}

impl Finder<'_> {
    /// All policies of a name; only a directory has several.
    pub(crate) fn all(&self, text: &str) -> anyhow::Result<Vec<Found>> {
        if !text.starts_with(BUILTIN) && !Path::new(text).exists() {
            if let Some(found) = self.pinned(text)? {
                return Ok(vec![found]);
            }
            if is_reference(text) {
                return Ok(vec![self.in_registry(text)?]);
            }
        }
        let share = self.global.share();
        let paths = share.resolve(&[PathBuf::from(text)]).map_err(ansai_daemon::Error::from)?;
        let component = |source| match source {
            Source::Component(path) => {
                let component = Component::read(&path, self.interfaces)?;
                let source = share.source_text(&path, &component.manifest.name);
                Ok(Found { component, source, signed_by: None, is_of_registry: false })
            }
            Source::OnlySources(dir) => Err(ansai_daemon::Error::from(SourceError::OnlySources(dir))),
        };
        Ok(sources::find(&paths)?.into_iter().map(component).collect::<Result<_, _>>()?)
    }

    /// The only policy of a name.
    pub(crate) fn one(&self, text: &str) -> anyhow::Result<Found> {
        let mut all = self.all(text)?.into_iter();
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            _ => {
                let message = format!("{text} does not lead to exactly one policy");
                Err(crate::exit::Fault::usage(ansai_core::codes::USAGE, message).into())
            }
        }
    }

    /// What an instance of the configuration runs.
    fn pinned(&self, text: &str) -> anyhow::Result<Option<Found>> {
        let Ok(name) = text.parse() else { return Ok(None) };
        let Some(configuration) = self.global.configuration(self.interfaces)? else { return Ok(None) };
        let Some(source) = configuration.config.source(&name) else { return Ok(None) };
        let (pulled, share) = (self.global.pulled(), self.global.share());
        let (path, digest) = pulled.source(&configuration, &share, source)?;
        let written = configuration.config.policies.get(&name).and_then(|one| one.source.clone());
        let component = Component::read(&path, self.interfaces)?;
        let source = written.unwrap_or_else(|| path.display().to_string());
        Ok(Some(Found { component, source, signed_by: None, is_of_registry: digest.is_some() }))
    }

    /// From the store if it has exactly this version, else from the registry. Nothing gets a name in the store.
    fn in_registry(&self, text: &str) -> anyhow::Result<Found> {
        let text = text.strip_prefix(REGISTRY).unwrap_or(text);
        if self.keys.is_empty()
            && let Some(component) = self.stored(text)?
        {
            return Ok(of_registry(component, text, None));
        }
        let Checked { client, fetched, locked, component, .. } = registry::checked(text, self.reached, self.global)?;
        if self.keys.is_empty() {
            return Ok(of_registry(component, text, None));
        }
        let keys = registry::public_keys(self.keys)?;
        let signatures = client.signatures(&fetched.reference, &locked.digest).map_err(ansai_daemon::Error::from)?;
        let claim = Claim::of(&fetched.reference, &locked);
        let found: Vec<&PublicKey> = signers(&claim, &signatures, &keys);
        let files = self.keys.iter().zip(&keys).filter(|(_, key)| found.contains(key));
        let signed_by = files.map(|(file, _)| file.display().to_string()).collect();
        Ok(of_registry(component, text, Some(signed_by)))
    }

    /// A version that was pulled. A range can have a newer one in the registry.
    fn stored(&self, text: &str) -> anyhow::Result<Option<Component>> {
        let Ok(reference) = text.parse::<Reference>() else { return Ok(None) };
        if matches!(reference.selector, Selector::Versions(_)) {
            return Ok(None);
        }
        let Some(store) = registry::existing_store(self.global)? else { return Ok(None) };
        let entries = store.entries().map_err(ansai_daemon::Error::from)?;
        let Some(entry) = entries.into_iter().find(|entry| entry.reference == reference) else { return Ok(None) };
        // What is damaged is fetched again.
        let Ok((path, _)) = store.component(&entry.digest) else { return Ok(None) };
        Ok(Some(Component::read(&path, self.interfaces)?))
    }
}

fn of_registry(component: Component, text: &str, signed_by: Option<BTreeSet<String>>) -> Found {
    Found { component, source: format!("{REGISTRY}{text}"), signed_by, is_of_registry: true }
}

/// Whether a text that is no path is meant as a name in a registry: `acme/web@^1`, `registry.example/acme/web:1.0.0`.
fn is_reference(text: &str) -> bool {
    let is_name = !text.starts_with(['.', '/']) && text.contains('/') && text.contains([':', '@']);
    text.starts_with(REGISTRY) || is_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_taken_for_a_name_in_a_registry() {
        for (text, expected) in [
            ("registry.example/acme/web:1.0.0", true),
            ("oci:registry.example/acme/web@^1", true),
            ("acme/web@^1", true),
            ("policies/web", false),
            ("./policies/web:1", false),
            ("/policies/web@1", false),
            ("web.wasm", false),
        ] {
            assert_eq!(is_reference(text), expected, "{text}");
        }
    }
}
