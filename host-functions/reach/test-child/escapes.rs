//! Ways to another address than that of the target.

use std::fmt::Debug;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;

use ansai_isolation::BlockingChannel;
use rustix::net::{SendFlags, connect, connect_unspec, sendto};
use serde_json::{Value, json};

/// Connects while it sends (`MSG_FASTOPEN`).
const FAST_OPEN: u32 = 0x2000_0000;

/// The frame that asks for a connection.
pub(crate) fn connect_frame(address: &str) -> String {
    json!({"connect": {"id": 1, "address": address}}).to_string()
}

/// The address of the target, as its operator wrote it.
pub(crate) fn address(request: &Value) -> String {
    request["targets"][0]["address"].as_str().unwrap().to_owned()
}

/// What the supervisor says to a connection.
pub(crate) fn told(channel: &mut BlockingChannel, address: &str) -> &'static str {
    channel.send(connect_frame(address).as_bytes(), None, None).unwrap();
    let frame = channel.receive(1 << 10, None).unwrap();
    if frame.descriptor.is_some() { "a connection" } else { "no connection" }
}

/// What the supervisor says to a lookup of a name with its port.
pub(crate) fn looked_up(channel: &mut BlockingChannel, address: &str) -> &'static str {
    let (host, port) = address.rsplit_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    let question = json!({"look-up": {"id": 1, "host": host, "port": port, "limit": 20_000}});
    channel.send(question.to_string().as_bytes(), None, None).unwrap();
    let answer = channel.receive(1 << 16, None).unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    if answer["found"]["found"]["addresses"].is_array() { "addresses" } else { "no address" }
}

/// The address that a server of HTTP redirects to.
pub(crate) fn redirected(channel: &mut BlockingChannel, address: &str) -> String {
    channel.send(connect_frame(address).as_bytes(), None, None).unwrap();
    let stream = TcpStream::from(channel.receive(1 << 10, None).unwrap().descriptor.unwrap());
    rustix::event::poll(&mut [rustix::event::PollFd::new(&stream, rustix::event::PollFlags::OUT)], None).unwrap();
    stream.set_nonblocking(false).unwrap();
    (&stream).write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
    lines.find_map(|line| line.strip_prefix("location: http://").map(str::to_owned)).unwrap()
}

/// Tries all of them. The user of the target says which port.
pub(crate) fn all(channel: &mut BlockingChannel, request: &Value) -> String {
    let port: u16 = request["targets"][0]["user"].as_str().unwrap().parse().unwrap();
    let other = SocketAddr::from(([127, 0, 0, 1], port));
    channel.send(connect_frame(&address(request)).as_bytes(), None, None).unwrap();
    let frame = channel.receive(1 << 10, None).unwrap();
    let stream = TcpStream::from(frame.descriptor.unwrap());
    let flags = SendFlags::from_bits_retain(FAST_OPEN);
    let tried = [
        said("connects", TcpStream::connect(other)),
        said("listens", TcpListener::bind("127.0.0.1:0")),
        said("sends datagrams", UdpSocket::bind("127.0.0.1:0")),
        said("connects to a path", UnixStream::connect("/run/dbus/system_bus_socket")),
        said("disconnects", connect_unspec(&stream)),
        said("connects again", connect(&stream, &other)),
        said("connects while it sends", sendto(&stream, b"x", flags, &other)),
        said("sends to it", sendto(&stream, b"x", SendFlags::empty(), &other)),
        said("binds to a device", rustix::net::sockopt::set_socket_reuseaddr(&stream, true)),
    ];
    // It is still connected to its own target, and to nothing else.
    assert_eq!(stream.peer_addr().unwrap().to_string(), address(request));
    tried.join("; ")
}

fn said<T, E: Debug>(what: &str, done: Result<T, E>) -> String {
    match done {
        Ok(_) => format!("{what}: possible"),
        Err(error) => format!("{what}: {error:?}"),
    }
}

/// Microseconds from the question to a connected socket: the middle of sixty.
pub(crate) fn measured(channel: &mut BlockingChannel, request: &Value) -> String {
    let mut took: Vec<u128> = (0..60)
        .map(|_| {
            let began = std::time::Instant::now();
            channel.send(connect_frame(&address(request)).as_bytes(), None, None).unwrap();
            let stream = TcpStream::from(channel.receive(1 << 10, None).unwrap().descriptor.unwrap());
            let took = began.elapsed().as_micros();
            assert!(stream.peer_addr().is_ok());
            took
        })
        .collect();
    took.sort_unstable();
    format!("{} us, at most {} us", took[30], took[59])
}
