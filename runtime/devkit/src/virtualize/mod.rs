//! Turns a component that imports WASI 0.2 into one that imports only `ansai:*`, by adding a stand-in for WASI inside.
//!
//! The stand-in is generated for exactly the interfaces and versions that the component imports. Its clock shows the
//! time of the context, and its random numbers are the same in every evaluation. So an evaluation still depends only on
//! the host's answers. Printed text goes to the log; everything else fails as not available. The stand-in imports
//! `ansai:policy/context` and `ansai:policy/log`, which need no grant. `runtime/docs/decisions/0019-virtualize.md`
//! gives the reasons.

mod answer;
mod compose;
mod error;
mod guest;
mod module;
mod stand_in;
mod words;

use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::{Bytes, Interface, InterfaceName};
use ansai_engine::component::inspect;
use sha2::{Digest, Sha256};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};

use crate::build::sections::{self, MANIFEST_SECTION, SECTIONS};
use crate::build::{BuildError, Source, imports, storage, tail_calls};

pub use error::VirtualizeError;

/// Options besides the component.
#[derive(Debug, Clone, Copy)]
pub struct VirtualizeOptions<'a> {
    /// Path of `policy.toml`. If absent, and if the component holds no manifest, the one in the component's directory.
    pub policy: Option<&'a Path>,
    /// The output file. If absent: `NAME.wasm` in the directory of `policy.toml`, or `FILE.virtual.wasm` if no name is
    /// known.
    pub output: Option<&'a Path>,
    /// Interfaces of this host.
    pub interfaces: &'a [Interface],
}

/// A WASI interface that is replaced inside the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// Name with version.
    pub interface: InterfaceName,
    /// What its functions answer.
    pub answers: &'static str,
}

/// The composed component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Virtualized {
    /// Path of the file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
    /// Growth of the component, without the manifest and the other custom sections.
    pub added_bytes: Bytes,
    /// SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
    /// Names of its imports, with versions, in byte order.
    pub imports: Vec<InterfaceName>,
    /// The replaced interfaces, in the order of the component's imports.
    pub stand_ins: Vec<StandIn>,
    /// Whether tail calls were replaced by calls and returns, because ansai disables tail calls.
    pub without_tail_calls: bool,
    /// Whether it holds a manifest. Without one it cannot run.
    pub has_manifest: bool,
}

/// Composes the component in a file and writes the result atomically.
///
/// # Errors
/// If the component cannot be composed or imports an interface that its manifest does not request, or if a file cannot
/// be read or written.
pub fn virtualize(file: &Path, options: &VirtualizeOptions<'_>) -> Result<Virtualized, VirtualizeError> {
    if !storage::is_file(file) {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(BuildError::File { path: file.to_owned(), source }.into());
    }
    let component = storage::read(file)?;
    let Composed { bytes: composed, stand_ins, without_tail_calls } = composed(&component)?;
    let added_bytes = Bytes::from(composed.len()) - Bytes::from(component.len());
    let carried = carried(&component);
    let (bytes, manifest, dir) = match (policy_directory(file, options, &carried), carried) {
        (Some(dir), _) => {
            let source = Source::read(storage::named(&dir), options.interfaces)?;
            (sections::embed(composed, &source, None)?, Some(source.manifest), dir)
        }
        (None, carried) => {
            let manifest = manifest(&carried, options.interfaces)?;
            (with(composed, &carried), manifest, directory(file))
        }
    };
    let found = inspect(&bytes)?;
    let imports = match &manifest {
        Some(manifest) => imports::check(&bytes, manifest, options.interfaces)?,
        None => found.imports,
    };
    let path = match (options.output, &manifest) {
        (Some(path), _) => path.to_owned(),
        (None, Some(manifest)) => dir.join(format!("{}.wasm", manifest.name)),
        (None, None) => file.with_extension("virtual.wasm"),
    };
    if storage::is_same(file, &path) {
        return Err(VirtualizeError::Itself(path));
    }
    storage::replace(&path, &bytes)?;
    Ok(Virtualized {
        path,
        bytes: bytes.len().into(),
        added_bytes,
        sha256: hex::encode(Sha256::digest(&bytes)),
        imports,
        stand_ins,
        without_tail_calls,
        has_manifest: manifest.is_some(),
    })
}

/// The composed component, before custom sections are added.
struct Composed {
    bytes: Vec<u8>,
    stand_ins: Vec<StandIn>,
    without_tail_calls: bool,
}

fn composed(component: &[u8]) -> Result<Composed, VirtualizeError> {
    let mut guest = guest::Guest::read(component)?;
    stand_in::add_host(&mut guest)?;
    let stand_in = stand_in::component(&guest)?;
    let without_tail_calls = tail_calls::found(component)?;
    let bytes = if without_tail_calls {
        compose::compose(&guest, &tail_calls::replaced(component)?, &stand_in)?
    } else {
        compose::compose(&guest, component, &stand_in)?
    };
    let stand_ins = guest.wasi.into_iter().map(|(interface, _)| StandIn { answers: words::of(&interface), interface });
    Ok(Composed { bytes, stand_ins: stand_ins.collect(), without_tail_calls })
}

fn policy_directory(file: &Path, options: &VirtualizeOptions<'_>, carried: &[(&str, &[u8])]) -> Option<PathBuf> {
    if let Some(dir) = options.policy {
        return Some(dir.to_owned());
    }
    let beside = directory(file);
    let has_manifest = carried.iter().any(|(name, _)| *name == MANIFEST_SECTION);
    (!has_manifest && storage::is_file(&beside.join("policy.toml"))).then_some(beside)
}

fn directory(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

/// ansai's custom sections of the component. They are moved, because inside another component they would not be found.
fn carried(component: &[u8]) -> Vec<(&str, &[u8])> {
    let mut depth = 0usize;
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && SECTIONS.contains(&section.name()) => {
                found.push((section.name(), section.data()));
            }
            _ => {}
        }
    }
    found
}

fn with(mut component: Vec<u8>, sections: &[(&str, &[u8])]) -> Vec<u8> {
    for (name, data) in sections {
        CustomSection { name: (*name).into(), data: (*data).into() }.append_to_component(&mut component);
    }
    component
}

fn manifest(carried: &[(&str, &[u8])], interfaces: &[Interface]) -> Result<Option<Manifest>, VirtualizeError> {
    let Some((_, data)) = carried.iter().find(|(name, _)| *name == MANIFEST_SECTION) else { return Ok(None) };
    let text = String::from_utf8_lossy(data);
    let manifest = Manifest::from_json(MANIFEST_SECTION, &text, interfaces);
    Ok(Some(manifest.map_err(|problems| BuildError::Manifest(Box::new(problems)))?))
}
