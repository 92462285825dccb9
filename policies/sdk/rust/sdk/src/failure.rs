//! From a call that was refused to an evaluation without an answer.

use crate::{Failure, Refusal};

impl Refusal {
    /// What the host said, without the case.
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

/// So that `?` works on calls: what was refused could not be told.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::CouldNotTell(refusal.text().to_owned())
    }
}

/// Says what could not be told because a call was refused.
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
