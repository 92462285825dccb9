//! The result of a function, made from the reply: in the memory of the component, or as a dynamic value.

use std::mem::MaybeUninit;
use std::sync::Arc;

use ansai_kit::call::Reply;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ComponentType, Lower, Type, Val};
use wasmtime::{Result, ValRaw, bail};

use super::{CallError, Function};
use crate::value_type::{Cases, Node, ValueType};

/// Numbers of the cases of a result.
const OK: usize = 0;
const ERR: usize = 1;

/// The result type of a function.
pub(super) enum Returns {
    Nothing,
    /// Not a result, so that the call cannot be refused.
    Plain(ValueType),
    /// The cases `ok` and `err`.
    Result(Cases),
}

impl Returns {
    pub(super) fn of(ty: &ComponentFunc) -> Returns {
        let of = |ty: Option<Type>| ty.map(|ty| ValueType::of(&ty));
        match ty.results().next() {
            None => Returns::Nothing,
            Some(Type::Result(result)) => {
                Returns::Result(Cases::new([("ok", of(result.ok())), ("err", of(result.err()))]))
            }
            Some(ty) => Returns::Plain(ValueType::of(&ty)),
        }
    }

    /// Whether the canonical ABI has the result in memory: it does not fit into one plain value.
    pub(super) fn in_memory(&self) -> bool {
        match self {
            Returns::Nothing => false,
            Returns::Plain(ty) => ty.flat_count() > 1,
            Returns::Result(cases) => cases.flat_count() > 1,
        }
    }
}

impl Function {
    /// The reply as a dynamic value.
    pub(super) fn lower(&self, reply: &Reply) -> Result<Option<Val>> {
        let payload = |cases: &Cases, case: usize, text: &str| match cases.payload(case) {
            None => Ok(None),
            Some(ty) => ty.parse(text).map(|value| Some(Box::new(value))),
        };
        let value = match (&self.returns, reply) {
            (Returns::Result(cases), Ok(reply)) => payload(cases, OK, reply.get()).map(|ok| Some(Val::Result(Ok(ok)))),
            (Returns::Result(cases), Err(refusal)) => serde_json::to_string(refusal)
                .and_then(|text| payload(cases, ERR, &text))
                .map(|err| Some(Val::Result(Err(err)))),
            (Returns::Nothing, Ok(_)) => Ok(None),
            (Returns::Plain(ty), Ok(reply)) => ty.parse(reply.get()).map(Some),
            (Returns::Nothing | Returns::Plain(_), Err(refusal)) => {
                return Err(self.error(reply, refusal.to_string()));
            }
        };
        value.map_err(|error| self.error(reply, error.to_string()))
    }

    /// Writes the reply into the memory of the component.
    fn store<T>(&self, reply: &Reply, context: &mut LowerContext<'_, T>, offset: usize) -> Result<()> {
        let result = |cases: &Cases, case: usize, text: &str, context: &mut LowerContext<'_, T>| {
            let nodes = cases.payload(case).map_or_else(|| Ok(Vec::new()), |ty| self.read(ty, reply, text))?;
            cases.store(case, &mut nodes.iter(), context, offset)
        };
        match (&self.returns, reply) {
            (Returns::Result(cases), Ok(reply)) => result(cases, OK, reply.get(), context),
            (Returns::Result(cases), Err(refusal)) => {
                let text = serde_json::to_string(refusal).map_err(|error| self.error(reply, error.to_string()))?;
                result(cases, ERR, &text, context)
            }
            (Returns::Plain(ty), Ok(text)) => ty.store(&mut self.read(ty, reply, text.get())?.iter(), context, offset),
            (Returns::Nothing | Returns::Plain(_), _) => bail!("a result that is not in memory"),
        }
    }

    fn read<'t>(&self, ty: &ValueType, reply: &Reply, text: &'t str) -> Result<Vec<Node<'t>>> {
        ty.read(text).map_err(|error| self.error(reply, error.to_string()))
    }

    /// An error of the host, or a refusal of a function that cannot return one.
    pub(super) fn error(&self, reply: &Reply, why: String) -> wasmtime::Error {
        let why = format!("{}.{}: {why}", self.interface, self.name);
        wasmtime::Error::from(if reply.is_err() { CallError::Refused(why) } else { CallError::Host(why) })
    }
}

/// A reply that goes into the memory of the component without a dynamic value, which would allocate every name.
pub(super) struct Lowered {
    pub(super) function: Arc<Function>,
    pub(super) reply: Reply,
}

// SAFETY: wasmtime hands out plain values only for `Lower`, which has none. The layout comes from the type of the
// component itself, so there is nothing to compare.
#[expect(unsafe_code, reason = "wasmtime has no safe way to return a value whose type is known at run time only")]
unsafe impl ComponentType for Lowered {
    type Lower = [ValRaw; 0];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> Result<()> {
        Ok(())
    }
}

// SAFETY: every write is within a slice of the memory of the component, whose bounds are checked. A wrong layout would
// give the component wrong values; a test compares it with the canonical ABI.
#[expect(unsafe_code, reason = "as above")]
unsafe impl Lower for Lowered {
    fn linear_lower_to_flat<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        _: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        bail!("a result that is not in memory")
    }

    fn linear_lower_to_memory<T>(
        &self,
        context: &mut LowerContext<'_, T>,
        _: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.function.store(&self.reply, context, offset)
    }
}
