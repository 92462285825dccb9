//! `ansai:disk/disk-actions`: checks that are steps.

use ansai_core::{
    Interface, InterfaceKind, Measure, Outcome, Preview, Refusal, Sensitivity, Subject, Unit, quantity::show_bytes,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::mounts::{self, Level};
use super::probe::point_of;
use ansai_kit::action::{Action, Applied, Begun, Item, Proposed, StepContext};
use ansai_kit::call::to_reply;
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface.
pub static DISK_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: "ansai:disk/disk-actions",
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose checks that a file system has room",
        fields: &[],
    },
    functions: &[Function { name: "check-available", checks: &[], body: Body::Action(&CheckAvailable) }],
};

struct CheckAvailable;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Arguments {
    mount: String,
    at_least_bytes: u64,
}

/// Reads the arguments and looks.
fn look(host: &Host, arguments: &RawValue) -> Result<(Arguments, Level), Refusal> {
    let arguments: Arguments =
        serde_json::from_str(arguments.get()).map_err(|error| Refusal::Invalid(error.to_string()))?;
    let point = point_of(&arguments.mount)
        .filter(|point| point.is_absolute())
        .ok_or_else(|| Refusal::Invalid("`mount` is not a mount point".into()))?;
    if !mounts::visible(mounts::read(host)?).contains_key(&point) {
        return Err(Refusal::NotFound(format!("nothing is mounted at {}", arguments.mount)));
    }
    let level = mounts::level(host, &point)?;
    Ok((arguments, level))
}

impl Action for CheckAvailable {
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        _earlier: &[Proposed],
    ) -> Result<(Preview, Box<RawValue>), Refusal> {
        let (arguments, _) = look(ask.host, arguments)?;
        let mut preview = Preview::nothing(Subject::new("filesystem", &arguments.mount));
        preview.sample.push(format!("at least {} available", show_bytes(arguments.at_least_bytes)));
        Ok((preview, to_reply(&())?))
    }

    fn begin(&self, doing: &StepContext<'_>) -> Result<Begun, Refusal> {
        let (arguments, level) = look(doing.host, doing.arguments)?;
        let enough = level.available_bytes >= arguments.at_least_bytes;
        Ok(Begun::Finished(Applied {
            outcome: if enough { Outcome::Done } else { Outcome::Failed },
            detail: format!(
                "{} available on {}, {} needed",
                show_bytes(level.available_bytes),
                arguments.mount,
                show_bytes(arguments.at_least_bytes)
            ),
            measures: vec![Measure::count("available-bytes", level.available_bytes, Unit::Bytes)],
            items: Vec::new(),
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(nothing("a check changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        Ok(nothing("a check changed nothing"))
    }
}

fn nothing(detail: &str) -> Applied {
    Applied { outcome: Outcome::Done, detail: detail.into(), measures: Vec::new(), items: Vec::new() }
}
