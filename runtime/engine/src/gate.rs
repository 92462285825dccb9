//! The gate: the one function that every call of a policy passes. Budget, then the backend (which authorizes and
//! answers), then the record. What the budget refuses is not recorded: a replay refuses it again, and a policy that
//! does not stop asking must not fill the host's memory.
//!
//! Every function of every import is linked here and nowhere else, from the component's own types, so that there
//! is no way round it.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Limits, Refusal};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply};
use ansai_kit::registry::{Body, Registry};
use serde_json::value::RawValue;
use tokio::sync::OwnedMutexGuard;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker, Type, Val};
use wasmtime::{Result, StoreContextMut, bail};

use crate::limiter::Limiter;
use crate::recording::{RecordedCall, RecordedReply};
use crate::shape::Shape;
use crate::value::Arguments;

/// Fuel for a call, besides one for each byte that crosses, so that a guest cannot make the host work for nothing.
const CALL_FUEL: u64 = 500;

/// What a store holds besides the guest.
pub(crate) struct Guest {
    pub(crate) limiter: Limiter,
    pub(crate) backend: OwnedMutexGuard<dyn Backend>,
    pub(crate) limits: Limits,
    pub(crate) calls: Vec<RecordedCall>,
    pub(crate) reply_bytes: u64,
    pub(crate) proposals: u32,
    pub(crate) refused_calls: u64,
    /// Set when the backend ended the evaluation.
    pub(crate) abort: Option<Abort>,
}

/// Ends an evaluation in the middle of a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Refused, by a function that has no way to say so.
    #[error("{0}")]
    Refused(String),
    /// The reply is not of the function's type.
    #[error("{0}")]
    Host(String),
}

/// Puts every function of one import into the linker.
pub(crate) fn link(linker: &mut Linker<Guest>, registry: &Registry, import: &str, component: &Component) -> Result<()> {
    let (ty, wasmtime) = (component.component_type(), component.engine());
    let Some(ComponentItem::ComponentInstance(instance)) = ty.get_import(wasmtime, import).map(|item| item.ty) else {
        bail!("`{import}` is not imported as an interface");
    };
    let interface: Arc<str> = import.split('@').next().unwrap_or(import).into();
    let mut place = linker.instance(import)?;
    for (name, item) in instance.exports(wasmtime) {
        let ComponentItem::ComponentFunc(ty) = item.ty else { continue };
        let proposes = matches!(registry.find(&interface, name), Some((_, f)) if matches!(f.body, Body::Action(_)));
        let function = Arc::new(Function {
            interface: interface.clone(),
            name: name.into(),
            proposes,
            parameters: ty.params().map(|(name, _)| name.into()).collect(),
            returns: Returns::of(&ty),
        });
        place.func_new_async(name, move |store, _, arguments, results| {
            Box::new(function.clone().call(store, arguments, results))
        })?;
    }
    Ok(())
}

/// One function of an import, with all that is known when it is linked.
struct Function {
    interface: Arc<str>,
    name: Arc<str>,
    proposes: bool,
    parameters: Box<[Box<str>]>,
    returns: Returns,
}

/// What a function gives back to the guest.
enum Returns {
    Nothing,
    /// It cannot be refused.
    Plain(Shape),
    Result {
        ok: Option<Shape>,
        err: Option<Shape>,
    },
}

impl Function {
    async fn call(
        self: Arc<Self>,
        mut store: StoreContextMut<'_, Guest>,
        arguments: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let arguments = Arguments { names: &self.parameters, values: arguments };
        let written = serde_json::value::to_raw_value(&arguments);
        let guest = store.data_mut();
        let admitted =
            written.map_err(|error| (wasted(&arguments), Refusal::Invalid(error.to_string()))).and_then(|arguments| {
                match self.within_budget(guest, &arguments) {
                    Ok(()) => Ok(arguments),
                    Err(refusal) => Err((arguments.get().len(), refusal)),
                }
            });
        let (recorded, bytes, reply) = match admitted {
            Ok(arguments) => {
                let reply = self.answer(guest, &arguments).await?;
                let bytes = arguments.get().len() + reply.as_ref().map_or(0, |reply| reply.get().len());
                (Some(arguments), bytes as u64, reply)
            }
            Err((bytes, refusal)) => (None, bytes as u64, Err(refusal)),
        };
        let guest = store.data_mut();
        let value = self.returns.lower(&reply).map_err(|why| {
            let why = format!("{}.{}: {why}", self.interface, self.name);
            wasmtime::Error::from(if reply.is_err() { CallError::Refused(why) } else { CallError::Host(why) })
        });
        if let Some(arguments) = recorded {
            guest.reply_bytes = guest.reply_bytes.saturating_add(bytes);
            guest.calls.push(RecordedCall {
                interface: self.interface.clone(),
                function: self.name.clone(),
                arguments,
                reply: RecordedReply::from(reply),
            });
        } else {
            guest.refused_calls = guest.refused_calls.saturating_add(1);
        }
        if let (Some(slot), Some(value)) = (results.first_mut(), value?) {
            *slot = value;
        }
        charge(&mut store, CALL_FUEL + bytes)
    }

    async fn answer(&self, guest: &mut Guest, arguments: &RawValue) -> Result<Reply> {
        let call = Call { interface: &self.interface, function: &self.name, arguments };
        let limit = Duration::from_millis(guest.limits.call_deadline_ms);
        let answer = match guest.backend.ask(call) {
            Answer::Now(answer) => answer,
            // A backend has limits of its own; this one holds whatever it does.
            Answer::Later(later) => match tokio::time::timeout(limit + Duration::from_secs(2), later).await {
                Ok(answer) => answer,
                Err(_) => Ok(Err(Refusal::TimedOut(format!("no answer within {} ms", limit.as_millis())))),
            },
        };
        match answer {
            Ok(reply) => {
                guest.proposals += u32::from(self.proposes && reply.is_ok());
                Ok(reply)
            }
            Err(abort) => {
                let message = abort.to_string();
                guest.abort = Some(abort);
                bail!("{message}")
            }
        }
    }

    fn within_budget(&self, guest: &Guest, arguments: &RawValue) -> Result<(), Refusal> {
        let limits = &guest.limits;
        let over = |what: String| Err(Refusal::OverBudget(what));
        if guest.calls.len() as u64 >= limits.calls {
            return over(format!("{} calls in one evaluation", limits.calls));
        }
        if arguments.get().len() as u64 > limits.argument_bytes {
            return over(format!("arguments of more than {} bytes", limits.argument_bytes));
        }
        if guest.reply_bytes > limits.reply_bytes {
            return over(format!("{} bytes of replies in one evaluation", limits.reply_bytes));
        }
        if self.proposes && guest.proposals >= limits.proposals {
            return over(format!("{} proposals in one plan", limits.proposals));
        }
        Ok(())
    }
}

/// Bytes that were written before it turned out that they cannot be: they are paid for like any others.
fn wasted(arguments: &Arguments<'_>) -> usize {
    let mut written = Vec::new();
    let _ = serde_json::to_writer(&mut written, arguments);
    written.len()
}

fn charge(store: &mut StoreContextMut<'_, Guest>, fuel: u64) -> Result<()> {
    let left = store.get_fuel()?;
    match left.checked_sub(fuel) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(wasmtime::Trap::OutOfFuel.into())
        }
    }
}

impl Returns {
    fn of(ty: &ComponentFunc) -> Returns {
        match ty.results().next() {
            None => Returns::Nothing,
            Some(Type::Result(result)) => {
                Returns::Result { ok: result.ok().map(|ty| Shape::of(&ty)), err: result.err().map(|ty| Shape::of(&ty)) }
            }
            Some(ty) => Returns::Plain(Shape::of(&ty)),
        }
    }

    /// The reply as the guest's own type. `Err` is a fault of the host, or a function that cannot be refused.
    fn lower(&self, reply: &Reply) -> Result<Option<Val>, String> {
        let payload = |shape: &Option<Shape>, text: &str| match shape {
            None => Ok(None),
            Some(shape) => shape.parse(text).map(|value| Some(Box::new(value))).map_err(|error| error.to_string()),
        };
        match (self, reply) {
            (Returns::Result { ok, .. }, Ok(reply)) => Ok(Some(Val::Result(Ok(payload(ok, reply.get())?)))),
            (Returns::Result { err, .. }, Err(refusal)) => {
                let text = serde_json::to_string(refusal).map_err(|error| error.to_string())?;
                Ok(Some(Val::Result(Err(payload(err, &text)?))))
            }
            (Returns::Nothing, Ok(_)) => Ok(None),
            (Returns::Plain(shape), Ok(reply)) => shape.parse(reply.get()).map(Some).map_err(|error| error.to_string()),
            (Returns::Nothing | Returns::Plain(_), Err(refusal)) => Err(refusal.to_string()),
        }
    }
}
