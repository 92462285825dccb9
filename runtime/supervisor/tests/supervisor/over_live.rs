//! A live host, of which a test replaces what it wants.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::host_clock::ClockReading;
use ansai_core::scope::{Roots, TypedField};
use ansai_core::{InstanceName, Measure, Refusal, Watch};
use ansai_host_functions::live::LiveHost;
use ansai_kit::action::Action;
use ansai_kit::authorize::Scopes;
use ansai_kit::guard::Guards;
use ansai_kit::host::Host;
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend, QuarantineOrigin};
use ansai_kit::registry::{Function, InterfaceDef};
use ansai_kit::watch::{Sink, Source, WatchError};

/// What is not replaced is as on the live host.
pub(crate) trait OverLive: Send + Sync {
    fn live(&self) -> &LiveHost;

    fn clock(&self) -> ClockReading {
        HostAccess::clock(self.live())
    }

    fn guards(&self) -> &dyn Guards {
        HostAccess::guards(self.live())
    }

    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        HostAccess::action(self.live(), name)
    }

    fn quarantine_expiry(&self) -> &'static InterfaceDef {
        HostAccess::quarantine_expiry(self.live())
    }

    fn quarantine_origin(&self) -> &'static dyn QuarantineOrigin {
        HostAccess::quarantine_origin(self.live())
    }

    fn may_watch(&self, instance: &InstanceName, watch: &Watch, scopes: &Scopes) -> Result<(), Refusal> {
        HostAccess::may_watch(self.live(), instance, watch, scopes)
    }

    fn watch(&self, watch: &Watch, sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
        HostAccess::watch(self.live(), watch, sink)
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        HostAccess::backend(self.live(), start)
    }
}

/// The host that a test passes to a supervisor.
pub(crate) fn host(over: impl OverLive + 'static) -> Arc<dyn HostAccess> {
    Arc::new(Over(over))
}

struct Over<T>(T);

impl<T: OverLive> HostAccess for Over<T> {
    fn host(&self) -> &Host {
        HostAccess::host(self.0.live())
    }

    fn facts(&self) -> Vec<Measure> {
        HostAccess::facts(self.0.live())
    }

    fn quarantine_origin(&self) -> &'static dyn QuarantineOrigin {
        self.0.quarantine_origin()
    }

    fn quarantine_roots(&self) -> &'static TypedField<Roots> {
        HostAccess::quarantine_roots(self.0.live())
    }

    fn call_deadline(&self) -> Duration {
        HostAccess::call_deadline(self.0.live())
    }

    fn clock(&self) -> ClockReading {
        self.0.clock()
    }

    fn guards(&self) -> &dyn Guards {
        self.0.guards()
    }

    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        self.0.action(name)
    }

    fn quarantine_expiry(&self) -> &'static InterfaceDef {
        self.0.quarantine_expiry()
    }

    fn may_watch(&self, instance: &InstanceName, watch: &Watch, scopes: &Scopes) -> Result<(), Refusal> {
        self.0.may_watch(instance, watch, scopes)
    }

    fn watch(&self, watch: &Watch, sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
        self.0.watch(watch, sink)
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        self.0.backend(start)
    }
}
