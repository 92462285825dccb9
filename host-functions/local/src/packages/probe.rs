//! `ansai:packages/package-cache-probe`.

use std::path::Path;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Refusal, Sensitivity, Subject};
use serde::{Deserialize, Serialize};

use super::cache;
use super::doctor;
use crate::disk::filesystems::Filesystems;
use ansai_kit::call::NoArguments;
use ansai_kit::function::Probe;
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface `ansai:packages/package-cache-probe`.
pub static PACKAGE_CACHE_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:packages/package-cache-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see how much the package cache takes",
        fields: &[],
    },
    doctor: &[doctor::package_manager],
    functions: &[Function { name: "list-caches", checks: &[], body: Body::Probe(&Probe(list_caches)) }],
};

#[derive(Serialize, Deserialize)]
struct Cache {
    about: Subject,
    manager: String,
    path: String,
    bytes: u64,
    files: u64,
    mount: String,
}

#[derive(Serialize, Deserialize)]
struct Caches {
    entries: Vec<Cache>,
    skipped: u32,
}

fn list_caches(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Caches, Refusal> {
    let mut caches = Caches { entries: Vec::new(), skipped: 0 };
    let present = cache::managers(ask.host);
    if present.is_empty() {
        return Ok(caches);
    }
    let filesystems = Filesystems::read(ask.host)?;
    for manager in present {
        let (mut bytes, mut files) = (0u64, 0u64);
        let path = cache::path(ask.host, manager);
        let found = cache::survey(ask.host, manager, &|| ask.deadline.is_over(), &mut |file| {
            if file.is_package {
                bytes = bytes.saturating_add(file.stat.bytes);
                files = files.saturating_add(1);
            }
        })?;
        if ask.deadline.is_over() {
            return Err(Refusal::TimedOut(format!("{path} could not be read in time")));
        }
        let mount = match &found.root {
            Some(root) => filesystems.name(Path::new(path), &root.stat),
            None => filesystems.name_by_path(Path::new(path)),
        }
        .ok_or_else(|| Refusal::Unavailable(format!("the file system of {path} is not in the mount table")))?;
        caches.skipped = caches.skipped.saturating_add(found.skipped).saturating_add(u32::from(!found.complete));
        caches.entries.push(Cache {
            about: cache::subject(ask.host, manager),
            manager: manager.name().into(),
            path: path.into(),
            bytes,
            files,
            mount,
        });
    }
    Ok(caches)
}
