//! Pages of lists.

use serde::{Deserialize, Serialize};

use crate::postgresql::client::{BadRow, Row};

/// Entries in one page.
pub(crate) const MOST: usize = 256;
/// What a statement fetches for a page: the row beyond it shows that there are others.
pub(crate) const FETCHED: usize = MOST + 1;

/// A page of a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) entries: Vec<T>,
    pub(crate) skipped: u32,
    pub(crate) complete: bool,
    pub(crate) cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of what was fetched. The next one begins after the column `id` of its last row. A row that cannot be read is
    /// skipped; one that is read as `None` is left out.
    pub(crate) fn of(fetched: &[Row], id: &str, mut read: impl FnMut(&Row) -> Result<Option<T>, BadRow>) -> Page<T> {
        let (rows, is_more) = (of_page(fetched), fetched.len() > MOST);
        let mut page = Page { entries: Vec::new(), skipped: 0, complete: !is_more, cursor: None };
        for row in rows {
            match read(row) {
                Ok(entry) => page.entries.extend(entry),
                Err(BadRow) => page.skipped = page.skipped.saturating_add(1),
            }
        }
        page.cursor = rows.last().filter(|_| is_more).and_then(|last| last.text(id).ok());
        page
    }
}

/// The rows of a page, of those that were fetched.
pub(crate) fn of_page(fetched: &[Row]) -> &[Row] {
    fetched.get(..MOST).unwrap_or(fetched)
}
