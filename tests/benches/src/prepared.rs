//! Backends with prepared answers, so that no probe is measured.

use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{InterfaceName, Refusal, Timestamp};
use ansai_engine::recording::RecordedCall;
use ansai_kit::backend::{Answer, Backend};
use ansai_kit::call::{Call, Reply};
use ansai_kit::carried::Carried;
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::registry::{Body, Registry};
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

/// The same host with a state for base interfaces, as a real one has: their calls are answered beside the guest.
pub(crate) struct FixedHostWithState {
    host: FixedHost,
    state: EvaluationState,
    registry: Registry,
}

impl FixedHostWithState {
    pub(crate) fn read(registry: &Registry) -> serde_json::Result<FixedHostWithState> {
        let host = FixedHost::read()?;
        let text = |function| -> serde_json::Result<String> {
            let found = host.0.iter().find(|known| &*known.function == function);
            match found.map(|known| Reply::from(known.reply.clone())) {
                Some(Ok(reply)) => serde_json::from_str(reply.get()),
                _ => Ok(String::new()),
            }
        };
        let context = Context {
            settings: Arc::new(serde_json::from_str(&text("settings")?)?),
            scopes: text("scopes")?.into(),
            ..Context::at(Timestamp::from_millis(1_790_000_000_000))
        };
        let state = EvaluationState::new(Phase::Detect, context, Arc::new(NoMemory));
        Ok(FixedHostWithState { host, state, registry: registry.clone() })
    }
}

impl Backend for FixedHostWithState {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        match self.registry.find(call.interface, call.function).map(|(_, function)| function.body) {
            // A series without samples has no analysis.
            Some(Body::Base(function)) if call.function != "analyse" => {
                Answer::Now(Ok(function.answer(&mut self.state, call.arguments)))
            }
            _ => self.host.ask(call),
        }
    }

    fn carry(&mut self, imports: &[InterfaceName]) -> Option<Carried> {
        Some(self.state.carry(imports))
    }
}
