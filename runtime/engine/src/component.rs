//! What a component is, read from its own bytes and never from what its author claims.

use sha2::{Digest, Sha256};
use wasmparser::{
    ComponentTypeRef, Element, ElementItems, ElementKind, ElementSectionReader, Encoding, Parser, Payload,
};

use crate::memory::{Contents, Memory};

/// One limit for all: a component's language is its own claim.
pub const MOST_BYTES: usize = 64 << 20;

/// Components within components, as composing makes them.
pub const MOST_LEVELS: usize = 32;
/// Imports, of which there are as many as interfaces.
pub const MOST_IMPORTS: usize = 256;
/// Elements in passive segments of one module, and two more for each segment: its instances have 16 bytes for each.
pub const MOST_PASSIVE_ELEMENTS: usize = 10_000;
/// Manifest and schema, in bytes each: they are parsed, which takes many times their size.
pub const MOST_SECTION_BYTES: usize = 256 << 10;
/// README, in bytes.
pub const MOST_README_BYTES: usize = 1 << 20;

/// Manifest as JSON, in a custom section.
pub const MANIFEST_SECTION: &str = "ansai:manifest";
/// JSON Schema of the settings.
pub const SCHEMA_SECTION: &str = "ansai:settings-schema";
/// README as Markdown.
pub const README_SECTION: &str = "ansai:readme";

/// Why bytes are no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// More than [`MOST_BYTES`].
    #[error("the component has {0} bytes, at most {MOST_BYTES} are accepted")]
    TooLarge(usize),
    /// More of something than any policy has.
    #[error("the component has more than {1} {0}")]
    TooMany(&'static str, usize),
    /// Something else than WebAssembly.
    #[error("this is not WebAssembly: it does not begin with its magic number")]
    NotWasm,
    /// A module without the component layer.
    #[error("this is a core module, not a component")]
    CoreModule,
    /// Cut short or damaged.
    #[error("the component is cut short or damaged at byte {offset}: {why}")]
    Damaged {
        /// Where.
        offset: usize,
        /// What the parser says.
        why: String,
    },
    /// It imports WASI.
    #[error("the component imports WASI ({0}), and a policy has no ambient authority")]
    ImportsWasi(String),
    /// It imports something that no ansai host has.
    #[error("the component imports `{0}`, which is not an ansai interface")]
    ForeignImport(String),
    /// It does not export what a policy must.
    #[error("the component does not export `{0}`: it was built for another world than ansai:policy/policy")]
    MissingExport(&'static str),
    /// It lacks a section that `ansai build` embeds.
    #[error("the component has no section `{0}`: it was not made by `ansai build`")]
    MissingSection(&'static str),
    /// A section that must be text is not, stands twice, or is too large.
    #[error("the section `{0}` {1}")]
    BadSection(&'static str, &'static str),
}

impl ComponentError {
    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            ComponentError::TooMany(..) => "build it again with `ansai build`; this was made to be hard to read",
            ComponentError::TooLarge(_) => "build without debug information, or split the policy",
            ComponentError::NotWasm | ComponentError::Damaged { .. } => "build it again, or fetch it again",
            ComponentError::CoreModule | ComponentError::MissingSection(_) => "run `ansai build DIR` on its sources",
            ComponentError::ImportsWasi(_) => {
                "run `ansai virtualize FILE`, which puts a stand-in for WASI inside, or build for wasm32-unknown-unknown"
            }
            ComponentError::ForeignImport(_) => "import only interfaces of wit/, at the versions found there",
            ComponentError::MissingExport(_) => "`include ansai:policy/policy` in the world that it is built for",
            ComponentError::BadSection(..) => "build it again with `ansai build`",
        }
    }
}

/// What was found in a component's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentInfo {
    /// SHA-256, hexadecimal.
    pub digest: String,
    /// Size in bytes.
    pub bytes: usize,
    /// How the memory of its guests is made.
    pub memory: Memory,
    /// Interfaces with version, in byte order.
    pub imports: Vec<String>,
    /// Manifest as JSON text.
    pub manifest: Option<String>,
    /// JSON Schema of the settings.
    pub schema: Option<String>,
    /// README.
    pub readme: Option<String>,
}

/// Reads a component. Its imports are checked here; whether they exist at this version is checked when it is loaded.
pub fn inspect(bytes: &[u8]) -> Result<ComponentInfo, ComponentError> {
    if bytes.len() > MOST_BYTES {
        return Err(ComponentError::TooLarge(bytes.len()));
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(ComponentError::NotWasm);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(ComponentError::CoreModule);
    }
    let mut found = ComponentInfo {
        digest: hex::encode(Sha256::digest(bytes)),
        bytes: bytes.len(),
        memory: Memory::default(),
        imports: Vec::new(),
        manifest: None,
        schema: None,
        readme: None,
    };
    let mut exports = Exports::default();
    let mut contents = Contents::default();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(ComponentError::CoreModule);
            }
            section @ (Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => {
                if matches!(section, Payload::ModuleSection { .. }) {
                    contents.module();
                }
                depth += 1;
                // The parser keeps something for each.
                if depth > MOST_LEVELS {
                    return Err(ComponentError::TooMany("levels of components within components", MOST_LEVELS));
                }
            }
            Payload::ImportSection(section) => contents.parts(section.count()),
            Payload::FunctionSection(section) => contents.parts(section.count()),
            Payload::TableSection(section) => contents.parts(section.count()),
            Payload::MemorySection(section) => contents.parts(section.count()),
            Payload::GlobalSection(section) => contents.parts(section.count()),
            Payload::ElementSection(section) => check_elements(section)?,
            Payload::DataSection(section) => {
                contents.parts(section.count());
                contents.data(section.range().len());
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(damaged)?;
                    // A type that the world borrows from an interface gives no access to anything.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        found.imports.push(import.name.name.to_owned());
                        if found.imports.len() > MOST_IMPORTS {
                            return Err(ComponentError::TooMany("imports", MOST_IMPORTS));
                        }
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.see(export.map_err(damaged)?.name.name);
                }
            }
            Payload::CustomSection(section) if depth == 0 => keep(&mut found, section.name(), section.data())?,
            _ => {}
        }
    }
    found.imports.sort();
    found.memory = contents.memory();
    check(&found, &exports)?;
    Ok(found)
}

pub(crate) fn damaged(error: wasmparser::BinaryReaderError) -> ComponentError {
    ComponentError::Damaged { offset: error.offset(), why: ansai_core::text::inert(error.message(), 200) }
}

/// A module has one such section.
fn check_elements(section: ElementSectionReader<'_>) -> Result<(), ComponentError> {
    let mut passive = 0usize;
    for segment in section {
        let Element { kind: ElementKind::Passive, items, .. } = segment.map_err(damaged)? else { continue };
        let count = match items {
            ElementItems::Functions(items) => items.count(),
            ElementItems::Expressions(_, items) => items.count(),
        };
        passive = passive.saturating_add(2).saturating_add(count as usize);
    }
    match passive {
        0..=MOST_PASSIVE_ELEMENTS => Ok(()),
        _ => Err(ComponentError::TooMany("elements in passive segments", MOST_PASSIVE_ELEMENTS)),
    }
}

fn keep(found: &mut ComponentInfo, name: &str, data: &[u8]) -> Result<(), ComponentError> {
    let (section, place, most) = match name {
        MANIFEST_SECTION => (MANIFEST_SECTION, &mut found.manifest, MOST_SECTION_BYTES),
        SCHEMA_SECTION => (SCHEMA_SECTION, &mut found.schema, MOST_SECTION_BYTES),
        README_SECTION => (README_SECTION, &mut found.readme, MOST_README_BYTES),
        _ => return Ok(()),
    };
    if data.len() > most {
        return Err(ComponentError::BadSection(section, "is too large"));
    }
    let text = std::str::from_utf8(data).map_err(|_| ComponentError::BadSection(section, "is not UTF-8"))?;
    match place.replace(text.to_owned()) {
        None => Ok(()),
        Some(_) => Err(ComponentError::BadSection(section, "stands twice")),
    }
}

/// What a policy must export, and whether it does.
#[derive(Default)]
struct Exports {
    detect: bool,
    plan: bool,
}

impl Exports {
    fn see(&mut self, name: &str) {
        self.detect |= name == "detect";
        self.plan |= name == "plan";
    }
}

fn check(found: &ComponentInfo, exports: &Exports) -> Result<(), ComponentError> {
    for import in &found.imports {
        let shown = ansai_core::text::inert(import, 120);
        if import.starts_with("wasi:") {
            return Err(ComponentError::ImportsWasi(shown));
        }
        if !import.starts_with("ansai:") {
            return Err(ComponentError::ForeignImport(shown));
        }
    }
    for (needed, there) in [("detect", exports.detect), ("plan", exports.plan)] {
        if !there {
            return Err(ComponentError::MissingExport(needed));
        }
    }
    Ok(())
}
