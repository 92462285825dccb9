//! The gate: the one function that every call of a policy passes. It checks the budget, lets the backend authorize and
//! answer the call, and records it. Calls that the budget refuses are not recorded: a replay refuses them again, and a
//! policy that calls in a loop must not fill the memory of the host.
//!
//! All functions of all imports are linked here, from the types of the component, so that no call bypasses the gate.

pub(crate) mod ledger;
mod returns;

use std::sync::Arc;

use ansai_core::{InterfaceName, Refusal};
use ansai_kit::backend::{Abort, Backend};
use ansai_kit::call::{Call, Reply};
use ansai_kit::registry::{Body, Registry};
use serde_json::value::RawValue;
use tokio::sync::OwnedMutexGuard;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Type, Val};
use wasmtime::{Result, StoreContextMut, bail};

use self::ledger::Ledger;
use self::returns::{Lowered, Returns};
use crate::limiter::Limiter;
use crate::recording::{RecordedCall, RecordedReply};
use crate::value::{Arguments, json_bytes_until_error, write};

/// Fuel of a call, in addition to one for each byte of arguments and reply and to what its function costs, so that a guest
/// pays for the work of the host.
const CALL_FUEL: u64 = 500;

/// The data of a store: the backend, and what the evaluation may use and has used.
pub(crate) struct StoreState {
    pub(crate) limiter: Limiter,
    pub(crate) backend: OwnedMutexGuard<dyn Backend>,
    pub(crate) ledger: Ledger,
    /// The reason, when the backend ended the evaluation.
    pub(crate) abort: Option<Abort>,
}

/// An error that ends an evaluation in a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// A refusal of a function that cannot return one.
    #[error("{0}")]
    Refused(String),
    /// The reply does not have the type of the function.
    #[error("{0}")]
    Host(String),
}

/// Links all functions of one import.
pub(crate) fn link(
    linker: &mut Linker<StoreState>,
    registry: &Registry,
    import: &InterfaceName,
    component: &Component,
) -> Result<()> {
    let (ty, wasmtime) = (component.component_type(), component.engine());
    let Some(ComponentItem::ComponentInstance(instance)) = ty.get_import(wasmtime, import.as_str()).map(|item| item.ty)
    else {
        bail!("`{import}` is not imported as an interface");
    };
    let interface = import.without_version();
    let mut import = linker.instance(import.as_str())?;
    for (name, item) in instance.exports(wasmtime) {
        let ComponentItem::ComponentFunc(ty) = item.ty else { continue };
        let body = registry.find(&interface, name).map(|(_, function)| function.body);
        let parameters: Box<[Box<str>]> = ty.params().map(|(name, _)| name.into()).collect();
        let function = Arc::new(Function {
            interface: interface.clone(),
            name: name.into(),
            body,
            no_arguments: if parameters.is_empty() { Some(write(&Arguments::NONE)?) } else { None },
            parameters,
            returns: Returns::of(&ty),
        });
        let types: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
        // wasmtime has dynamic arguments only together with dynamic results. These are the parameters of the functions
        // with long replies.
        match types.as_slice() {
            [] if function.returns.in_memory() => import.func_wrap_async(name, move |store, (): ()| {
                Box::new(function.clone().call_for_memory(store, Vec::new()))
            })?,
            [Type::String] if function.returns.in_memory() => {
                import.func_wrap_async(name, move |store, (name,): (String,)| {
                    Box::new(function.clone().call_for_memory(store, vec![Val::String(name)]))
                })?;
            }
            [Type::String, Type::U32, Type::Option(last)]
                if function.returns.in_memory() && matches!(last.ty(), Type::String) =>
            {
                import.func_wrap_async(name, move |store, (name, number, last): (String, u32, Option<String>)| {
                    let last = Val::Option(last.map(|last| Box::new(Val::String(last))));
                    let arguments = vec![Val::String(name), Val::U32(number), last];
                    Box::new(function.clone().call_for_memory(store, arguments))
                })?;
            }
            _ => import.func_new_async(name, move |store, _, arguments, results| {
                Box::new(function.clone().call(store, arguments, results))
            })?,
        }
    }
    Ok(())
}

/// A linked function of an import.
struct Function {
    interface: InterfaceName,
    name: Arc<str>,
    /// What answers on a live host; `None` if the registry does not know it.
    body: Option<Body>,
    parameters: Box<[Box<str>]>,
    /// The arguments of every call, when there are no parameters.
    no_arguments: Option<Arc<RawValue>>,
    returns: Returns,
}

impl Function {
    /// A call with its result as a dynamic value.
    async fn call(
        self: Arc<Self>,
        mut store: StoreContextMut<'_, StoreState>,
        arguments: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let (reply, bytes) = self.ask(&mut store, arguments).await?;
        if let (Some(slot), Some(value)) = (results.first_mut(), self.lower(&reply)?) {
            *slot = value;
        }
        charge(&mut store, CALL_FUEL + bytes)
    }

    /// A call whose reply is written into the memory of the component.
    async fn call_for_memory(
        self: Arc<Self>,
        mut store: StoreContextMut<'_, StoreState>,
        arguments: Vec<Val>,
    ) -> Result<(Lowered,)> {
        let (reply, bytes) = self.ask(&mut store, &arguments).await?;
        if let (Returns::Plain(_), Err(refusal)) = (&self.returns, &reply) {
            return Err(self.error(&reply, refusal.to_string()));
        }
        charge(&mut store, CALL_FUEL + bytes)?;
        Ok((Lowered { function: self, reply },))
    }

    /// Checks the budget, has the call answered, and records it. Returns the reply, and the bytes of arguments and reply.
    async fn ask(&self, store: &mut StoreContextMut<'_, StoreState>, arguments: &[Val]) -> Result<(Reply, u64)> {
        let arguments = Arguments { names: &self.parameters, values: arguments };
        let written = self.no_arguments.as_ref().map_or_else(|| write(&arguments), |none| Ok(none.clone()));
        let state = store.data_mut();
        let admitted = written
            .map_err(|error| (json_bytes_until_error(&arguments), Refusal::Invalid(error.to_string())))
            .and_then(|arguments| match state.ledger.within_budget(self.proposes(), &arguments) {
                Ok(()) => Ok(arguments),
                Err(refusal) => Err((arguments.get().len(), refusal)),
            });
        let arguments = match admitted {
            Ok(arguments) => arguments,
            Err((bytes, refusal)) => {
                state.ledger.refuse();
                return Ok((Err(refusal), bytes as u64));
            }
        };
        // Before the host works, also for a recording: a replay costs the same.
        charge(store, self.body.map_or(0, |body| body.cost(&arguments)))?;
        let call = Call { interface: &self.interface, function: &self.name, arguments: &arguments };
        let StoreState { backend, ledger, abort, .. } = store.data_mut();
        let reply = ledger.answer(&mut **backend, call).await.map_err(|why| {
            let message = why.to_string();
            *abort = Some(why);
            wasmtime::Error::msg(message)
        })?;
        let recorded = RecordedCall {
            interface: self.interface.clone(),
            function: self.name.clone(),
            arguments,
            reply: RecordedReply::from(reply.clone()),
        };
        let bytes = ledger.record(recorded, self.proposes());
        Ok((reply, bytes))
    }

    fn proposes(&self) -> bool {
        self.body.is_some_and(is_action)
    }
}

/// Whether a call of it proposes a step.
pub(crate) fn is_action(body: Body) -> bool {
    matches!(body, Body::Action(_))
}

fn charge(store: &mut StoreContextMut<'_, StoreState>, fuel: u64) -> Result<()> {
    let left = store.get_fuel()?;
    match left.checked_sub(fuel) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(wasmtime::Trap::OutOfFuel.into())
        }
    }
}
