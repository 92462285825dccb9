//! `ansai:policy/log`.

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

use crate::evaluation_state::{EvaluationState, LogLine};
use crate::function::Base;
use crate::registry::{Body, Function, InterfaceDef, base};

/// Lines kept of one evaluation.
const MOST_LINES: usize = 200;
/// Bytes kept of one line.
const MOST_BYTES: usize = 1024;

/// The interface.
pub static LOG: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/log", "write to the operator's log"),
    doctor: &[],
    functions: &[Function { name: "write", checks: &[], body: Body::Base(&Base(write)) }],
};

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    level: Level,
    message: String,
}

fn write(state: &mut EvaluationState, Line { level, mut message }: Line) -> Result<(), Refusal> {
    if state.log.len() < MOST_LINES {
        let cut = message.floor_char_boundary(MOST_BYTES);
        message.truncate(cut);
        state.log.push(LogLine { level: level.name().to_owned(), message });
    } else {
        state.log_dropped = state.log_dropped.saturating_add(1);
    }
    Ok(())
}
