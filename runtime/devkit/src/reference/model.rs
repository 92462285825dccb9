//! The contract as plain values.

use ansai_core::{InterfaceKind, InterfaceName, Sensitivity};
use serde::Serialize;

use super::Written;

/// All packages of the contract.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    /// In order of dependency: `ansai:policy` first.
    pub packages: Vec<Package>,
    /// Functions that a policy exports and the host calls.
    pub exports: Vec<Function>,
}

/// One package, which covers one domain.
#[derive(Debug, Clone, Serialize)]
pub struct Package {
    /// Name without `ansai:`: `files`.
    pub name: String,
    /// Version: `0.1.0`.
    pub version: String,
    /// Markdown from `wit/`.
    pub about: String,
    /// In the order of `wit/`.
    pub interfaces: Vec<Interface>,
}

/// One interface: a capability, or shared types.
#[derive(Debug, Clone, Serialize)]
pub struct Interface {
    /// Name in a manifest and in a grant: `ansai:files/files-probe`.
    pub name: InterfaceName,
    /// Last part of the name: `files-probe`.
    #[serde(skip)]
    pub short: String,
    /// Name as imported by a component, with the version.
    pub import: InterfaceName,
    /// Markdown from `wit/`; may be empty.
    pub about: String,
    /// Kind of its functions; `None` for an interface that holds only types.
    pub kind: Option<InterfaceKind>,
    /// What a policy with this interface can do; completes "can …".
    pub ability: &'static str,
    /// How sensitive its answers are.
    pub sensitivity: Option<Sensitivity>,
    /// Keys that a grant may hold.
    pub scope: Vec<ScopeKey>,
    /// Lines for `policy.toml`; empty if no request is needed.
    pub request: String,
    /// Lines for `ansai.toml`, with a value for every key; empty if no grant is needed.
    pub grant: String,
    /// In the order of `wit/`.
    pub functions: Vec<Function>,
    /// Types defined here, in the order of `wit/`; without types from other interfaces.
    pub types: Vec<Type>,
}

/// One key of a scope.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeKey {
    /// Name in both files.
    pub name: &'static str,
    /// Format of its value, and how request and grant are combined.
    pub kind: String,
    /// What it limits.
    pub about: &'static str,
    /// Value in force if neither file sets it, as written in a file; `None` if there is none.
    pub default: Option<String>,
    /// Format of a value: `size, at most`.
    #[serde(skip)]
    pub format: String,
    /// How the scope in force results if request and grant both set the key.
    #[serde(skip)]
    pub meeting: String,
}

/// One function.
#[derive(Debug, Clone, Serialize)]
pub struct Function {
    /// Name: `list-files`.
    pub name: String,
    /// Markdown from `wit/`; may be empty.
    pub about: String,
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// Type of the answer, without the refusal around it; `None` if it returns nothing.
    pub answer: Option<Written>,
    /// Type of the refusal or failure; `None` if the function always answers.
    pub refusal: Option<Written>,
    /// Arguments that the scope limits.
    pub bounds: Vec<Bound>,
}

/// One parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Parameter {
    /// Name: `what`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Written,
}

/// An argument that the scope limits.
#[derive(Debug, Clone, Serialize)]
pub struct Bound {
    /// Path of the argument: `what.root`.
    pub argument: String,
    /// Key of the scope.
    pub key: &'static str,
    /// Completes "ARGUMENT must be …".
    pub must: String,
}

/// A named type.
#[derive(Debug, Clone, Serialize)]
pub struct Type {
    /// Name: `file-query`.
    pub name: String,
    /// `record`, `variant`, `enum`, `flags` or `type`.
    pub kind: &'static str,
    /// Markdown from `wit/`; may be empty.
    pub about: String,
    /// The type that an alias stands for.
    pub alias: Option<Written>,
    /// Fields of a record, cases of a variant or enum.
    pub members: Vec<Member>,
}

/// A field or a case.
#[derive(Debug, Clone, Serialize)]
pub struct Member {
    /// Name: `min-age-hours`.
    pub name: String,
    /// Type of the field, or of the case's payload.
    #[serde(rename = "type")]
    pub ty: Option<Written>,
    /// Markdown from `wit/`; may be empty.
    pub about: String,
}
