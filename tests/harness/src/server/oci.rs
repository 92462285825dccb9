//! Registries of OCI artifacts: a real one from Debian, and one that says what a test wants.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{free_port, packages};
use crate::Daemon;
use crate::accepting::Accepting;
use crate::pki::Issued;

const LIMIT: Duration = Duration::from_secs(20);
/// Tries with other ports, because another program may take one.
const TRIES: u32 = 5;
/// The user of [`DockerRegistry`], and the password.
pub const LOGIN: (&str, &str) = ("deploy", "open sesame");
const HTPASSWD: &str = "deploy:$2b$04$lRK0rLjKvsTcOpZap3IfsenxkmKhOcjW7OkhO.wFxFfF1mAlZvoXi\n";

/// A running docker-registry with TLS and a login. Dropping this ends it.
pub struct DockerRegistry {
    _daemon: Daemon,
    /// `localhost:PORT`.
    pub host: String,
}

impl DockerRegistry {
    /// Starts it with its files in `place`. `None` if it cannot be had: then the reason was printed, and the test returns.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(place: &Path, certificate: &Issued) -> Option<DockerRegistry> {
        let programs = packages(&["docker-registry"])?;
        let write = |name: &str, text: &str| std::fs::write(place.join(name), text).expect("a file of the registry");
        write("server.pem", &certificate.pem);
        write("server.key", &certificate.key);
        write("htpasswd", HTPASSWD);
        let started = (0..TRIES).find_map(|_| {
            let port = free_port();
            let at = place.display();
            write(
                "registry.yml",
                &format!(
                    "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\n\
                     storage: {{filesystem: {{rootdirectory: {at}/content}}}}\n\
                     http: {{addr: \"127.0.0.1:{port}\", secret: test, tls: {{certificate: {at}/server.pem, key: {at}/server.key}}}}\n\
                     auth: {{htpasswd: {{realm: test, path: {at}/htpasswd}}}}\n"
                ),
            );
            let mut daemon = programs.program("docker-registry").arg("serve").arg(place.join("registry.yml")).spawn();
            let begin = std::time::Instant::now();
            while begin.elapsed() < LIMIT && !daemon.has_ended() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return Some(DockerRegistry { _daemon: daemon, host: format!("localhost:{port}") });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            None
        });
        Some(started.expect("docker-registry starts"))
    }
}

/// What a registry says to a request.
pub enum Say {
    /// A status, headers as they are in HTTP, and a body with its length.
    Answer(u16, String, Vec<u8>),
    /// Everything that goes over the connection. When it returns, the connection ends.
    Raw(Box<dyn FnOnce(&mut TcpStream) + Send>),
}

/// What it says to a method, a path with its query, and the headers in lower case.
pub type Says = Arc<dyn Fn(&str, &str, &str) -> Say + Send + Sync>;

/// A registry on loopback, without TLS, that says what a test wants. It ends when it is dropped.
pub struct LyingRegistry {
    server: Accepting,
    connections: Arc<AtomicUsize>,
}

impl LyingRegistry {
    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(says: Says) -> LyingRegistry {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let server = Accepting::start(move |stream| {
            count.fetch_add(1, Ordering::SeqCst);
            serve(stream, &says);
        });
        LyingRegistry { server, connections }
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.server.address.to_string()
    }
}

/// Requests, until one has a body, is answered by hand, or the client has enough.
fn serve(mut stream: TcpStream, says: &Says) {
    let _ = stream.set_read_timeout(Some(LIMIT));
    while let Some(head) = head(&mut stream) {
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let head = head.to_ascii_lowercase();
        match says(&method, &path, &head) {
            Say::Answer(status, headers, body) => {
                // A body that nobody reads would be taken for the next request.
                let is_last = head.contains("\r\ncontent-length:") || head.contains("\r\ntransfer-encoding:");
                let close = if is_last { "connection: close\r\n" } else { "" };
                let first = format!("HTTP/1.1 {status} X\r\n{close}{headers}content-length: {}\r\n\r\n", body.len());
                let body = if method == "HEAD" { Vec::new() } else { body };
                if stream.write_all(&[first.into_bytes(), body].concat()).is_err() || is_last {
                    return;
                }
            }
            Say::Raw(say) => return say(&mut stream),
        }
    }
}

/// The head of the next request; `None` when there is none.
fn head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 << 10 {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
