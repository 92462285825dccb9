//! What the policy of these tests says and proposes: a file that its settings name, so that other processes and
//! later runs read the same.

use std::path::{Path, PathBuf};

use ansai_core::{
    Decision, Interface, InterfaceKind, InterfaceName, Observation, OnFailure, Refusal, Sensitivity, Severity, Status,
    Subject,
};
use ansai_kit::function::Probe;
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use serde::{Deserialize, Serialize};

pub(crate) const NAME: InterfaceName = InterfaceName::from_static("ansai:test/script-probe");

/// The interface.
pub(crate) static SCRIPT_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: NAME,
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "read a test's script",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "how", checks: &[], body: Body::Probe(&Probe(how)) },
        Function { name: "say", checks: &[], body: Body::Probe(&Probe(say)) },
        Function { name: "steps", checks: &[], body: Body::Probe(&Probe(steps)) },
        Function { name: "decide", checks: &[], body: Body::Probe(&Probe(decide)) },
    ],
};

pub(crate) const KEY: &str = "k";

/// How `detect` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    Answers = 0,
    Traps = 1,
    NeverEnds = 2,
}

/// Which action a step calls, in the order of the guest's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Wait = 0,
    WaitOrCancel = 1,
    Mark = 2,
    Flaky = 3,
    CheckAvailable = 4,
    /// Not an action: `advice.may-fail` for the step of this number.
    MayFail = 5,
    /// `advice.look-again` after so many milliseconds.
    LookAgain = 6,
    /// `advice.recommend` with this text.
    Recommend = 7,
    Reload = 8,
    /// Sets a file until it is verified, for at most `number` milliseconds.
    Set = 9,
    /// Sets a file for `number` milliseconds.
    SetForATime = 10,
    /// Not an action: `log.write` of this text, `number` times.
    Log = 11,
    /// Not an action: `plan` traps.
    Trap = 12,
}

/// One step to propose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    action: u32,
    number: u64,
    limit: u64,
    text: String,
    reason: String,
}

impl Step {
    pub(crate) fn new(call: Call, number: u64, limit: u64, text: impl AsRef<Path>) -> Step {
        let text = text.as_ref().to_str().unwrap().to_owned();
        Step { action: call as u32, number, limit, text, reason: "a test".into() }
    }

    pub(crate) fn mark(path: impl AsRef<Path>) -> Step {
        Step::new(Call::Mark, 0, 0, path)
    }

    /// Reads a file again that may be marked.
    pub(crate) fn reload(path: impl AsRef<Path>) -> Step {
        Step::new(Call::Reload, 0, 0, path)
    }

    pub(crate) fn because(mut self, reason: String) -> Step {
        self.reason = reason;
        self
    }
}

/// All of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Script {
    pub(crate) how: How,
    /// What `detect` answers; an `Err` is a policy that could not tell.
    pub(crate) says: Result<Vec<Observation>, String>,
    /// Whatever is unhealthy is healthy once this file is there.
    pub(crate) healthy_once: Option<PathBuf>,
    pub(crate) steps: Vec<Step>,
    pub(crate) decision: Decision,
}

impl Script {
    /// One finding, critical.
    pub(crate) fn sick(steps: Vec<Step>, on_failure: OnFailure) -> Script {
        Script {
            how: How::Answers,
            says: Ok(vec![observation(Status::Unhealthy(Severity::Critical))]),
            healthy_once: None,
            steps,
            decision: Decision::Apply(on_failure),
        }
    }

    pub(crate) fn healthy_once(mut self, file: PathBuf) -> Script {
        self.healthy_once = Some(file);
        self
    }

    pub(crate) fn saying(mut self, says: Result<Vec<Observation>, String>) -> Script {
        self.says = says;
        self
    }

    pub(crate) fn behaving(mut self, how: How) -> Script {
        self.how = how;
        self
    }
}

/// A statement about the one thing.
pub(crate) fn observation(status: Status) -> Observation {
    Observation {
        key: KEY.into(),
        about: Subject::new("test", "thing"),
        status,
        summary: "as the script says".into(),
        evidence: vec![],
        related: vec![],
        distance: None,
    }
}

#[derive(Serialize, Deserialize)]
struct Arguments {
    script: PathBuf,
}

fn read(Arguments { script }: &Arguments) -> Result<Script, Refusal> {
    let text = std::fs::read(script).map_err(|error| Refusal::io(script.display(), &error))?;
    Ok(serde_json::from_slice(&text).unwrap())
}

fn how(_: &ProbeContext<'_>, arguments: Arguments) -> Result<u32, Refusal> {
    Ok(read(&arguments)?.how as u32)
}

fn say(_: &ProbeContext<'_>, arguments: Arguments) -> Result<Vec<Observation>, Refusal> {
    let script = read(&arguments)?;
    // `other` is a case of both refusals and failures.
    let mut observations = script.says.map_err(Refusal::Other)?;
    if script.healthy_once.is_some_and(|file| file.exists()) {
        for observation in &mut observations {
            observation.status = Status::Healthy;
            observation.distance = observation.distance.map(|_| 0.0);
        }
    }
    Ok(observations)
}

fn steps(_: &ProbeContext<'_>, arguments: Arguments) -> Result<Vec<Step>, Refusal> {
    Ok(read(&arguments)?.steps)
}

fn decide(_: &ProbeContext<'_>, arguments: Arguments) -> Result<Decision, Refusal> {
    Ok(read(&arguments)?.decision)
}
