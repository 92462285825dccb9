//! Functions of a domain: implemented with Rust types, listed without them.
//!
//! ```
//! use ansai_core::Refusal;
//! use ansai_kit::function::Probe;
//! use ansai_kit::host::ProbeContext;
//! use ansai_kit::registry::{Body, Function};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct User {
//!     name: String,
//! }
//!
//! fn exists(_ask: &ProbeContext<'_>, User { name }: User) -> Result<bool, Refusal> {
//!     Ok(name == "root")
//! }
//!
//! static EXISTS: Function = Function { name: "exists", checks: &[], body: Body::Probe(&Probe(exists)) };
//! ```

use ansai_core::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::{Reply, read, to_reply, typed};
use crate::evaluation_state::EvaluationState;
use crate::host::ProbeContext;

/// A type that is passed between host and policies. A test compares it with its WIT by converting values through it.
pub trait Wire: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Wire for T {}

/// The Rust types of a function, in a form that a test can compare with its WIT.
#[derive(Clone, Copy)]
pub struct Types {
    /// Parses a JSON value as the arguments, and converts it back.
    pub arguments: fn(Value) -> Result<Value, serde_json::Error>,
    /// Does the same for the answer.
    pub reply: fn(Value) -> Result<Value, serde_json::Error>,
}

impl Types {
    /// The types of a function with these arguments and this answer.
    pub const fn of<A: Wire, R: Wire>() -> Types {
        Types { arguments: through::<A>, reply: through::<R> }
    }
}

/// Parses a JSON value as this type, and converts it back.
pub fn through<T: Wire>(value: Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(value)?)
}

/// A function of an interface that needs no grant. It answers from the evaluation's state and never blocks.
pub struct Base<A, R>(pub fn(&mut EvaluationState, A) -> Result<R, Refusal>);

/// A function that reads the host and may block.
pub struct Probe<A, R>(pub fn(&ProbeContext<'_>, A) -> Result<R, Refusal>);

/// A function whose arguments can make the host work much longer than their size shows: patterns, expressions.
pub struct Costly<A, R> {
    /// As [`Probe`].
    pub probe: fn(&ProbeContext<'_>, A) -> Result<R, Refusal>,
    /// See [`ProbeFunction::cost`].
    pub cost: fn(&A) -> u64,
}

/// A function that can usually answer without blocking.
pub struct Inline<A, R> {
    /// Answers without blocking; `None` if it would have to wait. Then `probe` is called.
    pub at_once: fn(&ProbeContext<'_>, &A) -> Option<Result<R, Refusal>>,
    /// May block.
    pub probe: fn(&ProbeContext<'_>, A) -> Result<R, Refusal>,
}

/// As [`Inline`], with an answer that is text already: most calls are answered with the text of the call before.
pub struct Prepared<A, R> {
    /// Answers without blocking, with the JSON text of an `R`; `None` if it would have to wait. Then `probe` is called.
    pub at_once: fn(&ProbeContext<'_>, &A) -> Option<Reply>,
    /// May block.
    pub probe: fn(&ProbeContext<'_>, A) -> Result<R, Refusal>,
}

/// [`Base`] without its types.
pub trait BaseFunction: Sync {
    /// Answers a call.
    fn answer(&self, state: &mut EvaluationState, arguments: &RawValue) -> Reply;
    /// Its types.
    fn types(&self) -> Types;
}

impl<A: Wire, R: Wire> BaseFunction for Base<A, R> {
    fn answer(&self, state: &mut EvaluationState, arguments: &RawValue) -> Reply {
        typed(arguments, |arguments| (self.0)(state, arguments))
    }

    fn types(&self) -> Types {
        Types::of::<A, R>()
    }
}

/// [`Probe`] without its types.
pub trait ProbeFunction: Sync {
    /// Answers a call.
    fn answer(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply;
    /// Its types.
    fn types(&self) -> Types;
    /// Fuel for work of the host that the size of the arguments does not show. It follows from the arguments alone, so that
    /// a replay costs the same.
    fn cost(&self, _arguments: &RawValue) -> u64 {
        0
    }
}

impl<A: Wire, R: Wire> ProbeFunction for Probe<A, R> {
    fn answer(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
        typed(arguments, |arguments| (self.0)(ask, arguments))
    }

    fn types(&self) -> Types {
        Types::of::<A, R>()
    }
}

impl<A: Wire, R: Wire> ProbeFunction for Costly<A, R> {
    fn answer(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
        typed(arguments, |arguments| (self.probe)(ask, arguments))
    }

    fn types(&self) -> Types {
        Types::of::<A, R>()
    }

    fn cost(&self, arguments: &RawValue) -> u64 {
        // What cannot be read is refused without work.
        read(arguments).map_or(0, |arguments| (self.cost)(&arguments))
    }
}

/// [`Inline`] without its types.
pub trait InlineFunction: ProbeFunction {
    /// Answers a call without blocking, or not at all.
    fn answer_at_once(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Option<Reply>;
}

impl<A: Wire, R: Wire> ProbeFunction for Inline<A, R> {
    fn answer(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
        typed(arguments, |arguments| (self.probe)(ask, arguments))
    }

    fn types(&self) -> Types {
        Types::of::<A, R>()
    }
}

impl<A: Wire, R: Wire> InlineFunction for Inline<A, R> {
    fn answer_at_once(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Option<Reply> {
        let arguments = match read(arguments) {
            Ok(arguments) => arguments,
            Err(refusal) => return Some(Err(refusal)),
        };
        let answer = (self.at_once)(ask, &arguments)?;
        Some(answer.and_then(|answer| to_reply(&answer)))
    }
}

impl<A: Wire, R: Wire> ProbeFunction for Prepared<A, R> {
    fn answer(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
        typed(arguments, |arguments| (self.probe)(ask, arguments))
    }

    fn types(&self) -> Types {
        Types::of::<A, R>()
    }
}

impl<A: Wire, R: Wire> InlineFunction for Prepared<A, R> {
    fn answer_at_once(&self, ask: &ProbeContext<'_>, arguments: &RawValue) -> Option<Reply> {
        match read(arguments) {
            Ok(arguments) => (self.at_once)(ask, &arguments),
            Err(refusal) => Some(Err(refusal)),
        }
    }
}
