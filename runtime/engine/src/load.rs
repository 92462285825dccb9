//! Loads a policy from its bytes: inspects, compiles and links it, and compares its signatures with the contract.

use std::fs::File;
use std::sync::Arc;

use ansai_core::{InstanceName, InterfaceName};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use crate::compile::CompileError;
use crate::compiled_code::map;
use crate::component::{ComponentError, ComponentInfo, inspect};
use crate::contract::Contract;
use crate::engine::{Engine, EngineVariant};
use crate::exports::ExportsPre;
use crate::gate::{StoreState, link};
use crate::isolated::{Compartment, Isolated, TrustLevel, Workers};
use crate::signature;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not a policy.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// This host does not have an imported interface, or not in this version.
    #[error("the component imports `{import}`, which this host does not have{}", .nearest.as_ref().map(|n| format!(" (it has `{n}`)")).unwrap_or_default())]
    UnknownInterface {
        /// The import.
        import: InterfaceName,
        /// The same interface in another version.
        nearest: Option<InterfaceName>,
    },
    /// An imported interface is of a later version than this host has.
    #[error("the component needs `{import}`, and this host has `{has}`")]
    NewerInterface {
        /// The import.
        import: InterfaceName,
        /// The version of this host.
        has: InterfaceName,
    },
    /// The signature of a function differs from the contract.
    #[error("`{function}` of `{interface}` is declared as {declared}; the contract has {expected}")]
    Signature {
        /// The import, or `the policy` for an export.
        interface: String,
        /// The function.
        function: String,
        /// Signature in the component.
        declared: String,
        /// Signature in the contract.
        expected: String,
    },
    /// It imports an interface that its manifest does not request.
    #[error("the component imports `{0}`, which its manifest does not request")]
    NotRequested(InterfaceName),
    /// It needs WebAssembly features that are disabled.
    #[error("the component needs WebAssembly features that ansai disables: {0}")]
    DisabledFeature(String),
    /// No worker process can run it. The component is not the cause.
    #[error("no worker process for its code: {0}")]
    Worker(String),
    /// It cannot be compiled or linked.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl LoadError {
    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            LoadError::Component(error) => error.hint().to_owned(),
            LoadError::NewerInterface { import, .. } => format!(
                "install an ansai that has {} {} or later (`ansai contract` shows what one has), or a build of this policy \
                 for this version",
                import.package(),
                import.version().unwrap_or_default()
            ),
            LoadError::UnknownInterface { .. } | LoadError::Signature { .. } => {
                "build it with the wit/ of this version of ansai, or run a version that has the interface".into()
            }
            LoadError::NotRequested(name) => {
                format!("add [capabilities.\"{}\"] with a reason to policy.toml", name.without_version())
            }
            LoadError::DisabledFeature(_) => "disable these features in your toolchain and build it again".into(),
            LoadError::Worker(_) => {
                "let ansai start processes on this host (`ansai doctor` shows what is missing), or set `isolation = \"thread\"` in \
                 [daemon] of ansai.toml: then guest code runs in the process of ansai"
                    .into()
            }
            LoadError::Compile(error) => error.hint().to_owned(),
        }
    }
}

/// A loaded policy, cheap to clone. It can be evaluated any number of times, also in parallel.
#[derive(Clone)]
pub struct Policy {
    /// Shared: each instance has a copy of its policy, and the registry of an engine is large.
    pub(crate) engine: Arc<Engine>,
    pub(crate) place: Place,
    info: Arc<ComponentInfo>,
}

/// Where a policy runs.
#[derive(Clone)]
pub(crate) enum Place {
    /// In this process.
    Here(Linked),
    /// In a worker process.
    Isolated(Isolated),
}

/// A component that is mapped and linked in this process.
#[derive(Clone)]
pub(crate) struct Linked {
    pub(crate) variant: EngineVariant,
    pub(crate) pre: ExportsPre<StoreState>,
}

impl Policy {
    /// What the component declares: digest, imports, manifest.
    pub fn info(&self) -> &ComponentInfo {
        &self.info
    }

    /// The same policy in a worker that only this instance uses. It changes nothing if the policy runs in this process.
    #[must_use]
    pub fn owned_by(mut self, instance: &InstanceName) -> Policy {
        if let Place::Isolated(isolated) = &mut self.place {
            isolated.compartment.own = Some(instance.clone());
        }
        self
    }

    /// The same policy in a worker for versions that run as shadows: an instance has the same name in both of its versions, and
    /// a new version that escapes from the sandbox must not act as the pinned one. It changes nothing if the policy runs in
    /// this process.
    #[must_use]
    pub fn as_shadow(mut self) -> Policy {
        if let Place::Isolated(isolated) = &mut self.place {
            isolated.compartment.is_shadow = true;
        }
        self
    }

    /// Whether it runs in a worker process.
    pub fn is_isolated(&self) -> bool {
        matches!(self.place, Place::Isolated(_))
    }
}

impl Engine {
    /// Loads a component from its bytes, and compiles it when the cache does not have it.
    pub fn load(&self, bytes: &[u8]) -> Result<Policy, LoadError> {
        self.load_requested(bytes, None)
    }

    /// Loads a component, and refuses imports that are neither base interfaces nor in `requested` (names without version).
    pub fn load_requested(&self, bytes: &[u8], requested: Option<&[InterfaceName]>) -> Result<Policy, LoadError> {
        self.load_in(None, bytes, requested)
    }

    /// The same for a policy that runs in worker processes of this trust level. This process does not map its code.
    pub fn load_isolated(
        &self,
        (workers, trust): (&Arc<Workers>, TrustLevel),
        bytes: &[u8],
        requested: Option<&[InterfaceName]>,
    ) -> Result<Policy, LoadError> {
        self.load_in(Some((workers, trust)), bytes, requested)
    }

    fn load_in(
        &self,
        workers: Option<(&Arc<Workers>, TrustLevel)>,
        bytes: &[u8],
        requested: Option<&[InterfaceName]>,
    ) -> Result<Policy, LoadError> {
        let load = || {
            let info = self.checked(bytes, requested)?;
            let variant = self.variant(info.memory)?;
            let place = match workers {
                None => Place::Here(
                    self.compiled(variant, bytes, &info, |code| self.map_and_link(variant, code, &info.imports))?,
                ),
                Some((workers, trust)) => {
                    let compartment = Compartment { trust, own: None, is_shadow: false };
                    let code = self.compiled(variant, bytes, &info, |code| {
                        let code = Arc::new(code.try_clone().map_err(|error| CompileError::Start(error.to_string()))?);
                        workers.try_load(&compartment, &info, &code)?;
                        Ok(code)
                    })?;
                    Place::Isolated(Isolated { workers: workers.clone(), code, compartment })
                }
            };
            Ok(Policy { place, engine: Arc::new(self.clone()), info: Arc::new(info) })
        };
        load().map_err(|error| named_features(error, bytes))
    }

    /// Inspects a component, and checks that this host has the interfaces that it imports.
    fn checked(&self, bytes: &[u8], requested: Option<&[InterfaceName]>) -> Result<ComponentInfo, LoadError> {
        let info = inspect(bytes)?;
        for import in &info.imports {
            self.known(import)?;
            let base = import.package() == "ansai:policy";
            if requested.is_some_and(|requested| !base && !requested.iter().any(|name| name.same_interface(import))) {
                return Err(LoadError::NotRequested(import.clone()));
            }
        }
        Ok(info)
    }

    /// Maps compiled code and links it to the interfaces that it imports.
    fn map_and_link(
        &self,
        variant: &EngineVariant,
        code: &File,
        imports: &[InterfaceName],
    ) -> Result<Linked, LoadError> {
        let component = map(&variant.wasmtime, code).map_err(unusable)?;
        // Now, not at the first evaluation: a worker makes no memory files once it has run guest code.
        component.initialize_copy_on_write_image().map_err(unusable)?;
        check_signatures(&component, self.contract())?;
        let mut linker = Linker::new(&variant.wasmtime);
        for import in imports {
            link(&mut linker, &self.registry, import, &component).map_err(not_accepted)?;
        }
        let pre = linker.instantiate_pre(&component).and_then(ExportsPre::new).map_err(not_accepted)?;
        Ok(Linked { variant: variant.clone(), pre })
    }

    /// Loads code of a component that was loaded elsewhere before: in a worker.
    pub(crate) fn load_code(&self, info: ComponentInfo, code: &File) -> Result<Policy, LoadError> {
        let linked = self.map_and_link(self.variant(info.memory)?, code, &info.imports)?;
        Ok(Policy { place: Place::Here(linked), engine: Arc::new(self.clone()), info: Arc::new(info) })
    }

    fn known(&self, import: &InterfaceName) -> Result<(), LoadError> {
        // Interfaces with types alone are not in the registry.
        let nearest = self.contract().nearest(import).cloned();
        if self.contract().serving(import).is_some() || (nearest.is_none() && self.test_interface(import)) {
            return Ok(());
        }
        let import = import.clone();
        Err(match nearest {
            Some(has) if has.is_extended_by(&import) => LoadError::NewerInterface { import, has },
            nearest => LoadError::UnknownInterface { import, nearest },
        })
    }

    /// Whether it is an interface that a test added to the registry, which `wit/` does not have.
    fn test_interface(&self, import: &InterfaceName) -> bool {
        self.registry.entries().any(|entry| entry.interface.import_name() == *import)
    }

    /// The result of `load` with the compiled code: from the cache, or compiled now if the cache does not have it or
    /// `load` cannot use what it has.
    fn compiled<T>(
        &self,
        variant: &EngineVariant,
        bytes: &[u8],
        info: &ComponentInfo,
        load: impl Fn(&File) -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        let digest = &info.digest;
        let cached = || variant.cache.as_ref().and_then(|cache| cache.get(digest));
        if let Some(file) = cached() {
            match load(&file) {
                Err(LoadError::Compile(error @ (CompileError::Unusable(_) | CompileError::NotAccepted(_)))) => {
                    tracing::warn!(%digest, "cached component does not load, compiling it again: {error}");
                }
                result => return result,
            }
        }
        if crate::wasm_features::has_several_memories(bytes).map_err(crate::component::damaged)? {
            return Err(LoadError::DisabledFeature(crate::wasm_features::MULTI_MEMORY.into()));
        }
        let code = self.compiler.compile(&variant.wasmtime, info.memory, bytes)?;
        let loaded = load(code.file());
        // Only code that can be mapped is cached.
        let (Some(cache), Ok(_) | Err(LoadError::Signature { .. })) = (&variant.cache, &loaded) else { return loaded };
        if let Err(error) = cache.put(digest, &code) {
            tracing::warn!(%digest, "cannot cache the compiled component; the next start compiles it again: {error}");
            return loaded;
        }
        let loaded = loaded?;
        // The kernel can drop the pages of a file when memory is short, but not those of the compiler's memory file.
        Ok(cached().and_then(|file| load(&file).ok()).unwrap_or(loaded))
    }
}

/// Compares the signatures of all imported and exported functions with the contract.
fn check_signatures(component: &Component, contract: &Contract) -> Result<(), LoadError> {
    let ty = component.component_type();
    for (interface, item) in ty.imports(component.engine()) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        let Some(expected) = interface.parse().ok().and_then(|import| contract.serving(&import)) else { continue };
        for (function, item) in instance.exports(component.engine()) {
            if let ComponentItem::ComponentFunc(func) = item.ty {
                check_signature(interface, function, &signature::of_func(&func), expected.get(function))?;
            }
        }
    }
    for (name, expected) in &contract.exports {
        let declared = match ty.get_export(component.engine(), name).map(|item| item.ty) {
            Some(ComponentItem::ComponentFunc(func)) => signature::of_func(&func),
            _ => "no function".into(),
        };
        check_signature("the policy", name, &declared, Some(expected))?;
    }
    Ok(())
}

/// Replaces an error of wasmtime by the names of the disabled features that the component needs, where that is the reason,
/// and removes control characters.
fn named_features(error: LoadError, bytes: &[u8]) -> LoadError {
    let LoadError::Compile(CompileError::NotAccepted(why)) = error else { return error };
    match crate::wasm_features::required(bytes) {
        names if names.is_empty() => CompileError::NotAccepted(ansai_core::text::inert(&why, 1_000)).into(),
        names => LoadError::DisabledFeature(names.join(", ")),
    }
}

/// The error for compiled code that does not load: damaged code, or a component whose initial size exceeds a limit.
fn unusable(error: wasmtime::Error) -> CompileError {
    let why = format!("{error:#}");
    // wasmtime has no type for it; the guests `table-initial` and `(instances with many functions)` test these words.
    if ["exceeds the limit", "exceeds the configured maximum"].iter().any(|words| why.contains(words)) {
        CompileError::NotAccepted(why)
    } else {
        CompileError::Unusable(why)
    }
}

fn not_accepted(error: wasmtime::Error) -> LoadError {
    CompileError::NotAccepted(format!("{error:#}")).into()
}

fn check_signature(
    interface: &str,
    function: &str,
    declared: &str,
    expected: Option<&String>,
) -> Result<(), LoadError> {
    let expected = expected.map_or("no such function", String::as_str);
    if declared == expected {
        return Ok(());
    }
    let cut = |text: &str| ansai_core::text::inert(text, 400);
    Err(LoadError::Signature {
        interface: interface.into(),
        function: cut(function),
        declared: cut(declared),
        expected: cut(expected),
    })
}
