//! Writing the audit log.

use std::time::Instant;

use ansai_audit::{Durability, Log, Options};

use crate::figure::{Figure, Row};
use crate::machine;
use crate::samples::Samples;

const ROUNDS: u32 = 10;
const SYNCED: u32 = 200;
const BUFFERED: u32 = 20_000;

/// An evaluation as the supervisor records it.
const RECORD: &[u8] = br#"{"at":1790000000000,"event":"evaluated","instance":"disk-space","component":"3f0c9f6a1de0f5b1c3c60f4c6f9f5b0e6a2a0b7d8c1d4e5f60718293a4b5c6d7","phase":"detect","trigger":"schedule","result":{"observed":{"healthy":3,"unhealthy":0,"unknown":0}},"recording":{"id":"01JB2K7T9N8Q4R5S6T7V8W9X0Y","sha256":"9b1f0c8d7e6a5b4c3d2e1f00112233445566778899aabbccddeeff0011223344"},"usage":{"memory_bytes":1179648,"fuel":482113,"wall_us":1893,"calls":9,"reply_bytes":5210,"proposals":0}}"#;

const HOW: &str = "`ansai_audit::Log::append` of one typical record at a time, on the file system of the temporary \
directory: 200 records synced and 20,000 buffered with one sync at their end, ten rounds by turns. Synced means that \
the disk says it has the record; buffered records survive the end of the process and not a loss of power.";

/// Runs it.
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
    Ok(Figure {
        title: "The audit log",
        how: HOW,
        rows: vec![
            Row::text(
                "file system, bytes of a record",
                format!("{}, {}", machine::file_system(dir.path()), RECORD.len()),
            ),
            Row::new("records synced", &synced, "a second"),
            Row::new("records buffered", &buffered, "a second"),
        ],
        held_back_by: "",
    })
}
