//! A program's output, read by one thread for each stream, so that no pipe fills up.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// Complete lines of both streams; each stream's order is kept.
    pub(crate) lines: Vec<String>,
    pub(crate) open_streams: usize,
}

/// Shared with the reading threads. Waiting means waiting for a condition on the collected lines.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<(Mutex<Collected>, Condvar)>);

impl Output {
    pub(crate) fn collect(stdout: impl Read + Send + 'static, stderr: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        output.lock().open_streams = 2;
        output.read(stdout, |collected| &mut collected.stdout);
        output.read(stderr, |collected| &mut collected.stderr);
        output
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Collected> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` returns `Some`; `None` after `limit`.
    pub(crate) fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&Collected) -> Option<T>) -> Option<T> {
        let end = Instant::now() + limit;
        let mut collected = self.lock();
        loop {
            if let Some(found) = look(&collected) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            collected = self.0.1.wait_timeout(collected, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn read(&self, stream: impl Read + Send + 'static, target: fn(&mut Collected) -> &mut Vec<u8>) {
        let output = self.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while let Ok(1..) = stream.read_until(b'\n', &mut line) {
                let mut collected = output.lock();
                target(&mut collected).extend_from_slice(&line);
                collected.lines.push(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned());
                output.0.1.notify_all();
                line.clear();
            }
            output.lock().open_streams -= 1;
            output.0.1.notify_all();
        });
    }
}
