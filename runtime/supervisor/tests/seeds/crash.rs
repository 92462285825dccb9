//! Ends the process in the middle of a step: its thread waits until nothing of the supervisor runs any more, and then
//! unwinds without another write.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

use ansai_audit::Reader;
use ansai_core::Event;
use ansai_core::event::Record;
use ansai_supervisor::simulation::{Act, ActWatcher};
use tokio::sync::Notify;

/// Sees each step, and holds one of them.
pub(crate) struct Crasher {
    audit: PathBuf,
    /// It finds no intent, for the test of its own check.
    is_blind: bool,
    state: Mutex<State>,
    released: Condvar,
    /// A step is held: it is time to drop everything.
    pub(crate) crashed: Notify,
}

#[derive(Default)]
struct State {
    /// Hold the next step: before it acts, or after it.
    wanted: Option<bool>,
    holds: bool,
    released: bool,
    /// Steps that acted without a durable intent.
    broken: Vec<String>,
}

impl Crasher {
    pub(crate) fn new(audit: PathBuf, is_blind: bool) -> Arc<Crasher> {
        let (state, released, crashed) = (Mutex::default(), Condvar::new(), Notify::new());
        Arc::new(Crasher { audit, is_blind, state, released, crashed })
    }

    /// Holds the next step.
    pub(crate) fn want(&self, after: bool) {
        self.state.lock().unwrap().wanted = Some(after);
    }

    /// Holds no step.
    pub(crate) fn want_nothing(&self) {
        self.state.lock().unwrap().wanted = None;
    }

    /// Lets the held step unwind.
    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap();
        state.released |= state.holds;
        state.holds = false;
        self.released.notify_all();
    }

    pub(crate) fn broken(&self) -> Vec<String> {
        self.state.lock().unwrap().broken.clone()
    }

    fn hold(&self, is_after: bool) {
        let mut state = self.state.lock().unwrap();
        if state.wanted != Some(is_after) {
            return;
        }
        (state.wanted, state.holds) = (None, true);
        self.crashed.notify_one();
        while !state.released {
            state = self.released.wait(state).unwrap();
        }
        state.released = false;
        drop(state);
        std::panic::resume_unwind(Box::new("crashed"));
    }
}

impl ActWatcher for Crasher {
    /// The intent is in the file of the log before the step acts.
    fn before(&self, act: &Act) {
        let is_its = |event: &Event| match event {
            Event::Intent(intent) => format!("{}-{}", intent.plan, intent.step) == act.step_id,
            _ => false,
        };
        // Most records name another plan, or none: they are not parsed.
        let plan = act.step_id.rsplit_once('-').unwrap().0;
        let entries = Reader::open(self.audit.clone()).unwrap().map(|entry| entry.unwrap().payload);
        let mut named = entries.filter(|payload| std::str::from_utf8(payload).unwrap().contains(plan));
        let found = named.any(|payload| is_its(&serde_json::from_slice::<Record>(&payload).unwrap().event));
        if !found || self.is_blind {
            let broken = format!("no act without a durable intent: {} acts, the log has no intent", act.step_id);
            self.state.lock().unwrap().broken.push(broken);
        }
        self.hold(false);
    }

    fn after(&self, _: &Act) {
        self.hold(true);
    }
}
