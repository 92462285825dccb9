//! What there is to say about the contract, as plain values.

use ansai_core::{InterfaceKind, Sensitivity};
use serde::Serialize;

use super::Written;

/// All packages of the contract.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    /// In order of dependency: `ansai:policy` first.
    pub packages: Vec<Package>,
    /// What a policy exports, for the host to call.
    pub exports: Vec<Function>,
}

/// One package: one domain.
#[derive(Debug, Clone, Serialize)]
pub struct Package {
    /// Without `ansai:`: `files`.
    pub name: String,
    /// `0.1.0`.
    pub version: String,
    /// Markdown, as in `wit/`.
    pub about: String,
    /// In the order of `wit/`.
    pub interfaces: Vec<Interface>,
}

/// One interface: one capability, or the types that all share.
#[derive(Debug, Clone, Serialize)]
pub struct Interface {
    /// As a manifest and a grant name it: `ansai:files/files-probe`.
    pub name: String,
    /// Its last part: `files-probe`.
    #[serde(skip)]
    pub short: String,
    /// As a component imports it: with the version.
    pub import: String,
    /// Markdown, as in `wit/`; may be empty.
    pub about: String,
    /// What calling it means; `None` for an interface that holds only types.
    pub kind: Option<InterfaceKind>,
    /// Completes "can …".
    pub ability: &'static str,
    /// What it may reveal.
    pub sensitivity: Option<Sensitivity>,
    /// What a grant of it can hold.
    pub scope: Vec<ScopeKey>,
    /// Lines for `policy.toml`; empty where nothing is to be asked for.
    pub request: String,
    /// Lines for `ansai.toml`, every key with a value; empty where nothing is to be granted.
    pub grant: String,
    /// In the order of `wit/`.
    pub functions: Vec<Function>,
    /// Its own, in the order of `wit/`; not those that it takes from others.
    pub types: Vec<Type>,
}

/// One key of a scope.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeKey {
    /// As written in both files.
    pub name: &'static str,
    /// How it is written, and how request and grant meet.
    pub kind: String,
    /// What it bounds.
    pub about: &'static str,
    /// In force where neither file says anything, as it would be written; `None` where that is nothing at all.
    pub default: Option<String>,
    /// The format of a value: `size, at most`.
    #[serde(skip)]
    pub format: String,
    /// The scope in force if request and grant both set the key.
    #[serde(skip)]
    pub meeting: String,
}

/// One function.
#[derive(Debug, Clone, Serialize)]
pub struct Function {
    /// `list-files`.
    pub name: String,
    /// Markdown, as in `wit/`; may be empty.
    pub about: String,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// What it answers, without the refusal around it; `None` for nothing.
    pub answer: Option<Written>,
    /// The type of a refusal or failure; `None` where the function always answers.
    pub refusal: Option<Written>,
    /// Arguments that the scope bounds.
    pub bounds: Vec<Bound>,
}

/// One parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Parameter {
    /// `what`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Written,
}

/// An argument that the scope bounds.
#[derive(Debug, Clone, Serialize)]
pub struct Bound {
    /// `what.root`.
    pub argument: String,
    /// The key of the scope.
    pub key: &'static str,
    /// Completes "ARGUMENT must be …".
    pub must: String,
}

/// A type with a name.
#[derive(Debug, Clone, Serialize)]
pub struct Type {
    /// `file-query`.
    pub name: String,
    /// `record`, `variant`, `enum`, `flags` or `type`.
    pub kind: &'static str,
    /// Markdown, as in `wit/`; may be empty.
    pub about: String,
    /// What a mere name stands for.
    pub alias: Option<Written>,
    /// Fields of a record, cases of a variant or enum.
    pub members: Vec<Member>,
}

/// A field or a case.
#[derive(Debug, Clone, Serialize)]
pub struct Member {
    /// `min-age-hours`.
    pub name: String,
    /// Of a field, or what a case carries.
    #[serde(rename = "type")]
    pub ty: Option<Written>,
    /// Markdown, as in `wit/`; may be empty.
    pub about: String,
}
