//! A component file with its manifest and settings schema. Nothing else in its directory is read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ansai_config::{Diagnostics, Manifest, Schema};
use ansai_core::{Code, Interface, InterfaceName, codes, exit};
use ansai_engine::component::{ComponentInfo, MANIFEST_SECTION, SCHEMA_SECTION, inspect};
use ansai_engine::isolated::{TrustLevel, Workers};
use ansai_engine::load::LoadError;
use ansai_engine::{Engine, Policy};

use crate::error::Error;
use crate::ownership::{self, Problem};
use crate::pulled::Vouched;
use crate::sources;

/// The schema of a policy without settings.
const NO_SETTINGS: &str = r#"{"type": "object", "properties": {}}"#;

/// A component that was read and validated, and not compiled yet.
pub struct Component {
    /// Its path.
    pub path: PathBuf,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its digest, imports and sections.
    pub found: ComponentInfo,
    /// Who else could change it when it was read, and how to fix that.
    pub exposure: Option<Problem>,
    /// From its custom section.
    pub manifest: Arc<Manifest>,
    /// From its custom section.
    pub schema: Arc<Schema>,
    /// Whether it comes from a registry.
    pub is_pulled: bool,
    /// If it comes from a registry: what is judged to find out who vouches for it.
    pub vouched: Option<Vouched>,
    /// Compiled once for all instances, for each place where it runs.
    compiled: [OnceLock<Policy>; 2],
}

/// A component does not load.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// It is not a policy, does not match the contract, or does not compile.
    #[error("{}: {error}", path.display())]
    Load {
        /// The component.
        path: PathBuf,
        /// Why.
        #[source]
        error: LoadError,
    },
    /// The manifest or the settings schema that it carries is invalid.
    #[error("{}: invalid {part}", path.display())]
    Part {
        /// The component.
        path: PathBuf,
        /// `manifest` or `settings schema`.
        part: &'static str,
        /// What is wrong, with places.
        problems: Diagnostics,
    },
}

impl Component {
    /// Reads and validates a component.
    ///
    /// # Errors
    /// The file cannot be read, is not a policy, or carries an invalid manifest or schema.
    pub fn read(path: &Path, interfaces: &[Interface]) -> Result<Component, Error> {
        let refused = |error: ansai_engine::component::ComponentError| not_loaded(path, error.into());
        let invalid = |part, problems| ComponentError::Part { path: path.to_owned(), part, problems };
        let bytes = sources::read(path)?;
        let exposure = ownership::problem(path);
        let found = inspect(&bytes).map_err(refused)?;
        let text = found
            .manifest
            .as_deref()
            .ok_or_else(|| refused(ansai_engine::component::ComponentError::MissingSection(MANIFEST_SECTION)))?;
        let shown = path.display();
        let manifest = Manifest::from_json(&format!("{shown} ({MANIFEST_SECTION})"), text, interfaces)
            .map_err(|problems| invalid("manifest", problems))?;
        let schema = found.schema.as_deref().unwrap_or(NO_SETTINGS);
        let schema = Schema::parse(&format!("{shown} ({SCHEMA_SECTION})"), schema)
            .map_err(|problems| invalid("settings schema", problems))?
            .into();
        let manifest = Arc::new(manifest);
        Ok(Component {
            path: path.to_owned(),
            bytes,
            found,
            exposure,
            manifest,
            schema,
            is_pulled: false,
            vouched: None,
            compiled: Default::default(),
        })
    }

    /// Compiles and links it to the interfaces that its manifest asks for: in this process, or in `workers` for this trust
    /// level.
    ///
    /// # Errors
    /// It imports something else, does not match the contract, or does not compile.
    pub fn compile(&self, engine: &Engine, workers: Option<(&Arc<Workers>, TrustLevel)>) -> Result<Policy, Error> {
        let [here, isolated] = &self.compiled;
        let compiled = if workers.is_some() { isolated } else { here };
        if let Some(policy) = compiled.get() {
            return Ok(policy.clone());
        }
        let asked: Vec<InterfaceName> = self.manifest.capabilities.keys().cloned().collect();
        let policy = match workers {
            None => engine.load_requested(&self.bytes, Some(&asked)),
            Some(workers) => engine.load_isolated(workers, &self.bytes, Some(&asked)),
        };
        let policy = policy.map_err(|error| not_loaded(&self.path, error))?;
        Ok(compiled.get_or_init(|| policy).clone())
    }
}

/// Why this component does not load.
pub(crate) fn not_loaded(path: &Path, error: LoadError) -> ComponentError {
    ComponentError::Load { path: path.to_owned(), error }
}

impl ComponentError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            ComponentError::Load { error, .. } => error.code(),
            ComponentError::Part { .. } => codes::INVALID,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ComponentError::Load { error, .. } => Some(error.hint()),
            ComponentError::Part { .. } => None,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            ComponentError::Load { error: LoadError::Worker(_), .. } => exit::OTHER,
            ComponentError::Load { error: LoadError::Compile(error), .. } if !error.is_component_error() => exit::OTHER,
            _ => exit::USAGE,
        }
    }
}
