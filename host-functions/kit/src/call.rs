//! A call and its reply as plain text: JSON, so that it can be recorded, replayed, sent and read.

use std::sync::Arc;

use ansai_core::{InterfaceName, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// What a function answers: JSON text of its `ok` type (or of its plain result), or why not. The text is shared with the
/// recording of the call.
pub type Reply = Result<Arc<RawValue>, Refusal>;

/// A call of a host function. `arguments` is a JSON object by parameter name, in declaration order.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Without version: `ansai:files/files-probe`.
    pub interface: &'a InterfaceName,
    /// `list-files`.
    pub function: &'a str,
    /// JSON object by parameter name; shared with the recording and with a proposed step.
    pub arguments: &'a Arc<RawValue>,
}

/// Reads arguments, or anything else that was written as JSON text.
pub fn read<T: DeserializeOwned>(text: &RawValue) -> Result<T, Refusal> {
    serde_json::from_str(text.get()).map_err(|error| Refusal::Invalid(error.to_string()))
}

/// Reads the arguments, runs the function, writes the answer.
pub fn typed<A: DeserializeOwned, R: Serialize>(
    arguments: &RawValue,
    run: impl FnOnce(A) -> Result<R, Refusal>,
) -> Reply {
    to_reply(&run(read(arguments)?)?)
}

/// An answer as JSON text.
pub fn to_reply(answer: &impl Serialize) -> Reply {
    to_text(answer).map(Arc::from)
}

/// Anything else that the host keeps, as JSON text.
pub fn to_text(value: &impl Serialize) -> Result<Box<RawValue>, Refusal> {
    serde_json::value::to_raw_value(value).map_err(|e| Refusal::Other(format!("answer cannot be written: {e}")))
}

/// For functions without parameters.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize)]
pub struct NoArguments {}
