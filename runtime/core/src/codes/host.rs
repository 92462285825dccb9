//! The command line, the state directory, the audit log, recordings and undo.

super::codes! { Host:
OTHER = "other", "an error that has no code of its own",
r"
    Rare failures of the system while a command does its work, and faults of ansai. The message is all that is known;
    what was being done is named in it. Exit code 1.
",
r"
    $ ansai doctor > /dev/full
",
r"
    `-v`, or twice, says more on standard error. If the message does not help, please report it: it should have had a
    code.
";

USAGE = "usage", "arguments that do not go together",
r"
    Most wrong usage is told by the parser of arguments itself, with the flag and a suggestion. This is what remains:
    arguments that are right each by itself.
",
r"
    $ ansai man flying
",
r"
    `ansai help COMMAND` shows what it takes, with examples.
";

UNKNOWN_CODE = "unknown-code", "there is no explanation of this word",
r"
    Codes are the words in brackets after `error`, in `error_kind` and `code` of JSON, and in the audit log. A word that
    this version does not know may belong to a newer one.
",
r"
    $ ansai explain imports-wasl
",
r"
    The hint names the nearest. `ansai explain` lists all.
";

NOT_IN_CONTRACT = "not-in-contract", "the contract has nothing of this name",
r"
    `ansai contract` looks for interfaces, functions, types and packages of the contract that this version offers; `_` is
    read as `-`, as languages write it.
",
r"
    $ ansai contract list-fils
",
r"
    The hint names the nearest. `ansai contract` lists all interfaces and functions.
";

STATE_DIRECTORY = "state-directory", "the directory for state cannot be used",
r"
    Incidents, plans, recordings and the audit log are kept in one directory: `--state-dir`, else `state_dir` of the
    configuration, else /var/lib/ansai as root and ~/.local/state/ansai otherwise. Without a place for the audit log
    nothing runs, because nothing could be proved afterwards.
",
r"
    $ ansai run policies/ --once --state-dir /proc/nowhere
",
r"
    Name a directory that you can write, on a local file system, with `--state-dir`.
";

IN_USE = "in-use", "another ansai uses this state directory",
r"
    The audit log has one writer, and two executors on one state could both act on one finding. The directory is locked
    by the process that uses it, and free again as soon as that one ends, however it ends.
",
r"
    $ ansai run policies/ --config ansai.toml & ansai run policies/ --once --config ansai.toml
",
r"
    Stop the other one, or say `--state-dir` with another directory.
";

ENGINE = "engine", "the WebAssembly engine does not start",
r"
    It reserves address space for guests and needs to make memory executable. Where the system does not allow that, no
    policy can run.
",
r"
    $ ulimit -v 200000; ansai check policies/
",
r"
    Raise the limit of address space, and look at `ansai doctor`. Some hardened kernels and containers need an exception
    for memory that is executable.
";

LOG_FILTER = "log-filter", "the filter for what ansai logs about itself is not valid, or logging does not start",
r"
    `log` of `[daemon]` is a filter such as `info` or `ansai_supervisor=debug,warn`: levels by part of the program. It is
    about ansai's own notes on standard error; the audit log is not filtered by anything.
",
r#"
    # ansai.toml
    [daemon]
    log = "loud=="
"#,
r#"
    Write for example `log = "info"`.
"#;

AUDIT_UNREADABLE = "audit-unreadable", "the audit log cannot be opened or read",
r"
    It belongs to the user who runs ansai and nobody else may read it. Exit code 5: whether the log is whole could not be
    told, which is neither that it is nor that it is not.
",
r"
    $ ansai audit verify --state-dir /var/lib/ansai      # as another user
",
r"
    Run as the user who runs ansai, and check `--state-dir`.
";

AUDIT_TAMPERED = "audit-tampered", "the audit log is not as it was written",
r"
    Each record holds the hash of the one before. Somewhere a record was changed, taken out or put in, or the disk lost
    what was durable. Nothing is written to such a log any more, so that it stays evidence.
",
r"
    $ printf x | dd of=STATE/audit/SEGMENT bs=1 seek=100 conv=notrunc && ansai audit verify
",
r"
    Keep a copy of the directory. `ansai audit verify` says up to which record the log holds; heads kept elsewhere say
    what came after.
";

UNPROVEN_HEAD = "unproven-head", "a head does not prove the log that it was compared with",
r"
    A signed head says: the log had this record at this place. This one is of another log, wrongly signed, or signed by a
    key that was not named. Exit code 6: it says nothing about the log, good or bad.
",
r"
    $ ansai audit verify --head heads-of-another-host.txt --key key.pub
",
r"
    Check that head and key are of this host. `ansai audit key` prints its keys.
";

BAD_HEAD = "bad-head", "a line is no head of an audit log",
r"
    A head is a line `SEQUENCE:HASH`, with a signature where it was exported. What cannot be read as one is told and not
    passed over: a file in which nothing was readable would otherwise seem to prove everything.
",
r"
    $ ansai audit verify --head 17
",
r"
    Give lines that `ansai audit head` printed or `[audit.export]` sent. A last line that was never finished can be taken
    out.
";

HEAD_KEY = "head-key", "the key that signs heads is missing or cannot be used",
r"
    Heads are signed with a key of the state directory. It is made at the first run and never replaced silently: a key
    that cannot be read, or belongs to another log, could be one that somebody put there.
",
r"
    $ ansai audit key --state-dir /tmp/empty
",
r"
    The first `ansai run` makes it. Where it is damaged, keep a copy, and rotate it with `ansai audit key --rotate`.
";

UNKNOWN_RECORDING = "unknown-recording", "there is no such recording",
r"
    Recordings have a bound on disk. All of what was not healthy or proposed something is kept, and a sample of the rest;
    the oldest go first. The audit log still knows the evaluation, but not its calls.
",
r"
    $ ansai recordings show 01ARZ3NDEKTSV4RRFFQ69G5FAV
",
r"
    `ansai recordings list` shows those that are there; check `--state-dir`.
";

DAMAGED_RECORDING = "damaged-recording", "a recording is not as the audit log knows it",
r"
    The audit log holds the digest of every recording. This one has other bytes, or a form that this version does not
    know, so a replay of it would prove nothing.
",
r"
    $ printf x >> STATE/recordings/FILE && ansai replay ID
",
r"
    Keep a copy as evidence. A recording of a newer ansai needs that ansai.
";

UNKNOWN_COMPONENT = "unknown-component", "the component of a recording is not at hand",
r"
    A recording names its component by digest, and only the same bytes give the same answer. None of the components that
    were looked at has it: it was upgraded since, or lies elsewhere.
",
r"
    $ ansai build policies/web && ansai replay ID      # recorded before the build
",
r"
    Say `--policies DIR` where it lies, or `--with FILE` to see what another version makes of the recording.
";

UNKNOWN_PLAN = "unknown-plan", "there is no such plan or step to undo",
r"
    Undo goes by the id of a plan and the numbers of its steps, as the audit log has them. Nothing was ever done under
    this id in this state directory.
",
r"
    $ ansai undo 01ARZ3NDEKTSV4RRFFQ69G5FAV
",
r"
    `ansai audit show` names plans and their steps; check `--state-dir`.
";

NOT_UNDONE = "not-undone", "a plan or step is not undone",
r"
    Undo acts under the same rules as healing: within the grants of now, on what is still as the step left it, once, and
    while what it needs is kept. One of these does not hold, and rather than putting back something else nothing was done.
",
r"
    $ ansai undo PLAN && ansai undo PLAN
",
r"
    The message names the rule. What was quarantined lies there until its time is over and can be looked at by hand.
";
}
