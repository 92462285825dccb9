//! What systemd says about a unit.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What a unit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The program runs, or is being ended.
    Running,
    /// The program has ended.
    Ended(End),
    /// systemd does not know this invocation any more: the unit was forgotten, or the machine was restarted. How the
    /// program ended is unknown.
    Gone,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It exceeded the time limit and was ended.
    TimeLimit,
}

/// The properties that are asked for.
pub(super) const PROPERTIES: &str =
    "--property=LoadState,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,InvocationID";

/// Properties of a unit, as `systemctl show` prints them.
pub(super) struct Shown(HashMap<String, String>);

impl Shown {
    pub(super) fn read(text: &str) -> Shown {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        Shown(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether all of it is there.
    pub(super) fn is_complete(&self) -> bool {
        let names = PROPERTIES.rsplit('=').next().unwrap_or_default().split(',');
        names.into_iter().all(|name| self.0.contains_key(name))
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.get("LoadState") == "loaded"
    }

    pub(super) fn invocation(&self) -> &str {
        self.get("InvocationID")
    }

    pub(super) fn state(&self, invocation: &str) -> State {
        if !self.is_loaded() || self.invocation() != invocation {
            return State::Gone;
        }
        match (self.get("ActiveState"), self.get("SubState")) {
            ("active", "exited") | ("failed" | "inactive", _) => self.end().map_or(State::Gone, State::Ended),
            _ => State::Running,
        }
    }

    fn end(&self) -> Option<End> {
        if self.get("Result") == "timeout" {
            return Some(End::TimeLimit);
        }
        let status = self.get("ExecMainStatus").parse().ok()?;
        // As in waitid(2).
        match self.get("ExecMainCode") {
            "1" => Some(End::Code(status)),
            "2" | "3" => Some(End::Signal(status)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(active: &str, sub: &str, result: &str, code: u8, status: u8) -> State {
        let text = format!(
            "LoadState=loaded\nActiveState={active}\nSubState={sub}\nResult={result}\nExecMainCode={code}\n\
             ExecMainStatus={status}\nInvocationID=a7f6\n"
        );
        let shown = Shown::read(&text);
        assert!(shown.is_complete());
        assert_eq!(shown.state("b7f6"), State::Gone, "another invocation");
        shown.state("a7f6")
    }

    #[test]
    fn each_state_of_a_unit_is_known() {
        for (active, sub) in [("active", "running"), ("activating", "start"), ("deactivating", "stop-sigterm")] {
            assert_eq!(state(active, sub, "success", 0, 0), State::Running);
        }
        assert_eq!(state("active", "exited", "success", 1, 0), State::Ended(End::Code(0)));
        assert_eq!(state("failed", "failed", "exit-code", 1, 7), State::Ended(End::Code(7)));
        assert_eq!(state("failed", "failed", "oom-kill", 2, 9), State::Ended(End::Signal(9)));
        assert_eq!(state("failed", "failed", "core-dump", 3, 11), State::Ended(End::Signal(11)));
        assert_eq!(state("failed", "failed", "timeout", 2, 15), State::Ended(End::TimeLimit));
        assert_eq!(state("failed", "failed", "resources", 0, 0), State::Gone);
    }

    #[test]
    fn a_unit_that_is_not_there_is_gone_and_half_an_answer_is_none() {
        let gone = "LoadState=not-found\nActiveState=inactive\nSubState=dead\nResult=success\nExecMainCode=0\n\
                    ExecMainStatus=0\nInvocationID=\n";
        assert_eq!(Shown::read(gone).state(""), State::Gone);
        assert!(!Shown::read("LoadState=not-found\n").is_complete());
    }
}
