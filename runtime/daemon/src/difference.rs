//! Components as they are compared with another version.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::text::inert;
use ansai_core::{Bytes, Interface, InterfaceKind, InterfaceName, Millis};
use ansai_engine::functions::{MAX_FUNCTIONS, functions};
use ansai_engine::has_interface;
use ansai_registry::difference::Ability;
pub use ansai_registry::difference::{Change, Difference, Effect, Subject, What};

use crate::component::Component;

/// The most characters of a text of the author.
const MOST_TEXT: usize = 300;

/// What is compared of a component. Whoever knows who signed it adds that.
pub fn subject(component: &Component, interfaces: &[Interface]) -> Subject {
    let (manifest, imports) = (&component.manifest, &component.found.imports);
    let name = |import: &InterfaceName| inert(import.as_str(), MOST_TEXT);
    Subject {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        component: component.found.digest.clone(),
        bytes: Bytes::from(component.bytes.len()),
        imports: imports.iter().map(name).collect(),
        unknown: imports.iter().filter(|import| !has_interface(import)).map(name).collect(),
        abilities: abilities(component, interfaces),
        settings: settings(component),
        limits: manifest.limits_shown().into(),
        behaviour: behaviour(component),
        signers: None,
    }
}

/// What it both imports and asks for. It can use nothing else.
fn abilities(component: &Component, interfaces: &[Interface]) -> BTreeMap<String, Ability> {
    let imported = functions(&component.bytes);
    let mut abilities: BTreeMap<String, Ability> = BTreeMap::new();
    for import in &component.found.imports {
        let known = interfaces.iter().find(|one| one.name.same_interface(import));
        let Some(known) = known.filter(|known| known.kind != InterfaceKind::Base) else { continue };
        let Some(request) = component.manifest.capabilities.get(&known.name) else { continue };
        // A list that is empty or full does not show all that it imports.
        let listed = imported.get(import.as_str()).filter(|list| !list.is_empty() && list.len() < MAX_FUNCTIONS);
        let listed: Option<BTreeSet<String>> = listed.map(|list| list.iter().cloned().collect());
        let ability = abilities.entry(known.name.to_string()).or_insert_with(|| Ability {
            kind: known.kind,
            words: known.ability.to_owned(),
            fields: known.fields,
            functions: Some(BTreeSet::new()),
            scope: request.scope.clone(),
            required: request.required,
            reason: inert(&request.reason, MOST_TEXT),
        });
        // It may import several versions of the interface.
        ability.functions = match (ability.functions.take(), listed) {
            (Some(mut all), Some(more)) => {
                all.extend(more);
                Some(all)
            }
            _ => None,
        };
    }
    abilities
}

fn settings(component: &Component) -> BTreeMap<String, String> {
    let words = |setting: &ansai_config::SettingDescription| {
        let rest = match (&setting.default, setting.required) {
            (Some(default), _) => format!(", default {default}"),
            (None, true) => ", required".to_owned(),
            (None, false) => String::new(),
        };
        inert(&format!("{}{rest}", setting.kind), MOST_TEXT)
    };
    component.schema.describe().iter().map(|setting| (setting.path.clone(), words(setting))).collect()
}

fn behaviour(component: &Component) -> BTreeMap<&'static str, String> {
    let manifest = &component.manifest;
    let mut all = BTreeMap::from([("schedule", format!("every {}", manifest.every))]);
    let mut add = |name, text: String| {
        if !text.is_empty() {
            all.insert(name, inert(&text, MOST_TEXT));
        }
    };
    let watches: Vec<String> = manifest.watches.iter().map(ToString::to_string).collect();
    add("woken by", watches.join("; "));
    if manifest.verify_within > Millis::ZERO {
        add("verification", format!("until healthy, within {}", manifest.verify_within));
    }
    add("cooldown", manifest.cooldown.map(|time| time.to_string()).unwrap_or_default());
    let stages = manifest.to_json().get("stage").map(ToString::to_string);
    add("stages", stages.unwrap_or_default());
    all
}
