//! Asks a running daemon.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ansai_core::control::{Answer, MOST_ANSWER_BYTES, Message, Replied, Reply, Request, VERSION};

use super::error::ControlError;
use super::place::{Answering, connect};

/// How long the daemon may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the daemon that listens on a socket; `None` if none does.
pub(super) fn ask(socket: &Path, request: &Request) -> Result<Option<Answer>, ControlError> {
    let (path, request) = (socket.to_owned(), request.clone());
    let (send, result) = sync_channel(1);
    // On a thread of its own, which is left behind: even connecting may block if a daemon is stopped.
    let asking = std::thread::Builder::new().name("ansai-control".into());
    let failed = |error| ControlError::Access { path: socket.to_owned(), error };
    asking.spawn(move || send.send(trusted(&path).map(|stream| exchange(stream?, &request)))).map_err(failed)?;
    let line = match result.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            return Err(ControlError::NotAnswering(socket.to_owned()));
        }
        Ok(Err(untrusted)) => return Err(untrusted),
        Ok(Ok(Err(error))) => {
            return match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => Ok(None),
                // It ended before it answered.
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => Ok(None),
                _ => Err(failed(error)),
            };
        }
        Ok(Ok(Ok(line))) => line,
    };
    let unknown = || ControlError::BadAnswer(socket.to_owned());
    let reply: Reply = serde_json::from_slice(&line).map_err(|_| unknown())?;
    match reply.reply {
        _ if reply.version != VERSION => Err(unknown()),
        Replied::Done(answer) => Ok(Some(answer)),
        Replied::Refused(refused) => Err(ControlError::Refused(refused)),
    }
}

/// Connects to whoever has a right to answer.
fn trusted(path: &Path) -> Result<io::Result<UnixStream>, ControlError> {
    let answering = Answering::at(path);
    answering.check_file(path)?;
    let stream = match connect(path) {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error)),
    };
    answering.check_peer(path, &stream)?;
    Ok(Ok(stream))
}

fn exchange(mut stream: UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Message { version: VERSION, request: request.clone() })?;
    line.push(b'\n');
    // A daemon that refuses the connection answers before it reads, and closes it: its answer is there all the same.
    let sent = stream.write_all(&line);
    let mut answer = Vec::new();
    let most = u64::try_from(MOST_ANSWER_BYTES).unwrap_or(u64::MAX);
    let read = BufReader::new(stream).take(most).read_until(b'\n', &mut answer);
    if answer.ends_with(b"\n") {
        return Ok(answer);
    }
    sent?;
    read?;
    Err(ErrorKind::UnexpectedEof.into())
}
