//! Lines that request an interface in `policy.toml` and grant it in `ansai.toml`.

use std::fmt::Write as _;

use ansai_core::{Field, Interface, InterfaceKind};

/// Lines for `policy.toml`. Omits the keys that only the operator can know.
pub(super) fn request(interface: &Interface) -> String {
    if interface.kind == InterfaceKind::Base {
        return String::new();
    }
    let name = &interface.name;
    let mut out = format!("[capabilities.\"{name}\"]\nreason = \"to …\"  # the operator reads it before granting\n");
    let sets = interface.fields.iter().filter(|field| field.is_set());
    let operators: Vec<String> = sets.map(|Field { name, .. }| format!("{name} = \"operator\"")).collect();
    if !operators.is_empty() {
        let _ = writeln!(out, "scope = {{ {} }}", operators.join(", "));
    }
    out
}

/// Lines for `ansai.toml`, with every key.
pub(super) fn grant(interface: &Interface) -> String {
    if interface.kind == InterfaceKind::Base {
        return String::new();
    }
    let name = &interface.name;
    if interface.fields.is_empty() {
        return format!("[policy.my-policy.grant]\n\"{name}\" = {{}}\n");
    }
    let mut out = format!("[policy.my-policy.grant.\"{name}\"]\n");
    for field in interface.fields {
        let _ = writeln!(out, "{} = {}", field.name, field.example());
    }
    out
}
