//! What was told already, see [`crate::repeats`].

use ansai_core::{InstanceName, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::budgets::integer;
use super::{State, StateError};

/// What was told about a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// SHA-256 of its words, hexadecimal.
    pub(crate) text: String,
    pub(crate) plan: Option<String>,
    /// When it was told.
    pub(crate) since: Timestamp,
    /// How often it was the same since then.
    pub(crate) times: u32,
}

impl State {
    /// Everything that was told. Rows of instances whose names are invalid today are left out.
    pub(crate) fn repeats(&self) -> Result<Vec<(InstanceName, String, Said)>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare("SELECT instance, thing, text, plan, since, times FROM repeat")?;
            let rows = statement.query_map([], |row| {
                let (since, times): (i64, i64) = (row.get(4)?, row.get(5)?);
                let since = Timestamp::from_millis(since.unsigned_abs());
                let times = u32::try_from(times).unwrap_or(u32::MAX);
                let said = Said { text: row.get(2)?, plan: row.get(3)?, since, times };
                Ok((row.get::<_, String>(0)?, row.get(1)?, said))
            })?;
            let mut all = Vec::new();
            for row in rows {
                let (instance, thing, said) = row?;
                if let Ok(instance) = instance.parse() {
                    all.push((instance, thing, said));
                }
            }
            Ok(all)
        })
    }

    /// What was told of one thing of an instance.
    pub(crate) fn repeat(&self, instance: &InstanceName, thing: &str) -> Result<Option<Said>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT text, plan, since, times FROM repeat WHERE instance = ?1 AND thing = ?2")?;
            let said = statement.query_row(params![instance.as_str(), thing], |row| {
                let (since, times): (i64, i64) = (row.get(2)?, row.get(3)?);
                let since = Timestamp::from_millis(since.unsigned_abs());
                let times = u32::try_from(times).unwrap_or(u32::MAX);
                Ok(Said { text: row.get(0)?, plan: row.get(1)?, since, times })
            });
            Ok(said.optional()?)
        })
    }

    /// Writes or removes what was told, durable with the next durable write.
    pub(crate) fn put_repeats(&self, all: &[(InstanceName, String, Option<Said>)]) -> Result<(), StateError> {
        if all.is_empty() {
            return Ok(());
        }
        self.0.write_soon(|connection| {
            for (instance, thing, said) in all {
                match said {
                    Some(Said { text, plan, since, times }) => connection
                        .prepare_cached("INSERT OR REPLACE INTO repeat VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                        .execute(params![instance.as_str(), thing, text, plan, integer(since.as_millis()), times])?,
                    None => connection
                        .prepare_cached("DELETE FROM repeat WHERE instance = ?1 AND thing = ?2")?
                        .execute(params![instance.as_str(), thing])?,
                };
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_audit::Ballast;

    use super::*;

    #[test]
    fn what_was_told_survives_and_what_ended_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let open = || State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("b"), 4096)).unwrap();
        let one = InstanceName::from_static("one");
        let said = Said { text: "ab".into(), plan: Some("p".into()), since: Timestamp::from_millis(5), times: 7 };
        let row = |thing: &str, said| (one.clone(), thing.to_owned(), said);
        open().put_repeats(&[row("a", Some(said.clone())), row("b", Some(said.clone()))]).unwrap();
        open().put_repeats(&[row("b", None)]).unwrap();
        assert_eq!(open().repeats().unwrap(), [(one, "a".to_owned(), said)]);
    }
}
