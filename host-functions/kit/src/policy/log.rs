//! `ansai:policy/log`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::{Reply, typed};
use crate::evaluation_state::{EvaluationState, LogLine};
use crate::registry::{Body, Function, InterfaceDef, base};

/// Lines kept of one evaluation.
const MOST_LINES: usize = 200;
/// Bytes kept of one line.
const MOST_BYTES: usize = 1024;

/// The interface.
pub static LOG: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/log", "write to the operator's log"),
    functions: &[Function { name: "write", checks: &[], body: Body::Base(write) }],
};

fn write(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        level: String,
        message: String,
    }
    typed(arguments, |Arguments { level, mut message }| {
        if base.log.len() < MOST_LINES {
            let cut = message.floor_char_boundary(MOST_BYTES);
            message.truncate(cut);
            base.log.push(LogLine { level, message });
        } else {
            base.log_dropped = base.log_dropped.saturating_add(1);
        }
        Ok(())
    })
}
