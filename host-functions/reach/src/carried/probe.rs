//! A probe through the carrier.

use std::sync::Arc;

use ansai_core::{Millis, Refusal};
use ansai_kit::call::Reply;
use ansai_kit::carrier::Lost;
use ansai_kit::function::Types;
use ansai_kit::host::ProbeContext;
use ansai_kit::remote::{Part, PartCall, Parts, RemoteFunction, Server};
use serde_json::value::RawValue;

use super::Name;
use super::request::{Around, Task};
use crate::process::servers;

/// A probe that the carrier of the host answers, if it has one.
pub(super) struct CarriedProbe {
    pub(super) name: Name,
    pub(super) inner: &'static dyn RemoteFunction,
}

impl RemoteFunction for CarriedProbe {
    fn split(&self, arguments: &RawValue) -> Result<Parts, Refusal> {
        let shared: Arc<RawValue> = Arc::from(arguments.to_owned());
        let carried = |number: usize, Part { server, call, refused }: Part| {
            let (name, inner, arguments) = (self.name, self.inner, shared.clone());
            let one = One { name, inner, arguments, number, server: server.clone(), here: call };
            Part { server, call: Box::new(move |ask: &ProbeContext<'_>| one.call(ask)), refused }
        };
        Ok(match self.inner.split(arguments)? {
            Parts::One(part) => Parts::One(carried(0, part)),
            Parts::Each(parts) => {
                Parts::Each(parts.into_iter().enumerate().map(|(number, part)| carried(number, part)).collect())
            }
        })
    }

    fn reread(&self, answer: &RawValue) -> Reply {
        self.inner.reread(answer)
    }

    fn types(&self) -> Types {
        self.inner.types()
    }
}

/// One part of a call.
struct One {
    name: Name,
    inner: &'static dyn RemoteFunction,
    arguments: Arc<RawValue>,
    number: usize,
    server: Server,
    /// Calls the server in this process.
    here: PartCall,
}

impl One {
    fn call(self, ask: &ProbeContext<'_>) -> Reply {
        let names = match &self.server {
            Server::Target(name) => vec![name.clone()],
            Server::Address(_) | Server::Hook(_) => Vec::new(),
        };
        let around = Around::of_probe(ask, &names)?;
        let Some(carrier) = around.carrier() else { return (self.here)(ask) };
        let task = Task::Probe { part: self.number, limit: Millis::from(ask.deadline.remaining()) };
        let (request, masks) = around.request(self.name, &self.arguments, task)?;
        let server = match &self.server {
            Server::Address(address) => servers::of_address(address, ask.scope),
            // A target is among those of the request.
            Server::Target(_) | Server::Hook(_) => None,
        };
        let request = request.reaching(server);
        let reply = carrier.carry(request, ask.deadline, false).map_err(Lost::into_refusal)?;
        self.inner.reread(&masks.answer(&reply).map_err(Lost::into_refusal)?)
    }
}
