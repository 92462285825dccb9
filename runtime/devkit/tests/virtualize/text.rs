//! Components written as text, for cases that no toolchain produces.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use crate::place::{Place, answers, subject};

/// A component with this body of `detect`, which reports nothing and imports interfaces of these packages.
pub(crate) fn component(packages: &str, imports: &str, functions: &str, detect: &str) -> Vec<u8> {
    let mut module = wat::parse_str(format!(
        r#"(module {functions}
        (func (export "detect") (result i32) {detect} i32.const 1024)
        (func (export "plan") (param i32) (result i32) i32.const 1024)
        (memory (export "memory") 2)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536))"#
    ))
    .unwrap();
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/policy")).unwrap();
    let world =
        format!("package test:guest;\nworld guest {{\ninclude ansai:policy/policy@0.2.0;\n{imports}\n}}\n{packages}\n");
    let package = resolve.push_str("world.wit", &world).unwrap_or_else(|error| panic!("{error:#}"));
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A component that requests random numbers from this version of WASI.
pub(crate) fn random(version: &str) -> Vec<u8> {
    component(
        &format!("package wasi:random@{version} {{ interface random {{ get-random-u64: func() -> u64; }} }}"),
        &format!("import wasi:random/random@{version};"),
        &format!("(import \"wasi:random/random@{version}\" \"get-random-u64\" (func $random (result i64)))"),
        "(drop (call $random))",
    )
}

const EMPTY: &str = "[expect]\nobservations = []\n";

#[test]
fn every_version_of_wasi_0_2_is_replaced() {
    for version in ["0.2.0", "0.2.12", "0.2.0-rc-2023-11-10"] {
        let made = Place::with_manifest(&random(version), "random").virtualize();
        assert_eq!(made.stand_ins[0].interface, format!("wasi:random/random@{version}"));
        assert_eq!(made.stand_ins[0].answers, "the same numbers in every evaluation");
    }
}

#[test]
fn tail_calls_are_replaced() {
    let component = component(
        "package wasi:random@0.2.0 { interface random { get-random-u64: func() -> u64; } }",
        "import wasi:random/random@0.2.0;",
        "(import \"wasi:random/random@0.2.0\" \"get-random-u64\" (func $random (result i64)))
         (func $tail (result i64) (return_call $random))",
        "(drop (call $tail))",
    );
    let place = Place::with_manifest(&component, "tail");
    let made = place.virtualize();
    assert!(made.without_tail_calls);
    answers(&subject(&made), EMPTY);
}

#[test]
fn what_the_guest_imports_of_ansai_is_imported_once() {
    let component = component(
        "package wasi:random@0.2.0 { interface random { get-random-u64: func() -> u64; } }",
        "import wasi:random/random@0.2.0;",
        "(import \"wasi:random/random@0.2.0\" \"get-random-u64\" (func $random (result i64)))
         (import \"ansai:policy/context@0.2.0\" \"now\" (func $now (result i64)))
         (import \"ansai:policy/context@0.2.0\" \"stage\" (func $stage (param i32)))
         (import \"ansai:policy/store@0.2.0\" \"remove\" (func $remove (param i32 i32 i32)))
         (import \"ansai:policy/log@0.2.0\" \"write\" (func $log (param i32 i32 i32)))
         (data (i32.const 8) \"by itself\")",
        "(drop (call $random)) (drop (call $now)) (call $stage (i32.const 64)) (call $log (i32.const 1) (i32.const 8) (i32.const 9))",
    );
    let place = Place::with_manifest(&component, "once");
    let made = place.virtualize();
    let expected = ["context", "log", "store"].map(|name| format!("ansai:policy/{name}@0.2.0"));
    assert_eq!(made.imports, expected);
    assert_eq!(answers(&subject(&made), EMPTY).log, ["info: by itself"]);
}

#[test]
fn functions_without_an_answer_are_logged_and_end_the_evaluation() {
    let component = component(
        "package wasi:sockets@0.2.0 { interface tcp { resource tcp-socket { constructor(); hop-limit: func() -> u8; } } }",
        "import wasi:sockets/tcp@0.2.0;",
        "(import \"wasi:sockets/tcp@0.2.0\" \"[constructor]tcp-socket\" (func $new (result i32)))
         (import \"wasi:sockets/tcp@0.2.0\" \"[method]tcp-socket.hop-limit\" (func $hops (param i32) (result i32)))",
        "(drop (call $hops (call $new)))",
    );
    let place = Place::with_manifest(&component, "hops");
    let ran = answers(&subject(&place.virtualize()), "[expect]\nfailure = \"trapped\"\n");
    let said = "error: wasi:sockets/tcp@0.2.0 has no [method]tcp-socket.hop-limit where policies run";
    assert_eq!(ran.log, [said]);
}

#[test]
fn sockets_are_refused() {
    let component = component(
        "package wasi:sockets@0.2.0 {
           interface network { enum error-code { unknown, access-denied, not-supported } }
           interface tcp-create-socket { use network.{error-code}; create-tcp-socket: func(ipv6: bool) -> result<u64, error-code>; }
         }",
        "import wasi:sockets/tcp-create-socket@0.2.0;",
        "(import \"wasi:sockets/tcp-create-socket@0.2.0\" \"create-tcp-socket\" (func $create (param i32 i32)))",
        // An error; the byte at offset 8 is `access-denied`.
        "(call $create (i32.const 0) (i32.const 64))
         (if (i32.ne (i32.load8_u (i32.const 64)) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const 72)) (i32.const 1)) (then unreachable))",
    );
    answers(&subject(&Place::with_manifest(&component, "socket").virtualize()), EMPTY);
}

#[test]
fn a_function_of_another_shape_is_refused_and_not_guessed() {
    let component = component(
        "package wasi:random@0.2.0 { interface random { get-random-u64: func() -> u32; } }",
        "import wasi:random/random@0.2.0;",
        "(import \"wasi:random/random@0.2.0\" \"get-random-u64\" (func $random (result i32)))",
        "(drop (call $random))",
    );
    let error = Place::with_manifest(&component, "other").try_virtualize(None, None).unwrap_err();
    assert_eq!(error.code().word(), "not-composed", "{error}");
}

/// A component that writes to standard output: `$once` writes bytes from memory through a new handle.
fn prints(data: &str, detect: &str) -> Vec<u8> {
    component(
        "package wasi:io@0.2.0 {
           interface error { resource error; }
           interface streams { use error.{error}; variant stream-error { last-operation-failed(error), closed }
             resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; } }
         }
         package wasi:cli@0.2.0 { interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; } }",
        "import wasi:io/error@0.2.0; import wasi:io/streams@0.2.0; import wasi:cli/stdout@0.2.0;",
        &format!(
            "(import \"wasi:cli/stdout@0.2.0\" \"get-stdout\" (func $stdout (result i32)))
             (import \"wasi:io/streams@0.2.0\" \"[resource-drop]output-stream\" (func $drop (param i32)))
             (import \"wasi:io/streams@0.2.0\" \"[method]output-stream.blocking-write-and-flush\"
               (func $write (param i32 i32 i32 i32)))
             (data (i32.const 70000) \"{data}\")
             (func $once (param $at i32) (param $bytes i32)
               (local $stream i32)
               (local.set $stream (call $stdout))
               (call $write (local.get $stream) (local.get $at) (local.get $bytes) (i32.const 64))
               (if (i32.load8_u (i32.const 64)) (then unreachable))
               (call $drop (local.get $stream)))"
        ),
        detect,
    )
}

/// Makes many calls with as many handles, and lists of every length: memory is reused.
#[test]
fn long_evaluations_do_not_fill_the_stand_in() {
    // Zeros without a line end, enough for a hundred log lines of 1 KiB, a few at a time.
    let component = prints(
        "",
        "(local $left i32)
         (local.set $left (i32.const 2000))
         (loop $next
           (call $once (i32.const 2048) (i32.const 51))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $next (local.get $left)))
         (call $once (i32.const 2048) (i32.const 400))",
    );
    let place = Place::with_manifest(&component, "long");
    let ran = answers(&subject(&place.virtualize()), EMPTY);
    assert_eq!(ran.log.len(), 100);
    assert!(ran.log.iter().all(|line| line.len() >= 1024));
}

/// Text as in the log: each byte that is not valid UTF-8 becomes `?`.
fn readable(mut bytes: &[u8]) -> String {
    let mut text = String::new();
    while let Err(error) = std::str::from_utf8(bytes) {
        text += std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap();
        text.push('?');
        bytes = &bytes[error.valid_up_to() + 1..];
    }
    text + std::str::from_utf8(bytes).unwrap()
}

#[test]
fn any_printed_bytes_are_logged_as_text() {
    let mut lines: Vec<Vec<u8>> = [
        &b"\xc0\x80 \xc1\xbf"[..],
        b"\xe0\x80\x80 \xe0\x9f\xbf \xe0\xa0\x80 \xed\x9f\xbf \xed\xa0\x80 \xee\x80\x80",
        b"\xf0\x80\x80\x80 \xf0\x8f\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf \xf4\x90\x80\x80 \xf5\x80\x80\x80 \xff",
        b"\x80 \xbf cut \xe2\x82",
        b"\xf0\x9f\x98\x80 cut \xf0\x9f\x98",
    ]
    .map(<[u8]>::to_vec)
    .into();
    // Mostly bytes that occur in multi-byte characters.
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let byte = (state >> 56) as u8;
        if state >> 40 & 3 == 0 { byte.max(11) } else { byte | 0x80 }
    };
    lines.extend((0..150).map(|_| (0..40).map(|_| next()).collect::<Vec<u8>>()));
    // With one byte before them, a two-byte character crosses the border of 1 KiB.
    lines.push(format!("x{}", "ä".repeat(600)).into_bytes());
    let printed = lines.join(&b'\n');
    let data: String = printed.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let detect = format!(
        "(call $once (i32.const 70000) (i32.const {})) (call $once (i32.const 70000) (i32.const 0))",
        printed.len()
    );
    let end = format!("(call $once (i32.const {}) (i32.const 1))", 70_000 + lines[0].len());
    let place = Place::with_manifest(&prints(&data, &(detect + &end)), "bytes");
    let ran = answers(&subject(&place.virtualize()), EMPTY);
    let long = lines.pop().unwrap();
    let mut expected: Vec<String> = lines.iter().map(|line| format!("info: {}", readable(line))).collect();
    expected.extend([&long[..1023], &long[1023..]].map(|part| format!("info: {}", readable(part))));
    assert_eq!(ran.log, expected);
}
