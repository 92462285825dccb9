//! Reads the component to compose, and its WASI imports.

use ansai_core::InterfaceName;
use ansai_core::text::inert;
use ansai_engine::component::{ComponentError, MAX_BYTES};
use wasmparser::{Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{InterfaceId, Resolve, WorldId, WorldItem, WorldKey};

use super::VirtualizeError;
use crate::build::imports::EXPORTS;

/// Maximum length of a parser's message, in characters.
const MOST_WORDS: usize = 400;

/// A component and its world.
pub(super) struct Guest {
    pub(super) resolve: Resolve,
    pub(super) world: WorldId,
    /// The WASI interfaces that it imports, in the order of its imports: dependencies come first.
    pub(super) wasi: Vec<(InterfaceName, InterfaceId)>,
}

impl Guest {
    /// Reads a component that imports WASI and otherwise could be a policy.
    pub(super) fn read(component: &[u8]) -> Result<Guest, VirtualizeError> {
        if component.len() > MAX_BYTES {
            return Err(ComponentError::TooLarge(component.len()).into());
        }
        if !component.starts_with(b"\0asm") {
            return Err(ComponentError::NotWasm.into());
        }
        if Parser::is_core_wasm(component) {
            let preview1 = imports_preview1(component);
            return Err(if preview1 { VirtualizeError::Preview1 } else { ComponentError::CoreModule.into() });
        }
        let decoded = wit_component::decode(component).map_err(unreadable)?;
        let DecodedWasm::Component(resolve, world) = decoded else {
            return Err(VirtualizeError::Unreadable("it is a WIT package".into()));
        };
        let mut wasi = Vec::new();
        let Some(items) = resolve.worlds.get(world) else {
            return Err(VirtualizeError::Unreadable("it has no world".into()));
        };
        for (key, item) in &items.imports {
            let name = resolve.name_world_key(key);
            match item {
                // A type of another interface gives no access to anything.
                WorldItem::Type { .. } => {}
                WorldItem::Interface { .. } if name.starts_with("ansai:") => {}
                WorldItem::Interface { .. } | WorldItem::Function(_) => match (item, name.parse()) {
                    (WorldItem::Interface { id, .. }, Ok(name)) if is_wasi(&resolve, *id) => wasi.push((name, *id)),
                    _ => return Err(VirtualizeError::Foreign(inert(&name, MOST_WORDS))),
                },
            }
        }
        for export in EXPORTS {
            let item = items.exports.get(&WorldKey::Name(export.into()));
            if !matches!(item, Some(WorldItem::Function(_))) {
                return Err(ComponentError::MissingExport(export).into());
            }
        }
        if wasi.is_empty() {
            return Err(VirtualizeError::NoWasi);
        }
        Ok(Guest { resolve, world, wasi })
    }
}

/// Whether an interface belongs to WASI 0.2, whose later versions only add to earlier ones.
fn is_wasi(resolve: &Resolve, id: InterfaceId) -> bool {
    let package = resolve.interfaces.get(id).and_then(|interface| resolve.packages.get(interface.package?));
    package.is_some_and(|package| {
        let version = package.name.version.as_ref();
        package.name.namespace == "wasi" && version.is_some_and(|version| (version.major, version.minor) == (0, 2))
    })
}

fn imports_preview1(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).map_while(Result::ok).any(|payload| match payload {
        Payload::ImportSection(section) => section
            .into_imports()
            .any(|import| import.is_ok_and(|import| import.module.starts_with("wasi_snapshot_preview1"))),
        _ => false,
    })
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> VirtualizeError {
    VirtualizeError::Unreadable(inert(&format!("{error:#}"), MOST_WORDS))
}

pub(super) fn not_composed(error: impl std::fmt::Display) -> VirtualizeError {
    VirtualizeError::NotComposed(inert(&format!("{error:#}"), MOST_WORDS))
}
