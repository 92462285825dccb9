//! Times of the wall clock as cron writes them, in a time zone.
//!
//! On the days on which clocks change, they behave as in Vixie cron. A pattern whose minutes and hours are numbers names
//! times: one that clocks leave out comes right after the gap, and one that comes twice counts once. A pattern with `*` in
//! its minutes or hours means "so often": it follows the clock on the wall.

use std::fmt;

use ansai_core::Timestamp;
use croner::Cron as Pattern;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Zoned};

/// A gap is shorter than a day.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Times of two days, one for each minute: more are never left out or repeated.
const MOST_STEPS: usize = 2 * 24 * 60;

/// A valid pattern with its time zone.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    zone: Option<String>,
    pattern: Box<Pattern>,
    is_repeating: bool,
}

/// Text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It cannot be read.
    #[error("not a cron pattern: {0}")]
    Form(String),
    /// No day of the calendar matches.
    #[error("no time ever matches")]
    Never,
    /// The host does not know the time zone.
    #[error("this host does not know the time zone \"{0}\"")]
    Zone(String),
}

impl Cron {
    /// Reads five fields (minute, hour, day of the month, month, day of the week), or a word such as `@daily`. Without a
    /// zone, the time zone of the host applies: the one of now, each time.
    ///
    /// # Errors
    /// See [`CronError`].
    pub fn new(text: &str, zone: Option<&str>) -> Result<Cron, CronError> {
        let form = |error: &dyn fmt::Display| {
            let error = error.to_string();
            let words = error.trim_end_matches('.').replace("CronPattern", "the pattern");
            CronError::Form(ansai_core::text::inert(&words, 200))
        };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = parser.parse(text).map_err(|error| form(&error))?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // The library reads files of that name.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
        if let Some(zone) = zone.filter(|zone| !zone.chars().all(is_plain)) {
            return Err(CronError::Zone(ansai_core::text::inert(zone, 64)));
        }
        let cron =
            Cron { is_repeating: is_repeating(&text), text, zone: zone.map(str::to_owned), pattern: Box::new(pattern) };
        cron.zone_now().ok_or_else(|| CronError::Zone(ansai_core::text::inert(zone.unwrap_or(""), 64)))?;
        // Any start will do: the pattern names no year.
        match cron.pattern.find_next_occurrence(&jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0), true) {
            Ok(_) => Ok(cron),
            Err(_) => Err(CronError::Never),
        }
    }

    /// The first time after this one; `None` if there is none, or if the host no longer knows the zone.
    ///
    /// ```
    /// use ansai_config::Cron;
    /// use ansai_core::Timestamp;
    /// let hourly = Cron::new("0 * * * *", Some("UTC"))?;
    /// assert_eq!(hourly.next_after(Timestamp::from_millis(1)), Some(Timestamp::from_millis(3_600_000)));
    /// # Ok::<(), ansai_config::CronError>(())
    /// ```
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let zone = self.zone_now()?;
        let after = jiff::Timestamp::from_millisecond(i64::try_from(after.as_millis()).ok()?).ok()?;
        let start = after.to_zoned(zone.clone());
        let next = if self.is_repeating {
            self.pattern.find_next_occurrence(&start, false).ok()?.timestamp()
        } else {
            self.next_named(&start, &zone)?
        };
        u64::try_from(next.as_millisecond()).ok().map(Timestamp::from_millis)
    }

    /// The first instant of a time that is named, however clocks change around it.
    fn next_named(&self, after: &Zoned, zone: &TimeZone) -> Option<jiff::Timestamp> {
        let (before, behind) = (after.timestamp().checked_sub(DAY).ok()?, after.timestamp().checked_add(DAY).ok()?);
        let changes = zone.following(before).next().is_some_and(|change| change.timestamp() <= behind);
        // A time before now by the clock on the wall may come after now, on days on which clocks change.
        let mut civil = after.datetime().checked_sub(if changes { DAY } else { SignedDuration::ZERO }).ok()?;
        for _ in 0..MOST_STEPS {
            civil = self.pattern.find_next_occurrence(&civil, false).ok()?;
            let named = zone.to_ambiguous_zoned(civil);
            let instant = match named.offset() {
                AmbiguousOffset::Gap { .. } => after_gap(&named.later().ok()?, zone)?,
                _ => named.earlier().ok()?.timestamp(),
            };
            if instant > after.timestamp() {
                return Some(instant);
            }
        }
        None
    }

    /// Whether it means "so often", not times of the day.
    pub fn is_repeating(&self) -> bool {
        self.is_repeating
    }

    /// The name of its time zone; `None` for that of the host.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Its time zone now. The library keeps what it has read for some minutes.
    pub fn zone_now(&self) -> Option<TimeZone> {
        match &self.zone {
            Some(name) => TimeZone::get(name).ok(),
            None => Some(TimeZone::system()),
        }
    }
}

/// The instant at which clocks went forward, of a time that they left out.
fn after_gap(later: &Zoned, zone: &TimeZone) -> Option<jiff::Timestamp> {
    // `later` is after the gap by as much as the time was after its beginning.
    let before = later.timestamp().checked_sub(DAY).ok()?;
    let change = zone.following(before).next()?;
    Some(change.timestamp())
}

/// `*` and `?` in the minutes or hours; of the words, only `@hourly` has one.
fn is_repeating(text: &str) -> bool {
    let is_wild = |field: &str| field.starts_with(['*', '?']);
    text.eq_ignore_ascii_case("@hourly") || text.split(' ').take(2).any(is_wild)
}

impl PartialEq for Cron {
    fn eq(&self, other: &Cron) -> bool {
        (&self.text, &self.zone) == (&other.text, &other.zone)
    }
}

impl Eq for Cron {}

/// `30 2 * * * Europe/Berlin`.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.zone.iter().try_for_each(|zone| write!(f, " {zone}"))
    }
}

#[cfg(test)]
mod tests;
