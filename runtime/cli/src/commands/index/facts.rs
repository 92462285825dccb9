//! The facts of policies that an index has: read from components, from registries, and from runs of scenarios.

use std::collections::BTreeMap;
use std::path::Path;

use ansai_core::{Interface, InterfaceKind, InterfaceName, codes};
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_daemon::{Component, pulled};
use ansai_devkit::scenario;
use ansai_engine::Engine;
use ansai_engine::metadata::metadata;
use ansai_kit::registry::Registry;
use ansai_registry::index::{CHAOS_FILE, Chaos, ChaosFile, Listed, MOST_CHAOS_BYTES, Scenarios, Signer, Version};
use ansai_registry::{Claim, Client, PublicKey, Reference, RegistryError, Signature, Store, provenances, signers};
use ansai_storage::Location;

use crate::commands::test::subject;
use crate::compiler;
use crate::exit::{self, Fault};
use crate::global::Global;
use crate::output::abilities;
use crate::registry::{self, Reached};

/// Policies by name and repository.
type Policies = BTreeMap<(String, Option<String>), Listed>;

pub(super) struct Facts {
    interfaces: Vec<Interface>,
    registry: Registry,
    engine: Engine,
    /// With the names that the index gives them.
    signers: Vec<(String, PublicKey)>,
    most_versions: usize,
    policies: Policies,
    /// Results of scenarios by SHA-256 of a component.
    scenarios: BTreeMap<String, Scenarios>,
    /// Figures of chaos boards that were given, the first ones first.
    boards: Vec<ChaosFile>,
    /// The figures of each component, by its SHA-256.
    chaos: BTreeMap<String, Chaos>,
}

impl Facts {
    pub(super) fn new(
        signers: Vec<(String, PublicKey)>,
        most_versions: usize,
        boards: Vec<ChaosFile>,
    ) -> anyhow::Result<Facts> {
        let registry = ansai_host_functions::builtin();
        Ok(Facts {
            interfaces: registry.interfaces(),
            engine: compiler::engine(registry.clone())?,
            registry,
            signers,
            most_versions,
            policies: Policies::new(),
            scenarios: BTreeMap::new(),
            boards,
            chaos: BTreeMap::new(),
        })
    }

    /// The built policies of a directory, with the results of their scenarios. A policy that is refused hides no other one.
    pub(super) fn directory(&mut self, path: &Path, refused: &mut Vec<Fault>) -> anyhow::Result<()> {
        for source in sources::find(&[path.to_owned()])? {
            let added = match &source {
                Source::Component(path) => self.built(path),
                Source::OnlySources(dir) => {
                    Err(ansai_daemon::Error::from(SourceError::OnlySources(dir.clone())).into())
                }
            };
            if let Err(error) = added {
                let other = || Fault::other(codes::OTHER, format!("{}: {error:#}", source.path().display()));
                refused.push(exit::fault(&error).unwrap_or_else(other));
            }
        }
        Ok(())
    }

    fn built(&mut self, path: &Path) -> anyhow::Result<()> {
        let component = Component::read(path, &self.interfaces)?;
        let files = sources::scenarios(&path.parent().unwrap_or(Path::new(".")).join("scenarios"))?;
        if !files.is_empty() {
            let subject = subject(path, &self.engine, &self.registry)?;
            let mut found = Scenarios { count: 0, passed: 0 };
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            scenario::run_all(&subject, &files, threads, |tested| {
                found.count += 1;
                found.passed += usize::from(tested.passed());
            })?;
            self.scenarios.insert(component.found.digest.clone(), found);
        }
        self.add(&component, None, None);
        // Those beside it are of this build; a file with many policies is of all of them. Both are the word of who wrote them.
        let own = chaos(&path.parent().unwrap_or(Path::new(".")).join(CHAOS_FILE));
        let name = &component.manifest.name;
        let boards = own.as_ref().ok().into_iter().flatten().chain(&self.boards);
        if let Some(figures) = boards.filter_map(|one| one.of(name)).next() {
            self.chaos.insert(component.found.digest.clone(), figures);
        }
        own.map(drop).map_err(Into::into)
    }

    /// The highest versions of a repository. A version that is refused hides no other one.
    pub(super) fn repository(
        &mut self,
        text: &str,
        reached: &Reached,
        global: &Global,
        refused: &mut Vec<Fault>,
    ) -> Result<(), ansai_daemon::Error> {
        // Any tag: the versions are listed.
        let reference = Reference::parse_with_tag(text, "any")?;
        let store = registry::store(global, &self.interfaces)?;
        let client = reached.client(reference.registry(), &store)?;
        registry::sweep(&store, global);
        for version in client.all_versions(&reference)?.iter().take(self.most_versions) {
            if let Err(error) = self.published(&client, &store, version) {
                let fault = Fault::from(error);
                refused.push(Fault { message: format!("{version}: {}", fault.message), ..fault });
            }
        }
        Ok(())
    }

    fn published(&mut self, client: &Client, store: &Store, reference: &Reference) -> Result<(), ansai_daemon::Error> {
        let fetched = client.fetch(reference, store)?;
        let locked = pulled::check(store, &reference.to_string(), &fetched, &self.interfaces)?;
        let component = Component::read(&store.path(&locked.component), &self.interfaces)?;
        let claim = Claim::of(reference, &locked);
        let signatures = client.signatures(reference, &locked.digest)?;
        self.add(&component, Some((reference, &claim)), Some(&signatures));
        Ok(())
    }

    fn add(&mut self, component: &Component, place: Option<(&Reference, &Claim)>, signatures: Option<&[Signature]>) {
        let manifest = &component.manifest;
        // An import that is left out would make a policy look harmless.
        let ability = |import: &InterfaceName| match abilities::interface(import, &self.interfaces) {
            Some(known) if known.kind == InterfaceKind::Base => None,
            Some(known) => Some(known.ability.to_owned()),
            None => abilities::unknown(import),
        };
        let keys: Vec<PublicKey> = self.signers.iter().map(|(_, key)| key.clone()).collect();
        let signed = |claim| signers(claim, signatures.unwrap_or_default(), &keys);
        let found = place.map(|(_, claim)| signed(claim)).unwrap_or_default();
        let named = self.signers.iter().filter(|(_, key)| found.contains(&key));
        let built =
            place.map(|(_, claim)| provenances(claim, signatures.unwrap_or_default(), &keys)).unwrap_or_default();
        let version = Version {
            version: manifest.version.clone(),
            digest: place.map(|(_, claim)| claim.digest.to_string()),
            component: component.found.digest.clone(),
            bytes: u64::try_from(component.bytes.len()).unwrap_or(u64::MAX),
            imports: component.found.imports.iter().map(ToString::to_string).collect(),
            abilities: component.found.imports.iter().filter_map(ability).collect(),
            languages: metadata(&component.bytes).languages.into_iter().map(|one| one.name).collect(),
            signers: named.map(|(name, key)| Signer { name: name.clone(), key: key.hint() }).collect(),
            is_reproduced: built.iter().any(|(provenance, _)| provenance.is_reproduced),
            scenarios: None,
            chaos: None,
        };
        let repository = place.map(|(reference, _)| format!("{}/{}", reference.registry(), reference.repository()));
        let listed = self.policies.entry((manifest.name.clone(), repository.clone())).or_insert_with(|| Listed {
            name: manifest.name.clone(),
            repository,
            description: manifest.description.clone(),
            versions: Vec::new(),
        });
        if !listed.versions.iter().any(|one| one.version == version.version) {
            listed.versions.push(version);
        }
    }

    /// All policies, with the results of scenarios also where the same component is in a registry. One that is in a registry
    /// too is not listed a second time.
    pub(super) fn policies(self) -> Vec<Listed> {
        let Facts { policies, scenarios, chaos, .. } = self;
        let published: Vec<String> = policies
            .values()
            .filter(|one| one.repository.is_some())
            .flat_map(|one| one.versions.iter().map(|version| version.component.clone()))
            .collect();
        let mut all: Vec<Listed> = policies.into_values().collect();
        for policy in &mut all {
            if policy.repository.is_none() {
                policy.versions.retain(|version| !published.contains(&version.component));
            }
            for version in &mut policy.versions {
                version.scenarios = scenarios.get(&version.component).copied();
                version.chaos = chaos.get(&version.component).cloned();
            }
        }
        all.retain(|policy| !policy.versions.is_empty());
        all
    }
}

/// The figures of a file; `None` if there is none.
pub(super) fn chaos(path: &Path) -> Result<Option<ChaosFile>, Fault> {
    let refused = |why: &str| Fault::usage(codes::CHAOS_FIGURES, format!("{} {why}", path.display()));
    let content = Location::followed(path).read(MOST_CHAOS_BYTES).map_err(RegistryError::from);
    match content.map_err(|error| Fault::from(ansai_daemon::Error::from(error)))? {
        Some(content) => ChaosFile::read(&content.bytes).map(Some).map_err(|why| refused(&why)),
        None => Ok(None),
    }
}
