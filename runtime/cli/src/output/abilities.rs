//! What the imports of a component let it do, in words: the same for whoever builds it and whoever looks at it.

use ansai_core::{Interface, InterfaceKind, text::inert};

use super::MOST_TEXT;
use crate::component::Component;

/// The interface that an import is of, where it is known.
pub(crate) fn interface<'i>(import: &str, interfaces: &'i [Interface]) -> Option<&'i Interface> {
    let name = import.split('@').next().unwrap_or(import);
    interfaces.iter().find(|one| one.name == name)
}

/// Imports in words. What the manifest asks for and the code does not import can never be used.
pub(crate) fn show(component: &Component, interfaces: &[Interface]) -> String {
    let text = |text: &str| inert(text, MOST_TEXT);
    let mut out = String::new();
    let mut proposes = false;
    for import in &component.found.imports {
        let Some(known) = interface(import, interfaces).filter(|known| known.kind != InterfaceKind::Base) else {
            continue;
        };
        proposes |= known.kind == InterfaceKind::Actions;
        let request = component.manifest.capabilities.get(known.name);
        let (need, reason) = match request {
            Some(request) if request.required => ("required", text(&request.reason)),
            Some(request) => ("optional", text(&request.reason)),
            None => ("not asked for: the policy does not load", String::new()),
        };
        out += &format!("  can {}\n      {} ({need}): {reason}\n", known.words, known.name);
        for (field, value) in request.iter().flat_map(|request| request.suggest.iter()) {
            let value = serde_json::to_string(value).unwrap_or_default();
            out += &format!("      suggests {} = {}\n", text(field), text(&value));
        }
    }
    if out.is_empty() {
        out += "  sees nothing of the host\n";
    }
    if !proposes {
        out += "  cannot propose any change\n";
    }
    let imported = |name: &str| component.found.imports.iter().any(|import| import.split('@').next() == Some(name));
    for name in component.manifest.capabilities.keys().filter(|name| !imported(name)) {
        out += &format!("  asks for {}, which its code does not use\n", text(name));
    }
    out
}
