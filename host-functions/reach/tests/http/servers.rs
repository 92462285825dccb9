//! Servers on loopback that the tests start and end.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a server does with a connection, after it has read the head of the request.
#[derive(Clone)]
pub enum Manner {
    /// Sends these bytes and closes the connection.
    Sends(Vec<u8>),
    /// Sends these bytes and nothing more, and keeps the connection.
    Hangs(&'static str),
    /// Sends the first text, then the second one again and again, until the client closes the connection.
    Floods(&'static str, &'static str),
    /// As `Floods`, but one byte at a time with pauses.
    Drips(&'static str, &'static str),
    /// Sends the request back as the body.
    Echoes,
    /// Speaks TLS, with this configuration, and answers.
    Tls(Arc<rustls::ServerConfig>),
    /// Speaks TLS, and sends these bytes to a request for such a path; without them it hangs.
    Pages(Arc<rustls::ServerConfig>, Arc<Vec<(String, Vec<u8>)>>),
}

/// An answer with a body of known length.
pub fn answer(status: u16, headers: &str, body: &str) -> Manner {
    let length = body.len();
    Manner::Sends(format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes())
}

/// A server; it closes when it is dropped, with all its connections.
pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    is_closed: AtomicBool,
    manner: Mutex<Manner>,
    open: Mutex<Vec<TcpStream>>,
    requests: Mutex<Vec<String>>,
    serving: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    pub fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            is_closed: AtomicBool::new(false),
            manner: Mutex::new(manner),
            open: Mutex::default(),
            requests: Mutex::default(),
            serving: Mutex::default(),
        });
        let same = shared.clone();
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if same.is_closed.load(Ordering::SeqCst) {
                    break;
                }
                let stream = stream.unwrap();
                same.open.lock().unwrap().push(stream.try_clone().unwrap());
                let serving = same.clone();
                let thread = std::thread::spawn(move || serving.serve(stream));
                same.serving.lock().unwrap().push(thread);
            }
        });
        Server { address, shared, accepting: Some(accepting) }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// From now on, it does this with new connections.
    pub fn becomes(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for serving in self.shared.serving.lock().unwrap().drain(..) {
            let _ = serving.join();
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let manner = self.manner.lock().unwrap().clone();
        if let Manner::Tls(config) = manner {
            let mut tls = rustls::ServerConnection::new(config).unwrap();
            let mut stream = rustls::Stream::new(&mut tls, &mut stream);
            // Fails if the client does not trust the certificate.
            if let Some(request) = head(&mut stream) {
                self.requests.lock().unwrap().push(request);
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
            }
            return;
        }
        if let Manner::Pages(config, pages) = manner {
            let mut tls = rustls::ServerConnection::new(config).unwrap();
            let mut tls = rustls::Stream::new(&mut tls, &mut stream);
            if let Some(request) = head(&mut tls) {
                self.requests.lock().unwrap().push(request.clone());
                let path = request.split(' ').nth(1).unwrap_or_default();
                if let Some((_, bytes)) = pages.iter().find(|(page, _)| page == path) {
                    let _ = tls.write_all(bytes);
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                    let _ = tls.sock.shutdown(Shutdown::Write);
                }
            }
            return;
        }
        let Some(request) = head(&mut stream) else { return };
        self.requests.lock().unwrap().push(request.clone());
        let is_closed = || self.is_closed.load(Ordering::SeqCst);
        // The client may have gone: that is not the fault of the server.
        let _ = match manner {
            Manner::Sends(bytes) => {
                let sent = stream.write_all(&bytes);
                let _ = stream.shutdown(Shutdown::Both);
                sent
            }
            Manner::Hangs(text) => stream.write_all(text.as_bytes()),
            Manner::Floods(first, again) => stream.write_all(first.as_bytes()).and_then(|()| {
                while !is_closed() {
                    stream.write_all(again.as_bytes())?;
                }
                Ok(())
            }),
            Manner::Drips(first, again) => stream.write_all(first.as_bytes()).and_then(|()| {
                for byte in again.bytes().cycle().take_while(|_| !is_closed()) {
                    stream.write_all(&[byte])?;
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                Ok(())
            }),
            Manner::Echoes => {
                let length = request.len();
                let sent = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{request}");
                let _ = stream.shutdown(Shutdown::Write);
                sent
            }
            Manner::Tls(_) | Manner::Pages(..) => Ok(()),
        };
    }
}

fn head(stream: &mut impl std::io::Read) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut one = [0];
        match stream.read(&mut one) {
            Ok(1) => bytes.push(one[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
