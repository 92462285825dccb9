//! Why a request has no answer.

use std::io;

/// Why a request has no answer, in words that have no part of its URL, which may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// It did not leave this machine, or no server took it.
    NotSent(String),
    /// It may have arrived.
    NoAnswer(String),
    /// Its time was over.
    TimeLimit,
}

impl From<&ureq::Error> for Failure {
    fn from(error: &ureq::Error) -> Self {
        let not_sent = |why: &str| Self::NotSent(why.to_owned());
        let no_answer = |why: &str| Self::NoAnswer(why.to_owned());
        match error {
            ureq::Error::Timeout(_) => Self::TimeLimit,
            ureq::Error::Io(error) if is_time_limit(error) => Self::TimeLimit,
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                not_sent("the server cannot be reached: connection refused")
            }
            ureq::Error::Io(error) => match handshake(error) {
                Some(error) => Self::NotSent(format!("TLS: {error}")),
                None => Self::NoAnswer(format!("no answer: {}", error.kind())),
            },
            ureq::Error::HostNotFound => not_sent("the host has no address"),
            ureq::Error::ConnectionFailed => not_sent("the server cannot be reached"),
            ureq::Error::Rustls(error) => Self::NotSent(format!("TLS: {error}")),
            ureq::Error::LargeResponseHeader(..) => no_answer("the answer is too large"),
            ureq::Error::Protocol(_) | ureq::Error::Http(_) => no_answer("the answer is not HTTP"),
            _ => no_answer("the request failed"),
        }
    }
}

/// A handshake that failed comes as an error of the connection.
fn handshake(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Whether an error while the answer is read means that its time was over.
pub fn is_time_limit(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_of_the_library_are_used_where_they_could_hold_the_url() {
        let error = ureq::Error::BadUri("https://host/secret".to_owned());
        assert_eq!(Failure::from(&error), Failure::NoAnswer("the request failed".to_owned()));
    }
}
