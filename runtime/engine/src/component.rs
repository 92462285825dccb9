//! Inspects a component: reads its digest, imports, manifest and other sections from its bytes.

use ansai_core::InterfaceName;
use sha2::{Digest, Sha256};
use wasmparser::{
    ComponentTypeRef, Element, ElementItems, ElementKind, ElementSectionReader, Encoding, Parser, Payload,
};

use crate::memory::{Contents, MemoryInit};

/// Maximum size of a component, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// Maximum nesting of components, which composing tools create.
pub const MAX_LEVELS: usize = 32;
/// Maximum number of imports: one for each interface.
pub const MAX_IMPORTS: usize = 256;
/// Maximum number of elements in passive segments of one module, plus two for each segment: an instance has 16 bytes for
/// each.
pub const MAX_PASSIVE_ELEMENTS: usize = 10_000;
/// Maximum size of the types of a component, in bytes: parsing takes dozens of times their size, also in the process that
/// only inspects it.
pub const MAX_TYPE_BYTES: usize = 1 << 20;
/// Maximum size of the manifest and of the schema, in bytes: parsing takes many times their size.
pub const MAX_SECTION_BYTES: usize = 256 << 10;
/// Maximum size of the README, in bytes.
pub const MAX_README_BYTES: usize = 1 << 20;

/// Custom section with the manifest as JSON.
pub const MANIFEST_SECTION: &str = "ansai:manifest";
/// Custom section with the JSON Schema of the settings.
pub const SCHEMA_SECTION: &str = "ansai:settings-schema";
/// Custom section with the README as Markdown.
pub const README_SECTION: &str = "ansai:readme";

/// Why a file is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// Larger than [`MAX_BYTES`].
    #[error("the component has {0} bytes; the maximum is {MAX_BYTES}")]
    TooLarge(usize),
    /// More of something than the maximum.
    #[error("the component has more than {1} {0}")]
    TooMany(&'static str, usize),
    /// Not WebAssembly.
    #[error("not WebAssembly: the magic number is missing")]
    NotWasm,
    /// A core module.
    #[error("this is a core module, not a component")]
    CoreModule,
    /// Truncated or damaged.
    #[error("the component is truncated or damaged at byte {offset}: {why}")]
    Damaged {
        /// Offset of the damage.
        offset: usize,
        /// Message of the parser.
        why: String,
    },
    /// It imports WASI.
    #[error("the component imports WASI ({0}), which ansai does not provide")]
    ImportsWasi(String),
    /// It imports an interface that is not of ansai.
    #[error("the component imports `{0}`, which is not an ansai interface")]
    ForeignImport(String),
    /// It lacks an export that every policy has.
    #[error("the component does not export `{0}`, which the world ansai:policy/policy requires")]
    MissingExport(&'static str),
    /// It lacks a section that `ansai build` embeds.
    #[error("the component has no section `{0}`: it was not built by `ansai build`")]
    MissingSection(&'static str),
    /// A section is not text, is a duplicate, or is too large.
    #[error("the section `{0}` {1}")]
    BadSection(&'static str, &'static str),
}

impl ComponentError {
    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            ComponentError::TooMany(..) => "build it again with `ansai build`",
            ComponentError::TooLarge(_) => "build without debug information, or split the policy",
            ComponentError::NotWasm | ComponentError::Damaged { .. } => "build or download it again",
            ComponentError::CoreModule | ComponentError::MissingSection(_) => "run `ansai build DIR` on its sources",
            ComponentError::ImportsWasi(_) => {
                "run `ansai virtualize FILE` to replace WASI inside the component, or build for wasm32-unknown-unknown"
            }
            ComponentError::ForeignImport(_) => "import only interfaces of wit/, in the versions that it has",
            ComponentError::MissingExport(_) => "add `include ansai:policy/policy` to the world that it is built for",
            ComponentError::BadSection(..) => "build it again with `ansai build`",
        }
    }
}

/// What an inspection finds in a component's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentInfo {
    /// SHA-256 of the bytes, hexadecimal.
    pub digest: String,
    /// Size in bytes.
    pub bytes: usize,
    /// How the memory of its guests is initialized.
    pub memory: MemoryInit,
    /// Imported interfaces with version, in byte order.
    pub imports: Vec<InterfaceName>,
    /// Manifest as JSON text.
    pub manifest: Option<String>,
    /// JSON Schema of the settings.
    pub schema: Option<String>,
    /// README.
    pub readme: Option<String>,
}

/// Inspects a component. It checks that the imports are of ansai; loading checks that they exist in this version.
pub fn inspect(bytes: &[u8]) -> Result<ComponentInfo, ComponentError> {
    if bytes.len() > MAX_BYTES {
        return Err(ComponentError::TooLarge(bytes.len()));
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(ComponentError::NotWasm);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(ComponentError::CoreModule);
    }
    let mut info = ComponentInfo {
        digest: hex::encode(Sha256::digest(bytes)),
        bytes: bytes.len(),
        memory: MemoryInit::default(),
        imports: Vec::new(),
        manifest: None,
        schema: None,
        readme: None,
    };
    let mut imports = Vec::new();
    let mut exports = Exports::default();
    let mut contents = Contents::default();
    let (mut depth, mut type_bytes) = (0usize, 0usize);
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
                if depth > MAX_LEVELS {
                    return Err(ComponentError::TooMany("levels of nested components", MAX_LEVELS));
                }
            }
            Payload::ImportSection(section) => contents.entries(section.count()),
            Payload::FunctionSection(section) => contents.entries(section.count()),
            Payload::TableSection(section) => contents.entries(section.count()),
            Payload::MemorySection(section) => contents.entries(section.count()),
            Payload::GlobalSection(section) => contents.entries(section.count()),
            Payload::ElementSection(section) => check_elements(section)?,
            Payload::DataSection(section) => {
                contents.entries(section.count());
                contents.data(section.range().len());
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentTypeSection(section) => {
                type_bytes = type_bytes.saturating_add(section.range().len());
                if type_bytes > MAX_TYPE_BYTES {
                    return Err(ComponentError::TooMany("bytes of types", MAX_TYPE_BYTES));
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(damaged)?;
                    // A type that the world uses from an interface grants no access.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        imports.push(import.name.name);
                        if imports.len() > MAX_IMPORTS {
                            return Err(ComponentError::TooMany("imports", MAX_IMPORTS));
                        }
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.add(export.map_err(damaged)?.name.name);
                }
            }
            Payload::CustomSection(section) if depth == 0 => add_section(&mut info, section.name(), section.data())?,
            _ => {}
        }
    }
    imports.sort_unstable();
    info.imports = imports.into_iter().map(interface).collect::<Result<_, _>>()?;
    info.memory = contents.memory();
    check(&exports)?;
    Ok(info)
}

pub(crate) fn damaged(error: wasmparser::BinaryReaderError) -> ComponentError {
    ComponentError::Damaged { offset: error.offset(), why: ansai_core::text::inert(error.message(), 200) }
}

/// Checks the element section, of which a module has one.
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
        0..=MAX_PASSIVE_ELEMENTS => Ok(()),
        _ => Err(ComponentError::TooMany("elements in passive segments", MAX_PASSIVE_ELEMENTS)),
    }
}

fn add_section(info: &mut ComponentInfo, name: &str, data: &[u8]) -> Result<(), ComponentError> {
    let (section, place, most) = match name {
        MANIFEST_SECTION => (MANIFEST_SECTION, &mut info.manifest, MAX_SECTION_BYTES),
        SCHEMA_SECTION => (SCHEMA_SECTION, &mut info.schema, MAX_SECTION_BYTES),
        README_SECTION => (README_SECTION, &mut info.readme, MAX_README_BYTES),
        _ => return Ok(()),
    };
    if data.len() > most {
        return Err(ComponentError::BadSection(section, "is too large"));
    }
    let text = std::str::from_utf8(data).map_err(|_| ComponentError::BadSection(section, "is not UTF-8"))?;
    match place.replace(text.to_owned()) {
        None => Ok(()),
        Some(_) => Err(ComponentError::BadSection(section, "is a duplicate")),
    }
}

/// Which of the required exports a component has.
#[derive(Default)]
struct Exports {
    detect: bool,
    plan: bool,
}

impl Exports {
    fn add(&mut self, name: &str) {
        self.detect |= name == "detect";
        self.plan |= name == "plan";
    }
}

/// The interface that is imported under a name.
fn interface(import: &str) -> Result<InterfaceName, ComponentError> {
    let shown = || ansai_core::text::inert(import, 120);
    if import.starts_with("wasi:") {
        return Err(ComponentError::ImportsWasi(shown()));
    }
    if !import.starts_with("ansai:") {
        return Err(ComponentError::ForeignImport(shown()));
    }
    import.parse().map_err(|_| ComponentError::ForeignImport(shown()))
}

fn check(exports: &Exports) -> Result<(), ComponentError> {
    for (needed, there) in [("detect", exports.detect), ("plan", exports.plan)] {
        if !there {
            return Err(ComponentError::MissingExport(needed));
        }
    }
    Ok(())
}
