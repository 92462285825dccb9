//! What the imports of a component let it do, as text and as JSON.

use std::collections::BTreeMap;

use ansai_config::{CALLS_OUT, Request};
use ansai_core::scope::Reach;
use ansai_core::{Field, Interface, InterfaceKind, InterfaceName, Scope, text::inert};
use ansai_daemon::Component;
use ansai_engine::has_interface;
use serde_json::{Value, json};

use super::MOST_TEXT;

const SEES_NOTHING: &str = "  cannot read anything from the host\n";
const PROPOSES_NOTHING: &str = "  cannot propose any change\n";

/// The interface of an import, if this host knows it.
pub(crate) fn interface<'i>(import: &InterfaceName, interfaces: &'i [Interface]) -> Option<&'i Interface> {
    interfaces.iter().find(|one| one.name.same_interface(import))
}

/// What is said of an import that this ansai cannot serve; `None` for one that it can, which may have types alone.
pub(crate) fn unknown(import: &InterfaceName) -> Option<String> {
    (!has_interface(import)).then(|| format!("use {import}, which this ansai does not know"))
}

/// What imports let a component do, without the reasons of a manifest.
pub(crate) fn of_imports(imports: &[InterfaceName], interfaces: &[Interface]) -> String {
    let known = imports.iter().filter_map(|import| interface(import, interfaces));
    let known: Vec<&Interface> = known.filter(|known| known.kind != InterfaceKind::Base).collect();
    let mut out: String = known
        .iter()
        .map(|known| format!("  can {}\n      {}\n{}", known.ability, known.name, calls_out(known)))
        .collect();
    let missing = imports.iter().filter(|import| interface(import, interfaces).is_none());
    let missing: String = missing.filter_map(unknown).map(|words| format!("  can {words}\n")).collect();
    out += &missing;
    if out.is_empty() {
        out += SEES_NOTHING;
    }
    if missing.is_empty() && !known.iter().any(|known| known.kind == InterfaceKind::Actions) {
        out += PROPOSES_NOTHING;
    }
    out
}

/// The functions that a component imports, by interface with version; see [`ansai_engine::functions`].
pub(crate) type Functions = BTreeMap<String, Vec<String>>;

/// What a component can do. An interface that the manifest asks for but the code does not import is never used.
pub(crate) fn show(component: &Component, functions: &Functions, interfaces: &[Interface]) -> String {
    let mut out = String::new();
    let mut proposes = false;
    for import in &component.found.imports {
        let Some(known) = interface(import, interfaces) else {
            if let Some(words) = unknown(import) {
                out += &format!("  can {words}\n");
                proposes = true;
            }
            continue;
        };
        if known.kind == InterfaceKind::Base {
            continue;
        }
        proposes |= known.kind == InterfaceKind::Actions;
        let request = component.manifest.capabilities.get(&known.name);
        out += &format!("  {}\n      {} {}\n", sentence(known, request), known.name, need(request));
        if let Some(functions) = functions.get(import.as_str()).filter(|functions| !functions.is_empty()) {
            out += &format!("      imports {}\n", text(&functions.join(", ")));
        }
        out += &calls_out(known);
        let tables = request.map(Request::tables).unwrap_or_default();
        for (index, table) in tables.iter().enumerate() {
            let is_one = tables.len() == 1;
            if !is_one {
                out += format!("      table {} of {} {}", index + 1, tables.len(), reach_of(known, table)).trim_end();
                out += "\n";
            }
            let indent = if is_one { "" } else { "  " };
            for bound in known.fields.iter().filter_map(|field| bound(field, table)) {
                out += &format!("      {indent}{bound}\n");
            }
        }
    }
    if out.is_empty() {
        out += SEES_NOTHING;
    }
    if !proposes {
        out += PROPOSES_NOTHING;
    }
    let imported = |name: &InterfaceName| component.found.imports.iter().any(|import| import.same_interface(name));
    for name in component.manifest.capabilities.keys().filter(|name| !imported(name)) {
        out += &format!("  asks for {name}, but does not import it\n");
    }
    out
}

/// A line that says so, if it calls servers.
fn calls_out(interface: &Interface) -> String {
    if interface.calls_out() { format!("      {CALLS_OUT}\n") } else { String::new() }
}

/// Imports as JSON.
pub(crate) fn document(component: &Component, functions: &Functions, interfaces: &[Interface]) -> Vec<Value> {
    let imports = component.found.imports.iter().map(|import| {
        let known = interface(import, interfaces);
        let request = known.and_then(|known| component.manifest.capabilities.get(&known.name));
        json!({
            "name": import,
            "kind": known.map(|one| one.kind),
            "functions": functions.get(import.as_str()),
            "words": known.map(|one| one.ability),
            "sentence": known.map(|one| sentence(one, request)),
            "known": has_interface(import),
            "sensitivity": known.map(|one| one.sensitivity),
            "required": request.map(|request| request.required),
            "reason": request.map(|request| &request.reason),
            "scope": request.map(|request| &request.scope),
            "suggest": request.map(|request| &request.suggest),
        })
    });
    imports.collect()
}

/// What is requested and what is suggested in one table.
type Table = (Scope, Scope);

/// `can propose to remove files under /var/log`; several tables are alternatives.
fn sentence(interface: &Interface, request: Option<&Request>) -> String {
    let tables = request.map(Request::tables).unwrap_or_default();
    let mut reach: Vec<String> = Vec::new();
    for words in tables.iter().map(|table| reach_of(interface, table)).filter(|words| !words.is_empty()) {
        if !reach.contains(&words) {
            reach.push(words);
        }
    }
    let reach = if reach.is_empty() { String::new() } else { format!(" {}", reach.join(", or ")) };
    format!("can {}{reach}", interface.ability)
}

/// `under /var/log`, for all sets of one table.
fn reach_of(interface: &Interface, table: &Table) -> String {
    let words = interface.fields.iter().map(|field| reach(field, table)).filter(|words| !words.is_empty());
    words.collect::<Vec<String>>().join(", ")
}

/// The directories or names that a grant covers: what is asked for, or what the operator chooses.
fn reach(field: &Field, (asked, suggested): &Table) -> String {
    let Some(Reach { preposition, things }) = field.reach() else { return String::new() };
    match (asked.get(field), suggested.get(field)) {
        (Some(asked), _) if asked.is_empty() => format!("{preposition} nothing"),
        (Some(asked), _) => format!("{preposition} {}", text(&field.show(asked))),
        (None, Some(suggested)) if !suggested.is_empty() => {
            format!("{preposition} {things} that you choose (suggested: {})", text(&field.show(suggested)))
        }
        _ => format!("{preposition} {things} that you choose"),
    }
}

/// `max_files: at most 10000, default; files in one step`; `None` for a set.
fn bound(field: &Field, (asked, suggested): &Table) -> Option<String> {
    let (value, whose) = match (asked.get(field), suggested.get(field)) {
        (Some(value), _) => (field.show(value), "requested"),
        (None, Some(value)) => (field.show(value), "suggested"),
        (None, None) => (field.show(&field.default()), "default"),
    };
    (!field.is_set()).then(|| format!("{}: {value}, {whose}; {}", field.name, field.about))
}

fn need(request: Option<&Request>) -> String {
    match request {
        Some(request) if request.required => format!("(required); {}", says(&request.reason)),
        Some(request) => format!("(optional); {}", says(&request.reason)),
        None => "(missing in the manifest: the policy does not load)".to_owned(),
    }
}

/// What nothing verifies.
fn says(reason: &str) -> String {
    format!("author says: {}", text(reason))
}

fn text(text: &str) -> String {
    inert(text, MOST_TEXT)
}

#[cfg(test)]
mod tests {
    use ansai_core::Sensitivity;

    use super::*;

    const fn probe(name: &'static str, sensitivity: Sensitivity) -> Interface {
        Interface {
            name: InterfaceName::from_static(name),
            version: "0.2.0",
            kind: InterfaceKind::Probe,
            sensitivity,
            ability: "see pages",
            fields: &[],
        }
    }

    #[test]
    fn an_import_that_this_ansai_does_not_know_is_not_harmless() {
        let import = probe("ansai:future/host-probe", Sensitivity::Metadata).import_name();
        let shown = of_imports(&[import], &[]);
        assert_eq!(shown, "  can use ansai:future/host-probe@0.2.0, which this ansai does not know\n");
    }

    #[test]
    fn what_calls_servers_is_said_so() {
        let interfaces = [
            probe("ansai:x/http-probe", Sensitivity::Outgoing),
            probe("ansai:x/page-probe", Sensitivity::Metadata),
            probe("ansai:x/text-probe", Sensitivity::Content),
        ];
        let shown = |interface: &Interface| of_imports(&[interface.import_name()], &interfaces);
        let [http, page, text] = interfaces.each_ref().map(shown);
        assert_eq!(
            http,
            "  can see pages\n      ansai:x/http-probe\n      calls servers that you name\n  \
             cannot propose any change\n"
        );
        assert!(!page.contains(CALLS_OUT) && !text.contains(CALLS_OUT), "{page}{text}");
        let known = interfaces.each_ref().map(|interface| json!(interface.sensitivity));
        assert_eq!(known, ["outgoing", "metadata", "content"].map(Value::from));
    }
}
