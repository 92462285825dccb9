//! Answers what the process asks while it makes calls: addresses of names, and connections.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ansai_kit::lookup::LookupError;

use super::calls::Broken;
use super::frame::{Answers, Asks, Found};
use super::supervised::{ReachProcess, Running, SENDS};
use super::wall::{self, Connect, LookUp};
use super::{MOST_AT_ONCE, names};

/// A lookup that is on its way.
struct Asker(Arc<Running>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.lookups.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Running {
    /// Answers a question of the process. An honest one asks for the servers of its calls only.
    pub(super) fn asked(self: &Arc<Self>, asks: Asks, names: ReachProcess) -> Result<(), Broken> {
        match asks {
            Asks::Connect { id, address } => {
                match self.wall.connect(address) {
                    Connect::Permitted => {}
                    Connect::Refused => {
                        self.answer(&Answers::Refused { id, error: None }, None);
                        return Ok(());
                    }
                    Connect::Forbidden => {
                        return Err(Broken("it asks for a connection to an address of none of its calls"));
                    }
                }
                match wall::open(address) {
                    Ok(socket) => self.answer(&Answers::Connecting { id }, Some(socket.as_fd())),
                    Err(error) => self.answer(&Answers::Refused { id, error: error.raw_os_error() }, None),
                }
            }
            Asks::LookUp { id, host, port, limit } => {
                match self.wall.look_up(&host, port) {
                    LookUp::Permitted => {}
                    LookUp::Late => {
                        self.answer(&Answers::Found { id, found: &Found::None(LookupError::TimedOut) }, None);
                        return Ok(());
                    }
                    LookUp::Forbidden => return Err(Broken("it asks for a name of none of its calls")),
                }
                if self.lookups.fetch_add(1, Ordering::Relaxed) >= MOST_AT_ONCE {
                    self.lookups.fetch_sub(1, Ordering::Relaxed);
                    self.answer(&Answers::Found { id, found: &Found::None(LookupError::AllHang) }, None);
                    return Ok(());
                }
                let asker = Asker(self.clone());
                let thread = std::thread::Builder::new().name("ansai-lookup".into());
                // Without a thread, the process waits until its limit.
                let _started = thread.spawn(move || {
                    let found = match names::found_by(&names, &host, port, limit.into()) {
                        Ok(mut addresses) => {
                            asker.0.wall.found(&host, port, &mut addresses);
                            Found::Addresses(addresses)
                        }
                        Err(error) => Found::None(error),
                    };
                    asker.0.answer(&Answers::Found { id, found: &found }, None);
                });
            }
        }
        Ok(())
    }

    fn answer(&self, answer: &Answers<'_>, socket: Option<BorrowedFd<'_>>) {
        let Ok(frame) = serde_json::to_vec(answer) else { return };
        if self.sender.lock().unwrap_or_else(PoisonError::into_inner).send(&frame, socket, Some(SENDS)).is_err() {
            // It has a part of the frame at most. Its reader sees the end.
            self.process.kill();
        }
    }
}
