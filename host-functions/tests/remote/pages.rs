//! The interface of the tests: it reads what a server sends until the server closes the connection.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Refusal, Sensitivity};
use ansai_kit::call::NoArguments;
use ansai_kit::function::Probe;
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::{Batch, Remote, Server};
use serde::{Deserialize, Serialize};

pub const PAGES: &str = "test:pages/pages-probe";

pub static PAGES_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static(PAGES),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "read pages",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "read", checks: &[], body: Body::Remote(&Remote { server, call: read }) },
        Function { name: "read-in-time", checks: &[], body: Body::Remote(&Remote { server, call: read_in_time }) },
        Function { name: "time-left", checks: &[], body: Body::Remote(&Remote { server, call: time_left }) },
        Function { name: "panic", checks: &[], body: Body::Remote(&Remote { server, call: panics }) },
        Function {
            name: "read-all",
            checks: &[],
            body: Body::Remote(&Batch {
                parts: |arguments: Many| arguments.targets.into_iter().map(|target| One { target }).collect(),
                server,
                call: |ask, one| Ok(Entry { target: one.target.clone(), found: Found::Text(text(ask, one)?) }),
                refused: |one, refusal| Entry { target: one.target.clone(), found: Found::Failed(refusal) },
            }),
        },
        Function { name: "local", checks: &[], body: Body::Probe(&Probe(local)) },
    ],
};

#[derive(Serialize, Deserialize)]
struct One {
    target: String,
}

#[derive(Serialize, Deserialize)]
struct Many {
    targets: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub target: String,
    pub found: Found,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    Text(String),
    Failed(Refusal),
}

fn server(one: &One) -> Server {
    Server::Target(one.target.clone())
}

fn address<'a>(ask: &ProbeContext<'a>, one: &One) -> Result<&'a str, Refusal> {
    ask.reach.target(&one.target)?.address.as_deref().ok_or_else(|| Refusal::Invalid("it has no address".into()))
}

/// Does not look at its deadline.
fn text(ask: &ProbeContext<'_>, one: &One) -> Result<String, Refusal> {
    let address = address(ask, one)?;
    let failed = |error: std::io::Error| Refusal::Unavailable(format!("{address}: {error}"));
    let mut text = String::new();
    TcpStream::connect(address).map_err(failed)?.read_to_string(&mut text).map_err(failed)?;
    if text.is_empty() { Err(Refusal::Unavailable(format!("{address} sent nothing"))) } else { Ok(text) }
}

fn read(ask: &ProbeContext<'_>, one: One) -> Result<String, Refusal> {
    text(ask, &one)
}

/// As a good probe does: neither connecting nor a read outlasts the deadline.
fn read_in_time(ask: &ProbeContext<'_>, one: One) -> Result<String, Refusal> {
    let address = address(ask, &one)?;
    let slow = || Refusal::TimedOut(format!("{address} is slow"));
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => slow(),
        _ => Refusal::Unavailable(format!("{address}: {error}")),
    };
    let left = || Some(ask.deadline.remaining()).filter(|left| !left.is_zero()).ok_or_else(slow);
    let mut stream = TcpStream::connect_timeout(&address.parse().unwrap(), left()?).map_err(failed)?;
    let (mut text, mut buffer) = (Vec::new(), [0; 64]);
    loop {
        stream.set_read_timeout(Some(left()?)).map_err(failed)?;
        match stream.read(&mut buffer).map_err(failed)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            read => text.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Milliseconds.
fn time_left(ask: &ProbeContext<'_>, _: One) -> Result<u64, Refusal> {
    Ok(u64::try_from(ask.deadline.remaining().as_millis()).unwrap())
}

fn panics(_: &ProbeContext<'_>, _: One) -> Result<(), Refusal> {
    panic!("a fault of a probe")
}

fn local(_: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    Ok(())
}
