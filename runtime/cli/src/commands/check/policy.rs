//! One policy: its component, its sources and its scenarios.

use std::path::Path;
use std::sync::Arc;

use ansai_config::{Manifest, Schema};
use ansai_core::{Interface, codes};
use ansai_daemon::sources::{self, Source};
use ansai_daemon::{Component, Pulled, Warning};
use ansai_devkit::build::{Language, is_stale, other_contract};
use ansai_devkit::scenario::{self, Scenario, Subject};
use ansai_engine::Engine;
use ansai_kit::registry::Registry;

use super::Checked;
use crate::exit::Fault;
use crate::output::count::count;

/// What a check needs.
pub(super) struct With<'a> {
    pub(super) registry: &'a Registry,
    pub(super) interfaces: &'a [Interface],
    pub(super) engine: &'a Engine,
    pub(super) pulled: &'a Pulled,
}

/// The policy, then its scenarios: how many are valid, and each invalid one.
pub(super) fn check(source: &Source, with: &With<'_>) -> Vec<Checked> {
    let mut checked = Checked::new(source.path().display().to_string());
    let (dir, subject) = match source {
        Source::OnlySources(dir) => {
            checked.fault = sources_alone(dir, with, &mut checked.warnings).err();
            (dir.as_path(), None)
        }
        Source::Component(path) => {
            let subject = built(path, with, &mut checked);
            checked.fault = subject.as_ref().err().cloned();
            (directory(path), subject.ok())
        }
    };
    let mut all = vec![checked];
    all.extend(scenarios(dir, subject.as_ref(), with));
    all
}

/// The directory of a component.
fn directory(component: &Path) -> &Path {
    component.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The manifest beside the sources.
pub(super) fn own_manifest(dir: &Path, interfaces: &[Interface]) -> Result<Manifest, Fault> {
    let path = dir.join("policy.toml");
    Manifest::load(&path, interfaces)
        .map_err(|problems| Fault::invalid(format!("{} is invalid", path.display()), problems))
}

fn sources_alone(dir: &Path, with: &With<'_>, warnings: &mut Vec<Warning>) -> Result<(), Fault> {
    let manifest = own_manifest(dir, with.interfaces)?;
    warnings.extend(Warning::of(&manifest.warnings));
    schema(dir, &manifest)?;
    contract(dir, warnings);
    let shown = dir.display();
    match Language::of(dir) {
        Ok(_) => {
            warnings.push(Warning::new(codes::ONLY_SOURCES, format!("not built yet; run `ansai build {shown}`")));
        }
        Err(error) => warnings.push(Warning::new(error.code(), error.to_string())),
    }
    Ok(())
}

fn built(path: &Path, with: &With<'_>, checked: &mut Checked) -> Result<Subject, Fault> {
    let component = Component::read(path, with.interfaces)?;
    checked.name = format!("{} ({})", component.manifest.name, path.display());
    checked.warnings.extend(Warning::of(&component.manifest.warnings));
    let policy = component.compile(with.engine, None)?;
    let dir = directory(path);
    if sources::read(&dir.join("policy.toml")).is_ok() {
        let manifest = own_manifest(dir, with.interfaces)?;
        let is_same =
            manifest.to_json() == component.manifest.to_json() && schema(dir, &manifest)? == component.found.schema;
        let changed = match is_same {
            false => Some("policy.toml or the schema has"),
            true => is_stale(path, &component.bytes).then_some("the sources have"),
        };
        if let Some(changed) = changed {
            let message = format!("{changed} changed since the build; run `ansai build {}`", dir.display());
            checked.warnings.push(Warning::new(codes::STALE_BUILD, message));
        }
        contract(dir, &mut checked.warnings);
    }
    Ok(Subject::new(policy, component.manifest, Arc::unwrap_or_clone(component.schema), with.registry.clone()))
}

/// The valid schema beside the sources as text, if the manifest names one.
fn schema(dir: &Path, manifest: &Manifest) -> Result<Option<String>, Fault> {
    let Some(name) = &manifest.settings_schema else { return Ok(None) };
    let path = dir.join(name);
    Schema::load(&path).map_err(|problems| Fault::invalid(format!("{} is invalid", path.display()), problems))?;
    Ok(Some(String::from_utf8_lossy(&sources::read(&path)?).into_owned()))
}

fn contract(dir: &Path, warnings: &mut Vec<Warning>) {
    let others = other_contract(dir).into_iter();
    warnings.extend(others.map(|other| Warning::new(codes::OTHER_CONTRACT, other.to_string())));
}

/// How many scenarios are valid, and each invalid one. Without a component, fewer checks are possible.
fn scenarios(dir: &Path, subject: Option<&Subject>, with: &With<'_>) -> Vec<Checked> {
    let dir = dir.join("scenarios");
    let files = match sources::scenarios(&dir) {
        Ok(files) => files,
        Err(error) => return vec![Checked { fault: Some(error.into()), ..Checked::new(dir.display().to_string()) }],
    };
    let mut valid = 0_u64;
    let mut all = Vec::new();
    for file in &files {
        let looked = match subject {
            Some(subject) => scenario::look(subject, file),
            None => scenario::look_alone(with.registry, file),
        };
        match looked {
            Ok(()) => valid += 1,
            Err(problems) => {
                let message = format!("invalid scenario {}", Scenario::name(file));
                let fault = Some(Fault::invalid(message, problems));
                all.push(Checked { fault, ..Checked::new(file.display().to_string()) });
            }
        }
    }
    if valid > 0 {
        all.insert(0, Checked::new(format!("{} ({})", dir.display(), count(valid, "scenario"))));
    }
    all
}
