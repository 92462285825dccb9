//! Formats an instance with the grants that a manifest requests, for the operator to review.

use std::fmt::Write as _;

use ansai_core::text::inert;
use ansai_core::{Field, Interface, InterfaceKind, ScopeValue};

use crate::grants::CALLS_OUT;
use crate::manifest::Manifest;
use crate::request::Request;
use crate::schema::SettingDescription;

/// An instance to suggest.
#[derive(Debug, Clone, Copy)]
pub struct Suggested<'a> {
    /// What the policy requests.
    pub manifest: &'a Manifest,
    /// Its settings. Those without a default are listed for the operator to fill in.
    pub settings: &'a [SettingDescription],
    /// The name of the instance.
    pub instance: &'a str,
    /// The `source` of the instance: a path or `builtin:NAME`.
    pub source: &'a str,
}

/// Returns a `[policy.NAME]` stanza that observes, with everything that the manifest requests; several tables of one
/// interface become a list. Values that only the operator knows are empty, and grant nothing until they are filled in.
/// The stanza is valid TOML, and runs unless a setting is required.
pub fn suggest(suggested: &Suggested<'_>, interfaces: &[Interface]) -> String {
    let Suggested { manifest, settings, source, .. } = *suggested;
    let instance = key(suggested.instance);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "# {} {}: {}\n[policy.{instance}]\nsource = {}\nmode = \"observe\"  # \"enforce\" lets it act within its grants",
        manifest.name,
        manifest.version,
        inert(&manifest.description, 300),
        toml_edit::Value::from(source).to_string().trim(),
    );
    let required: Vec<&SettingDescription> = settings.iter().filter(|setting| setting.required).collect();
    if !required.is_empty() {
        let _ = writeln!(out, "\n# Fill in what the policy does not run without:\n[policy.{instance}.settings]");
        for setting in required {
            let about = if setting.description.is_empty() { &setting.kind } else { &setting.description };
            let _ = writeln!(out, "# {} =   # {}", inert(&setting.path, 100), inert(about, 300));
        }
    }
    let _ = writeln!(out, "\n# Review every line: what is not granted is denied.\n[policy.{instance}.grant]");
    let asked: Vec<(&Interface, &Request)> = manifest
        .capabilities
        .iter()
        .filter_map(|(name, request)| {
            let interface = interfaces.iter().find(|one| one.name == *name)?;
            (interface.kind != InterfaceKind::Base).then_some((interface, request))
        })
        .collect();
    // In TOML, a table header ends the table above it, so plain lines come first.
    for (interface, request) in asked.iter().filter(|(i, _)| i.fields.is_empty()) {
        let _ = write!(out, "\n{}", why(interface, request));
        let _ = writeln!(out, "{} = {{}}", key(interface.name.as_str()));
    }
    for (interface, request) in asked.iter().filter(|(i, _)| !i.fields.is_empty()) {
        let _ = write!(out, "\n{}", why(interface, request));
        let tables = request.tables();
        let header = format!("[policy.{instance}.grant.{}]", key(interface.name.as_str()));
        for (asked, suggested) in &tables {
            let _ = if tables.len() > 1 { writeln!(out, "[{header}]") } else { writeln!(out, "{header}") };
            for field in interface.fields {
                let (value, note) = match (suggested.get(field), asked.get(field)) {
                    (Some(named), _) | (None, Some(named)) if is_left_to_the_operator(interface, field) => {
                        let (value, note) = line(field, None, "");
                        (value, format!("{note}; the author names {}", field.written(named)))
                    }
                    // What the operator alone chooses is not for the author to suggest.
                    _ if field.is_of_the_operator() => line(field, None, ""),
                    (Some(suggested), _) => line(field, Some(suggested), "suggested"),
                    (None, asked) => line(field, asked, "as asked"),
                };
                let _ = writeln!(out, "{} = {value}  # {note}", field.name);
            }
        }
    }
    let raised = manifest.limits.raised();
    if !raised.is_empty() {
        let _ = writeln!(
            out,
            "\n# The author asks for more than the defaults. To permit it:\n# [policy.{instance}.limits]"
        );
        for one in raised {
            let _ = writeln!(out, "# {} = {}  # {}", one.key, one.value, one.cost);
        }
    }
    out
}

/// The operator names servers, not the author.
fn is_left_to_the_operator(interface: &Interface, field: &Field) -> bool {
    field.names_servers() || (interface.calls_out() && field.is_set())
}

fn why(interface: &Interface, request: &Request) -> String {
    let need = if request.required { "required" } else { "optional" };
    let calls_out = if interface.calls_out() { format!("# it {CALLS_OUT}\n") } else { String::new() };
    format!("# {need}: {}\n# it can {}\n{calls_out}", inert(&request.reason, 300), interface.ability)
}

fn line(field: &Field, asked: Option<&ScopeValue>, by: &str) -> (String, String) {
    let about = field.about;
    match asked {
        Some(value) => (field.written(value), format!("{by}; {about}")),
        None if field.is_set() => (field.written(&field.default()), format!("to fill in: {about}")),
        None => (field.written(&field.default()), format!("the default; {about}")),
    }
}

fn key(text: &str) -> String {
    toml_edit::Key::new(text).to_string().trim().to_owned()
}
