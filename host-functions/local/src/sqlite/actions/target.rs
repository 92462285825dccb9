//! The database of a step, as it was previewed.

use ansai_core::{Preview, Refusal, Reversibility};
use ansai_kit::action::{Amount, StepContext};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use crate::safety::identity::Time;
use crate::sqlite::fields::MAX_BYTES;
use crate::sqlite::place::Place;
use crate::sqlite::subject;

/// What a database in use may grow between preview and step, besides a quarter.
const GROWTH: u64 = 64 << 20;

/// A database by what stays the same while programs write to it. Its size and its times do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sqlite) struct Target {
    pub(super) path: String,
    dev: u64,
    ino: u64,
    /// When the file was made, if its file system knows. Numbers are used again, this is not.
    born: Option<Time>,
    pub(super) uid: u32,
    page_bytes: u32,
    /// With its `-wal` file.
    pub(super) bytes: u64,
    /// In the header.
    pub(super) free_pages: u64,
    pub(super) wal_bytes: u64,
}

impl Target {
    fn of(place: &Place) -> Target {
        Target {
            path: place.text.clone(),
            dev: place.stat.dev,
            ino: place.stat.ino,
            born: place.stat.born,
            uid: place.stat.uid,
            page_bytes: place.header.page_bytes,
            bytes: place.all_bytes(),
            free_pages: place.header.free_pages,
            wal_bytes: place.wal_bytes(),
        }
    }

    /// Finds the database, and begins its preview. What cannot be opened is refused here already.
    pub(super) fn preview(ask: &ProbeContext<'_>, path: &str) -> Result<(Place, Preview, Target), Refusal> {
        let place = Place::of(ask.host, path)?;
        place.owner(ask.host)?;
        let target = Target::of(&place);
        let most = ask.scope.bytes(&MAX_BYTES);
        if target.bytes > most {
            let why = format!("{path} has {} bytes, and {most} are left of `max_bytes`", target.bytes);
            return Err(Refusal::OverBudget(why));
        }
        let mut preview = Preview::nothing(subject(path));
        preview.items = 1;
        preview.interrupts = None;
        preview.reversible = Reversibility::None;
        preview.mount = place.mount(ask.host);
        preview.sample = vec![path.to_owned()];
        Ok((place, preview, target))
    }

    /// Finds it again.
    ///
    /// # Errors
    /// `changed` if it is another file, or much larger than previewed; `over-budget` if it is larger than granted by now.
    pub(super) fn again(&self, doing: &StepContext<'_>) -> Result<Place, Refusal> {
        let place = Place::of(doing.host, &self.path)?;
        let now = Target::of(&place);
        let changes = Target { bytes: self.bytes, free_pages: self.free_pages, wal_bytes: self.wal_bytes, ..now };
        if changes != *self {
            return Err(Refusal::Changed(format!("{} is another file than previewed", self.path)));
        }
        let most = self.bytes.saturating_add(self.bytes / 4).saturating_add(GROWTH);
        if place.all_bytes() > most {
            return Err(Refusal::Changed(format!("{} is much larger than previewed", self.path)));
        }
        // What it has grown since the preview counts, too.
        let (bytes, granted) = (place.all_bytes(), doing.scope.bytes(&MAX_BYTES));
        if bytes > granted {
            let why = format!("{} has {bytes} bytes, and {granted} are left of `max_bytes`", self.path);
            return Err(Refusal::OverBudget(why));
        }
        Ok(place)
    }

    pub(super) fn amounts(&self) -> Vec<Amount> {
        vec![Amount::of(&MAX_BYTES, self.bytes)]
    }
}
