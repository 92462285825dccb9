//! A web server on loopback with configurable behaviour.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Reaction to a request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Sends these bytes, then closes.
    Answers(String),
    /// Reads, and never answers.
    Hangs,
    /// Sends these bytes, then endless garbage.
    Floods(&'static str),
    /// Answers over TLS.
    Tls(Arc<rustls::ServerConfig>),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let ending = Arc::<AtomicBool>::default();
        let (told, counted, asked) = (requests.clone(), connections.clone(), ending.clone());
        let thread = std::thread::spawn(move || {
            // Connections that stay open until the server ends.
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                if asked.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                match &manner {
                    Manner::Tls(config) => {
                        let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
                        let mut stream = rustls::Stream::new(&mut tls, &mut stream);
                        // Fails if the client does not trust the certificate.
                        if let Some(request) = request(&mut stream) {
                            told.lock().unwrap().push(request);
                            let _ = stream.write_all(FINE.as_bytes());
                        }
                    }
                    Manner::Answers(answer) => {
                        told.lock().unwrap().extend(request(&mut stream));
                        let _ = stream.write_all(answer.as_bytes());
                    }
                    Manner::Hangs => {
                        told.lock().unwrap().extend(request(&mut stream));
                        silent.push(stream);
                    }
                    Manner::Floods(begin) => {
                        told.lock().unwrap().extend(request(&mut stream));
                        flood(&mut stream, begin, &asked);
                    }
                }
            }
        });
        Server { address, requests, connections, ending, thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Head and body of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

pub(crate) const FINE: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// Reads head and body; the length comes from the head.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut one = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                return Some(text);
            }
        }
        match stream.read(&mut one) {
            Ok(count @ 1..) => bytes.extend(&one[..count]),
            _ => return None,
        }
    }
}

/// Sends until the client closes, or the test ends.
fn flood(stream: &mut TcpStream, begin: &str, ending: &AtomicBool) {
    stream.set_write_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
    let mut piece = begin.as_bytes();
    let rubbish = vec![b'x'; 1 << 16];
    while !ending.load(Ordering::SeqCst) {
        match stream.write(piece) {
            Ok(0) => return,
            Ok(count) if count < piece.len() => piece = &piece[count..],
            Ok(_) => piece = &rubbish,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// A self-signed certificate for 127.0.0.1, written to `certificate.pem`; `None`, with the reason printed, if openssl
/// is missing.
pub(crate) fn certificate(directory: &Path) -> Option<Arc<rustls::ServerConfig>> {
    let (key, certificate) = (directory.join("key.pem"), directory.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=ansai test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    match made {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "openssl: {error}");
            eprintln!("skipped, openssl: {error}");
            return None;
        }
    }
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap());
    Some(Arc::new(config.unwrap()))
}
