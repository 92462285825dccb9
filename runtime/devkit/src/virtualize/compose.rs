//! Composes the guest and its stand-in into one component. The stand-in exports the WASI interfaces that the guest
//! imports. The composed component imports the `ansai:` interfaces of both and exports the guest's `detect` and `plan`.

use std::collections::BTreeMap;

use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentExportSection, ComponentInstanceSection,
    ComponentSectionId, ComponentTypeRef, RawSection,
};
use wasmparser::{BinaryReader, BinaryReaderError, ComponentTypeDeclaration, Parser, Payload, Validator, WasmFeatures};
use wit_component::StringEncoding;
use wit_parser::{WorldItem, WorldKey};

use super::VirtualizeError;
use super::guest::{Guest, not_composed};
use super::stand_in::is_of_host;
use crate::build::imports::EXPORTS;

/// Indexes of the only functions and instances that are referred to by index.
const STAND_IN: u32 = 0;
const GUEST: u32 = 1;

/// Composes and validates the component.
pub(super) fn compose(guest: &Guest, component: &[u8], stand_in: &[u8]) -> Result<Vec<u8>, VirtualizeError> {
    let mut whole = Component::new();
    let world = World::declare(&mut whole, guest)?;
    for nested in [stand_in, component] {
        whole.section(&RawSection { id: ComponentSectionId::Component.into(), data: nested });
    }
    let imported = |name: &str| {
        let missing = || VirtualizeError::NotComposed(format!("nothing is there for its import `{name}`"));
        world.imports.get(name).copied().ok_or_else(missing)
    };
    let mut instances = ComponentInstanceSection::new();
    let mut arguments = Vec::new();
    for name in imported_by(stand_in).map_err(not_composed)? {
        let (kind, index) = imported(name)?;
        arguments.push((name, kind, index));
    }
    instances.instantiate(STAND_IN, arguments);
    whole.section(&instances);

    let mut arguments = Vec::new();
    let mut aliases = ComponentAliasSection::new();
    let mut next = world.instances + 1;
    for (name, _) in &guest.wasi {
        aliases.alias(Alias::InstanceExport {
            instance: world.instances,
            kind: ComponentExportKind::Instance,
            name: name.as_str(),
        });
        arguments.push((name.to_string(), ComponentExportKind::Instance, next));
        next += 1;
    }
    whole.section(&aliases);
    for name in imports(guest).filter(|name| !guest.wasi.iter().any(|(wasi, _)| *wasi == **name)) {
        let (kind, index) = imported(&name)?;
        arguments.push((name, kind, index));
    }
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(GUEST, arguments);
    whole.section(&instances);

    let mut aliases = ComponentAliasSection::new();
    let mut exports = ComponentExportSection::new();
    for (index, name) in EXPORTS.into_iter().enumerate() {
        aliases.alias(Alias::InstanceExport { instance: next, kind: ComponentExportKind::Func, name });
        // The type must refer to the composed component's own imports.
        let ty = world.exports.get(name).copied().map(ComponentTypeRef::Func);
        exports.export(name, ComponentExportKind::Func, u32::try_from(index).unwrap_or_default(), ty);
    }
    whole.section(&aliases).section(&exports);
    let whole = whole.finish();
    Validator::new_with_features(WasmFeatures::all()).validate_all(&whole).map_err(not_composed)?;
    Ok(whole)
}

/// Names of all imports of the stand-in.
fn imported_by(stand_in: &[u8]) -> Result<Vec<&str>, BinaryReaderError> {
    let mut depth = 0usize;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(stand_in) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Names of all imports of the guest.
fn imports(guest: &Guest) -> impl Iterator<Item = String> {
    let world = guest.resolve.worlds.get(guest.world);
    world.into_iter().flat_map(|world| world.imports.keys().map(|key| guest.resolve.name_world_key(key)))
}

/// The imports of the composed component, and the types of its exports.
struct World {
    imports: BTreeMap<String, (ComponentExportKind, u32)>,
    /// Type indexes of the exported functions.
    exports: BTreeMap<String, u32>,
    /// Number of instances declared so far.
    instances: u32,
}

impl World {
    /// Declares the imports of guest and stand-in, except WASI. A component's imports are encoded like those of a
    /// component type, so the encoded type is copied, each declaration into a section of its own.
    fn declare(whole: &mut Component, guest: &Guest) -> Result<World, VirtualizeError> {
        let bytes = component_type(guest)?;
        World::of_type(whole, &bytes).map_err(not_composed)
    }

    fn of_type(whole: &mut Component, bytes: &[u8]) -> Result<World, BinaryReaderError> {
        let mut reader = BinaryReader::new(bytes, 0);
        let mut world = World { imports: BTreeMap::new(), exports: BTreeMap::new(), instances: 0 };
        let mut types = 0;
        // Skips the kind of the type.
        reader.read_u8()?;
        for _ in 0..reader.read_var_u32()? {
            let start = reader.original_position() + 1;
            let declaration = reader.read::<ComponentTypeDeclaration<'_>>()?;
            let id = match declaration {
                ComponentTypeDeclaration::CoreType(_) => ComponentSectionId::CoreType,
                ComponentTypeDeclaration::Type(_) => {
                    types += 1;
                    ComponentSectionId::Type
                }
                ComponentTypeDeclaration::Alias(_) => {
                    // A world's aliases refer only to types of its interfaces.
                    types += 1;
                    ComponentSectionId::Alias
                }
                ComponentTypeDeclaration::Import(import) => {
                    let (kind, count) = match import.ty {
                        wasmparser::ComponentTypeRef::Type(_) => (ComponentExportKind::Type, &mut types),
                        _ => (ComponentExportKind::Instance, &mut world.instances),
                    };
                    world.imports.insert(import.name.name.to_owned(), (kind, *count));
                    *count += 1;
                    ComponentSectionId::Import
                }
                ComponentTypeDeclaration::Export { name, ty } => {
                    if let wasmparser::ComponentTypeRef::Func(ty) = ty {
                        world.exports.insert(name.name.to_owned(), ty);
                    }
                    continue;
                }
            };
            // A section with one item.
            let mut data = vec![1];
            data.extend_from_slice(bytes.get(start..reader.original_position()).unwrap_or_default());
            whole.section(&RawSection { id: id.into(), data: &data });
        }
        Ok(world)
    }
}

/// Encodes the type of the composed component.
fn component_type(guest: &Guest) -> Result<Vec<u8>, VirtualizeError> {
    let mut resolve = guest.resolve.clone();
    let host: Vec<_> = resolve.interfaces.iter().map(|(id, _)| id).filter(|id| is_of_host(&resolve, *id)).collect();
    let world = resolve.worlds.get_mut(guest.world).ok_or_else(|| not_composed("it has no world"))?;
    world.imports.retain(|key, _| !guest.wasi.iter().any(|(_, id)| *key == WorldKey::Interface(*id)));
    world.exports.retain(|key, _| EXPORTS.iter().any(|name| *key == WorldKey::Name((*name).into())));
    for id in host {
        let item = WorldItem::Interface {
            id,
            stability: Default::default(),
            external_id: None,
            docs: Default::default(),
            span: Default::default(),
        };
        world.imports.entry(WorldKey::Interface(id)).or_insert(item);
    }
    let described = wit_component::metadata::encode(&resolve, guest.world, StringEncoding::UTF8, None);
    inner_type(&described.map_err(not_composed)?).map_err(not_composed)
}

/// Bindings describe a world as a component with one type, whose first declaration is the world's type.
fn inner_type(described: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    for payload in Parser::new(0).parse_all(described) {
        let Payload::ComponentTypeSection(section) = payload? else { continue };
        let bytes = described.get(section.range()).unwrap_or_default();
        let mut reader = BinaryReader::new(bytes, 0);
        // Skips the number of types, the kind of the type, the number of declarations, and the kind of the declaration.
        reader.read_var_u32()?;
        reader.read_u8()?;
        reader.read_var_u32()?;
        reader.read_u8()?;
        return Ok(bytes.get(reader.original_position()..).unwrap_or_default().to_vec());
    }
    Ok(Vec::new())
}
