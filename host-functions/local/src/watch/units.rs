//! States of services, by the signals of systemd.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ansai_core::{Measure, NamePattern, Refusal};
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, Source, WatchError};
use tokio::task::AbortHandle;
use zbus::{Message, MessageStream};

use crate::bus::{self, BusError, Open, next};
use crate::service::name::{is_service, subject};
use crate::service::systemd::{StateChange, Systemd, state_changes};

/// Signals that wait to be read. More of them wait in the socket.
const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
/// Services whose last state is remembered.
const MOST: usize = 4_096;

struct Watched(AbortHandle);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Source for Watched {}

pub(super) fn open(host: &Host, pattern: &str, sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
    let systemd = Systemd::of(host).map_err(WatchError::Unavailable)?;
    let pattern =
        NamePattern::new(pattern).map_err(|why| WatchError::Unavailable(Refusal::Invalid(format!("`unit`: {why}"))))?;
    if !NamePattern::is_special(pattern.text()) && is_service(pattern.text()) {
        systemd.check_canonical(bus::LIMIT, pattern.text()).map_err(WatchError::Unavailable)?;
    }
    let following = systemd.ask(bus::LIMIT, async move |open: Open| {
        let stream = MessageStream::for_match_rule(state_changes()?, &open.connection, Some(QUEUE)).await?;
        let following = Following { pattern, sink, last: BTreeMap::new() };
        Ok::<_, BusError>(tokio::spawn(following.run(stream)).abort_handle())
    });
    Ok(Box::new(Watched(following.map_err(|error| WatchError::Unavailable(error.into()))?)))
}

struct Following {
    pattern: NamePattern,
    sink: Arc<dyn Sink>,
    last: BTreeMap<String, &'static str>,
}

impl Following {
    async fn run(mut self, mut stream: MessageStream) {
        while let Some(message) = next(&mut stream).await {
            self.take(&message);
        }
        self.sink.ended(WatchError::Ended("the connection to the system bus was closed".into()));
    }

    fn take(&mut self, message: &Message) {
        let Some(StateChange { id, active, sub }) = StateChange::read(message) else { return };
        if !is_service(&id) || !self.pattern.matches(&id) {
            return;
        }
        let Some(what) = occurrence(&active, &sub) else {
            // It is on its way: the state that it had counts no longer.
            self.last.remove(&id);
            return;
        };
        // systemd sends a signal for every property.
        if self.last.get(&id) == Some(&what) {
            return;
        }
        if self.last.len() >= MOST {
            self.last.clear();
        }
        self.last.insert(id.clone(), what);
        let facts = vec![Measure::text("sub-state", sub)];
        self.sink.occurred(what, subject(&id), facts);
    }
}

/// What a policy is told. Being started, stopped or reloaded is none: the result follows.
fn occurrence(active: &str, sub: &str) -> Option<&'static str> {
    match (active, sub) {
        ("failed", _) => Some("unit-failed"),
        ("active", _) => Some("unit-active"),
        ("inactive", _) => Some("unit-inactive"),
        ("activating", "auto-restart") => Some("unit-restarts"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::HashMap;

    use ansai_core::Subject;
    use zbus::{ObjectPath, Variant};

    use super::*;
    use crate::bus::fake::{FakeBus, reply};

    struct Silent;

    impl Sink for Silent {
        fn occurred(&self, _: &'static str, _: Subject, _: Vec<Measure>) {}
        fn lost(&self) {}
        fn ended(&self, _: WatchError) {}
    }

    #[test]
    fn an_alias_is_not_watched() {
        let bus = FakeBus::start(|method| match method {
            "LoadUnit" => reply((ObjectPath::try_from("/a").unwrap(),)),
            _ => reply((HashMap::from([
                ("Id", Variant::from("web.service")),
                ("ActiveState", Variant::from("active")),
                ("LoadState", Variant::from("loaded")),
                ("Result", Variant::from("success")),
            ]),)),
        });
        let opened = |pattern: &str| open(&bus.host(), pattern, Arc::new(Silent)).map(drop);
        let refused = Refusal::Invalid("www.service is an alias: watch web.service".into());
        assert_eq!(opened("www.service"), Err(WatchError::Unavailable(refused)));
        assert_eq!(opened("web.service"), Ok(()));
        assert_eq!(opened("www*.service"), Ok(()));
    }

    #[test]
    fn results_are_told_and_ways_are_not() {
        assert_eq!(occurrence("failed", "failed"), Some("unit-failed"));
        assert_eq!(occurrence("activating", "auto-restart"), Some("unit-restarts"));
        for (active, sub) in [("activating", "start"), ("deactivating", "stop"), ("reloading", "reload"), ("", "")] {
            assert_eq!(occurrence(active, sub), None);
        }
    }
}
