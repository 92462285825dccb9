//! What a component imports, read from the component itself.

use ansai_config::Manifest;
use ansai_core::{Interface, InterfaceKind, InterfaceName};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

use super::BuildError;

/// What every policy exports.
pub(crate) const EXPORTS: [&str; 2] = ["detect", "plan"];

/// Checks that every imported interface is known and requested; returns the names of those whose functions are
/// imported.
pub(crate) fn check(
    component: &[u8],
    manifest: &Manifest,
    interfaces: &[Interface],
) -> Result<Vec<InterfaceName>, BuildError> {
    let decoded = wit_component::decode(component).map_err(|error| BuildError::Component(format!("{error:#}")))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(BuildError::Component("it is a WIT package".into()));
    };
    let world = resolve.worlds.get(world).ok_or_else(|| BuildError::Component("it has no world".into()))?;
    let exported = |name: &str| {
        world
            .exports
            .iter()
            .any(|(key, item)| matches!((key, item), (WorldKey::Name(key), WorldItem::Function(_)) if key == name))
    };
    if let Some(missing) = EXPORTS.iter().find(|name| !exported(name)) {
        return Err(BuildError::NoExport(missing));
    }
    let mut imports = Vec::new();
    for (key, item) in &world.imports {
        if matches!(item, WorldItem::Type { .. }) {
            continue;
        }
        let name = ours(name(&resolve, key))?;
        if only_types(&resolve, item) {
            continue;
        }
        allowed(&name, manifest, interfaces)?;
        imports.push(name);
    }
    imports.sort();
    Ok(imports)
}

/// Whether an item holds only types. Types give no access to anything.
fn only_types(resolve: &Resolve, item: &WorldItem) -> bool {
    match item {
        WorldItem::Interface { id, .. } => resolve.interfaces.get(*id).is_some_and(|i| i.functions.is_empty()),
        WorldItem::Type { .. } | WorldItem::Function(_) => false,
    }
}

fn name(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(id) => resolve.id_of(*id).unwrap_or_else(|| "an interface without a name".into()),
    }
}

/// The interface of a host that has this name.
pub(super) fn ours(name: String) -> Result<InterfaceName, BuildError> {
    match name.parse() {
        Ok(interface) if name.starts_with("ansai:") => Ok(interface),
        _ => Err(BuildError::NotOurs(name)),
    }
}

/// Checks that an interface is known and that the manifest requests it.
pub(super) fn allowed(name: &InterfaceName, manifest: &Manifest, interfaces: &[Interface]) -> Result<(), BuildError> {
    let Some(interface) = interfaces.iter().find(|interface| interface.import_name().serves(name)) else {
        let known = interfaces.iter().find(|interface| interface.name.same_interface(name)).map(Interface::import_name);
        return Err(BuildError::UnknownInterface { name: name.clone(), known });
    };
    let asked = interface.kind == InterfaceKind::Base || manifest.capabilities.contains_key(&interface.name);
    if asked { Ok(()) } else { Err(BuildError::NotAskedFor(name.clone())) }
}
