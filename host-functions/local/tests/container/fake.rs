//! A server on a Unix socket that answers as a test wants.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::scene::{Scene, place};

/// What it does to one request.
pub(crate) enum Answer {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends the first bytes, and the others again and again until the client closes.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends one byte of these each 20 ms.
    Drip(Vec<u8>),
    /// Never answers.
    Hang,
}

pub(crate) type Answers = dyn Fn(&str) -> Answer + Send + Sync;

pub(crate) struct Fake {
    socket: PathBuf,
    _place: tempfile::TempDir,
    requests: Arc<Mutex<Vec<String>>>,
    is_closed: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
    accepting: Option<JoinHandle<()>>,
}

impl Fake {
    /// `answers` gets method and path without the version: `GET /info`.
    pub(crate) fn start(answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Fake {
        let (place, socket) = place();
        let listener = UnixListener::bind(&socket).unwrap();
        let (requests, is_closed, open) =
            (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (known, closed, kept) = (requests.clone(), is_closed.clone(), open.clone());
        let answers: Arc<Answers> = Arc::new(answers);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if closed.load(Ordering::SeqCst) {
                    break;
                }
                let (stream, answers, known) = (stream.unwrap(), answers.clone(), known.clone());
                kept.lock().unwrap().push(stream.try_clone().unwrap());
                std::thread::spawn(move || serve(stream, &*answers, &known));
            }
        });
        Fake { socket, _place: place, requests, is_closed, open, accepting: Some(accepting) }
    }

    /// A good engine with these answers beside its version.
    pub(crate) fn engine(answers: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static) -> Fake {
        Fake::start(move |request| match answers(request) {
            Some(answer) => answer,
            None if request == "GET /version" => {
                json(r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Version":"20.10"}"#)
            }
            None if request == "GET /info" => json(r#"{"DockerRootDir":""}"#),
            None => status("404 Not Found", r#"{"message":"no such thing"}"#),
        })
    }

    pub(crate) fn scene(&self) -> Scene {
        Scene { limit: Duration::from_millis(400), ..Scene::new(&self.socket) }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The requests so far: `DELETE /images/…`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let _ = UnixStream::connect(&self.socket);
        let _ = self.accepting.take().map(JoinHandle::join);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

pub(crate) fn status(head: &str, body: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

pub(crate) fn json(body: &str) -> Answer {
    status("200 OK", body)
}

fn serve(mut stream: UnixStream, answers: &Answers, requests: &Mutex<Vec<String>>) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&request);
    let mut words = text.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    // Without the version.
    let path = path.strip_prefix("/v1.").map_or(path, |rest| &rest[rest.find('/').unwrap()..]);
    let request = format!("{method} {path}");
    requests.lock().unwrap().push(request.clone());
    // The client may close at any time.
    match answers(&request) {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Both);
        }
        Answer::Endless(first, again) => {
            let _ = stream.write_all(&first);
            while stream.write_all(&again).is_ok() {}
        }
        Answer::Drip(bytes) => {
            for byte in bytes {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // It stays open until the test ends.
        Answer::Hang => {}
    }
}
