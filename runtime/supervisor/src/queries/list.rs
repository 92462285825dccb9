//! Lists of incidents.

use ansai_core::Timestamp;
use ansai_core::control::{IncidentFilter, IncidentList, MOST_LISTED};

use super::{QueryError, Source};
use crate::state::{Row, WantedClosed};
use crate::status::status;

impl Source<'_> {
    pub(super) fn list(&self, filter: &IncidentFilter) -> Result<IncidentList, QueryError> {
        let most = usize::try_from(filter.most.min(MOST_LISTED)).unwrap_or(usize::MAX);
        let instance = filter.instance.as_ref().map(|name| name.as_str());
        // What is within its minimum time is no incident yet; `ansai status` shows it.
        let is_wanted = |row: Row<'_>| {
            !row.is_pending
                && instance.is_none_or(|name| row.instance == name)
                && filter.key.as_ref().is_none_or(|key| row.key == key)
                && filter.since.is_none_or(|since| row.opened >= since)
        };
        let outlook = &self.outlook;
        let found = self.state.overview(&outlook.orders, outlook.now, outlook.is_in_doubt, most, is_wanted)?;
        let wanted =
            WantedClosed { instance, key: filter.key.as_deref(), since: filter.since.unwrap_or(Timestamp::EPOCH) };
        let (closed, more_closed) = match filter.closed {
            true => self.state.closed_incidents(wanted, most)?,
            false => (Vec::new(), 0),
        };
        Ok(IncidentList {
            at: outlook.now,
            is_running: outlook.is_running(),
            open: found.first.iter().map(|one| status(one, outlook.next(one))).collect(),
            more_open: found.count.saturating_sub(found.first.len()),
            closed,
            more_closed,
            known_since: self.state.closed_known_since()?,
        })
    }
}
