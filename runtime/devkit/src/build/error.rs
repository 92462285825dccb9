//! Reasons why a policy was not built.

use std::path::PathBuf;

use ansai_config::Diagnostics;
use ansai_core::{Code, InterfaceName, codes};

/// Why a policy was not built; [`BuildError::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Building as root is refused, because it runs the author's code.
    #[error("building as root would run the policy's build scripts as root")]
    Root,
    /// Another user can change what is built, and what runs during the build.
    #[error("{} belongs to user {owner}, not to user {user}, who builds", dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// User id of its owner.
        owner: u32,
        /// User id of the person who builds.
        user: u32,
    },
    /// There is no `policy.toml`.
    #[error("{} has no policy.toml", .0.display())]
    NoPolicy(PathBuf),
    /// No file identifies the language.
    #[error("{} has nothing to build: no Cargo.toml, policy.ts, policy.js, policy.py, policy.c or go.mod", .0.display())]
    NoLanguage(PathBuf),
    /// There is no `Cargo.lock`.
    #[error("{} has no Cargo.lock, so its dependencies can change between builds", .0.display())]
    NoLockFile(PathBuf),
    /// The manifest is invalid.
    #[error("policy.toml is invalid")]
    Manifest(Box<Diagnostics>),
    /// The schema of the settings is invalid.
    #[error("the settings schema is invalid")]
    Schema(Box<Diagnostics>),
    /// A program is missing.
    #[error("cannot run {program}: {source}")]
    Program {
        /// The program as called.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A language's compiler, or a part of it, is missing.
    #[error("{missing}")]
    NoToolchain {
        /// What is missing, and where it was searched for.
        missing: String,
        /// The command that installs it.
        install: String,
    },
    /// `go.mod` does not say where the bindings are.
    #[error("{} does not require the module {module}", file.display())]
    NoBindings {
        /// The `go.mod`.
        file: PathBuf,
        /// The module of the bindings.
        module: &'static str,
        /// Where the bindings have to be.
        place: String,
    },
    /// The source does not compile; the compiler's message was printed.
    #[error("{program} could not build {}", dir.display())]
    Compile {
        /// The program as called.
        program: String,
        /// The directory that was built.
        dir: PathBuf,
    },
    /// The compiler failed to answer a query, or rejected the source.
    #[error("{program} failed: {said}")]
    Compiler {
        /// The program as called.
        program: String,
        /// The compiler's output.
        said: String,
    },
    /// The standard library for `wasm32-unknown-unknown` is not installed.
    #[error("the Rust standard library for wasm32-unknown-unknown is missing: {} has no libcore-*.rlib", .0.display())]
    NoTarget(PathBuf),
    /// The source does not compile; cargo's message was printed.
    #[error("cargo could not build {}", .0.display())]
    Cargo(PathBuf),
    /// Cargo produced no WebAssembly module, or several.
    #[error("cargo made {} WebAssembly modules of {}, not one", count, dir.display())]
    Modules {
        /// The directory.
        dir: PathBuf,
        /// Number of modules.
        count: usize,
    },
    /// The module cannot be turned into a component.
    #[error("the module is not a component: {0}")]
    Component(String),
    /// It lacks an export that every policy must have.
    #[error("the component does not export `{0}`")]
    NoExport(&'static str),
    /// It imports something that is not an `ansai:` interface.
    #[error("the component imports `{0}`, which no host offers to policies")]
    NotOurs(String),
    /// It imports an `ansai:` interface that this host does not have.
    #[error("the component imports `{name}`, which this ansai does not know")]
    UnknownInterface {
        /// The interface's name as imported.
        name: InterfaceName,
        /// The version of that interface that this host has.
        known: Option<InterfaceName>,
    },
    /// It imports an interface that its manifest does not request.
    #[error("the component imports `{0}`, which its manifest does not ask for")]
    NotAskedFor(InterfaceName),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file to embed is too large or is not text.
    #[error("{}: {problem}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Which of the two it is.
        code: Code,
        /// The problem.
        problem: String,
    },
}

impl BuildError {
    /// How to fix it, if there is a known way.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            BuildError::Root => "build as an ordinary user, or say --allow-root where only you wrote it".into(),
            BuildError::Foreign { .. } => "build as its owner, or copy the source to a directory of your own".into(),
            BuildError::NoPolicy(_) => "name the directory of a policy; `ansai new` starts one".into(),
            BuildError::NoLanguage(_) => {
                "`ansai new` starts a policy; a component that was built elsewhere needs none".into()
            }
            BuildError::NoLockFile(dir) => {
                format!("run `cargo generate-lockfile` in {} and keep the file with the source", dir.display())
            }
            BuildError::Program { program, .. } if program.ends_with("rustc") || program.ends_with("cargo") => {
                "run `curl --proto '=https' -sSf https://sh.rustup.rs | sh` or `apt-get install cargo`, or set RUSTC and CARGO"
                    .into()
            }
            BuildError::NoToolchain { install, .. } => install.clone(),
            BuildError::NoBindings { module, place, .. } => {
                format!("add to it:\nrequire {module} v0.0.0\nreplace {module} => {place}")
            }
            BuildError::NoTarget(_) => "run `rustup target add wasm32-unknown-unknown`, or with the distribution's \
                                        Rust `apt-get install libstd-rust-dev-wasm32`"
                .into(),
            BuildError::Modules { count: 0, .. } => {
                "write `crate-type = [\"cdylib\"]` below `[lib]` in Cargo.toml".into()
            }
            BuildError::Modules { .. } => "a policy is one package with one library".into(),
            BuildError::Component(_) | BuildError::NoExport(_) => {
                "export the world `ansai:policy/policy`: in Rust, `ansai_sdk::policy!(MyPolicy);` in lib.rs does".into()
            }
            BuildError::NotOurs(name) if name.starts_with("wasi:") => {
                "build for wasm32-unknown-unknown, or run `ansai virtualize FILE` to replace the WASI imports"
                    .into()
            }
            BuildError::NotOurs(_) => "import interfaces of the `ansai:` packages only".into(),
            BuildError::UnknownInterface { known: Some(known), .. } => format!("this ansai has `{known}`"),
            BuildError::UnknownInterface { known: None, .. } => {
                "build with the WIT packages that came with this ansai".into()
            }
            BuildError::NotAskedFor(name) => {
                format!("add to policy.toml:\n[capabilities.\"{}\"]\nreason = \"to …\"", name.without_version())
            }
            BuildError::Program { program, .. } => format!("install {program}, or add its directory to PATH"),
            BuildError::Compile { .. } | BuildError::Cargo(_) => {
                "fix the errors above; the previous build is unchanged. `ansai dev` builds again on every change".into()
            }
            BuildError::Compiler { program, .. } => {
                format!("fix the errors that {program} reports; the previous build is unchanged")
            }
            BuildError::File { .. } => "check the path and its permissions".into(),
            BuildError::Text { code, .. } if *code == codes::NOT_UTF_8 => "save the file as UTF-8".into(),
            BuildError::Text { .. } => "it is embedded in the component: shorten it".into(),
            // Each of their problems has its own hint.
            BuildError::Manifest(_) | BuildError::Schema(_) => return None,
        })
    }

    /// The problems with their places in the file, if the manifest or the schema is invalid.
    pub fn diagnostics(&self) -> Option<&Diagnostics> {
        match self {
            BuildError::Manifest(diagnostics) | BuildError::Schema(diagnostics) => Some(diagnostics),
            _ => None,
        }
    }
}
