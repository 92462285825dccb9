//! What instances used of their shares.

use ansai_core::{Millis, Share};
use rusqlite::params;

use super::budgets::integer;
use super::{State, StateError};
use crate::shares::{Bucket, Standing};

/// One share of one instance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShareRow {
    pub(crate) instance: String,
    pub(crate) share: Share,
    pub(crate) bucket: Bucket,
    /// What was told of the instance.
    pub(crate) told: Standing,
    /// Id of the boot, and how long the host had run then.
    pub(crate) boot: String,
    pub(crate) up: Millis,
}

impl State {
    /// Everything that is known.
    pub(crate) fn shares(&self) -> Result<Vec<ShareRow>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare("SELECT instance, share, level, standing, told, boot, up FROM share")?;
            let rows = statement.query_map([], |row| {
                let (share, level, up): (String, f64, i64) = (row.get(1)?, row.get(2)?, row.get(6)?);
                let bucket = Bucket { level: level.max(0.0), standing: standing(row.get(3)?) };
                Ok((row.get(0)?, share, bucket, standing(row.get(4)?), row.get(5)?, Millis::new(up.unsigned_abs())))
            })?;
            let mut all = Vec::new();
            for row in rows {
                let (instance, key, bucket, told, boot, up) = row?;
                if let Some(share) = Share::ALL.into_iter().find(|share| share.key() == key) {
                    all.push(ShareRow { instance, share, bucket, told, boot, up });
                }
            }
            Ok(all)
        })
    }

    /// Writes what was used, durable with the next durable write.
    pub(crate) fn put_shares(&self, rows: &[ShareRow]) -> Result<(), StateError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.0.write_soon(|connection| {
            for ShareRow { instance, share, bucket, told, boot, up } in rows {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO share VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute(params![
                        instance,
                        share.key(),
                        bucket.level,
                        bucket.standing as i64,
                        *told as i64,
                        boot,
                        integer(up.get())
                    ])?;
            }
            Ok(())
        })
    }
}

fn standing(number: i64) -> Standing {
    match number {
        0 => Standing::Free,
        1 => Standing::Slow,
        _ => Standing::Suspended,
    }
}
