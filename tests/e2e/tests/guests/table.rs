//! The expected result of each guest: its file in `tests/guests`, the result, and the exit code of its run.
//!
//! A run with a policy that is not loaded ends with 2 (or 4 if a grant is missing); with a policy that failed or was
//! refused, with 5; with a finding, with 3.

use ansai_harness::guest;

/// The result of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Refused before its code runs; with the kind in the report and in the audit log.
    NotLoaded(&'static str),
    /// Stopped in `detect`.
    Stopped(&'static str),
    /// Stopped in `plan`.
    PlanStopped(&'static str),
    /// A call was refused, and the guest reports the case of `refusal`.
    Told(&'static str),
    /// A proposal was refused, and the guest gives up with the case of `refusal`.
    GaveUp(&'static str),
    /// Unusual, but allowed.
    Answered,
}

use Expected::{Answered, GaveUp, NotLoaded, PlanStopped, Stopped, Told};

/// One guest.
pub(super) struct Row {
    pub(super) guest: &'static str,
    pub(super) expected: Expected,
    pub(super) code: u8,
    /// Limits set by the operator, if not the defaults.
    pub(super) limits: &'static str,
}

const fn row(guest: &'static str, expected: Expected, code: u8) -> Row {
    Row { guest, expected, code, limits: "" }
}

const fn limited(guest: &'static str, expected: Expected, code: u8, limits: &'static str) -> Row {
    Row { guest, expected, code, limits }
}

/// One row for each file in `tests/guests`; three more files have separate tests.
pub(super) const GUESTS: &[Row] = &[
    // Time.
    row("endless-loop", Stopped("fuel"), 5),
    row("endless-start", Stopped("fuel"), 5),
    row("endless-plan", PlanStopped("fuel"), 3),
    row("realloc-loops", Stopped("fuel"), 5),
    row("post-return-loops", Stopped("fuel"), 5),
    limited("bulk-copies", Stopped("deadline"), 5, "fuel = 10_000_000_000_000\ndeadline = \"1s\""),
    // Memory.
    row("memory-growth", Stopped("memory"), 5),
    row("memory-initial", Stopped("memory"), 5),
    row("memory-written", Answered, 0),
    row("many-memories", Stopped("memory"), 5),
    row("many-tables", Stopped("memory"), 5),
    row("many-instances", Stopped("memory"), 5),
    row("memory-in-parts", Stopped("memory"), 5),
    row("table-growth", Stopped("memory"), 5),
    row("table-growth-at-once", Stopped("fuel"), 5),
    row("table-initial", NotLoaded("compile"), 2),
    row("two-tables", Answered, 0),
    row("recursion", Stopped("stack"), 5),
    row("handle-flood", Stopped("budget"), 5),
    // Values.
    row("gigabyte-argument", Stopped("abi"), 5),
    row("huge-argument", Stopped("budget"), 5),
    row("huge-list-argument", Stopped("budget"), 5),
    row("long-argument", Told("over-budget"), 5),
    row("gigabyte-answer", Stopped("abi"), 5),
    row("gigabyte-list-answer", Stopped("abi"), 5),
    row("huge-answer", Stopped("budget"), 5),
    row("lists-of-lists", Stopped("budget"), 5),
    row("invalid-utf8", Stopped("abi"), 5),
    row("invalid-utf16", Stopped("abi"), 5),
    row("invalid-compact-utf16", Stopped("abi"), 5),
    row("valid-utf16", Answered, 0),
    row("misaligned-answer", Stopped("abi"), 5),
    row("misaligned-list", Stopped("abi"), 5),
    row("misaligned-text", Stopped("abi"), 5),
    row("answer-outside", Stopped("abi"), 5),
    row("list-outside", Stopped("abi"), 5),
    row("text-outside", Stopped("abi"), 5),
    row("reply-outside", Stopped("abi"), 5),
    row("bad-case", Stopped("abi"), 5),
    row("realloc-calls-host", Stopped("abi"), 5),
    row("realloc-garbage", Stopped("abi"), 5),
    row("realloc-misaligned", Stopped("abi"), 5),
    row("realloc-null", Answered, 0),
    row("realloc-traps", Stopped("trap"), 5),
    row("post-return-traps", Stopped("trap"), 5),
    row("post-return-calls-host", Stopped("abi"), 5),
    // Calls.
    row("million-calls", Stopped("budget"), 5),
    row("million-probes", Stopped("fuel"), 5),
    row("refused-for-ever", Stopped("fuel"), 5),
    limited("cheap-calls", Stopped("fuel"), 5, "fuel = 500_000"),
    row("log-for-ever", Stopped("budget"), 5),
    row("outside-grant", Told("denied"), 5),
    row("dot-dot", Told("invalid"), 5),
    row("prefix-root", Told("denied"), 5),
    row("relative-path", Told("invalid"), 5),
    row("slash-root", Told("denied"), 5),
    row("path-with-nul", Told("invalid"), 5),
    row("absolute-pattern", Told("invalid"), 5),
    row("not-granted", Told("denied"), 5),
    row("action-in-detect", Told("denied"), 5),
    row("ten-thousand-proposals", GaveUp("over-budget"), 3),
    row("plan-panics", PlanStopped("trap"), 3),
    // Answers.
    row("megabyte-key", Stopped("contract"), 5),
    row("megabyte-summary", Stopped("contract"), 5),
    row("empty-key", Stopped("contract"), 5),
    row("key-with-escapes", Answered, 3),
    row("key-twice", Stopped("contract"), 5),
    row("many-observations", Stopped("contract"), 5),
    row("nan-argument", Told("invalid"), 5),
    row("nan-answer", Stopped("contract"), 5),
    row("negative-distance", Stopped("contract"), 5),
    row("panic", Stopped("trap"), 5),
    row("says-it-failed", Stopped("failure"), 5),
    // Refused before any guest code runs.
    row("not-asked", NotLoaded("not-asked"), 2),
    row("wasi", NotLoaded("imports-wasi"), 2),
    row("foreign-import", NotLoaded("foreign-import"), 2),
    row("bare-import", NotLoaded("unknown-interface"), 2),
    row("unknown-import", NotLoaded("unknown-interface"), 2),
    row("missing-export", NotLoaded("missing-export"), 2),
    row("another-shape", NotLoaded("shape"), 2),
    row("core-module", NotLoaded("core-module"), 2),
    row("needs-shared-memory", NotLoaded("proposal"), 2),
    row("needs-threads", NotLoaded("proposal"), 2),
    row("needs-memory64", NotLoaded("proposal"), 2),
    row("needs-table64", NotLoaded("proposal"), 2),
    row("needs-multi-memory", NotLoaded("proposal"), 2),
    row("needs-exceptions", NotLoaded("proposal"), 2),
    row("needs-gc", NotLoaded("proposal"), 2),
    row("needs-externref", NotLoaded("proposal"), 2),
    row("needs-tail-call", NotLoaded("proposal"), 2),
    row("needs-relaxed-simd", NotLoaded("proposal"), 2),
    row("needs-wide-arithmetic", NotLoaded("proposal"), 2),
    row("needs-custom-page-sizes", NotLoaded("proposal"), 2),
    row("needs-stack-switching", NotLoaded("proposal"), 2),
];

/// A row whose file cannot be written as text.
type Bytes = (Row, fn() -> Vec<u8>);

/// Guests without a text file.
pub(super) const BYTES: &[Bytes] = &[
    (row("(empty)", NotLoaded("not-wasm"), 2), Vec::new),
    (row("(garbage)", NotLoaded("not-wasm"), 2), || b"#!/bin/sh\nexit 0\n".to_vec()),
    (row("(garbage after the magic number)", NotLoaded("damaged"), 2), || {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend([0xff; 4096]);
        bytes
    }),
    (row("(cut short)", NotLoaded("damaged"), 2), || {
        let mut bytes = guest::of_file("healthy");
        bytes.truncate(bytes.len() / 2);
        bytes
    }),
    (row("(instances with many functions)", NotLoaded("compile"), 2), many_functions),
    (row("(instances with very many segments of data)", NotLoaded("compile"), 2), || {
        let instances = format!(";; beside: 55 (module {})", "(data \"\")".repeat(20_001));
        guest::with_data(beside(&instances), 1 << 20)
    }),
    (row("(passive elements)", NotLoaded("too-many"), 2), || {
        beside(&format!(";; beside: 1 (module (func $f) (elem func {}))", "$f ".repeat(10_001)))
    }),
    (row("(passive segments)", NotLoaded("too-many"), 2), || {
        beside(&format!(";; beside: 1 (module {})", "(elem func)".repeat(5_001)))
    }),
    (row("(no more passive elements than that)", Answered, 0), || {
        beside(&format!(";; beside: 55 (module (func $f) (elem func {}))", "$f ".repeat(9_998)))
    }),
    (row("(without a manifest)", NotLoaded("missing-section"), 2), || guest::of_text("")),
    (row("(manifest twice)", NotLoaded("bad-section"), 2), || {
        guest::with_manifest(guest::of_file("healthy"), "healthy")
    }),
    (row("(manifest that is none)", NotLoaded("invalid"), 2), || {
        guest::with_manifest(guest::of_text(""), "no name at all")
    }),
];

/// The pool refuses to load these; newly mapped memory accepts them.
pub(super) const MAPPED: &[Bytes] = &[
    (row("table-initial", Stopped("memory"), 5), || guest::of_file("table-initial")),
    (row("(instances with many functions)", Answered, 0), many_functions),
];

fn many_functions() -> Vec<u8> {
    let functions: String = (0..3_000).map(|index| format!("(func (export \"f{index}\"))")).collect();
    beside(&format!(";; beside: 55 (module {functions})"))
}

fn beside(text: &str) -> Vec<u8> {
    guest::with_manifest(guest::of_text(text), "beside")
}
