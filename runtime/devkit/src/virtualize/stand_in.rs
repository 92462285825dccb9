//! The component that exports the WASI interfaces that another one imports, in exactly those versions.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{InterfaceId, Resolve};

use super::VirtualizeError;
use super::guest::{Guest, not_composed};
use super::module;

/// The stand-in's own imports: interface, function, and a declaration for guests that do not import the interface. The
/// declared types match `wit/policy/policy.wit`.
pub(super) const HOST: [(&str, &str, &str); 2] = [
    ("ansai:policy/context@0.2.0", "now", "interface context { now: func() -> u64; }"),
    (
        "ansai:policy/log@0.2.0",
        "write",
        "interface log { enum level { debug, info, warn, error } write: func(level: level, message: string); }",
    ),
];
const HOST_PACKAGE: &str = "package ansai:policy@0.2.0;";

/// Adds the stand-in's own imports to the guest's packages.
pub(super) fn add_host(guest: &mut Guest) -> Result<(), VirtualizeError> {
    let missing = HOST.iter().filter(|(interface, function, _)| !declares(&guest.resolve, interface, function));
    let text: String = missing.map(|(_, _, declared)| *declared).collect();
    let mut host = Resolve::default();
    host.push_str("host.wit", &format!("{HOST_PACKAGE}\n{text}")).map_err(not_composed)?;
    guest.resolve.merge(host).map_err(not_composed)?;
    Ok(())
}

fn declares(resolve: &Resolve, interface: &str, function: &str) -> bool {
    let named = |id| resolve.id_of(id).is_some_and(|name| name == interface);
    resolve.interfaces.iter().any(|(id, one)| named(id) && one.functions.contains_key(function))
}

/// Whether an interface is one of the stand-in's own imports.
pub(super) fn is_of_host(resolve: &Resolve, id: InterfaceId) -> bool {
    resolve.id_of(id).is_some_and(|name| HOST.iter().any(|(interface, ..)| *interface == name))
}

/// Builds the stand-in for a guest. Call [`add_host`] first.
pub(super) fn component(guest: &Guest) -> Result<Vec<u8>, VirtualizeError> {
    let mut module = wat::parse_str(module::text(guest)?).map_err(not_composed)?;
    let mut resolve = guest.resolve.clone();
    let mut text = "package local:stand-in;\nworld stand-in {\n".to_owned();
    for (name, ..) in HOST {
        let _ = writeln!(text, "  import {name};");
    }
    for (name, _) in &guest.wasi {
        let _ = writeln!(text, "  export {name};");
    }
    let package = resolve.push_str("stand-in.wit", &(text + "}\n")).map_err(not_composed)?;
    let world = resolve.select_world(&[package], None).map_err(not_composed)?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(not_composed)?;
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(not_composed)
}
