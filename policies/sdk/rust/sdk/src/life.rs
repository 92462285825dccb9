//! Where something is in a time from a begin to an end, such as the validity of a certificate.

use crate::Span;

/// Where something is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It becomes valid after this time.
    NotYet(Span),
    /// It ends after this time.
    Left(Span),
    /// It ended this long ago.
    Over(Span),
}

impl Life {
    /// The instant at which half of a life is over.
    ///
    /// ```
    /// assert_eq!(ansai_sdk::Life::middle(1_000, 3_000), 2_000);
    /// ```
    pub fn middle(start: u64, end: u64) -> u64 {
        start.saturating_add(end.saturating_sub(start) / 2)
    }

    /// Of something that is valid from one instant to another, which both belong to it.
    ///
    /// ```
    /// use ansai_sdk::{Life, Span};
    ///
    /// assert_eq!(Life::of(10, 20, 9), Life::NotYet(Span(1)));
    /// assert_eq!(Life::of(10, 20, 20), Life::Left(Span(0)));
    /// assert_eq!(Life::of(10, 20, 21), Life::Over(Span(1)));
    /// assert_eq!(Life::of(u64::MAX, 0, 5), Life::Over(Span(5)));
    /// ```
    pub fn of(begin: u64, end: u64, now: u64) -> Life {
        match () {
            () if now > end => Life::Over(Span(now - end)),
            () if now < begin => Life::NotYet(Span(begin - now)),
            () => Life::Left(Span(end - now)),
        }
    }

    /// Whether it is valid now.
    pub fn is_now(self) -> bool {
        matches!(self, Life::Left(_))
    }

    /// For a person, after a name: `expires in 12 d`.
    pub fn words(self) -> String {
        match self {
            Life::NotYet(rest) => format!("becomes valid in {rest}"),
            Life::Left(rest) => format!("expires in {rest}"),
            Life::Over(ago) => format!("expired {ago} ago"),
        }
    }
}
