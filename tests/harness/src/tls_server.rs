//! A server on loopback that speaks TLS, after whatever a test lets it say before.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::accepting::Accepting;

/// What is said before TLS; `false` ends the connection.
pub type Before = Arc<dyn Fn(&mut TcpStream) -> bool + Send + Sync>;

/// It ends when it is dropped.
pub struct TlsServer {
    accepting: Accepting,
    chain: Arc<Mutex<Arc<ServerConfig>>>,
}

impl TlsServer {
    /// Presents this chain, in DER, with this key.
    pub fn start(chain: &[Vec<u8>], key: &[u8], before: Before) -> TlsServer {
        let chain = Arc::new(Mutex::new(config(chain, key)));
        let presented = chain.clone();
        let accepting = Accepting::start(move |stream| {
            let config = presented.lock().unwrap().clone();
            serve(stream, config, &before);
        });
        TlsServer { accepting, chain }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.accepting.address.to_string()
    }

    /// Presents another chain from now on.
    pub fn present(&self, chain: &[Vec<u8>], key: &[u8]) {
        *self.chain.lock().unwrap() = config(chain, key);
    }
}

fn config(chain: &[Vec<u8>], key: &[u8]) -> Arc<ServerConfig> {
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::try_from(key.to_vec()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, before: &Before) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    if !before(&mut stream) {
        return;
    }
    let mut connection = ServerConnection::new(config).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream).is_err() {
            return;
        }
    }
    // Until the client closes.
    let _ = connection.complete_io(&mut stream);
    let _ = stream.read_exact(&mut [0; 64]);
}

/// Nothing before TLS.
pub fn at_once() -> Before {
    Arc::new(|_| true)
}

/// Says these texts, and waits after each for what the client sends, up to the end of a line. The last one is not
/// waited for.
pub fn dialogue(lines: &'static [&'static str]) -> Before {
    Arc::new(move |stream| {
        for (place, line) in lines.iter().enumerate() {
            if stream.write_all(line.as_bytes()).is_err() {
                return false;
            }
            if place + 1 < lines.len() && read_line(stream).is_none() {
                return false;
            }
        }
        true
    })
}

fn read_line(stream: &mut TcpStream) -> Option<()> {
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte).ok()?;
        if byte == *b"\n" {
            return Some(());
        }
    }
}
