//! Which switched-off part of WebAssembly a component needs, for the message: wasmtime names the first instruction
//! that it does not know, its author wants the name of the proposal.

use wasmparser::{BinaryReaderError, Encoding, Parser, Payload, TypeRef, Validator, WasmFeatures};

/// What a module with several memories needs.
pub(crate) const MULTI_MEMORY: &str = "multi-memory";

/// What the engine has switched off, or is refused before it is compiled, by the names that toolchains use.
const OFF: &[(WasmFeatures, &str)] = &[
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
/// Larger components are refused without a name: this reads them once for each of the above.
const MOST_BYTES: usize = 4 << 20;

/// Whether a module of a component, at any depth, has several memories. The engine would take it, since calls between
/// components need that of it.
pub(crate) fn several_memories(bytes: &[u8]) -> Result<bool, BinaryReaderError> {
    // Modules hold no modules: the latest header is of the one whose sections come.
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

/// What a component that does not compile needs, each once; nothing where that is not why.
pub(crate) fn needed(bytes: &[u8]) -> Vec<&'static str> {
    let all = WasmFeatures::all();
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    if bytes.len() > MOST_BYTES || !valid(all) {
        return Vec::new();
    }
    let mut names: Vec<&'static str> =
        OFF.iter().filter(|(feature, _)| !valid(all.difference(*feature))).map(|(_, name)| *name).collect();
    names.dedup();
    names
}
