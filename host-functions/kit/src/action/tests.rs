#![allow(clippy::unwrap_used, reason = "tests")]
use std::time::Duration;

use ansai_core::{Preview, Subject, Touch};

use super::*;
use crate::call::NoArguments;
use crate::host::Deadline;

/// A step about a table that also touches what is said.
struct Vacuum(fn() -> Vec<Touch>);

fn subject(kind: &str) -> Subject {
    Subject::new(kind, "one")
}

impl TypedAction for Vacuum {
    type Arguments = NoArguments;
    type Targets = ();
    const NOUN: &'static str = "table";

    fn preview(&self, _: &ProbeContext<'_>, _: NoArguments, _: &[Arc<Proposed>]) -> Result<(Preview, ()), Refusal> {
        Ok((Preview { mount: Some("/var".into()), ..Preview::nothing(subject("table")) }, ()))
    }
    fn touches(&self, _: &Preview, (): &()) -> Vec<Touch> {
        (self.0)()
    }
    fn begin(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Begun, Refusal> {
        Err(Refusal::Other("a preview only".into()))
    }
    fn undo(&self, _: &StepContext<'_>, _: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Other("a preview only".into()))
    }
    fn resolve(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Applied, Refusal> {
        Err(Refusal::Other("a preview only".into()))
    }
}

fn proposed(touches: fn() -> Vec<Touch>) -> Proposed {
    let (host, scope, deadline) = (Host::at("/none"), Scope::default(), Deadline::after(Duration::from_secs(60)));
    let ask =
        ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now: Timestamp::EPOCH, deadline: &deadline };
    let arguments: Arc<RawValue> = RawValue::from_string("{}".to_owned()).unwrap().into();
    let previewed = Action::preview(&Vacuum(touches), &ask, &arguments, &[]).unwrap();
    Proposed::new("ansai:x/x-actions.vacuum", arguments, previewed)
}

#[test]
fn what_a_step_is_about_is_always_touched() {
    let (table, unit) = (Touch::exclusive(subject("table")), Touch::shared(subject("unit")));
    assert_eq!(*proposed(|| vec![Touch::shared(subject("unit"))]).touches(), [unit, table.clone()]);
    assert_eq!(*proposed(Vec::new).touches(), [table]);
    let shared = proposed(|| vec![Touch::shared(subject("table"))]);
    assert_eq!(*shared.touches(), [Touch::shared(subject("table"))], "an action that only looks may say so");
}

/// The plan file of an earlier ansai.
#[test]
fn a_step_without_a_list_touches_its_subject_and_its_file_system() {
    let mut stored = serde_json::to_value(proposed(|| vec![Touch::shared(subject("unit"))])).unwrap();
    let kept: Proposed = serde_json::from_str(&stored.to_string()).unwrap();
    assert_eq!(*kept.touches(), [Touch::shared(subject("unit")), Touch::exclusive(subject("table"))]);
    assert!(stored.as_object_mut().unwrap().remove("touches").is_some());
    let earlier: Proposed = serde_json::from_str(&stored.to_string()).unwrap();
    let var = Touch::shared(Subject::new("filesystem", "/var"));
    assert_eq!(*earlier.touches(), [Touch::exclusive(subject("table")), var]);
}
