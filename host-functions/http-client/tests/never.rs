//! A process that calls no servers. It is a test program of its own, because what a process may do does not change back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use ansai_kit::{dial, lookup};

/// Would break: a client that connects past the dialler, or a name that is looked up in a process that is root.
#[test]
fn no_client_of_this_process_connects_or_looks_up_a_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    dial::never();
    let limit = Duration::from_secs(60);
    let agent = ansai_http_client::agent(ansai_http_client::config(limit, None, None));
    let error = agent.get(format!("http://{address}/")).call().unwrap_err();
    assert!(matches!(error, ureq::Error::ConnectionFailed), "{error}");
    assert_eq!(dial::connect(&address, limit).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let name = lookup::look_up("localhost", 80, limit).unwrap_err();
    assert!(matches!(&name, lookup::LookupError::NotResolved(why) if why.contains("calls no servers")), "{name:?}");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody connected");
}
