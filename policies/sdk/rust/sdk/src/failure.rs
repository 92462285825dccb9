//! Refused calls, and evaluations that fail because of them.

use crate::{Failure, Refusal, text};

/// Maximum length of a refusal's text, in bytes.
const MOST_WORDS: usize = 300;

impl Refusal {
    /// The kind of refusal and the host's text, for a person: `denied: no grant covers /srv`.
    ///
    /// ```
    /// use ansai_sdk::Refusal;
    ///
    /// assert_eq!(Refusal::TimedOut("after 5 s".into()).words(), "timed out: after 5 s");
    /// ```
    pub fn words(&self) -> String {
        let case = match self {
            Refusal::Denied(_) => "denied",
            Refusal::NotFound(_) => "not found",
            Refusal::Unavailable(_) => "unavailable",
            Refusal::Unsupported(_) => "unsupported",
            Refusal::Invalid(_) => "invalid",
            Refusal::OverBudget(_) => "over budget",
            Refusal::TimedOut(_) => "timed out",
            Refusal::Busy(_) => "busy",
            Refusal::Changed(_) => "changed",
            Refusal::Other(_) => "refused",
        };
        format!("{case}: {}", text::cut(self.text(), MOST_WORDS))
    }

    /// Whether the reason may go away by itself: another process holds a lock, or the target changed since it was
    /// examined. Then wait, or plan again. Any other refusal stays until a person does something.
    ///
    /// ```
    /// use ansai_sdk::Refusal;
    ///
    /// assert!(Refusal::Busy("apt runs".into()).may_go_away());
    /// assert!(!Refusal::Denied("no grant covers /srv".into()).may_go_away());
    /// ```
    pub fn may_go_away(&self) -> bool {
        matches!(self, Refusal::Busy(_) | Refusal::Changed(_))
    }

    /// The host's text, without the kind.
    pub fn text(&self) -> &str {
        match self {
            Refusal::Denied(text)
            | Refusal::NotFound(text)
            | Refusal::Unavailable(text)
            | Refusal::Unsupported(text)
            | Refusal::Invalid(text)
            | Refusal::OverBudget(text)
            | Refusal::TimedOut(text)
            | Refusal::Busy(text)
            | Refusal::Changed(text)
            | Refusal::Other(text) => text,
        }
    }
}

impl Failure {
    /// For [`Policy::check`](crate::Policy::check): refuses settings, unless a condition is met.
    ///
    /// ```
    /// use ansai_sdk::{Failure, Span};
    ///
    /// let check = |first: Span, most: Span| Failure::unless(first <= most, "`first` must not be above `most`");
    /// assert_eq!(check(Span(1), Span(2)), Ok(()));
    /// let why = "`first` must not be above `most`";
    /// assert_eq!(check(Span(3), Span(2)), Err(Failure::InvalidSettings(why.into())));
    /// ```
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] with the reason.
    pub fn unless(is_met: bool, why: impl Into<String>) -> Result<(), Failure> {
        if is_met { Ok(()) } else { Err(Failure::InvalidSettings(why.into())) }
    }
}

/// Makes `?` work on calls.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::CouldNotTell(refusal.text().to_owned())
    }
}

/// Names what is unknown because a call was refused.
pub trait CouldNotTell<T> {
    /// ```
    /// use ansai_sdk::{CouldNotTell as _, Failure, Refusal};
    ///
    /// let refused: Result<(), Refusal> = Err(Refusal::Unavailable("permission denied".into()));
    /// let failure = refused.could_not_tell("the file systems could not be listed");
    /// let text = "the file systems could not be listed: permission denied";
    /// assert_eq!(failure, Err(Failure::CouldNotTell(text.into())));
    /// ```
    ///
    /// # Errors
    /// [`Failure::CouldNotTell`] with the sentence and the refusal's text.
    fn could_not_tell(self, what: &str) -> Result<T, Failure>;
}

impl<T> CouldNotTell<T> for Result<T, Refusal> {
    fn could_not_tell(self, what: &str) -> Result<T, Failure> {
        self.map_err(|refusal| Failure::CouldNotTell(format!("{what}: {}", refusal.text())))
    }
}
