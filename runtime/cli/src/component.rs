//! A component as it lies on disk, with what it says about itself. Nothing is read from the directory beside it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ansai_config::{Manifest, Schema};
use ansai_core::Interface;
use ansai_engine::component::{ComponentError, ComponentInfo, MANIFEST_SECTION, SCHEMA_SECTION, inspect};
use ansai_engine::load::LoadError;
use ansai_engine::{Engine, Policy};

use crate::exit::Fault;
use crate::sources;

/// Settings of a policy without a schema: none.
const NO_SETTINGS: &str = r#"{"type": "object", "properties": {}}"#;

/// Read and understood, not compiled yet.
pub(crate) struct Component {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) found: ComponentInfo,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) schema: Schema,
    /// Compiled once, however many instances there are of it.
    compiled: OnceLock<Policy>,
}

impl Component {
    /// Reads a component of at most what is accepted.
    pub(crate) fn read(path: &Path, interfaces: &[Interface]) -> Result<Component, Fault> {
        let shown = path.display();
        let refused = |error: ComponentError| {
            let (hint, code) = (error.hint(), error.code());
            Fault::usage(code, format!("{shown}: {error}")).hint(hint)
        };
        let bytes = sources::read(path)?;
        let found = inspect(&bytes).map_err(refused)?;
        let text =
            found.manifest.as_deref().ok_or_else(|| refused(ComponentError::MissingSection(MANIFEST_SECTION)))?;
        let invalid = |what: &str, problems| Fault::invalid(format!("{shown}: its {what} is not valid"), problems);
        let manifest = Manifest::from_json(&format!("{shown} ({MANIFEST_SECTION})"), text, interfaces)
            .map_err(|problems| invalid("manifest", problems))?;
        let schema = found.schema.as_deref().unwrap_or(NO_SETTINGS);
        let schema = Schema::parse(&format!("{shown} ({SCHEMA_SECTION})"), schema)
            .map_err(|problems| invalid("settings schema", problems))?;
        let manifest = Arc::new(manifest);
        Ok(Component { path: path.to_owned(), bytes, found, manifest, schema, compiled: OnceLock::new() })
    }

    /// Compiles and links it: what its manifest asks for and nothing else.
    pub(crate) fn compile(&self, engine: &Engine) -> Result<Policy, Fault> {
        if let Some(policy) = self.compiled.get() {
            return Ok(policy.clone());
        }
        let asked: Vec<&str> = self.manifest.capabilities.keys().map(String::as_str).collect();
        let policy =
            engine.load_requested(&self.bytes, Some(&asked)).map_err(|error| not_loaded(&self.path, &error))?;
        Ok(self.compiled.get_or_init(|| policy).clone())
    }
}

/// Why a component does not load, as every command that loads one says it.
pub(crate) fn not_loaded(path: &Path, error: &LoadError) -> Fault {
    let message = format!("{}: {error}", path.display());
    let of_this_host = matches!(error, LoadError::Compile(error) if !error.is_component_error());
    let fault = if of_this_host { Fault::other(error.code(), message) } else { Fault::usage(error.code(), message) };
    fault.hint(error.hint())
}
