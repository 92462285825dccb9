//! Formats the grants that a manifest requests, for the operator to review.

use std::fmt::Write as _;

use ansai_core::text::inert;
use ansai_core::{Field, FieldKind, Interface, InterfaceKind, Scope, ScopeValue};

use crate::manifest::{Manifest, Request};

/// Returns a `[policy.NAME.grant]` stanza with everything that the manifest requests. Values that only the operator
/// knows are empty, and grant nothing until they are filled in. The stanza is valid TOML.
pub fn suggest_grants(manifest: &Manifest, instance: &str, interfaces: &[Interface]) -> String {
    let instance = key(instance);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "# {} {}: {}\n# Review every line: what is not granted is denied.\n[policy.{instance}.grant]",
        manifest.name,
        manifest.version,
        inert(&manifest.description, 300),
    );
    let asked: Vec<(&Interface, &Request)> = manifest
        .capabilities
        .iter()
        .filter_map(|(name, request)| {
            let interface = interfaces.iter().find(|one| one.name == name)?;
            (interface.kind != InterfaceKind::Base).then_some((interface, request))
        })
        .collect();
    // In TOML, a table header ends the table above it, so plain lines come first.
    for (interface, request) in asked.iter().filter(|(i, _)| i.fields.is_empty()) {
        let _ = write!(out, "\n{}", why(interface, request));
        let _ = writeln!(out, "{} = {{}}", key(interface.name));
    }
    for (interface, request) in asked.iter().filter(|(i, _)| !i.fields.is_empty()) {
        let _ = write!(out, "\n{}", why(interface, request));
        let _ = writeln!(out, "[policy.{instance}.grant.{}]", key(interface.name));
        for field in interface.fields {
            let of =
                |scope: &'_ Scope| scope.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value.clone());
            let (value, note) = match (of(&request.suggest), of(&request.scope)) {
                (Some(suggested), _) => line(field, Some(&suggested), "suggested"),
                (None, asked) => line(field, asked.as_ref(), "as asked"),
            };
            let _ = writeln!(out, "{} = {value}  # {note}", field.name);
        }
    }
    out
}

fn why(interface: &Interface, request: &Request) -> String {
    let need = if request.required { "required" } else { "optional" };
    format!("# {need}: {}\n# it can {}\n", inert(&request.reason, 300), interface.ability)
}

fn line(field: &Field, asked: Option<&ScopeValue>, by: &str) -> (String, String) {
    let about = field.about;
    match (field.kind, asked) {
        (FieldKind::Roots | FieldKind::Names, Some(ScopeValue::Set(set))) => {
            let list: Vec<String> = set.iter().map(|text| quoted(text)).collect();
            (format!("[{}]", list.join(", ")), format!("{by}; {about}"))
        }
        (FieldKind::Roots | FieldKind::Names, _) => ("[]".into(), format!("to fill in: {about}")),
        (FieldKind::MostBytes | FieldKind::LeastBytes, Some(ScopeValue::Bound(bytes))) => {
            (size(*bytes), format!("{by}; {about}"))
        }
        (FieldKind::MostBytes | FieldKind::LeastBytes, _) => (size(field.default), format!("the default; {about}")),
        (_, Some(ScopeValue::Bound(bound))) => {
            let bound = (*bound).min(i64::MAX.unsigned_abs());
            (bound.to_string(), format!("{by}; {about}"))
        }
        _ => {
            // TOML's largest integer is 2^63 - 1.
            let bound = field.default.min(i64::MAX.unsigned_abs());
            (bound.to_string(), format!("the default; {about}"))
        }
    }
}

/// Formats a size without rounding: `"20GiB"` if possible, else bytes.
pub(crate) fn size(bytes: u64) -> String {
    for (unit, name) in [(1u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("\"{}{name}\"", bytes / unit);
        }
    }
    // TOML's largest integer is smaller than a possible bound.
    match i64::try_from(bytes) {
        Ok(bytes) => bytes.to_string(),
        Err(_) => format!("\"{bytes}\""),
    }
}

/// Quotes the author's text as a TOML basic string that is safe for terminals.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if inert(c.encode_utf8(&mut [0; 4]), 1).chars().nth(1).is_some() => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn key(text: &str) -> String {
    toml_edit::Key::new(text).to_string().trim().to_owned()
}
