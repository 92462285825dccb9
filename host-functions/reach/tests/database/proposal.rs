//! Steps, from their preview to their end.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Previewed, Progress, StepContext};
use ansai_kit::host::{Deadline, ProbeContext};
use ansai_kit::registry::Body;
use ansai_kit::target::Reach;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::carrier;
use crate::scene::HOST;

/// A step that is about to be proposed.
pub(crate) struct Proposal<'s> {
    reach: &'s Reach,
    action: &'static dyn Action,
    pub(crate) scope: Scope,
    arguments: Box<RawValue>,
}

static GO_ON: AtomicBool = AtomicBool::new(false);

impl<'s> Proposal<'s> {
    pub(crate) fn new(
        reach: &'s Reach,
        interface: &str,
        function: &str,
        scope: Scope,
        mut arguments: Value,
    ) -> Proposal<'s> {
        let registry = carrier::registry();
        let (_, function) = registry.find(interface, function).unwrap();
        let Body::Action(action) = function.body else { panic!("not an action") };
        arguments["reason"] = "a test".into();
        arguments["target"] = "db".into();
        Proposal { reach, action, scope, arguments: serde_json::value::to_raw_value(&arguments).unwrap() }
    }

    pub(crate) fn preview(&self) -> Result<Previewed, Refusal> {
        let (host, deadline) = (carrier::host(HOST), Deadline::after(Duration::from_secs(20)));
        let (reach, now) = (self.reach, Timestamp::EPOCH);
        let ask = ProbeContext { host: &host, scope: &self.scope, reach, now, deadline: &deadline };
        self.action.preview(&ask, &self.arguments, &[])
    }

    pub(crate) fn doing<T>(&self, targets: &RawValue, work: impl FnOnce(&dyn Action, &StepContext<'_>) -> T) -> T {
        let host = carrier::host(HOST);
        let doing = StepContext {
            host: &host,
            scope: &self.scope,
            reach: self.reach,
            now: Timestamp::EPOCH,
            step_id: "plan-1",
            arguments: &self.arguments,
            targets,
            stop: &GO_ON,
        };
        work(self.action, &doing)
    }

    pub(crate) fn begin(&self, targets: &RawValue) -> Result<Begun, Refusal> {
        self.doing(targets, |action, doing| action.begin(doing))
    }

    /// Waits for a step.
    pub(crate) fn wait(&self, targets: &RawValue, begun: Begun) -> (Applied, Vec<String>) {
        let handle = match begun {
            Begun::Finished(applied) => return (applied, Vec::new()),
            Begun::Running { handle, .. } => handle,
        };
        let (mut notes, began) = (Vec::new(), Instant::now());
        loop {
            match self.doing(targets, |action, doing| action.poll(doing, &handle)) {
                Progress::Finished(applied) => return (applied, notes),
                Progress::Running { note, .. } => notes.push(note),
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{notes:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Previews and applies it.
    pub(crate) fn apply(&self) -> Applied {
        let previewed = self.preview().unwrap();
        let begun = self.begin(&previewed.targets).unwrap();
        self.wait(&previewed.targets, begun).0
    }
}
