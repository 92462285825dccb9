//! Names the disabled WebAssembly features that a component needs. wasmtime's message has only the first instruction that
//! it does not accept; the author needs the name of the proposal.

use wasmparser::{BinaryReaderError, Encoding, Parser, Payload, TypeRef, Validator, WasmFeatures};

/// The feature of modules with several memories.
pub(crate) const MULTI_MEMORY: &str = "multi-memory";

/// Disabled features, by the names that toolchains use.
const DISABLED: &[(WasmFeatures, &str)] = &[
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything-threads"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::MULTI_MEMORY, MULTI_MEMORY),
    (WasmFeatures::EXCEPTIONS, "exceptions"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy-exceptions"),
    (WasmFeatures::GC_TYPES, "gc"),
    (WasmFeatures::GC, "gc"),
    (WasmFeatures::FUNCTION_REFERENCES, "function-references"),
    (WasmFeatures::TAIL_CALL, "tail-call"),
    (WasmFeatures::RELAXED_SIMD, "relaxed-simd"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide-arithmetic"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom-page-sizes"),
    (WasmFeatures::STACK_SWITCHING, "stack-switching"),
    (WasmFeatures::CM_ASYNC, "component-model-async"),
    (WasmFeatures::CM_THREADING, "component-model-threading"),
];
/// Components larger than this get no names: finding them reads the component once for each feature.
const MAX_BYTES: usize = 4 << 20;

/// Whether a module of a component, at any depth, has several memories. The engine itself accepts that, since its adapters
/// for calls between components need it.
pub(crate) fn has_several_memories(bytes: &[u8]) -> Result<bool, BinaryReaderError> {
    // Modules are not nested: the sections belong to the module of the latest header.
    let mut memories = 0u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let more = match payload? {
            Payload::Version { encoding: Encoding::Module, .. } => {
                memories = 0;
                0
            }
            Payload::MemorySection(section) => section.count(),
            Payload::ImportSection(section) => {
                let mut imported = 0;
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Memory(_)));
                }
                imported
            }
            _ => 0,
        };
        memories = memories.saturating_add(more);
        if memories > 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The disabled features that a component needs; empty when they are not why it does not compile.
pub(crate) fn required(bytes: &[u8]) -> Vec<&'static str> {
    let all = WasmFeatures::all();
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    if bytes.len() > MAX_BYTES || !valid(all) {
        return Vec::new();
    }
    let mut names: Vec<&'static str> =
        DISABLED.iter().filter(|(feature, _)| !valid(all.difference(*feature))).map(|(_, name)| *name).collect();
    names.dedup();
    names
}
