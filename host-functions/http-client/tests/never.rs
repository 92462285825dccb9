//! A process that calls no servers. It is a test program of its own, because this holds for a whole process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use ansai_kit::{dial, lookup};

/// Would break: a client that connects past the dialler, a name that is looked up in a process that is root, or a process in
/// which every server looks dead after another configuration has it call servers itself.
#[test]
fn no_client_of_this_process_connects_or_looks_up_a_name_while_another_one_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    dial::never(true);
    let limit = Duration::from_secs(60);
    let agent = ansai_http_client::agent(ansai_http_client::config(limit, None, None));
    let error = agent.get(format!("http://{address}/")).call().unwrap_err();
    assert!(matches!(error, ureq::Error::ConnectionFailed), "{error}");
    assert_eq!(dial::connect(&address, limit).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let name = lookup::look_up("localhost", 80, limit).unwrap_err();
    assert!(matches!(&name, lookup::LookupError::NotResolved(why) if why.contains("calls no servers")), "{name:?}");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody connected");

    // As after a reload with `reach = "thread"`.
    dial::never(false);
    listener.set_nonblocking(false).unwrap();
    assert!(lookup::look_up("localhost", 80, limit).is_ok());
    let server = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    });
    assert_eq!(agent.get(format!("http://{address}/")).call().unwrap().status(), 204);
    server.join().unwrap();
}
