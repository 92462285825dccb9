//! Files in quarantine are deleted for good only if the audit log has the step that moved them there, and its records are
//! what the quarantine says. Otherwise they stay, and the log of the program says why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;

use super::executor::Executor;
use super::unaltered::digest;
use super::undo::UndoError;
use super::undo_records::UndoRecords;

/// By root: the digest of the targets that were compared last, and the steps that the log does not vouch for. The log is
/// read again only if the targets change.
#[derive(Default)]
pub(crate) struct Vouched(Mutex<BTreeMap<String, (String, Vec<String>)>>);

impl Vouched {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (String, Vec<String>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Executor {
    /// The steps whose files below a root are not as the log has them.
    pub(super) fn unvouched(
        &self,
        vouched: &Vouched,
        root: &str,
        targets: &RawValue,
    ) -> Result<Vec<String>, UndoError> {
        let digest = digest(targets);
        if let Some((known, steps)) = vouched.lock().get(root)
            && *known == digest
        {
            return Ok(steps.clone());
        }
        let mut steps = self.host.quarantine_origin().steps(targets).map_err(UndoError::NotBegun)?;
        let plans: BTreeSet<&str> = steps.iter().filter_map(|step| parsed(step)).map(|(plan, _)| plan).collect();
        let mut records: BTreeMap<&str, UndoRecords> =
            plans.into_iter().map(|plan| (plan, UndoRecords::default())).collect();
        for record in self.records()? {
            let event = record?.event;
            if let Some((plan, found)) = event.plan().and_then(|plan| records.get_mut(plan).map(|found| (plan, found)))
            {
                found.add(plan, &event);
            }
        }
        let untrue: Vec<String> = steps
            .iter()
            .filter_map(|step| {
                let why = self.vouches(step, &records, targets).err()?;
                tracing::warn!(step, root, "quarantined files do not expire: {why}");
                Some(step.clone())
            })
            .collect();
        drop(records);
        steps.retain(|step| untrue.contains(step));
        vouched.lock().insert(root.to_owned(), (digest, steps.clone()));
        Ok(steps)
    }

    /// Compares the files of one step with the log, as undo does.
    fn vouches(
        &self,
        step_id: &str,
        records: &BTreeMap<&str, UndoRecords>,
        targets: &RawValue,
    ) -> Result<(), UndoError> {
        let unknown = || UndoError::Unknown(ansai_core::text::inert(step_id, 100));
        let (plan, step) = parsed(step_id).ok_or_else(unknown)?;
        let record = records.get(plan).map(|records| records.of(step)).unwrap_or_default();
        let intent = record.intent.ok_or_else(unknown)?;
        let (file, sha256) = self.plans.get(plan)?;
        let removal = file.unaltered(&sha256, &intent).map_err(UndoError::AlteredPlan)?;
        let (items, items_sha256) = self.plans.items(plan, step)?;
        let is_recorded = record.items_sha256.as_deref() == Some(items_sha256.as_str());
        match is_recorded && self.host.quarantine_origin().is_of(targets, step_id, removal, &items) {
            true => Ok(()),
            false => Err(UndoError::Altered(step)),
        }
    }
}

/// The plan and the number of the step of this id.
fn parsed(step_id: &str) -> Option<(&str, u32)> {
    let (plan, step) = step_id.rsplit_once('-')?;
    Some((plan, step.parse().ok()?))
}
