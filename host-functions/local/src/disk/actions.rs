//! `ansai:disk/disk-check-actions`: checks that a plan can have as steps. They change nothing.

use std::sync::Arc;

use ansai_core::{
    Bytes, Interface, InterfaceKind, InterfaceName, Measure, Outcome, Preview, Refusal, Sensitivity, Subject, Touch,
    Unit,
};
use serde::{Deserialize, Serialize};

use super::filesystems::Filesystems;
use super::mounts::Level;
use super::probe::point_of;
use ansai_kit::action::{Applied, Begun, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface `ansai:disk/disk-check-actions`.
pub static DISK_CHECK_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:disk/disk-check-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose checks that a file system has room",
        fields: &[],
    },
    doctor: &[],
    functions: &[Function { name: "check-available", checks: &[], body: Body::Action(&CheckAvailable) }],
};

struct CheckAvailable;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Arguments {
    mount: String,
    at_least_bytes: u64,
    reason: String,
}

/// The level of the file system at a mount point.
fn level(host: &Host, mount: &str) -> Result<Level, Refusal> {
    let point = point_of(mount)
        .filter(|point| point.is_absolute())
        .ok_or_else(|| Refusal::Invalid("`mount` is not a mount point".into()))?;
    let found = Filesystems::read(host)?;
    let mounted = found.visible().get(&point);
    found.level(host, mounted.ok_or_else(|| Refusal::NotFound(format!("nothing is mounted at {mount}")))?)
}

impl TypedAction for CheckAvailable {
    type Arguments = Arguments;
    type Targets = ();
    const NOUN: &'static str = "check";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, ()), Refusal> {
        level(ask.host, &arguments.mount)?;
        let mut preview = Preview::nothing(Subject::new("filesystem", &arguments.mount));
        preview.mount = Some(arguments.mount.clone());
        preview.sample.push(format!("at least {} available", Bytes::new(arguments.at_least_bytes)));
        Ok((preview, ()))
    }

    /// It only looks.
    fn touches(&self, preview: &Preview, _targets: &()) -> Vec<Touch> {
        vec![Touch::shared(preview.about.clone())]
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, .. }: Step<Self>) -> Result<Begun, Refusal> {
        let level = level(doing.host, &arguments.mount)?;
        let enough = level.available_bytes >= arguments.at_least_bytes;
        Ok(Begun::Finished(Applied {
            outcome: if enough { Outcome::Done } else { Outcome::Failed },
            reason: None,
            detail: format!(
                "{} available on {}, {} needed",
                Bytes::new(level.available_bytes),
                arguments.mount,
                Bytes::new(arguments.at_least_bytes)
            ),
            measures: vec![Measure::count("available-bytes", level.available_bytes, Unit::Bytes)],
            items: Vec::new(),
            evidence: Vec::new(),
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(nothing("a check changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>, _what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(nothing("a check changed nothing"))
    }
}

fn nothing(detail: &str) -> Applied {
    Applied { outcome: Outcome::Done, ..Applied::unknown(detail) }
}
