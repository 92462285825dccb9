//! From bytes to a policy that can be evaluated: inspected, compared with the contract, compiled, linked.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use crate::compile::CompileError;
use crate::compiled_code::map;
use crate::component::{ComponentError, ComponentInfo, inspect};
use crate::contract::{contract, has_interface};
use crate::engine::{Engine, EngineVariant};
use crate::gate::{Guest, link};
use crate::shape::Shape;
use crate::signature;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its bytes are no policy.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// An ansai interface that this host does not have, or not at this version.
    #[error("the component imports `{import}`, which this host does not have{}", .nearest.as_ref().map(|n| format!(" (it has `{n}`)")).unwrap_or_default())]
    UnknownInterface {
        /// As imported.
        import: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// A function of another shape than in the contract.
    #[error("`{function}` of `{interface}` is declared as {declared}, the contract has {expected}")]
    Shape {
        /// Import, or `the policy` for an export.
        interface: String,
        /// The function.
        function: String,
        /// In the component.
        declared: String,
        /// In the contract.
        expected: String,
    },
    /// It imports a capability that its manifest does not ask for.
    #[error("the component imports `{0}`, which its manifest does not ask for")]
    NotAsked(String),
    /// It needs parts of WebAssembly that are switched off.
    #[error("the component needs {0}, which ansai has switched off")]
    Proposal(String),
    /// There is no compiled code, or it cannot be linked.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl LoadError {
    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            LoadError::Component(error) => error.hint().to_owned(),
            LoadError::UnknownInterface { .. } | LoadError::Shape { .. } => {
                "build it against the wit/ of this version of ansai, or run a version that has the interface".into()
            }
            LoadError::NotAsked(name) => {
                let name = name.split('@').next().unwrap_or(name);
                format!("add [capabilities.\"{name}\"] with a reason to policy.toml")
            }
            LoadError::Proposal(_) => "build it without this option of your toolchain".into(),
            LoadError::Compile(error) => error.hint().to_owned(),
        }
    }
}

/// A policy that can be evaluated, any number of times and at once; cheap to clone.
#[derive(Clone)]
pub struct Policy {
    pub(crate) engine: Engine,
    pub(crate) machine: EngineVariant,
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) detect: ComponentExportIndex,
    pub(crate) plan: ComponentExportIndex,
    /// What `plan` takes.
    pub(crate) finding: Arc<Shape>,
    found: Arc<ComponentInfo>,
}

impl Policy {
    /// What was found in its bytes.
    pub fn found(&self) -> &ComponentInfo {
        &self.found
    }
}

impl Engine {
    /// Loads a component from its bytes; compiles it where the cache does not have it.
    pub fn load(&self, bytes: &[u8]) -> Result<Policy, LoadError> {
        self.load_asked(bytes, None)
    }

    /// The same, refusing imports that are neither base interfaces nor among `asked` (names without version):
    /// only what is asked for is linked.
    pub fn load_asked(&self, bytes: &[u8], asked: Option<&[&str]>) -> Result<Policy, LoadError> {
        self.linked(bytes, asked).map_err(|error| told(error, bytes))
    }

    fn linked(&self, bytes: &[u8], asked: Option<&[&str]>) -> Result<Policy, LoadError> {
        let found = inspect(bytes)?;
        for import in &found.imports {
            self.known(import)?;
            let name = import.split('@').next().unwrap_or(import);
            let base = name.starts_with("ansai:policy/");
            if asked.is_some_and(|asked| !base && !asked.contains(&name)) {
                return Err(LoadError::NotAsked(import.clone()));
            }
        }
        let machine = self.machine(found.memory)?;
        let component = self.compiled(machine, bytes, &found)?;
        check_shapes(&component)?;
        let mut linker = Linker::new(&machine.wasmtime);
        for import in &found.imports {
            link(&mut linker, &self.registry, import, &component).map_err(not_accepted)?;
        }
        let export = |name| {
            component.get_export_index(None, name).ok_or(LoadError::Component(ComponentError::MissingExport(name)))
        };
        Ok(Policy {
            detect: export("detect")?,
            plan: export("plan")?,
            finding: Arc::new(finding(&component)?),
            pre: linker.instantiate_pre(&component).map_err(not_accepted)?,
            engine: self.clone(),
            machine: machine.clone(),
            found: Arc::new(found),
        })
    }

    fn known(&self, import: &str) -> Result<(), LoadError> {
        // Interfaces that only lend types have no functions and no entry.
        if has_interface(import) || self.test_interface(import) {
            return Ok(());
        }
        let name = import.split('@').next().unwrap_or(import);
        let nearest = contract().interfaces.keys().find(|known| known.split('@').next() == Some(name)).cloned();
        Err(LoadError::UnknownInterface { import: ansai_core::text::inert(import, 120), nearest })
    }

    /// An interface that was added to the registry and is not in `wit/`: a test's own.
    fn test_interface(&self, import: &str) -> bool {
        self.registry.entries().any(|entry| entry.interface.import_name() == import)
    }

    fn compiled(&self, machine: &EngineVariant, bytes: &[u8], found: &ComponentInfo) -> Result<Component, LoadError> {
        let digest = &found.digest;
        if let Some(component) = machine.cached(digest) {
            return Ok(component);
        }
        if crate::wasm_features::several_memories(bytes).map_err(crate::component::damaged)? {
            return Err(LoadError::Proposal(crate::wasm_features::MULTI_MEMORY.into()));
        }
        let code = self.compiler.compile(&machine.wasmtime, found.memory, bytes)?;
        // Only what can be used is kept.
        let component = map(&machine.wasmtime, code.file()).map_err(unusable)?;
        let Some(cache) = &machine.cache else { return Ok(component) };
        if let Err(error) = cache.put(digest, &code) {
            tracing::warn!(%digest, "compiled component is not kept: {error}");
            return Ok(component);
        }
        // Pages of a file can be given back to a host that is short of memory, those of the compiler's answer cannot.
        Ok(machine.cached(digest).unwrap_or(component))
    }
}

impl EngineVariant {
    fn cached(&self, digest: &str) -> Option<Component> {
        let file = self.cache.as_ref()?.get(digest)?;
        match map(&self.wasmtime, &file) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%digest, "compiled component does not load, compiling again: {error:#}");
                None
            }
        }
    }
}

/// What it imports and exports is what the contract has.
fn check_shapes(component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    for (interface, item) in ty.imports(component.engine()) {
        let (ComponentItem::ComponentInstance(instance), Some(expected)) =
            (item.ty, contract().interfaces.get(interface))
        else {
            continue;
        };
        for (function, item) in instance.exports(component.engine()) {
            if let ComponentItem::ComponentFunc(func) = item.ty {
                same_shape(interface, function, &signature::of_func(&func), expected.get(function))?;
            }
        }
    }
    for (name, expected) in &contract().exports {
        let declared = match ty.get_export(component.engine(), name).map(|item| item.ty) {
            Some(ComponentItem::ComponentFunc(func)) => signature::of_func(&func),
            _ => "no function".into(),
        };
        same_shape("the policy", name, &declared, Some(expected))?;
    }
    Ok(())
}

/// The type of the finding that `plan` takes; the shapes were compared before.
fn finding(component: &Component) -> Result<Shape, LoadError> {
    let missing = LoadError::Component(ComponentError::MissingExport("plan"));
    match component.component_type().get_export(component.engine(), "plan").map(|item| item.ty) {
        Some(ComponentItem::ComponentFunc(plan)) => plan.params().next().map(|(_, ty)| Shape::of(&ty)).ok_or(missing),
        _ => Err(missing),
    }
}

/// What wasmtime says about a component, as its author wants it: the name of what it needs, and nothing from its
/// bytes that a terminal acts on.
fn told(error: LoadError, bytes: &[u8]) -> LoadError {
    let LoadError::Compile(CompileError::NotAccepted(why)) = error else { return error };
    match crate::wasm_features::needed(bytes) {
        names if names.is_empty() => CompileError::NotAccepted(ansai_core::text::inert(&why, 1_000)).into(),
        names => LoadError::Proposal(names.join(", ")),
    }
}

/// What was compiled and cannot be loaded: mostly damaged; or it begins with more than a place for guests has.
fn unusable(error: wasmtime::Error) -> CompileError {
    let why = format!("{error:#}");
    // wasmtime has only words for it; the guests `table-initial` and `(instances with many functions)` hold them.
    if ["exceeds the limit", "exceeds the configured maximum"].iter().any(|words| why.contains(words)) {
        CompileError::NotAccepted(why)
    } else {
        CompileError::Unusable(why)
    }
}

fn not_accepted(error: wasmtime::Error) -> LoadError {
    CompileError::NotAccepted(format!("{error:#}")).into()
}

fn same_shape(interface: &str, function: &str, declared: &str, expected: Option<&String>) -> Result<(), LoadError> {
    let expected = expected.map_or("no such function", String::as_str);
    if declared == expected {
        return Ok(());
    }
    let cut = |text: &str| ansai_core::text::inert(text, 400);
    Err(LoadError::Shape {
        interface: interface.into(),
        function: cut(function),
        declared: cut(declared),
        expected: cut(expected),
    })
}
