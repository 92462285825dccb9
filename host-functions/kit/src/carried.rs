//! State of the base interfaces that goes to the process of a guest, so that most of their calls are answered there. It never
//! comes back: the process that sent it makes the same calls again on its own state, and compares the replies.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{Attempt, InterfaceName, Refusal, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use crate::evaluation_state::{Context, EvaluationState, Memory, NoMemory};
use crate::policy::aggregate::Aggregate;
use crate::policy::{context::CONTEXT, log::LOG, series::SERIES, store::STORE};
use crate::registry::InterfaceDef;

/// A store with more bytes of keys and values is not carried: its calls cross.
const MOST_STORE_BYTES: usize = 32 << 10;

/// The state at the start of one evaluation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Carried {
    phase: Phase,
    context: Context,
    /// Keys and values; `None` if the policy does not use them, or if they are too large or cannot be read.
    store: Option<BTreeMap<String, String>>,
    /// Names of the series; `None` if the policy does not use them, or if they cannot be read. Samples are never carried.
    series: Option<BTreeSet<String>>,
    most_series: u32,
}

impl Carried {
    /// Whether it is enough to answer this call. Samples, history and advice are not part of it.
    pub fn answers(&self, interface: &InterfaceName, function: &str) -> bool {
        let is = |known: &InterfaceDef| known.interface.name.as_str() == interface.as_str();
        (is(&CONTEXT) && function != "history")
            || is(&LOG)
            || (is(&STORE) && self.store.is_some())
            || (is(&SERIES) && self.series.is_some() && ["append", "reset"].contains(&function))
    }

    /// A state that answers the calls that this one answers.
    pub fn into_state(self) -> EvaluationState {
        let Carried { phase, context, store, series, most_series } = self;
        let memory = Fixed { store, series, rest: Arc::new(NoMemory) };
        EvaluationState { most_series, ..EvaluationState::new(phase, context, Arc::new(memory)) }
    }
}

impl EvaluationState {
    /// What the process of a guest with these imports needs. From now on this state answers from the same, so that the
    /// replies are equal although another evaluation may write to the store meanwhile.
    pub fn carry(&mut self, imports: &[InterfaceName]) -> Carried {
        let imports = |known: &InterfaceDef| imports.iter().any(|import| known.interface.name.same_interface(import));
        let store = if imports(&STORE) { store(&*self.memory) } else { None };
        let series = if imports(&SERIES) { self.memory.series().ok() } else { None };
        let series: Option<BTreeSet<String>> = series.map(|names| names.into_iter().collect());
        self.memory = Arc::new(Fixed { store: store.clone(), series: series.clone(), rest: self.memory.clone() });
        Carried { phase: self.phase, context: self.context.clone(), store, series, most_series: self.most_series }
    }
}

fn store(memory: &dyn Memory) -> Option<BTreeMap<String, String>> {
    let keys = memory.keys().ok()?;
    let bytes: usize = keys.iter().map(|(key, size)| key.len().saturating_add(*size)).sum();
    if bytes > MOST_STORE_BYTES {
        return None;
    }
    let value_of = |(key, _): (String, usize)| {
        let value = memory.get(&key).ok()??;
        Some((key, value))
    };
    keys.into_iter().map(value_of).collect()
}

/// A memory of which some parts are as they were.
struct Fixed {
    store: Option<BTreeMap<String, String>>,
    series: Option<BTreeSet<String>>,
    rest: Arc<dyn Memory>,
}

impl Memory for Fixed {
    fn get(&self, key: &str) -> Result<Option<String>, Refusal> {
        self.store.as_ref().map_or_else(|| self.rest.get(key), |store| Ok(store.get(key).cloned()))
    }

    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        let sizes =
            |store: &BTreeMap<String, String>| store.iter().map(|(key, value)| (key.clone(), value.len())).collect();
        self.store.as_ref().map_or_else(|| self.rest.keys(), |store| Ok(sizes(store)))
    }

    fn samples(&self, series: &str, range: Range<Timestamp>) -> Result<Vec<Aggregate>, Refusal> {
        self.rest.samples(series, range)
    }

    fn series(&self) -> Result<Vec<String>, Refusal> {
        self.series.as_ref().map_or_else(|| self.rest.series(), |names| Ok(names.iter().cloned().collect()))
    }

    fn history(&self, about: &Subject, since: Timestamp, most: usize) -> Result<Vec<Attempt>, Refusal> {
        self.rest.history(about, since, most)
    }
}
