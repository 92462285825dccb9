//! The id of a step as part of a file name.

use ansai_core::Refusal;
use ansai_core::text::inert;

use super::names::is_name;

/// The id as bytes.
///
/// # Errors
/// `invalid` if it cannot be part of a file name.
pub(crate) fn step_name(step_id: &str) -> Result<&[u8], Refusal> {
    let name = step_id.as_bytes();
    if is_name(name) && name.len() <= 200 {
        Ok(name)
    } else {
        Err(Refusal::Invalid(format!("the step id `{}` is not a file name", inert(step_id, 100))))
    }
}
