//! A server on loopback: a thread that accepts connections until it is dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// It ends when it is dropped.
pub(crate) struct Accepting {
    pub(crate) address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Accepting {
    /// Listens on a free port, and serves each connection on a thread of its own.
    ///
    /// # Panics
    /// If there is no port.
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Accepting {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, serve) = (is_over.clone(), Arc::new(serve));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (serve, Ok(stream)) = (serve.clone(), stream) else { continue };
                std::thread::spawn(move || serve(stream));
            }
        });
        Accepting { address, is_over, thread: Some(thread) }
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
