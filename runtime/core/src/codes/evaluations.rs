//! Evaluations that have no answer. Each is a word of [`crate::ErrorKind`].

super::codes! { Evaluations:
FAILURE = "failure", "the policy says itself that it has no answer",
r"
    It looked and could not tell: a probe was refused, a file was not in a form that it knows. That is neither healthy
    nor unhealthy; open incidents stay open, and the run ends with exit code 5. The words are the policy's own.
",
r#"
    // in detect
    return Err(Failure::CouldNotTell("file systems cannot be listed"));
"#,
r"
    Read the reason. A capability may be granted too narrowly (`ansai check`), or this host may not let ansai see
    something (`ansai doctor`). `ansai recordings show ID` shows every call and its answer.
";

FUEL = "fuel", "the policy used up its fuel",
r"
    Fuel counts the instructions of one evaluation, so that a loop without end ends, at the same place every time. The
    evaluation has no answer, and nothing that it proposed is done.
",
r"
    // in detect
    loop {}
",
r"
    Find the loop with `ansai replay ID` or a scenario. Where the work is honest, raise `fuel` below `[limits]`, in the
    manifest or in the configuration.
";

MEMORY = "memory", "the policy wanted more memory than it may have",
r"
    Memories, tables and instances of an evaluation are counted together against one limit, since each of them takes
    memory of the host. The policy was ended when it asked for more.
",
r"
    // in detect
    let everything = vec![0u8; 1 << 30];
",
r"
    ProbeContext probes for less at once (cursors, filters), or raise `memory` below `[limits]`.
";

DEADLINE = "deadline", "the evaluation took too long",
r"
    Time on the wall is bounded too, since calls wait for the host: a disk that hangs, a large directory. Where an
    evaluation is ended by time depends on the host, so this one is not repeatable and replay says so.
",
r#"
    # policy.toml, below the rest
    [limits]
    deadline = "1ms"
"#,
r"
    See in `ansai recordings show ID` which call took the time. Narrow the scope of that call, or raise `deadline` or
    `call_deadline` below `[limits]`.
";

STACK = "stack", "the policy called itself too deeply",
r"
    The stack of a guest is bounded. Recursion over data that comes from the host, such as nested directories, reaches
    the bound when somebody makes that data deep on purpose.
",
r"
    fn down(depth: u64) -> u64 { 1 + down(depth + 1) }
",
r"
    Use a list of what is still to be done in place of recursion, or bound the depth.
";

TRAP = "trap", "the policy crashed",
r"
    WebAssembly ended it: a panic, an access outside of its memory, a division by zero, `unreachable`. Its memory is thrown
    away and the host is not affected. The last lines of its log are in the report.
",
r"
    // in detect, on a host without file systems
    let first = &filesystems[0];
",
r"
    `ansai recordings export ID -o scenarios/crash.toml` makes a test of it. Debug information, where the component has
    any, puts names into the message.
";

ABI = "abi", "the policy handed over what is no value",
r"
    Texts and lists cross as pointers into the policy's memory. A pointer led outside of it, a text was not UTF-8, a
    number was no case of its variant, or a call was made at a moment when none may be. A toolchain's bindings do not do
    that; code that writes memory by hand may.
",
r"
    (i32.store (i32.const 1028) (i32.const -1))    ;; a list beyond the memory
",
r"
    Use the bindings of the SDK. In C, look at who frees what, and when.
";

BUDGET = "budget", "the policy went beyond a limit where nothing could be refused",
r"
    Calls, bytes of arguments and replies, proposals and observations are counted. Where a call can be refused, it is
    answered with `over-budget` and the policy goes on. Where its type has no place for that, the evaluation ends.
",
r#"
    // in detect
    loop { log::write(Level::Info, "still here"); }
"#,
r"
    Call less, and stop at `over-budget`. The limits stand below `[limits]`: `calls`, `argument_bytes`, `reply_bytes`,
    `proposals`, `observations`.
";

CONTRACT = "contract", "the answer of a policy breaks the contract",
r"
    Types are right, but the values cannot be meant: two observations with one key, a plan that refers to a step that was
    never proposed, a share above 1. Such an answer is not taken in part, because the part that is left could be the wrong
    one.
",
r#"
    // in detect
    vec![healthy("/"), healthy("/")]
"#,
r"
    The message names the rule; `wit/deps/policy/policy.wit` documents it beside the type.
";

INCIDENTS = "incidents", "a policy has more incidents open than one policy may have",
r"
    Incidents are remembered until the policy says that their key is healthy. A policy that invents new keys at each
    evaluation would fill the state, so there is a bound; beyond it new findings are not taken and the report says so.
",
r#"
    // in detect: the key changes at each evaluation
    unhealthy(format!("/ at {}", context::now()))
"#,
r"
    Let a key name the thing, not the moment, and answer `healthy` for it when it is well again.
";

ABORTED = "aborted", "what answers the calls of a policy ended the evaluation",
r"
    In a replay, the policy called something else than the recording has at this place, so there is no answer that would
    be true. On a host, ansai was told to stop. The evaluation has no answer and counts for nothing.
",
r"
    $ ansai replay ID --with other-version.wasm
",
r"
    Compare two versions over many recordings with `ansai replay --with FILE --since 7d`, which goes on where it can.
";

HOST = "host", "the host failed, not the policy",
r"
    Something that ansai itself needs failed while it evaluated: memory, a thread, its own store. The policy is not to
    blame, and what it had said by then is not used.
",
r"
    $ ulimit -v 900000; ansai run policies/ --once
",
r"
    The message has the system's words; `ansai doctor` looks at the host, `-v` says more. If it stays, please report it.
";
}
