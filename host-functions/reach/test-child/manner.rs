//! What the process does that was taken over.

use std::str::FromStr;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Manner {
    WrongNumber,
    NoJson,
    Huge,
    /// Sends what the supervisor sends.
    Commands,
    Dies,
    Twice,
    /// Begins a step and says so, twice.
    TwiceBegun,
    OtherType,
    OtherShape,
    /// Says that something may have been done.
    SaysLost,
    TellsSecret,
    AnswersNotTheFirst,
    AnswersAll,
    Silent,
    Previews,
    /// Previews a step at another target.
    PreviewsOther,
    /// Previews a step that locks a unit which is not that of the target.
    PreviewsOtherUnit,
    Reads,
    /// Asks for a connection to a port of this machine that no target names.
    ConnectsElsewhere,
    /// Asks for the address of a name that no target has.
    LooksUp,
    /// Tries to get from the connection of its target, or without one, to another port.
    Escapes,
    /// Answers, and then asks for a connection to the target of that call.
    ConnectsLater,
    /// Measures how long a connection to its own target takes.
    Measures,
    /// Asks once for a connection to the server of its own target, and answers what it was told.
    AsksOnce,
    /// Asks for the addresses of its own target, and answers what it was told.
    LooksUpOwn,
    /// Asks for the addresses of its own target, then for a connection to the server that the user of the target says, and
    /// answers what it was told.
    LooksUpAndConnects,
    /// Does what its own target says: it redirects to another server.
    FollowsRedirect,
    /// Asks for many connections to its own target.
    Floods,
}

impl FromStr for Manner {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_value(text.into())
    }
}
