//! A policy's store and series, read from the state.

use std::sync::Arc;

use ansai_core::{Instant, Refusal};
use ansai_kit::evaluation_state::{Memory, Sample};

use crate::state::{State, StateError};

pub(crate) struct InstanceMemory {
    pub(crate) state: Arc<State>,
    pub(crate) instance: Arc<str>,
}

fn refused(error: StateError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

impl Memory for InstanceMemory {
    fn get(&self, key: &str) -> Result<Option<String>, Refusal> {
        self.state.get(&self.instance, key).map_err(refused)
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        self.state.keys(&self.instance).map_err(refused)
    }
    fn samples(&self, series: &str, since: Instant) -> Result<Vec<Sample>, Refusal> {
        self.state.samples(&self.instance, series, since).map_err(refused)
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        self.state.series(&self.instance).map_err(refused)
    }
}
