//! One evaluation: a fresh store, limits, one call of an export, an answer that was checked.

use std::time::Duration;

use ansai_core::{Decision, Failure, Limits, Observation, Usage};
use ansai_host_functions::backend::Backend;
use serde::Deserialize;
use wasmtime::component::{ComponentExportIndex, Val};
use wasmtime::{Store, Trap};

use crate::gate::Guest;
use crate::limiter::Limiter;
use crate::load::Policy;
use crate::recording::{RecordedCall, RecordedEnd};
use crate::value::Json;

const MOST_KEY_BYTES: usize = 200;
const MOST_ANSWER_BYTES: usize = 1 << 20;
/// Bytes from guest to host in one call; wasmtime counts lists and strings before it copies them.
const HOSTCALL_FUEL: usize = 1 << 20;
const MOST_HANDLES: usize = 1024;

/// What a policy answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `detect`.
    Observed(Vec<Observation>),
    /// `plan`.
    Decided(Decision),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The policy says so itself.
    #[error(transparent)]
    Failure(Failure),
    /// It ran out of fuel.
    #[error("ran out of fuel (limit {0})")]
    Fuel(u64),
    /// It wanted more memory, tables or instances than allowed.
    #[error("wanted more memory than allowed (limit {0} bytes)")]
    Memory(u64),
    /// It took too long.
    #[error("took longer than {0} ms")]
    Deadline(u64),
    /// It trapped: a panic, a wrong pointer, too deep a recursion.
    #[error("trapped: {0}")]
    Trap(String),
    /// Its answer breaks the contract.
    #[error("answered against the contract: {0}")]
    Lie(String),
    /// The backend ended it.
    #[error("{0}")]
    Aborted(String),
    /// The host failed.
    #[error("the host failed: {0}")]
    Host(String),
}

/// An evaluation that has ended.
pub struct Evaluation {
    /// What came of it.
    pub answer: Result<Answer, EvaluationError>,
    /// What it used.
    pub usage: Usage,
    /// Calls and replies in order.
    pub calls: Vec<RecordedCall>,
    /// What answered; `None` after a panic of the host.
    pub backend: Option<Box<dyn Backend>>,
}

impl Evaluation {
    /// The end as a recording holds it.
    pub fn end(&self) -> RecordedEnd {
        match &self.answer {
            Ok(Answer::Observed(observations)) => RecordedEnd::Observed(observations.clone()),
            Ok(Answer::Decided(decision)) => RecordedEnd::Decided(decision.clone()),
            Err(EvaluationError::Failure(failure)) => RecordedEnd::Failed(failure.to_string()),
            Err(EvaluationError::Deadline(_)) => RecordedEnd::Deadline,
            Err(error) => RecordedEnd::Stopped(error.to_string()),
        }
    }
}

impl Policy {
    /// Asks how things are.
    pub async fn detect(&self, backend: Box<dyn Backend>, limits: &Limits) -> Evaluation {
        self.evaluate(backend, limits, &self.detect, None).await
    }

    /// Asks what should be done about a finding.
    pub async fn plan(&self, backend: Box<dyn Backend>, limits: &Limits, finding: &Observation) -> Evaluation {
        self.evaluate(backend, limits, &self.plan, Some(finding)).await
    }

    async fn evaluate(
        &self,
        backend: Box<dyn Backend>,
        limits: &Limits,
        export: &ComponentExportIndex,
        finding: Option<&Observation>,
    ) -> Evaluation {
        // Never closed; were it, the pool's own bound would be left.
        let _place = self.engine.places.acquire().await.ok();
        let began = std::time::Instant::now();
        let guest = Guest {
            limiter: Limiter::new(limits.memory_bytes),
            backend,
            limits: limits.clone(),
            calls: Vec::new(),
            reply_bytes: 0,
            proposals: 0,
            abort: None,
        };
        let mut store = Store::new(&self.engine.wasmtime, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_max_component_handles(MOST_HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let fuelled = store.set_fuel(limits.fuel);

        let ticking = self.engine.ticker.run();
        let deadline = Duration::from_millis(limits.deadline_ms);
        let outcome = match fuelled {
            Ok(()) => tokio::time::timeout(deadline, self.call(&mut store, export, finding)).await,
            Err(error) => Ok(Err(EvaluationError::Host(error.to_string()))),
        };
        drop(ticking);

        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let guest = store.into_data();
        let answer = match outcome {
            Err(_) => Err(EvaluationError::Deadline(limits.deadline_ms)),
            Ok(Err(error)) => Err(exact(error, &guest, limits)),
            Ok(answer) => answer,
        };
        let usage = Usage {
            memory_bytes: guest.limiter.memory as u64,
            fuel,
            wall_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            calls: guest.calls.len() as u64,
            reply_bytes: guest.reply_bytes,
            proposals: guest.proposals,
        };
        Evaluation { answer, usage, calls: guest.calls, backend: Some(guest.backend) }
    }

    async fn call(
        &self,
        store: &mut Store<Guest>,
        export: &ComponentExportIndex,
        finding: Option<&Observation>,
    ) -> Result<Answer, EvaluationError> {
        let instance = self.pre.instantiate_async(&mut *store).await.map_err(trapped)?;
        let func =
            instance.get_func(&mut *store, export).ok_or_else(|| EvaluationError::Host("an export is gone".into()))?;
        let mut arguments = Vec::new();
        if let Some(finding) = finding {
            let text = serde_json::to_string(finding).map_err(|e| EvaluationError::Host(e.to_string()))?;
            arguments.push(self.finding.parse(&text).map_err(|e| EvaluationError::Host(e.to_string()))?);
        }
        let mut results = [Val::Bool(false)];
        func.call_async(&mut *store, &arguments, &mut results).await.map_err(trapped)?;
        let [result] = results;
        let text = serde_json::to_string(&Json(&result)).map_err(|error| EvaluationError::Lie(error.to_string()))?;
        if text.len() > MOST_ANSWER_BYTES {
            return Err(EvaluationError::Lie(format!("the answer has {} bytes", text.len())));
        }
        match finding {
            None => {
                let observations: Vec<Observation> = answered(&text)?;
                check(&observations, store.data().limits.observations)?;
                Ok(Answer::Observed(observations))
            }
            Some(_) => Ok(Answer::Decided(answered(&text)?)),
        }
    }
}

/// `result<T, failure>` as JSON.
fn answered<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, EvaluationError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Answered<T> {
        Ok(T),
        Err(Failure),
    }
    match serde_json::from_str(text) {
        Ok(Answered::Ok(value)) => Ok(value),
        Ok(Answered::Err(failure)) => Err(EvaluationError::Failure(failure)),
        Err(error) => Err(EvaluationError::Lie(error.to_string())),
    }
}

fn check(observations: &[Observation], most: u32) -> Result<(), EvaluationError> {
    if observations.len() > most as usize {
        return Err(EvaluationError::Lie(format!("{} observations, at most {most}", observations.len())));
    }
    let mut keys = std::collections::HashSet::new();
    for observation in observations {
        let key = observation.key.as_str();
        if key.is_empty() || key.len() > MOST_KEY_BYTES {
            return Err(EvaluationError::Lie(format!("a key has {} bytes, not 1 to {MOST_KEY_BYTES}", key.len())));
        }
        if !keys.insert(key) {
            let shown = ansai_core::text::inert(key, MOST_KEY_BYTES);
            return Err(EvaluationError::Lie(format!("the key `{shown}` stands twice")));
        }
    }
    Ok(())
}

fn trapped(error: wasmtime::Error) -> EvaluationError {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => EvaluationError::Fuel(0),
        Some(trap) => EvaluationError::Trap(trap.to_string()),
        None => EvaluationError::Trap(ansai_core::text::inert(&format!("{:#}", error.root_cause()), 300)),
    }
}

/// The same error with what the guest's state tells about it.
fn exact(error: EvaluationError, guest: &Guest, limits: &Limits) -> EvaluationError {
    match (error, &guest.abort) {
        (_, Some(abort)) => EvaluationError::Aborted(abort.to_string()),
        (EvaluationError::Fuel(_), _) => EvaluationError::Fuel(limits.fuel),
        (EvaluationError::Trap(_), _) if guest.limiter.refused => EvaluationError::Memory(limits.memory_bytes),
        (error, _) => error,
    }
}
