//! Rows as a server sends them: texts by the names of their columns.

use std::str::FromStr;
use std::sync::Arc;

use ansai_core::{Millis, Timestamp};
use tokio_postgres::SimpleQueryRow;

/// The row cannot be read: a column is missing, is not UTF-8, or is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadRow;

/// One row.
pub(crate) struct Row(Kind);

enum Kind {
    Postgresql(SimpleQueryRow),
    Mysql { columns: Arc<[String]>, values: Vec<Option<Vec<u8>>> },
}

impl Row {
    pub(super) fn new(row: SimpleQueryRow) -> Row {
        Row(Kind::Postgresql(row))
    }

    /// Values in the order of columns.
    pub(crate) fn of_mysql(columns: Arc<[String]>, values: Vec<Option<Vec<u8>>>) -> Row {
        Row(Kind::Mysql { columns, values })
    }

    /// A column that may be null.
    pub(crate) fn optional(&self, column: &str) -> Result<Option<&str>, BadRow> {
        match &self.0 {
            Kind::Postgresql(row) => row.try_get(column).map_err(|_| BadRow),
            Kind::Mysql { columns, values } => {
                let at = columns.iter().position(|name| name.eq_ignore_ascii_case(column)).ok_or(BadRow)?;
                let value = values.get(at).ok_or(BadRow)?;
                value.as_deref().map(|bytes| std::str::from_utf8(bytes).map_err(|_| BadRow)).transpose()
            }
        }
    }

    /// A text; null is empty.
    pub(crate) fn text(&self, column: &str) -> Result<String, BadRow> {
        Ok(self.optional(column)?.unwrap_or_default().to_owned())
    }

    /// A number that may be null.
    pub(crate) fn maybe<T: FromStr>(&self, column: &str) -> Result<Option<T>, BadRow> {
        self.optional(column)?.map(|text| text.parse().map_err(|_| BadRow)).transpose()
    }

    /// A number.
    pub(crate) fn number<T: FromStr>(&self, column: &str) -> Result<T, BadRow> {
        self.maybe(column)?.ok_or(BadRow)
    }

    /// `t` or `f`, or of MySQL `1` or `0`.
    pub(crate) fn flag(&self, column: &str) -> Result<bool, BadRow> {
        match self.optional(column)? {
            Some("t" | "1") => Ok(true),
            Some("f" | "0") => Ok(false),
            _ => Err(BadRow),
        }
    }

    /// An instant, in milliseconds since 1970; one before is an error.
    pub(crate) fn instant(&self, column: &str) -> Result<Option<Timestamp>, BadRow> {
        Ok(self.maybe(column)?.map(Timestamp::from_millis))
    }

    /// A duration in milliseconds; a negative one, by clocks that differ, is 0.
    pub(crate) fn duration(&self, column: &str) -> Result<Option<Millis>, BadRow> {
        let millis: Option<i64> = self.maybe(column)?;
        Ok(millis.map(|millis| Millis::new(u64::try_from(millis).unwrap_or(0))))
    }
}
