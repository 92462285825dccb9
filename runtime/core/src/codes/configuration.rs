//! Manifest, configuration, and what they grant.

super::codes! { Configuration:
INVALID = "invalid", "a file that people write does not pass; each problem in it has a code of its own",
r"
    The manifest of a policy, the configuration of a host, a schema, settings or a scenario cannot be used. All problems
    that were found are listed with file, line and caret, each under its own code: look that one up.

    A file with a mistake is never used in part. A daemon that was running keeps the configuration it had.
",
r#"
    # ansai.toml
    [policy.web]
    mod = "observe"
"#,
r"
    Mend what is listed and run `ansai check` again: it looks at everything that can be known without running.
";

UNKNOWN_KEY = "unknown-key", "a table holds a key that nobody reads",
r"
    Keys that are not known are refused, not passed over: a misspelt `min_age_hours` that was silently ignored would
    leave files unprotected that its author believed protected.
",
r#"
    # ansai.toml
    [policy.web]
    mod = "observe"
"#,
r"
    The hint names the nearest key, or all that the table knows. Settings of a policy stand below
    `[policy.NAME.settings]`, what it may do below `[policy.NAME.grant]`.
";

MISSING_KEY = "missing-key", "a table lacks what it cannot do without",
r"
    There is no default that would be right for everybody: a policy needs a name, a schedule, and a reason for each
    capability that it asks for, because an operator reads that reason before granting.
",
r#"
    # policy.toml
    name = "web"
    version = "0.1.0"
"#,
r"
    Add the lines of the hint and change their values.
";

WRONG_TYPE = "wrong-type", "a value is of another type than its key takes",
r#"
    The value is a text where a number is read, a single text where a list is, or the like. Nothing is converted: in
    `max_files = "10"` it could as well be the key that is wrong.
"#,
r#"
    # ansai.toml
    [policy.web]
    every = 60
"#,
r#"
    Durations are texts with a unit (`"60s"`), sizes texts with a unit or whole numbers of bytes (`"20GiB"`), sets are
    lists (`["/var/log"]`), a capability is a table (`{}` at least).
"#;

TEXT_LENGTH = "text-length", "a text is empty, or longer than it may be",
r"
    Each text has a bound, since it is shown to people and kept in the audit log; an empty one says nothing where
    something has to be said. The bound counts bytes, so letters beyond ASCII count more than once.
",
r#"
    # policy.toml
    name = "web"
    version = "0.1.0"
    description = ""
"#,
r"
    Write one line that says what is meant. What needs more room stands in the policy's README.md, which is embedded in
    the component.
";

OUT_OF_RANGE = "out-of-range", "a number, size or duration is outside the bounds of its key",
r"
    Bounds are where a value stops doing what it is for: a limit of memory beyond 4 GiB protects no host, a schedule of a
    year looks after nothing, and infinity cannot be handed to a policy.
",
r#"
    # ansai.toml
    [policy.web.limits]
    memory = "100GiB"
"#,
r"
    The message names both bounds, which are included.
";

BAD_QUANTITY = "bad-quantity", "a text is no size or no duration",
r"
    Sizes and durations are a number and a unit. A bare number is no duration, since seconds and milliseconds are too
    easily confused. `M` is a million bytes, `MiB` is 1,048,576.
",
r#"
    # ansai.toml
    [policy.web]
    every = "sixty seconds"
"#,
r#"
    Write for example `"90s"`, `"12h"` or `"30 days"`, `"64MiB"` or `"20G"`. The hint lists every unit.
"#;

UNKNOWN_WORD = "unknown-word", "a word is not one of the few that may stand here",
r"
    Some keys choose among words, such as `mode` between `observe` and `enforce`. Another word is refused; no word is
    taken for the nearest one, however near it is, since the choice may decide what is done to a host.
",
r#"
    # ansai.toml
    [policy.web]
    mode = "enforced"
"#,
r"
    Take one of the words that the message or the hint names.
";

BAD_NAME = "bad-name", "a name has characters that names of policies and instances do not have",
r"
    Names become file names, keys of configuration, labels of metrics and parts of records in the audit log. So they are
    small letters, digits and hyphens, begin with a letter and have at most 63 characters. `ansai new` is stricter by
    what registries refuse: two hyphens in a row, or one at the end.
",
r#"
    # ansai.toml
    [policy."Web Server"]
    mode = "observe"
"#,
r"
    The hint names the nearest name that is valid.
";

BAD_VERSION = "bad-version", "a version is not a semantic version",
r"
    Versions of policies are compared when one is replaced by another, which takes the form of semver.org: three numbers
    with dots, then, if wanted, `-` with a pre-release and `+` with a build.
",
r#"
    # policy.toml
    name = "web"
    version = "1"
"#,
r#"
    Write three numbers, such as `"0.1.0"`, and no `v` before them.
"#;

BAD_PATH = "bad-path", "a path is not of the kind that is taken here",
r"
    Paths that decide where ansai writes are absolute and have no `.` or `..`, so that they mean the same whoever starts
    it where. The schema of a manifest is the opposite: a relative path beside the manifest, since the two travel together.
",
r#"
    # ansai.toml
    [daemon]
    state_dir = "../state"
"#,
r#"
    Write `"/var/lib/ansai"` for a directory of the host, `"settings.schema.json"` for a schema, and no slash at the end.
"#;

UNKNOWN_CAPABILITY = "unknown-capability", "a manifest or grant names an interface that this ansai does not have",
r"
    A capability is an interface of the contract, named as package and interface without a version:
    `ansai:disk/disk-probe`. A request for one that does not exist could never be granted, and a grant of one protects
    nothing.
",
r#"
    # ansai.toml
    [policy.web.grant]
    "ansai:disk/disk-prob" = {}
"#,
r"
    The hint names the nearest, or says to leave out the version. A policy for a newer ansai needs that ansai.
";

UNKNOWN_SCOPE = "unknown-scope", "a grant narrows something that the interface does not know",
r"
    Each interface says what a grant of it can narrow: directories, names, ages, amounts. A field that it does not know
    would narrow nothing, while whoever wrote it believes that it does.
",
r#"
    # ansai.toml
    [policy.web.grant]
    "ansai:files/files-probe" = { rots = ["/var/log"] }
"#,
r"
    The hint names the nearest field. `ansai check --suggest-grants DIR` prints a stanza with all that a policy asks for.
";

BAD_SCOPE = "bad-scope", "the value of a scope is not of the form that its field takes",
r"
    Directories are absolute and without `.` or `..`, patterns of names must be valid, bounds are whole numbers or sizes.
    A scope is asked at every call, again just before acting, and must mean one thing only.
",
r#"
    # ansai.toml
    [policy.web.grant]
    "ansai:files/files-probe" = { roots = ["var/log"] }
"#,
r"
    The hint shows the field with a value of its form and says what it is for.
";

OPERATOR_IN_GRANT = "operator-in-grant", "a grant leaves a value to the operator, who is the one who writes it",
r#"
    In a manifest the text `"operator"` says that only who runs the host can know a value. In a grant there is nobody
    left to ask: the grant is the answer. It usually comes from copying a request into the configuration.
"#,
r#"
    # ansai.toml
    [policy.web.grant]
    "ansai:files/files-probe" = { roots = "operator" }
"#,
r#"
    Write the value, such as `roots = ["/var/log"]`.
"#;

ALWAYS_THERE = "always-there", "an interface is asked for or granted that every policy has anyhow",
r"
    Log, context, store and the like see nothing of the host and are there for every policy. A request or a grant of them
    changes nothing, so this is a warning.
",
r#"
    # ansai.toml
    [policy.web.grant]
    "ansai:policy/log" = {}
"#,
r"
    Take the line out.
";

UNASKED_GRANT = "unasked-grant", "a policy is granted what it does not ask for",
r"
    What is in force is what is both asked for and granted, so today the grant does nothing. It is a warning because a
    later version of the policy could begin to ask for it, and would have it at once, without anybody looking.
",
r#"
    # ansai.toml, where the policy asks for ansai:disk/disk-probe alone
    [policy.web.grant]
    "ansai:disk/disk-probe" = {}
    "ansai:packages/packages-actions" = {}
"#,
r"
    Take the line out. `ansai inspect` shows what a policy asks for.
";

NOT_GRANTED = "not-granted", "a policy requires a capability that its instance is not granted",
r"
    The author marked it as required: without it the policy could tell nothing. So the instance does not run, rather than
    run and be always wrong. What is only optional is answered with `denied` when it is missing.
",
r#"
    # ansai.toml, where the policy requires ansai:disk/disk-probe
    [policy.web]
    mode = "observe"
"#,
r"
    Read the reason in the message. To allow it, add the stanza of the hint below `[policy.NAME.grant]` and narrow it as
    far as you can.
";

EXPORT_TARGET = "export-target", "[audit.export] names no place to which heads are sent, or keys of one that is missing",
r"
    Signed heads of the audit log prove it only where they are kept elsewhere: in a file on another machine's disk, by a
    command, or at a URL. A section without any of the three would look like protection and be none; `token_file`,
    `ca_file` and `allow_plain_http` belong to `url`.
",
r#"
    # ansai.toml
    [audit.export]
    every = "1h"
"#,
r#"
    Add `file = "…"`, `command = ["…"]` or `url = "https://…"`, or take the section out.
"#;

BAD_URL = "bad-url", "an address is none, or holds what must not stand in it",
r"
    An address is `https://`, a host and a path, in ASCII and without blanks. A user, a password or a fragment is refused:
    the configuration is read by more people than the secret is for, and a server never sees what follows `#`.
",
r#"
    # ansai.toml
    [audit.export]
    url = "https://user:password@heads.example.org/"
"#,
r"
    Put a token into a file of its own, readable by the user who runs ansai alone, and name it as `token_file`.
";

PLAIN_HTTP = "plain-http", "an address is not encrypted",
r"
    On plain HTTP anybody on the way can hold back heads or answer in the server's place. They cannot forge heads, which
    are signed, but whoever holds them back hides that the log was cut. Addresses of this host itself are allowed.
",
r#"
    # ansai.toml
    [audit.export]
    url = "http://heads.example.org/"
"#,
r"
    Write `https://`. Where that is impossible, `allow_plain_http = true` says that you know.
";

BAD_COMMAND = "bad-command", "a command is not an absolute path with a bounded number of arguments",
r"
    Commands are started without a shell and without a search path: what runs is exactly what is written. The first text
    is the program's absolute path, the others its arguments; none of them may hold a zero byte.
",
r#"
    # ansai.toml
    [audit.export]
    command = ["logger", "-t", "ansai-head"]
"#,
r#"
    Write for example `["/usr/bin/logger", "-t", "ansai-head"]`. For pipes and variables, write a script and name it.
"#;

UNTRUSTED_CONFIGURATION = "untrusted-configuration", "somebody else could have written the configuration",
r"
    The configuration decides what is done to this host, as the user who runs ansai. If it, or the directory that holds
    it, belongs to somebody else or can be written by others, that decision is theirs. Observing goes on with a warning;
    enforcing and `[audit.export]` are refused.
",
r"
    $ chmod o+w ansai.toml && ansai run policies/ --once --config ansai.toml
",
r"
    Run the command of the hint (`chown` or `chmod go-w`), or look only: `--mode observe`.
";

UNTRUSTED_POLICY = "untrusted-policy", "somebody else could have written a component that would run ungranted",
r"
    Without a configuration a policy gets what its author suggests, which is fine for one's own. A component that others
    can write suggests what they like. With a configuration the grants bound it, and it runs with a warning.
",
r"
    $ chmod o+w policies/web && ansai run policies/ --once
",
r"
    Run the command of the hint, or write a configuration that grants what it may do (`--config FILE`).
";

UNKNOWN_POLICY = "unknown-policy", "no policy of this name is among the given ones",
r"
    An instance without `source` is taken from the paths on the command line, by its name. None of the components there
    calls itself so; the message lists those that are there.
",
r#"
    # ansai.toml, with a policy called disk-space
    [policy.disc-space]
    mode = "observe"
"#,
r#"
    Correct the name; or keep a name of your own and write `source = "PATH"` below it.
"#;

UNKNOWN_BUILTIN = "unknown-builtin", "no built-in policy has this name",
r"
    `builtin:NAME` means the component `policies/NAME/NAME.wasm` in the share directory of this installation. That file
    does not exist. Another version of ansai may have other built-in policies.
",
r#"
    # ansai.toml
    [policy.disk-space]
    source = "builtin:disc-space"
"#,
r"
    The hint names the nearest built-in policy, or all of them. To run a policy of your own, write its path.
";

NO_SHARE_DIRECTORY = "no-share-directory", "the directory with the built-in policies is missing or empty",
r"
    Built-in policies are read from the share directory: `../share/ansai`, seen from the directory of the program, where
    `make install` and the Debian package put them. A program that is run from its build directory has none.
",
r"
    $ ansai run --once --share-dir /nonexistent
",
r"
    Name the directory with `--share-dir DIR` (in a checkout, its root directory after `make policies`), or give the
    policies themselves: `ansai run policies/`.
";

UNTRUSTED_SHARE_DIRECTORY = "untrusted-share-directory", "another user can change the built-in policies",
r"
    A built-in policy runs without a question about where it comes from. So its component, the directories of the share
    directory and all directories above them must belong to root or to the user who runs ansai, and nobody else may write
    them. A directory with a sticky bit, such as `/tmp`, may be above them.
",
r"
    $ chmod o+w /usr/local/share/ansai && ansai run --once
",
r"
    Run the command of the hint (`chmod go-w`), after a look at what others may have changed.
";

SEVERAL_POLICIES = "several-policies", "a name or a source leads to more than one component",
r"
    Which of them is meant decides what runs, so none is chosen: not the first, and not the newest. State, history and
    audit go by the instance's name and would mix what two policies did.
",
r"
    $ cp -r policies/web policies/web-old && ansai run policies/ --once
",
r#"
    Give one of them, or name each in a configuration: `[policy.web]` and `[policy.web-old]` with a `source` each.
"#;

NOT_CONFIGURED = "not-configured", "the configuration does not name a policy, or no policy at all",
r"
    With a configuration only what it names is run. A policy that lies among the paths and is not named is passed over and
    told; that is how a policy is taken out of service. A configuration that names none has nothing to run.
",
r#"
    # ansai.toml
    [daemon]
    mode = "observe"
"#,
r#"
    Add `[policy.NAME]`. `ansai check --suggest-grants DIR` prints a stanza to begin with.
"#;

NEEDS_CONFIGURATION = "needs-configuration", "changing a host needs a configuration",
r"
    `--mode enforce` alone does not say what may be changed. Only grants do, and grants stand in a configuration that the
    operator wrote. Without one, ansai looks and plans.
",
r"
    $ ansai run policies/ --once --mode enforce
",
r"
    Say `--config FILE`. `ansai check --suggest-grants DIR` prints what the policies ask for, to be read and narrowed.
";
}
