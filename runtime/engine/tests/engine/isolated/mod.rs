//! Evaluations in worker processes: honest ones, and such as were taken over.

pub(crate) mod child;
mod killed;
mod same;
mod taken_over;

use ansai_core::Limits;
use ansai_core::event::Phase;
use ansai_engine::isolated::TrustLevel;
use ansai_engine::{Evaluation, Policy};
use ansai_host_functions::live::Live;

use crate::evaluate::{CHECK, LIST};
use crate::support::*;

/// A policy with this `detect`, in workers that behave like this.
fn isolated(behaviour: &'static str, bytes: &[u8]) -> Policy {
    engine().load_isolated((&child::workers(behaviour), TrustLevel::Unsigned), bytes, None).unwrap()
}

/// A policy that lists file systems, and imports an action.
fn lists() -> Vec<u8> {
    policy(&format!("{LIST} {CHECK}"), "(call $list (i32.const 2048))", "")
}

/// Its `detect`, with the probe granted and the action not.
async fn detect(policy: &Policy, limits: &Limits) -> Evaluation<Live> {
    policy.detect(live(Phase::Detect, &["ansai:disk/disk-probe"]), limits).await
}
