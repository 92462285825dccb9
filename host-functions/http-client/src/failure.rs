//! Why a request has no answer.

use std::io;

use crate::connector::NotConnected;

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
            ureq::Error::Io(error) if is_not_connected(error) => {
                Self::NotSent(format!("the server cannot be reached: {}", error.kind()))
            }
            ureq::Error::Io(error) if is_time_limit(error) => Self::TimeLimit,
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

fn is_not_connected(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NotConnected>())
}

/// Whether an error while the answer is read means that its time was over.
pub fn is_time_limit(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The kernel has no route for a connection to such an address, and sends nothing. Would break: a failed connection that is
    /// told as a request that may have arrived.
    #[test]
    fn what_was_not_connected_was_not_sent() {
        let agent = crate::agent(crate::config(Duration::from_secs(60), None, None));
        let closed = format!("127.0.0.1:{}", ansai_harness::server::free_port());
        for (server, why) in [("224.0.0.1:9", "network unreachable"), (&*closed, "connection refused")] {
            let error = agent.post(format!("http://{server}/")).send("x").expect_err("nobody is there");
            let expected = Failure::NotSent(format!("the server cannot be reached: {why}"));
            assert_eq!(Failure::from(&error), expected, "{error:?}");
        }
        let later = ureq::Error::Io(io::ErrorKind::HostUnreachable.into());
        assert!(matches!(Failure::from(&later), Failure::NoAnswer(_)), "after the request was sent");
    }

    #[test]
    fn no_words_of_the_library_are_used_where_they_could_hold_the_url() {
        let error = ureq::Error::BadUri("https://host/secret".to_owned());
        assert_eq!(Failure::from(&error), Failure::NoAnswer("the request failed".to_owned()));
    }
}
