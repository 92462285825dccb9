//! Measures appending to the audit log.

use std::path::Path;
use std::time::Instant;

use ansai_audit::{Durability, Log, Options, SharedLog, verify};

use crate::figure::{Figure, Row};
use crate::machine;
use crate::samples::Samples;

const ROUNDS: u32 = 10;
const SYNCED: u32 = 200;
const BUFFERED: u32 = 20_000;
/// Numbers of threads that append concurrently, each waiting for the disk.
const THREADS: [u32; 3] = [1, 8, 64];
/// Number of records in one round, of all threads together.
const GROUPED: u32 = 512;
/// Size of the log that is verified.
const VERIFIED_BYTES: u64 = 128 << 20;
const VERIFICATIONS: u32 = 3;

/// The supervisor's record of an evaluation.
const RECORD: &[u8] = br#"{"at":1790000000000,"event":"evaluated","instance":"disk-space","component":"3f0c9f6a1de0f5b1c3c60f4c6f9f5b0e6a2a0b7d8c1d4e5f60718293a4b5c6d7","phase":"detect","trigger":"schedule","result":{"observed":{"healthy":3,"unhealthy":0,"unknown":0}},"recording":{"id":"01JB2K7T9N8Q4R5S6T7V8W9X0Y","sha256":"9b1f0c8d7e6a5b4c3d2e1f00112233445566778899aabbccddeeff0011223344"},"usage":{"memory_bytes":1179648,"fuel":482113,"wall_us":1893,"calls":9,"reply_bytes":5210,"proposals":0}}"#;

const HOW: &str = "One typical record at a time, on the file system of the temporary directory. With one writer: \
`ansai_audit::Log::append`, 200 records synced and 20,000 buffered with one sync at their end, in ten alternating \
rounds. A synced record is on the disk; a buffered record survives the end of the process but not a loss of power. \
With several threads: `ansai_audit::SharedLog::append`, synced, 512 records by 1, 8 and 64 threads together, in ten \
alternating rounds. Threads that wait at the same time share one sync, and each call returns only when its record is \
durable. Verification reads 128 MiB of such records from the page cache and checks checksums and chain, on one \
thread, three times.";

/// Measures this section.
pub(crate) fn measure() -> anyhow::Result<Figure> {
    let dir = tempfile::tempdir()?;
    let (mut log, _) = Log::open(dir.path().join("audit"), Options::default())?;
    let (mut synced, mut buffered) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..SYNCED {
            log.append(RECORD, Durability::Synced)?;
        }
        synced.push(f64::from(SYNCED) / began.elapsed().as_secs_f64());
        let began = Instant::now();
        for _ in 0..BUFFERED {
            log.append(RECORD, Durability::Buffered)?;
        }
        log.sync()?;
        buffered.push(f64::from(BUFFERED) / began.elapsed().as_secs_f64());
    }
    drop(log);
    let mut rows = vec![
        Row::text(
            "file system, size of a record",
            format!("{}, {} bytes", machine::file_system(dir.path()), RECORD.len()),
        ),
        Row::new("1 writer, each record synced", &synced, "per second"),
        Row::new("1 writer, records buffered", &buffered, "per second"),
    ];
    rows.extend(together(&dir.path().join("shared"))?);
    rows.push(Row::new("verification", &verifying(&dir.path().join("large"))?, "MB per second"));
    Ok(Figure { title: "Audit log", how: HOW, rows, grid: None, held_back_by: "" })
}

/// Synced appends by several threads, and the ratio to one thread.
fn together(dir: &Path) -> anyhow::Result<Vec<Row>> {
    let log = SharedLog::new(Log::open(dir, Options::default())?.0);
    let mut rates: [Samples; THREADS.len()] = Default::default();
    let mut gains: [Samples; THREADS.len()] = Default::default();
    for _ in 0..ROUNDS {
        let mut alone = None;
        for ((threads, rates), gains) in THREADS.into_iter().zip(&mut rates).zip(&mut gains) {
            let rate = round(&log, threads)?;
            rates.push(rate);
            gains.push(rate / *alone.get_or_insert(rate));
        }
    }
    let names = [
        ("shared log, 1 thread, each record synced", ""),
        ("shared log, 8 threads, each record synced", "8 threads ÷ 1 thread"),
        ("shared log, 64 threads, each record synced", "64 threads ÷ 1 thread"),
    ];
    let rows = names.into_iter().zip(rates.iter().zip(&gains)).flat_map(|((rate, gain), (rates, gains))| {
        let gain = (!gain.is_empty()).then(|| Row::new(gain, gains, "×"));
        std::iter::once(Row::new(rate, rates, "per second")).chain(gain)
    });
    Ok(rows.collect())
}

/// Records per second.
fn round(log: &SharedLog, threads: u32) -> anyhow::Result<f64> {
    let began = Instant::now();
    std::thread::scope(|scope| {
        let append = || (0..GROUPED / threads).try_for_each(|_| log.append(RECORD, Durability::Synced).map(drop));
        let working: Vec<_> = (0..threads).map(|_| scope.spawn(append)).collect();
        working.into_iter().try_for_each(|thread| match thread.join() {
            Ok(appended) => appended.map_err(anyhow::Error::from),
            Err(_) => Err(anyhow::anyhow!("a thread failed")),
        })
    })?;
    Ok(f64::from(GROUPED) / began.elapsed().as_secs_f64())
}

/// Megabytes per second.
fn verifying(dir: &Path) -> anyhow::Result<Samples> {
    let (mut log, _) = Log::open(dir, Options::default())?;
    let records = VERIFIED_BYTES / RECORD.len() as u64;
    for _ in 0..records {
        log.append(RECORD, Durability::Buffered)?;
    }
    log.sync()?;
    let bytes = records as f64 * RECORD.len() as f64;
    let mut rates = Samples::default();
    for _ in 0..VERIFICATIONS {
        let began = Instant::now();
        anyhow::ensure!(verify(dir, [log.head()])?.records == records, "all of it");
        rates.push(bytes / 1e6 / began.elapsed().as_secs_f64());
    }
    Ok(rates)
}
