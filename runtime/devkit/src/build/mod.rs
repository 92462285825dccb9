//! Builds `NAME.wasm` from a directory with `policy.toml` and sources.
//!
//! Building runs the author's code (build scripts, macros). It is refused as root, unless the caller allows it, and in
//! a directory that another user owns. If [`Built::reproducible`] is true, the result depends only on its input: the
//! same source, lock file and compiler give the same bytes.

mod bindings;
mod c;
mod code;
mod command;
mod component;
mod contract;
mod crossing;
mod error;
mod fingerprint;
mod go;
pub(crate) mod imports;
mod javascript;
mod language;
mod python;
mod rust;
pub(crate) mod sections;
pub(crate) mod storage;
pub(crate) mod tail_calls;
mod toolchain;
pub mod world;

use std::path::{Path, PathBuf};

use ansai_config::{Manifest, Schema};
use ansai_core::{Bytes, Interface, InterfaceName};
use sha2::{Digest, Sha256};

pub use contract::{OtherContract, other_contract};
pub use error::BuildError;
pub use fingerprint::{is_stale, recorded};
pub use language::Language;
pub use sections::{LICENCE_SECTION, MANIFEST_SECTION, README_SECTION, SCHEMA_SECTION, SOURCES_SECTION};

/// Build options.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions<'a> {
    /// Allow building as root.
    pub allow_root: bool,
    /// Interfaces of this host.
    pub interfaces: &'a [Interface],
}

/// The result of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// `NAME.wasm` in the policy's directory, or in the directory that was requested.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
    /// SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
    /// Names of the interfaces whose functions the component imports, with versions, in byte order.
    pub imports: Vec<InterfaceName>,
    /// Whether another build gives the same bytes; depends only on the language.
    pub reproducible: bool,
}

/// Builds the policy in a directory. The compiler's messages go to standard error.
///
/// # Errors
/// Before any foreign code runs: if building here is not allowed or a file is invalid. Afterwards: if the source does
/// not compile, or the result is not a component or has a forbidden import.
pub fn build(dir: &Path, options: &BuildOptions<'_>) -> Result<Built, BuildError> {
    make(dir, None, Effort::Full, options)
}

/// Builds the policy into another directory, as fast as the language allows, for trying it out. The component behaves
/// the same, but is larger, uses more fuel, and its bytes may differ from build to build.
///
/// # Errors
/// As [`build`].
pub fn draft(dir: &Path, to: &Path, options: &BuildOptions<'_>) -> Result<Built, BuildError> {
    let built = make(dir, Some(to), Effort::Least, options)?;
    Ok(Built { reproducible: false, ..built })
}

/// Builds the policy as [`build`] does, but from nothing, into a scratch directory: to see whether another build gives the same
/// bytes. Go and the compilers of scripts keep their caches.
///
/// # Errors
/// As [`build`].
pub fn again(dir: &Path, scratch: &Path, options: &BuildOptions<'_>) -> Result<Built, BuildError> {
    make(dir, Some(scratch), Effort::Again(scratch), options)
}

/// How much the compiler optimizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort<'a> {
    /// Small and fast code, for release.
    Full,
    /// The same, and what is compiled goes into this directory.
    Again(&'a Path),
    /// The fastest compilation.
    Least,
}

fn make(dir: &Path, to: Option<&Path>, effort: Effort<'_>, options: &BuildOptions<'_>) -> Result<Built, BuildError> {
    if rustix::process::geteuid().is_root() && !options.allow_root {
        return Err(BuildError::Root);
    }
    let dir = storage::own_directory(dir)?;
    let mut source = Source::read(&dir, options.interfaces)?;
    let language = Language::of(&dir)?;
    world::refresh(&dir, &source.manifest, options.interfaces)?;
    // Before the compiler reads them: what is saved meanwhile makes the component stale.
    source.fingerprint = Some(fingerprint::of(&dir)?);
    let component = match language {
        Language::Rust => rust::component(&dir, effort)?,
        Language::C => c::component(&dir, &source.manifest, options.interfaces)?,
        Language::Go => go::component(&dir, &source.manifest, options.interfaces)?,
        Language::TypeScript | Language::JavaScript => {
            javascript::component(&dir, language, &source.manifest, options.interfaces)?
        }
        Language::Python => python::component(&dir, &source.manifest, options.interfaces)?,
    };
    let imports = imports::check(&component, &source.manifest, options.interfaces)?;
    let bytes = sections::embed(component, &source, Some(language))?;
    let path = to.unwrap_or(&dir).join(format!("{}.wasm", source.manifest.name));
    storage::replace(&path, &bytes)?;
    Ok(Built {
        path,
        bytes: bytes.len().into(),
        sha256: hex::encode(Sha256::digest(&bytes)),
        imports,
        reproducible: language.reproducible(),
    })
}

/// What a component carries besides its code.
pub(crate) struct Source {
    pub(crate) manifest: Manifest,
    /// JSON text.
    schema: Option<String>,
    readme: Option<String>,
    /// All licence files, concatenated.
    licence: Option<String>,
    /// See [`SOURCES_SECTION`].
    fingerprint: Option<String>,
}

impl Source {
    pub(crate) fn read(dir: &Path, interfaces: &[Interface]) -> Result<Source, BuildError> {
        if !storage::is_file(&dir.join("policy.toml")) {
            return Err(BuildError::NoPolicy(dir.to_owned()));
        }
        let manifest =
            Manifest::load(&dir.join("policy.toml"), interfaces).map_err(|e| BuildError::Manifest(Box::new(e)))?;
        let schema = match &manifest.settings_schema {
            Some(name) => {
                let path = dir.join(name);
                let text = storage::read_text(&path)?;
                Schema::parse(&path.display().to_string(), &text).map_err(|e| BuildError::Schema(Box::new(e)))?;
                Some(text)
            }
            None => None,
        };
        let readme = dir.join("README.md");
        let readme = if storage::is_file(&readme) { Some(storage::read_text(&readme)?) } else { None };
        let mut licence: Option<String> = None;
        for path in storage::licences(dir)? {
            let text = storage::read_text(&path)?;
            licence = Some(licence.map_or(text.clone(), |before| format!("{before}\n{text}")));
        }
        Ok(Source { manifest, schema, readme, licence, fingerprint: None })
    }
}
