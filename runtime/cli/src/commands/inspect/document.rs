//! A component as JSON.

use ansai_core::Interface;
use ansai_engine::metadata::Producer;
use serde_json::{Value, json};

use super::{Inspected, show};
use crate::output::abilities;

pub(in crate::commands) fn of(inspected: &Inspected, interfaces: &[Interface]) -> Value {
    let Inspected { component, metadata, functions } = inspected;
    let manifest = &component.manifest;
    json!({
        "path": component.path,
        "bytes": component.found.bytes,
        "sha256": component.found.digest,
        "imports": abilities::document(component, functions, interfaces),
        "exports": show::EXPORTS,
        "manifest": manifest.to_json(),
        "settings": component.schema.describe(),
        "limits": manifest.limits_in_force(),
        "languages": producers(&metadata.languages),
        "tools": producers(&metadata.tools),
        "licence": metadata.licence,
        "licence_title": show::licence_title(metadata.licence.as_deref()),
        "readme": component.found.readme,
    })
}

fn producers(list: &[Producer]) -> Vec<Value> {
    list.iter().map(|one| json!({ "name": one.name, "version": one.version })).collect()
}
