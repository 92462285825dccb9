//! Scenarios: mistakes in them, and what is not as they expect.

super::codes! { Scenarios:
UNKNOWN_CALL = "unknown-call", "a scenario names a call that does not exist",
r"
    Replies, faults and steps name calls as `package/interface.function`, such as
    `ansai:disk/disk-probe.list-filesystems`. A reply to a call that does not exist would never be asked for, and the
    test would pass without testing what it says.
",
r#"
    # scenarios/full.toml
    [[reply]]
    call = "ansai:disk/disk-probe.list-filesystem"
    ok = { entries = [], skipped = 0 }
"#,
r"
    The hint names the nearest call. `wit/deps` in the policy's directory documents each.
";

CONTRACT_TYPE = "contract-type", "a value of a scenario is not of the type that the contract gives it",
r"
    Replies, arguments, observations, decisions and steps are compared with the types of the contract before anything
    runs: a reply that no host can give proves nothing about a policy. The message names the field by its path; a reply
    must be whole, what is only compared may leave out fields.
",
r#"
    # scenarios/full.toml
    [[reply]]
    call = "ansai:disk/disk-probe.list-filesystems"
    ok = { entries = [], skipped = "none" }
"#,
r#"
    Write the value as the WIT has it: records as tables, variants as `{ unhealthy = "warning" }`, ids as texts.
    `ansai recordings export` makes a scenario of a recorded evaluation, with replies that a host gave.
"#;

REPLY_OR_REFUSAL = "reply-or-refusal", "a reply is neither an answer nor a refusal, or both",
r"
    A call is answered with a value (`ok`) or refused with a reason (`refusal`). Policies have to cope with both, so a
    scenario says which it is.
",
r#"
    # scenarios/full.toml
    [[reply]]
    call = "ansai:disk/disk-probe.list-filesystems"
"#,
r#"
    Write `ok = { … }` or `refusal = { unavailable = "…" }`.
"#;

NOT_REFUSABLE = "not-refusable", "a call is refused that cannot be refused",
r"
    A few calls, such as those for the log and the clock of the evaluation, always have an answer: their type has no place
    for a refusal, and no host can give one.
",
r#"
    # scenarios/full.toml
    [[fault]]
    call = "ansai:policy/context.now"
    kind = "unavailable"
"#,
r"
    Take it out, or refuse a call whose result in the WIT is `result<…, refusal>`.
";

IDLE_FAULT = "idle-fault", "a fault cannot happen, so it would test nothing",
r"
    `huge` makes a reply larger and `incomplete` says that something was left out of one; both need a reply with `ok`
    that this can be done to, of a type that can say so.
",
r#"
    # scenarios/full.toml
    [[fault]]
    call = "ansai:disk/disk-probe.list-filesystems"
    kind = "incomplete"
"#,
r"
    Add the reply that the fault is to change, or choose `unavailable`, `denied` or `timed-out`.
";

EXPECTATION = "expectation", "what a scenario expects contradicts itself, or says nothing",
r"
    Of `detect` either observations or a failure are expected, of a plan either a decision with its steps or a failure.
    With both nothing could pass, with neither everything would.
",
r#"
    # scenarios/full.toml
    [expect]
    observations = []
    failure = "no answer"
"#,
r"
    Keep one. Where no step is expected, write `steps = []`. `ansai test --update` fills in what came.
";

NOT_AN_ACTION = "not-an-action", "a step names a call that changes nothing",
r"
    Steps of a plan are calls of actions. A probe is asked for its answer and is never part of a plan.
    The interface tells which it is: names of actions end in `-actions`, names of probes in `-probe`.
",
r#"
    # scenarios/full.toml
    [[expect.plan]]
    finding = "/"
    decision = { apply = "stop" }
    steps = [{ action = "ansai:disk/disk-probe.list-filesystems" }]
"#,
r"
    Name an action, such as `ansai:files/files-actions.compress-files`.
";

NO_SCENARIO = "no-scenario", "there is no scenario to run",
r"
    Scenarios are the TOML files in the directory `scenarios` beside the component. There are none, or none whose name
    holds the text of `--only`. A test of nothing does not pass.
",
r"
    $ ansai test policies/web --only ful
",
r"
    Write one, or make one of what happened: `ansai recordings export ID -o scenarios/NAME.toml`.
";

UNEXPECTED = "unexpected", "a policy answered something else than its scenario expects",
r"
    Lines with `-` were expected and did not come, lines with `+` came and were not expected. Only what the scenario
    mentions is compared: of each table the keys that stand in it.
",
r#"
    # scenarios/full.toml, where the policy says that / is full
    [expect]
    observations = [{ key = "/", status = "healthy" }]
"#,
r"
    Mend the policy; or, where the new answer is right, run `ansai test --update` and read the difference before you
    commit it.
";

NO_FINDING = "no-finding", "a plan is expected for something that the policy does not find",
r"
    Plans are made for unhealthy observations. None of those that `detect` answered has the key that the scenario names,
    so there was nothing to ask `plan` about.
",
r#"
    # scenarios/full.toml, where the only finding is /var
    [[expect.plan]]
    finding = "/"
    decision = { apply = "stop" }
    steps = []
"#,
r"
    Correct the key; or write a whole observation as `finding`, about which `plan` is asked without `detect`.
";

NO_ANSWER = "no-answer", "an evaluation of a scenario ended without an answer",
r"
    The policy said that it could not tell, or trapped, or ran into a limit, and the scenario expects an answer. The
    message holds the policy's own words or how it ended; lines of its log follow.
",
r#"
    # scenarios/full.toml, without the reply that the policy needs
    [expect]
    observations = []
"#,
r"
    A call without a reply is refused as unavailable: add the reply. Where having no answer is right, expect a `failure`.
";

NOT_EXPORTABLE = "not-exportable", "no scenario can be made of a recording",
r"
    An evaluation that its deadline ended has no end that could be repeated, and a number beyond 63 bits has no form in
    TOML. Such a recording would become a scenario that fails or says something else. The same is said where the
    scenario, run at once, does not pass.
",
r"
    $ ansai recordings export ID -o scenarios/slow.toml      # of an evaluation that a deadline ended
",
r"
    Choose another recording of the same policy (`ansai recordings list`), or `ansai replay ID`.
";
}
