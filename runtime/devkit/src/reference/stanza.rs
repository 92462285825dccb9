//! Lines that request an interface in `policy.toml` and grant it in `ansai.toml`.

use std::fmt::Write as _;

use ansai_core::{FieldKind, Interface, InterfaceKind};

/// Lines for `policy.toml`. Omits the keys that only the operator can know.
pub(super) fn request(interface: &Interface) -> String {
    if interface.kind == InterfaceKind::Base {
        return String::new();
    }
    let name = interface.name;
    let mut out = format!("[capabilities.\"{name}\"]\nreason = \"to …\"  # the operator reads it before granting\n");
    let sets: Vec<&str> = interface
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Roots | FieldKind::Names))
        .map(|field| field.name)
        .collect();
    if !sets.is_empty() {
        let operators: Vec<String> = sets.iter().map(|name| format!("{name} = \"operator\"")).collect();
        let _ = writeln!(out, "scope = {{ {} }}", operators.join(", "));
    }
    out
}

/// Lines for `ansai.toml`, with every key.
pub(super) fn grant(interface: &Interface) -> String {
    if interface.kind == InterfaceKind::Base {
        return String::new();
    }
    let name = interface.name;
    if interface.fields.is_empty() {
        return format!("[policy.my-policy.grant]\n\"{name}\" = {{}}\n");
    }
    let mut out = format!("[policy.my-policy.grant.\"{name}\"]\n");
    for field in interface.fields {
        let _ = writeln!(out, "{} = {}", field.name, ansai_config::scope_value_example(field));
    }
    out
}
