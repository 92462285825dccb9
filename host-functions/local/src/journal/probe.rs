//! `ansai:journal/journal-probe`.

use std::path::Path;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Refusal, Sensitivity, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::doctor;
use super::names::Kind;
use super::survey::{PATH, subject, survey};
use crate::disk::filesystems::Filesystems;
use ansai_kit::call::NoArguments;
use ansai_kit::function::Probe;
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface `ansai:journal/journal-probe`.
pub static JOURNAL_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:journal/journal-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see how much the journal takes",
        fields: &[],
    },
    doctor: &[doctor::journal],
    functions: &[Function { name: "usage", checks: &[], body: Body::Probe(&Probe(usage)) }],
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JournalUsage {
    about: Subject,
    archived_bytes: u64,
    active_bytes: u64,
    archived_files: u32,
    active_files: u32,
    oldest: Option<Timestamp>,
    mount: String,
    skipped: u32,
}

fn usage(ask: &ProbeContext<'_>, _: NoArguments) -> Result<JournalUsage, Refusal> {
    let survey = survey(ask.host, &|| ask.deadline.is_over())?;
    if !survey.complete && ask.deadline.is_over() {
        return Err(Refusal::TimedOut(format!("{PATH} could not be read in time")));
    }
    let mount = Filesystems::read(ask.host)?
        .name(Path::new(PATH), &survey.root.stat)
        .ok_or_else(|| Refusal::Unavailable(format!("the file system of {PATH} is not in the mount table")))?;
    let mut usage = JournalUsage {
        about: subject(),
        archived_bytes: 0,
        active_bytes: 0,
        archived_files: 0,
        active_files: 0,
        oldest: None,
        mount,
        skipped: survey.skipped.saturating_add(u32::from(!survey.complete)),
    };
    for file in &survey.files {
        let (bytes, files) = match file.kind {
            Kind::Archived => {
                let at = file.stat.mtime.timestamp();
                usage.oldest = Some(usage.oldest.map_or(at, |oldest| oldest.min(at)));
                (&mut usage.archived_bytes, &mut usage.archived_files)
            }
            Kind::Active => (&mut usage.active_bytes, &mut usage.active_files),
        };
        *bytes = bytes.saturating_add(file.stat.bytes);
        *files = files.saturating_add(1);
    }
    Ok(usage)
}
