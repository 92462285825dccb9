//! One log for many threads. Threads that wait for durability at the same time share one sync: the first one leads, the
//! others wait for it, and later ones wait for the next sync.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::ballast::BallastError;
use crate::head::Head;
use crate::log::{AppendError, Durability, Log};
use crate::storage::{AppendFile, StorageError};

/// A log to which threads append concurrently. Records are in the order in which they were appended.
///
/// ```
/// use ansai_audit::{Durability, Log, Options, SharedLog, verify};
///
/// let directory = tempfile::tempdir()?;
/// let log = SharedLog::new(Log::open(directory.path(), Options::default())?.0);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| log.append(b"{}", Durability::Synced).map(drop));
///     }
/// });
/// assert_eq!(verify(directory.path(), [log.head()])?.records, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedLog {
    state: Mutex<State>,
    /// Signalled when a sync ends.
    ended: Condvar,
    /// Makes a segment durable; replaceable, so that a test can inject a fault.
    sync: Box<SyncFile>,
}

type SyncFile = dyn Fn(&AppendFile) -> Result<(), StorageError> + Send + Sync;

struct State {
    log: Log,
    /// All records up to this one are durable.
    durable: u64,
    /// Whether a thread is syncing, without holding the lock.
    syncing: bool,
}

impl std::fmt::Debug for SharedLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SharedLog").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl SharedLog {
    /// Shares an open log.
    pub fn new(log: Log) -> Self {
        // The records read on opening may not be durable yet; the first sync makes them durable.
        Self {
            state: Mutex::new(State { log, durable: 0, syncing: false }),
            ended: Condvar::new(),
            sync: Box::new(AppendFile::sync_data),
        }
    }

    /// Appends one record, like [`Log::append`]. With [`Durability::Synced`], returns when the record and all before it
    /// are durable.
    ///
    /// # Errors
    /// See [`AppendError`]. After a failed sync, all threads that waited for it get an error, and all later calls too.
    pub fn append(&self, payload: &[u8], durability: Durability) -> Result<Head, AppendError> {
        let mut state = self.lock()?;
        let head = state.log.append(payload, Durability::Buffered)?;
        if durability == Durability::Synced {
            self.make_durable(state, head.sequence)?;
        }
        Ok(head)
    }

    /// Makes all appended records durable, and returns the last of them.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`] if a sync fails, now or earlier.
    pub fn sync(&self) -> Result<Head, AppendError> {
        let state = self.lock()?;
        let head = state.log.head();
        self.make_durable(state, head.sequence)?;
        Ok(head)
    }

    /// The last appended record, durable or not.
    pub fn head(&self) -> Head {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).log.head()
    }

    /// Reserves the space again if it was released and there is room.
    ///
    /// # Errors
    /// If there is still too little space. The log works without the reserve.
    pub fn replenish(&self) -> Result<(), BallastError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.log.has_reserve() { Ok(()) } else { state.log.replenish() }
    }

    /// Returns when `sequence` is durable; leads a sync if no other thread does.
    fn make_durable<'l>(&'l self, mut state: MutexGuard<'l, State>, sequence: u64) -> Result<(), AppendError> {
        loop {
            // Check this first: after a failed sync, nothing reported durable in the meantime can be trusted.
            state.log.refuse_if_poisoned()?;
            if sequence <= state.durable {
                return Ok(());
            }
            if state.syncing {
                state = self.ended.wait(state).map_err(|_| broken())?;
                continue;
            }
            let Some(file) = state.log.active_file() else { return Ok(()) };
            let reached = state.log.head().sequence;
            state.syncing = true;
            drop(state);
            let synced = (self.sync)(&file);
            state = self.lock()?;
            state.syncing = false;
            match synced {
                Ok(()) => state.durable = state.durable.max(reached),
                // Do not retry: the kernel may have dropped the data, and still report success the next time.
                Err(error) => drop(state.log.poison(error.to_string())),
            }
            self.ended.notify_all();
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, AppendError> {
        self.state.lock().map_err(|_| broken())
    }
}

fn broken() -> AppendError {
    AppendError::Poisoned("a writer failed in the middle".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::frame::HEADER_BYTES;
    use crate::{Options, Reader, segment, storage, verify};

    const THREADS: u64 = 8;
    const PAYLOAD: [u8; 16] = *b"sixteen bytes...";
    const FRAME: u64 = (HEADER_BYTES + PAYLOAD.len()) as u64;

    /// What a test observes of the syncs.
    #[derive(Default)]
    struct Seen {
        syncs: AtomicU64,
        /// Size of the segment when the last finished sync began.
        durable_bytes: AtomicU64,
    }

    /// A log whose first sync waits until this many records were written, and whose syncs fail if `fails` is true.
    fn log(directory: &Path, records: u64, fails: bool) -> (SharedLog, Arc<Seen>) {
        let mut log = SharedLog::new(Log::open(directory, Options::default()).unwrap().0);
        let seen = Arc::new(Seen::default());
        let (told, segment) = (seen.clone(), directory.join("00000000000000000001.log"));
        log.sync = Box::new(move |file| {
            let length = || storage::metadata(&segment).unwrap().length;
            let began_with = length();
            if told.syncs.fetch_add(1, Ordering::SeqCst) == 0 {
                while length() < segment::HEADER_BYTES + records * FRAME {
                    std::thread::yield_now();
                }
            }
            if fails {
                return Err(StorageError { action: "sync", path: PathBuf::new(), cause: io::Error::other("injected") });
            }
            file.sync_data()?;
            told.durable_bytes.fetch_max(began_with, Ordering::SeqCst);
            Ok(())
        });
        (log, seen)
    }

    /// One synced append from each thread, all concurrent.
    fn append_from_all(log: &SharedLog, seen: &Seen) -> Vec<Result<Head, AppendError>> {
        std::thread::scope(|scope| {
            let append = || {
                let result = log.append(&PAYLOAD, Durability::Synced);
                let durable = seen.durable_bytes.load(Ordering::SeqCst);
                if let Ok(head) = &result {
                    assert!(segment::HEADER_BYTES + head.sequence * FRAME <= durable, "returned before it was durable");
                }
                result
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(append)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn one_sync_serves_all_who_wait() {
        let directory = tempfile::tempdir().unwrap();
        let (log, seen) = log(directory.path(), THREADS, false);
        let mut sequences: Vec<_> =
            append_from_all(&log, &seen).into_iter().map(|result| result.unwrap().sequence).collect();
        sequences.sort_unstable();
        assert_eq!(sequences, (1..=THREADS).collect::<Vec<_>>());
        // The first sync, and one for all threads that arrived during it.
        assert!(seen.syncs.load(Ordering::SeqCst) <= 2, "{}", seen.syncs.load(Ordering::SeqCst));
        assert_eq!(verify(directory.path(), [log.head()]).unwrap().records, THREADS);
        assert_eq!(log.sync().unwrap(), log.head());
        assert!(seen.syncs.load(Ordering::SeqCst) <= 2, "what is durable is not synced again");
    }

    #[test]
    fn a_failed_sync_refuses_all_who_waited_and_all_after() {
        let directory = tempfile::tempdir().unwrap();
        let (log, seen) = log(directory.path(), THREADS, true);
        for result in append_from_all(&log, &seen) {
            assert!(matches!(&result, Err(AppendError::Poisoned(why)) if why.contains("injected")), "{result:?}");
        }
        for durability in [Durability::Buffered, Durability::Synced] {
            assert!(matches!(log.append(b"after", durability), Err(AppendError::Poisoned(_))));
        }
        assert!(matches!(log.sync(), Err(AppendError::Poisoned(_))));
        assert_eq!(seen.syncs.load(Ordering::SeqCst), 1, "there is no second try");
        assert_eq!(log.head().sequence, THREADS, "what was written stands, only not for sure");
    }

    #[test]
    fn records_of_many_threads_are_whole_in_order_and_chained_over_segments() {
        const EACH: usize = 60;
        let directory = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes: 900, reserve_bytes: 0, ..Options::default() };
        let log = SharedLog::new(Log::open(directory.path(), options).unwrap().0);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let log = &log;
                scope.spawn(move || {
                    let mut last = 0;
                    for number in 0..EACH {
                        let durability = if number % 3 == 0 { Durability::Synced } else { Durability::Buffered };
                        let head = log.append(format!("{thread} {number}").as_bytes(), durability).unwrap();
                        assert!(head.sequence > last);
                        last = head.sequence;
                    }
                });
            }
        });
        let head = log.sync().unwrap();
        let found = verify(directory.path(), [head]).unwrap();
        assert_eq!(found.records, THREADS * EACH as u64);
        assert!(found.segments > 10);
        let mut next = [0; THREADS as usize];
        for entry in Reader::open(directory.path()).unwrap() {
            let text = String::from_utf8(entry.unwrap().payload).unwrap();
            let (thread, number) = text.split_once(' ').unwrap();
            let next = &mut next[thread.parse::<usize>().unwrap()];
            assert_eq!(number.parse::<usize>().unwrap(), *next, "each thread's records in its order");
            *next += 1;
        }
    }
}
