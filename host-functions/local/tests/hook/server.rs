//! A web server on loopback that a test starts and ends.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A server; it closes when it is dropped, with all its connections.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_closed: AtomicBool,
    requests: Mutex<Vec<String>>,
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    /// Answers each request with these bytes and closes the connection; with `None`, it never answers.
    pub(crate) fn start(answer: Option<Vec<u8>>) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let known = shared.clone();
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if known.is_closed.load(Ordering::SeqCst) {
                    break;
                }
                serve(&known, stream.unwrap(), answer.as_deref());
            }
        });
        Server { address, shared, accepting: Some(accepting) }
    }

    pub(crate) fn saying(head: &str, body: &[u8]) -> Server {
        let mut answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        Server::start(Some(answer))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

fn serve(shared: &Shared, mut stream: TcpStream, answer: Option<&[u8]>) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !is_whole(&request) {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    shared.requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    match answer {
        // The client may not read all of it.
        Some(answer) => {
            let _ = stream.write_all(answer);
            let _ = stream.shutdown(Shutdown::Both);
        }
        None => shared.open.lock().unwrap().push(stream),
    }
}

/// Whether the head and as many bytes as it says are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map(|text| text.trim().to_owned());
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().map(JoinHandle::join);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
