//! Servers on loopback that the tests start and end.

use std::io::Write as _;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a server does with a connection.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Nothing.
    Silent,
    /// Sends one byte per second.
    Drips,
    /// Closes it at once.
    Closes,
    /// Sends `ok` and closes it.
    Answers,
}

/// A server; it closes when it is dropped, with all its connections.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_closed: AtomicBool,
    accepted: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
    drips: Mutex<Vec<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

impl Server {
    pub fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = {
            let shared = shared.clone();
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if shared.is_closed.load(Ordering::SeqCst) {
                        break;
                    }
                    shared.serve(manner, stream.unwrap());
                    shared.accepted.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        Server { address, shared, accepting: Some(accepting) }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Connections so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Ends it and its connections.
    pub fn close(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        self.shared.is_closed.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = accepting.join();
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for (ends, dripping) in self.shared.drips.lock().unwrap().drain(..) {
            drop(ends);
            let _ = dripping.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn serve(&self, manner: Manner, mut stream: TcpStream) {
        match manner {
            Manner::Silent => self.open.lock().unwrap().push(stream),
            Manner::Closes => drop(stream),
            Manner::Answers => stream.write_all(b"ok").unwrap(),
            Manner::Drips => {
                self.open.lock().unwrap().push(stream.try_clone().unwrap());
                let (ends, ended) = mpsc::channel::<()>();
                let dripping = std::thread::spawn(move || {
                    while stream.write_all(b".").is_ok()
                        && ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout)
                    {
                    }
                });
                self.drips.lock().unwrap().push((ends, dripping));
            }
        }
    }
}
