//! Backends with prepared answers, so that no probe is measured.

use std::sync::Arc;

use ansai_core::Refusal;
use ansai_engine::recording::RecordedCall;
use ansai_kit::backend::{Answer, Backend};
use ansai_kit::call::Call;
use serde_json::value::RawValue;

/// The calls that `disk-space` makes on a small server, one a line: four file systems, of which `/var` has 72
/// directories. A call is answered by its arguments, or by its name alone if no arguments are given here.
const HOST: &str = include_str!("host.json");

/// Answers every call with the same reply.
pub(crate) struct Prepared(pub(crate) Arc<RawValue>);

impl Backend for Prepared {
    fn ask<'a>(&'a mut self, _call: Call<'a>) -> Answer<'a> {
        Answer::Now(Ok(Ok(self.0.clone())))
    }
}

/// A host that never changes.
pub(crate) struct FixedHost(Vec<RecordedCall>);

impl FixedHost {
    pub(crate) fn read() -> serde_json::Result<FixedHost> {
        serde_json::from_str(HOST).map(FixedHost)
    }

    fn find(&self, call: Call<'_>) -> Option<&RecordedCall> {
        let mut named = self
            .0
            .iter()
            .filter(|known| known.interface.as_str() == call.interface.as_str() && *known.function == *call.function);
        named.find(|known| [call.arguments.get(), "{}"].contains(&known.arguments.get()))
    }
}

impl Backend for FixedHost {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        let unknown = || Err(Refusal::Unavailable("not part of this host".into()));
        Answer::Now(Ok(self.find(call).map_or_else(unknown, |known| known.reply.clone().into())))
    }
}
