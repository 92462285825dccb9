//! What one contender did about one fault.

/// A measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Time from the fault to the first report about it; none if there was none.
    pub found: Option<Span>,
    /// Time from the fault until the site was well, and stayed well; none if it did not get well.
    pub healed: Option<Span>,
    /// What changed and is no part of a repair.
    pub damage: Vec<String>,
    /// Reports about what was well.
    pub alarms: Vec<String>,
    /// What the contender said about the fault.
    pub said: Vec<String>,
}

/// A time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// Real time, in milliseconds.
    Millis(u64),
    /// Simulated time, in hours.
    Hours(u64),
}

impl Span {
    /// In milliseconds, of real or simulated time.
    #[must_use]
    pub fn millis(self) -> u64 {
        match self {
            Span::Millis(ms) => ms,
            Span::Hours(hours) => hours * 3_600_000,
        }
    }
}

/// The site is looked at so often, in milliseconds: shorter outages are not seen.
pub const RESOLUTION_MS: u64 = 300;

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Span::Millis(ms) if ms < RESOLUTION_MS => write!(f, "< {:.1} s", RESOLUTION_MS as f64 / 1e3),
            Span::Millis(ms) if ms < 10_000 => write!(f, "{:.1} s", ms as f64 / 1e3),
            Span::Millis(ms) => write!(f, "{} s", (ms + 500) / 1000),
            Span::Hours(hours) => write!(f, "{hours} h"),
        }
    }
}

/// A void run has its reason.
pub type Outcome = Result<Measured, String>;
