//! Accepts connections.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ansai_core::codes;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::access::{Access, Connections, Right};
use super::connection::{self, refusal};
use super::error::ControlError;
use super::handle::Handler;
use super::place::{Listening, NoSocket};
use crate::people;

/// After a connection that was refused, so that a flood of them costs little.
const AFTER_REFUSAL: Duration = Duration::from_millis(1);
/// After the system refused to accept one, for example because no descriptors are left.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// The server of one daemon. It ends when this is dropped.
pub(crate) struct Server {
    accepting: JoinHandle<()>,
    /// The only owner: a client that stalls does not keep the state in use.
    _handler: Arc<Handler>,
    _listening: Listening,
}

impl Server {
    /// Listens. Where the system refuses, there is no server, and the daemon heals without one. Needs a tokio runtime.
    ///
    /// # Errors
    /// Another user can change the socket, or something else has its name.
    pub(crate) fn start(path: &Path, access: Access, handler: Handler) -> Result<Option<Server>, ControlError> {
        let started = Listening::at(path, &access).and_then(|mut listening| {
            let listener = listening.listener.take().ok_or_else(|| std::io::Error::other("no listener"));
            let listener = listener.and_then(UnixListener::from_std).map_err(NoSocket::System)?;
            Ok((listener, listening))
        });
        match started {
            Ok((listener, listening)) => {
                let handler = Arc::new(handler);
                let connections = Connections::default();
                let shared = Shared { access, handler: Arc::downgrade(&handler), connections };
                let accepting = tokio::spawn(shared.accept(listener));
                Ok(Some(Server { accepting, _handler: handler, _listening: listening }))
            }
            Err(NoSocket::Refused(error)) => Err(error),
            Err(NoSocket::System(error)) => {
                let path = path.display();
                tracing::error!("no control socket at {path} until ansai restarts, it heals as always: {error}");
                Ok(None)
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Shared {
    access: Access,
    handler: Weak<Handler>,
    connections: Connections,
}

impl Shared {
    async fn accept(self, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    if !self.admit(stream).await {
                        tokio::time::sleep(AFTER_REFUSAL).await;
                    }
                }
                Err(error) => {
                    tracing::debug!("control socket: {error}");
                    tokio::time::sleep(AFTER_ERROR).await;
                }
            }
        }
    }

    /// Starts a task for a client that may ask; `false` if it may not, or has to come again.
    async fn admit(&self, stream: UnixStream) -> bool {
        let Ok(peer) = stream.peer_cred() else { return false };
        let right = self.access.of(peer.uid(), peer.gid());
        let refused = match right {
            Right::Nothing => {
                let hint = "run this as root or as the user of the daemon, or see `group` in [control]";
                refusal(codes::CONTROL_REFUSED, "this user may not use the control socket", Some(hint))
            }
            Right::Read | Right::Change => match self.connections.take(peer.uid()) {
                Some(connected) => {
                    let (handler, by) = (self.handler.clone(), people::person(peer.uid()));
                    tokio::spawn(async move {
                        connection::serve(stream, right, by, handler).await;
                        drop(connected);
                    });
                    return true;
                }
                None => refusal(codes::CONTROL_BUSY, "too many connections to the control socket", None),
            },
        };
        connection::refuse(&stream, &refused);
        false
    }
}
