//! What the comparison finds: one fault at a time.

use ansai_core::{Interface, InterfaceKind, InterfaceName, Refusal, Sensitivity};
use ansai_kit::call::NoArguments;
use ansai_kit::function::{Probe, Wire};
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef, Registry};
use ansai_kit::remote::{Batch, Remote, Server};
use ansai_kit::wit::PACKAGES;
use serde::{Deserialize, Serialize};

use crate::compare;

const WIT: &str = "
package ansai:example@0.2.0;
interface example-probe {
  use ansai:policy/types@0.2.0.{refusal};
  enum state { on, off }
  record item { name: string, size-bytes: u32, since: option<u64>, state: state }
  look: func(name: string, depth: u32) -> result<list<item>, refusal>;
}";

fn difference_of(body: Body) -> Vec<String> {
    let functions: &'static [Function] = Box::leak(Box::new([Function { name: "look", checks: &[], body }]));
    compare::types(&entry("ansai:example/example-probe", functions), &contract())
}

fn contract() -> wit_parser::Resolve {
    compare::contract(PACKAGES.iter().copied().chain([("example.wit", WIT)]))
}

const fn entry(name: &'static str, functions: &'static [Function]) -> InterfaceDef {
    InterfaceDef {
        interface: Interface {
            name: InterfaceName::from_static(name),
            version: "0.2.0",
            kind: InterfaceKind::Probe,
            sensitivity: Sensitivity::Metadata,
            ability: "see examples",
            fields: &[],
        },
        doctor: &[],
        functions,
    }
}

fn nothing<A: Wire, R: Wire>(_: &ProbeContext<'_>, _: A) -> Result<R, Refusal> {
    Err(Refusal::Other("only its types are of interest".into()))
}

/// A record with these fields, as Rust writes it.
macro_rules! record {
    ($name:ident { $($field:ident: $ty:ty),* $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct $name { $($field: $ty),* }
    };
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    On,
    Off,
}

record!(Look { name: String, depth: u32 });
record!(Item { name: String, size_bytes: u32, since: Option<u64>, state: State });

#[test]
fn the_same_types_differ_in_nothing() {
    let found = difference_of(Body::Probe(&Probe(nothing::<Look, Vec<Item>>)));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn functions_that_call_servers_are_compared_too() {
    fn server(_: &Look) -> Server {
        Server::Address(String::new())
    }
    fn refused<R: Wire>(_: &ProbeContext<'_>, _: &Look) -> Result<R, Refusal> {
        Err(Refusal::Other("only its types are of interest".into()))
    }
    let same: [Body; 2] = [
        Body::Remote(&Remote { server, call: nothing::<Look, Vec<Item>> }),
        Body::Remote(&Batch {
            parts: |look: Look| vec![look],
            server,
            call: refused,
            refused: |look, _| Item { name: look.name.clone(), size_bytes: 0, since: None, state: State::Off },
        }),
    ];
    for body in same {
        let found = difference_of(body);
        assert!(found.is_empty(), "{found:#?}");
    }
    let found = difference_of(Body::Remote(&Remote { server, call: nothing::<Look, Item> })).join("\n");
    assert!(found.contains("reply") && found.contains("is refused"), "{found}");
    let lists = Body::Remote(&Batch {
        parts: |look: Look| vec![look],
        server,
        call: refused,
        refused: |_, _| Vec::<Item>::new(),
    });
    let found = difference_of(lists).join("\n");
    assert!(found.contains("reply") && !found.contains("arguments"), "{found}");
}

/// Arguments and replies that differ from the WIT in one field, and what must be found of each.
#[test]
fn a_type_that_differs_in_one_field_is_found() {
    record!(Misnamed { name: String, size: u32, since: Option<u64>, state: State });
    record!(Missing { name: String, size_bytes: u32, state: State });
    record!(MissingOption { name: String, size_bytes: u32, since: Option<u64>, state: State, more: Option<u64> });
    record!(Wider { name: String, size_bytes: u64, since: Option<u64>, state: State });
    record!(Float { name: String, size_bytes: f64, since: Option<u64>, state: State });
    record!(NoOption { name: String, size_bytes: u32, since: u64, state: State });
    record!(NotAnEnum { name: String, size_bytes: u32, since: Option<u64>, state: String });
    record!(Anything { name: serde_json::Value, size_bytes: u32, since: Option<u64>, state: State });
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct LeftOut {
        name: String,
        size_bytes: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        state: State,
    }
    let replies: &[(Body, &str)] = &[
        (Body::Probe(&Probe(nothing::<Look, Vec<Misnamed>>)), "missing field `size`"),
        (Body::Probe(&Probe(nothing::<Look, Vec<Missing>>)), "comes back as"),
        (Body::Probe(&Probe(nothing::<Look, Vec<MissingOption>>)), "comes back as"),
        (Body::Probe(&Probe(nothing::<Look, Vec<Wider>>)), "4294967296"),
        (Body::Probe(&Probe(nothing::<Look, Vec<Float>>)), "comes back as"),
        (Body::Probe(&Probe(nothing::<Look, Vec<NoOption>>)), "invalid type: null"),
        (Body::Probe(&Probe(nothing::<Look, Vec<NotAnEnum>>)), "no-such-case"),
        (Body::Probe(&Probe(nothing::<Look, Vec<Anything>>)), "is accepted"),
        (Body::Probe(&Probe(nothing::<Look, Vec<LeftOut>>)), "comes back as"),
        (Body::Probe(&Probe(nothing::<Look, Item>)), "is refused"),
    ];
    for (index, (body, expected)) in replies.iter().enumerate() {
        let found = difference_of(*body).join("\n");
        assert!(found.contains("reply") && found.contains(expected), "{index}: {expected:?} is not in:\n{found}");
        assert!(!found.contains("arguments"), "{index}: {found}");
    }
    record!(Extra { name: String, depth: u32, more: String });
    record!(Less { name: String });
    record!(Narrower { name: String, depth: u16 });
    let arguments: &[(Body, &str)] = &[
        (Body::Probe(&Probe(nothing::<Extra, Vec<Item>>)), "missing field `more`"),
        (Body::Probe(&Probe(nothing::<Less, Vec<Item>>)), "comes back as"),
        (Body::Probe(&Probe(nothing::<Narrower, Vec<Item>>)), "4294967295"),
        (Body::Probe(&Probe(nothing::<NoArguments, Vec<Item>>)), "comes back as {}"),
    ];
    for (index, (body, expected)) in arguments.iter().enumerate() {
        let found = difference_of(*body).join("\n");
        assert!(found.contains("arguments") && found.contains(expected), "{index}: {expected:?} is not in:\n{found}");
        assert!(!found.contains("reply"), "{index}: {found}");
    }
}

#[test]
fn a_package_that_the_list_does_not_know_is_found() {
    let found = compare::functions(&ansai_host_functions::builtin(), &contract());
    assert_eq!(found, ["ansai:example/example-probe@0.2.0 look: the list has no such function"]);
}

#[test]
fn an_entry_without_wit_is_found() {
    static UNKNOWN: InterfaceDef = entry(
        "ansai:unknown/unknown-probe",
        &[Function { name: "look", checks: &[], body: Body::Probe(&Probe(nothing::<NoArguments, ()>)) }],
    );
    let resolve = compare::contract(PACKAGES.iter().copied());
    let found = compare::functions(&ansai_host_functions::builtin().with(&UNKNOWN), &resolve);
    assert_eq!(found, ["ansai:unknown/unknown-probe@0.2.0 look: wit/ has no such function"]);
    let found = compare::types(&UNKNOWN, &resolve);
    assert_eq!(found, ["ansai:unknown/unknown-probe@0.2.0: wit/ has no such interface"]);
    let renamed = Registry::of(&[&UNKNOWN]);
    assert!(compare::functions(&renamed, &resolve).len() > 10, "all others are missing");
}
