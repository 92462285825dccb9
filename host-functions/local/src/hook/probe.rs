//! `ask`.

use ansai_core::Refusal;
use ansai_core::hook::{Does, Parameter};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::call::{Call, hook, refusal};

#[derive(Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) hook: String,
    parameters: Vec<Parameter>,
}

pub(super) fn ask(ask: &ProbeContext<'_>, arguments: Ask) -> Result<Answer, Refusal> {
    let Ask { hook: name, parameters } = arguments;
    let access = hook(ask.reach, &name, Does::Reads)?;
    let call = Call::of(ask.host, access, &name, &parameters)?;
    call.run(ask.deadline.remaining(), &|| ask.deadline.is_over()).map_err(|failed| refusal(&name, failed))
}
