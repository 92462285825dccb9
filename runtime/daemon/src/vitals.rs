//! What a service manager wants to know of a running daemon.

use std::time::Duration;

use ansai_core::control::{Answer, Refused, Replied, Request, StatusReport};

use crate::control::myself;
use crate::running::Running;

impl Running {
    /// Completes when the recovery of an earlier run has begun. The control socket listens by then.
    pub async fn has_begun(&self) {
        self.supervisor.has_begun().await;
    }

    /// The part of the loop that has done nothing for longer than `limit`, in words; `None` while all of them work.
    pub fn stalled(&self, limit: Duration) -> Option<&'static str> {
        self.supervisor.stalled(limit)
    }

    /// The same as `ansai status` gets. It reads the state: beside the threads that evaluate.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn status(&self) -> Result<StatusReport, Refused> {
        match self.handler.handle(Request::Status, &myself()) {
            Replied::Done(Answer::Status(report)) => Ok(*report),
            Replied::Refused(refused) => Err(refused),
            // No other answer belongs to this request.
            Replied::Done(_) => Err(Refused {
                code: ansai_core::codes::OTHER.word().to_owned(),
                message: "another answer than the status".to_owned(),
                hint: None,
                exit_code: ansai_core::exit::OTHER,
            }),
        }
    }
}
