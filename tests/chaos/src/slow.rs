//! Makes a disk slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ansai_harness::Fuse;

/// It answers nothing for so long, in steps, and then what was asked meanwhile.
const STEPS: u32 = 80;
const STEP: Duration = Duration::from_millis(100);
const ANSWERS: Duration = Duration::from_millis(200);

/// A disk that is slow until this is dropped.
pub struct Slow {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slow {
    /// Makes it slow from now on: each read takes up to 8 s.
    #[must_use]
    pub fn start(disk: Arc<Fuse>) -> Slow {
        let ends = Arc::new(AtomicBool::new(false));
        let over = ends.clone();
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                disk.die();
                (0..STEPS).take_while(|_| !over.load(Ordering::SeqCst)).for_each(|_| std::thread::sleep(STEP));
                disk.revive();
                std::thread::sleep(ANSWERS);
            }
        });
        Slow { ends, thread: Some(thread) }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
