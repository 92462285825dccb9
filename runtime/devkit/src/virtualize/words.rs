//! Descriptions of a stand-in's answers, for people.

use ansai_core::InterfaceName;

/// Prefix of an interface's name, and what its functions answer. The first match wins.
const WORDS: [(&str, &str); 19] = [
    ("wasi:cli/environment", "no variables, no arguments, no directory"),
    ("wasi:cli/exit", "ends the evaluation"),
    ("wasi:cli/stdin", "closed"),
    ("wasi:cli/stdout", "lines of the log, as information"),
    ("wasi:cli/stderr", "lines of the log, as errors"),
    ("wasi:cli/terminal-", "no terminal"),
    ("wasi:clocks/wall-clock", "when the evaluation began, throughout"),
    ("wasi:clocks/monotonic-clock", "moves when it is read or waited for; waiting takes no time"),
    ("wasi:clocks/", "nothing that a policy could use"),
    ("wasi:random/", "the same numbers in every evaluation"),
    ("wasi:filesystem/preopens", "no directories"),
    ("wasi:filesystem/", "errors: there are no files"),
    ("wasi:io/error", "no words"),
    ("wasi:io/poll", "always ready, never waits"),
    ("wasi:io/streams", "standard output and standard error; all others are closed"),
    ("wasi:io/", "nothing that a policy could use"),
    ("wasi:sockets/", "errors: there is no network"),
    ("wasi:http/", "errors: there is no network"),
    ("wasi:", "errors; where there is none to answer, the evaluation ends and the log says why"),
];

/// What the functions of an interface answer.
pub(super) fn of(interface: &InterfaceName) -> &'static str {
    WORDS.iter().find(|(start, _)| interface.as_str().starts_with(start)).map_or("", |(_, words)| words)
}
