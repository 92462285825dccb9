//! Why an instance has no answer, as a word that stays.

use serde::{Deserialize, Serialize};

use crate::codes::{self, Code};

/// Why an instance has no answer, or not all of one: a word for scripts, metrics and the audit log. The sentence
/// beside it may change, the word may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The policy says itself that it has no answer.
    Failure,
    /// It ran out of fuel.
    Fuel,
    /// It wanted more memory, tables or instances than allowed.
    Memory,
    /// It took too long.
    Deadline,
    /// Too deep a recursion.
    Stack,
    /// A panic, a wrong pointer, a division by zero.
    Trap,
    /// What it handed over is no value: pointers out of its memory, text that is none, a call at a forbidden moment.
    Abi,
    /// A limit of the evaluation where the call could not be refused.
    Budget,
    /// Its answer breaks the contract.
    Contract,
    /// It has more incidents open than one policy may have.
    Incidents,
    /// What answered its calls ended it.
    Aborted,
    /// The host failed.
    Host,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [ErrorKind; 12] = [
        ErrorKind::Failure,
        ErrorKind::Fuel,
        ErrorKind::Memory,
        ErrorKind::Deadline,
        ErrorKind::Stack,
        ErrorKind::Trap,
        ErrorKind::Abi,
        ErrorKind::Budget,
        ErrorKind::Contract,
        ErrorKind::Incidents,
        ErrorKind::Aborted,
        ErrorKind::Host,
    ];

    /// The same word with its explanation.
    pub fn code(self) -> Code {
        match self {
            ErrorKind::Failure => codes::FAILURE,
            ErrorKind::Fuel => codes::FUEL,
            ErrorKind::Memory => codes::MEMORY,
            ErrorKind::Deadline => codes::DEADLINE,
            ErrorKind::Stack => codes::STACK,
            ErrorKind::Trap => codes::TRAP,
            ErrorKind::Abi => codes::ABI,
            ErrorKind::Budget => codes::BUDGET,
            ErrorKind::Contract => codes::CONTRACT,
            ErrorKind::Incidents => codes::INCIDENTS,
            ErrorKind::Aborted => codes::ABORTED,
            ErrorKind::Host => codes::HOST,
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_shown_is_the_word_written() {
        assert_eq!(ErrorKind::Incidents.to_string(), "incidents");
    }
}
