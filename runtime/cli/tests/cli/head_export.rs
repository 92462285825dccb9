//! Audit heads of the real program that go to a URL: the process that is root speaks to no server.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use ansai_harness::{requires_root, until};

use crate::support::*;

const LIMIT: Duration = Duration::from_secs(60);

/// The processes that have this end of a connection open, by its local port.
fn holders(port: u16) -> Vec<u32> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|line| line[1] == local);
    let inode = format!("socket:[{}]", line.expect("the connection is there")[9]);
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let has = |pid: &u32| {
        let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        descriptors.flatten().any(|one| std::fs::read_link(one.path()).is_ok_and(|to| to.as_os_str() == &*inode))
    };
    processes.filter_map(|one| one.file_name().to_str()?.parse().ok()).filter(has).collect()
}

/// The real user of a process.
fn user(pid: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// What the client of a connection has sent, up to the end of the body.
fn request(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut all = Vec::new();
    let mut part = [0; 4_096];
    while !all.ends_with(b"}") {
        let length = stream.read(&mut part).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&part[..length]);
    }
    String::from_utf8(all).unwrap()
}

/// Would break: a client of HTTP and TLS in the process that is root.
#[test]
fn a_head_goes_to_a_url_by_a_process_that_is_not_root() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://127.0.0.1:{}/heads", listener.local_addr().unwrap().port());
    let file = scene.policy("sick", &sick("sick"));
    let config = scene
        .configuration(&format!("[policy.sick]\nsource = \"{}\"\n[audit.export]\nurl = \"{url}\"\n", file.display()));
    let running = scene.command(&["run", "--config", config.to_str().unwrap()]).spawn();
    let (mut stream, peer) = until("a head is sent", LIMIT, || listener.accept().ok());
    stream.set_nonblocking(false).unwrap();
    let sent = request(&mut stream);
    assert!(sent.starts_with("POST /heads HTTP/1.1\r\n") && sent.contains("\"sequence\""), "{sent}");
    // The supervisor closes its copy when the other process has the socket.
    let holders = until("only the process that sends has the connection", LIMIT, || {
        let holders = holders(peer.port());
        (!holders.contains(&running.pid)).then_some(holders)
    });
    let [holder] = holders[..] else { panic!("{holders:?}") };
    assert_ne!(user(holder), 0);
    // As after an answer that never comes, the end of ansai ends it.
    drop(running);
    until("it ends with ansai", LIMIT, || (!std::path::Path::new(&format!("/proc/{holder}")).exists()).then_some(()));
}
