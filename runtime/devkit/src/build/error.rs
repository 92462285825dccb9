//! Why a policy was not built.

use std::path::PathBuf;

use ansai_config::Diagnostics;
use ansai_core::{Code, codes};

/// Why a policy was not built; [`BuildError::hint`] is the way out.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Building runs the author's code.
    #[error("building as root would run the policy's build scripts as root")]
    Root,
    /// Somebody else could change what is built, and what is run while it is built.
    #[error("{} belongs to user {owner}, not to user {user}, who builds", dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who builds.
        user: u32,
    },
    /// There is no `policy.toml`.
    #[error("{} has no policy.toml", .0.display())]
    NoPolicy(PathBuf),
    /// No file tells what it is written in.
    #[error("{} has nothing to build: no Cargo.toml, policy.ts, policy.js, policy.py, policy.c or go.mod", .0.display())]
    NoLanguage(PathBuf),
    /// There is no `Cargo.lock`.
    #[error("{} has no Cargo.lock, so its dependencies can change between builds", .0.display())]
    NoLockFile(PathBuf),
    /// The manifest is wrong.
    #[error("policy.toml is invalid")]
    Manifest(Box<Diagnostics>),
    /// The schema of its settings is wrong.
    #[error("the settings schema is invalid")]
    Schema(Box<Diagnostics>),
    /// A program is missing.
    #[error("cannot run {program}: {source}")]
    Program {
        /// As it was called.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A language's compiler is missing, or a part of it.
    #[error("{missing}")]
    NoToolchain {
        /// What, and where it was looked for.
        missing: String,
        /// What brings it.
        install: String,
    },
    /// `go.mod` does not say where the bindings are.
    #[error("{} does not require the module {module}", file.display())]
    NoBindings {
        /// The `go.mod`.
        file: PathBuf,
        /// The module of the bindings.
        module: &'static str,
        /// Where it has to be.
        place: String,
    },
    /// It does not compile; the compiler has said why.
    #[error("{program} could not build {}", dir.display())]
    Compile {
        /// As it was called.
        program: String,
        /// What was to be built.
        dir: PathBuf,
    },
    /// The compiler did not answer a question, or did not accept the source.
    #[error("{program} failed: {said}")]
    Compiler {
        /// As it was called.
        program: String,
        /// Its words.
        said: String,
    },
    /// The standard library for `wasm32-unknown-unknown` is not installed.
    #[error("the Rust standard library for wasm32-unknown-unknown is missing: {} has no libcore-*.rlib", .0.display())]
    NoTarget(PathBuf),
    /// It does not compile; cargo has said why.
    #[error("cargo could not build {}", .0.display())]
    Cargo(PathBuf),
    /// Cargo made no WebAssembly module, or several.
    #[error("cargo made {} WebAssembly modules of {}, not one", count, dir.display())]
    Modules {
        /// The directory.
        dir: PathBuf,
        /// How many.
        count: usize,
    },
    /// The module cannot be made a component.
    #[error("the module is not a component: {0}")]
    Component(String),
    /// It does not export what a policy exports.
    #[error("the component does not export `{0}`")]
    NoExport(&'static str),
    /// It imports something that is no `ansai:` interface.
    #[error("the component imports `{0}`, which no host offers to policies")]
    NotOurs(String),
    /// It imports an `ansai:` interface that does not exist here.
    #[error("the component imports `{name}`, which this ansai does not know")]
    UnknownInterface {
        /// As imported.
        name: String,
        /// The version that is known of that interface.
        known: Option<String>,
    },
    /// It imports what its manifest does not ask for.
    #[error("the component imports `{0}`, which its manifest does not ask for")]
    NotAskedFor(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file to be embedded is too large or no text.
    #[error("{}: {problem}", path.display())]
    Text {
        /// Which.
        path: PathBuf,
        /// Which of the two.
        code: Code,
        /// What is wrong with it.
        problem: String,
    },
}

impl BuildError {
    /// The way out, where there is one to name.
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
                let name = name.split('@').next().unwrap_or(name);
                format!("add to policy.toml:\n[capabilities.\"{name}\"]\nreason = \"to …\"")
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
            // Their problems have ways out of their own.
            BuildError::Manifest(_) | BuildError::Schema(_) => return None,
        })
    }

    /// Problems with their places, where that is what went wrong.
    pub fn diagnostics(&self) -> Option<&Diagnostics> {
        match self {
            BuildError::Manifest(diagnostics) | BuildError::Schema(diagnostics) => Some(diagnostics),
            _ => None,
        }
    }
}
