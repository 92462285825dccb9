//! From sources to a component.

super::codes! { Building:
BUILD_AS_ROOT = "build-as-root", "building as root would run the policy's build scripts as root",
r"
    Building runs code of whoever wrote the policy and what it depends on: build scripts, macros, plug-ins. Running a
    policy does not; it is sandboxed. So what is refused here is the one moment at which foreign code would have the
    whole machine.
",
r"
    # ansai build policies/web
",
r"
    Build as an ordinary user. In a throw-away container, or where only you wrote it, say `--allow-root`.
";

FOREIGN_DIRECTORY = "foreign-directory", "the directory that is to be built belongs to somebody else",
r"
    Whoever owns the sources could change them, or the build scripts beside them, while they are built, and so run code
    as you.
",
r"
    $ ansai build /home/somebody/policy
",
r"
    Build as the owner, or copy the sources to a directory of your own and look at them.
";

NO_POLICY = "no-policy", "a directory holds no policy",
r"
    A policy is a directory with `policy.toml`, or a `.wasm` file that was built of one. Where policies are looked for,
    the directory itself and those directly in it are looked at, hidden ones left out.
",
r"
    $ ansai build /tmp
",
r"
    Give the directory of the policy or the one above it. `ansai new NAME --lang LANGUAGE` starts a policy.
";

NO_LANGUAGE = "no-language", "nothing in the directory says what the policy is written in",
r"
    The language is told by the file that its toolchain begins with: `Cargo.toml`, `policy.ts`, `policy.js`, `policy.py`,
    `policy.c` or `go.mod`. None of them is there.
",
r"
    $ mv policy.py main.py && ansai build .
",
r"
    Give the main file that name. A component that was built elsewhere needs no `ansai build`.
";

NO_LOCK_FILE = "no-lock-file", "versions of dependencies are not written down",
r"
    Without a lock file the same sources may be built from other dependencies tomorrow, so nobody could say which code a
    component holds. It is made by you, not by the build, so that a change of it is seen in review.
",
r"
    $ rm Cargo.lock && ansai build .
",
r"
    Run `cargo generate-lockfile` and keep the file with the sources.
";

NO_PROGRAM = "no-program", "a program that the build needs cannot be started",
r"
    The system could not start it: it is not installed, not in PATH, or may not be run. Programs are looked for as the
    user who builds.
",
r"
    $ PATH=/nowhere ansai build policies/web
",
r"
    Install it, or name it: RUSTC and CARGO, for example, take absolute paths.
";

NO_TOOLCHAIN = "no-toolchain", "the compiler of a language is missing, or a part of it",
r"
    Each language is compiled by its own toolchain, which ansai does not bring along. The message says what is missing and
    where it was looked for; nothing is downloaded.
",
r"
    $ PATH=/usr/bin ansai build policies/examples/disk-space-go    # without TinyGo
",
r"
    The hint says what installs it.
";

NO_BINDINGS = "no-bindings", "go.mod does not say where the bindings of the contract are",
r"
    Bindings for Go are made anew at each build and belong to one module path. Without a `replace` Go would look for that
    module on the network, where it does not exist.
",
r"
    // go.mod
    module web
    go 1.24
",
r"
    Add the lines of the hint to `go.mod`.
";

BUILD_FAILED = "build-failed", "the policy does not compile",
r"
    The compiler has said why on standard error, above this line. Nothing was written: a component that was built before
    is still there, whole and as it was.
",
r"
    $ echo 'fn' >> src/lib.rs && ansai build .
",
r"
    Mend what the compiler names. `ansai dev DIR` builds again whenever a file changes.
";

TOOL_FAILED = "tool-failed", "a tool of the build failed",
r"
    A program that the build asked something, or gave the source to, ended with an error or answered what cannot be
    understood. Its own words follow in the message. Nothing was written: a component that was built before is as it was.
",
r"
    $ echo 'def detect(' > policy.py && ansai build .
",
r"
    Its words usually name file and line. If they do not, compare the tool's version with the one that `ansai new` writes
    into the policy's README.
";

NO_WASM_TARGET = "no-wasm-target", "Rust's standard library for wasm32-unknown-unknown is not installed",
r"
    Rust is there, but not its library for the target that policies are compiled for. That target has no system
    interface, so that a component imports nothing but what the policy uses.
",
r"
    $ rustup target remove wasm32-unknown-unknown && ansai build policies/web
",
r"
    Run `rustup target add wasm32-unknown-unknown`, or with the distribution's Rust
    `apt-get install libstd-rust-dev-wasm32`.
";

MODULE_COUNT = "module-count", "cargo made no WebAssembly module, or several",
r"
    A policy is one package with one library of the type `cdylib`. A plain library makes no module; a workspace or a
    second one makes it unclear which is the policy.
",
r#"
    # Cargo.toml
    [lib]
    crate-type = ["rlib"]
"#,
r#"
    Write `crate-type = ["cdylib"]` below `[lib]`, and keep other packages in directories of their own.
"#;

NOT_A_COMPONENT = "not-a-component", "what was compiled cannot be made a component",
r"
    The module lacks what describes its imports and exports in the contract's types, or it does not fit them. Usually the
    registration of the policy is missing, or the SDK is of another version than ansai.
",
r"
    // lib.rs without ansai_sdk::policy!(MyPolicy);
",
r"
    Export the world `ansai:policy/policy` as `ansai new` shows it for the language.
";

ONLY_SOURCES = "only-sources", "a policy was not built yet",
r"
    There is `policy.toml` but no `.wasm` file. Running never builds: building runs code of whoever wrote the policy, and
    that is decided by a person, not by a timer.
",
r"
    $ ansai new web --lang rust && ansai run web --once
",
r"
    Run `ansai build DIR`.
";

STALE_BUILD = "stale-build", "a component was built from another policy.toml than the one beside it",
r"
    Only the manifest in the component counts. The file beside it was changed since, so what one reads there is not what
    runs: another schedule, other limits, other capabilities.
",
r#"
    $ ansai build . && sed -i 's/every = .*/every = "5m"/' policy.toml && ansai check .
"#,
r"
    Run `ansai build DIR`.
";

OTHER_CONTRACT = "other-contract", "the contract beside a policy is not that of this ansai",
r"
    `wit/deps` in a policy's directory is the contract that it was written against. It differs from the one in this
    ansai: of another version, edited, or incomplete. What is built against it may be refused when it is loaded.
",
r"
    $ echo '// mine' >> wit/deps/disk/disk.wit && ansai check .
",
r"
    Remove `wit/deps` and run `ansai build DIR`, which writes what is missing of it; then look at what the compiler says.
";

NO_TEMPLATE = "no-template", "this ansai has no policy to begin with in that language",
r"
    Templates are part of the program, together with the SDK that they use. This build of it has none for the language,
    although it can build policies that are written in it.
",
r"
    $ ansai new web --lang LANGUAGE
",
r"
    The hint lists the languages that there are templates for.
";

BROKEN_TEMPLATE = "broken-template", "a policy to begin with is not valid, which is a fault of ansai",
r"
    The manifest that would be written does not pass the checks of this very program. Nothing was written. It cannot be
    provoked from outside; tests make every template and check it.
",
r"
    $ ansai new web --lang LANGUAGE
",
r"
    Please report it with the message. A policy can be begun from one of policies/examples meanwhile.
";

PREVIEW1 = "preview1", "a core module for WASI preview 1 stands where a component is needed",
r"
    `ansai virtualize` composes components. A module for the system interface of before components imports
    `wasi_snapshot_preview1`, and becomes a component only together with an adapter for that interface.
",
r"
    $ rustc --target wasm32-wasip1 --crate-type cdylib policy.rs && ansai virtualize policy.wasm
",
r"
    Build for `wasm32-wasip2`, or make a component first:
    `wasm-tools component new FILE --adapt wasi_snapshot_preview1.reactor.wasm -o COMPONENT`.
";

UNREADABLE = "unreadable", "a component cannot be understood as one of interfaces",
r"
    It is WebAssembly, and what it imports and exports is not described in a way that can be read, so nothing can be put
    in the place of its imports.
",
r"
    $ ansai virtualize half-of-a-component.wasm
",
r"
    Build it again, or fetch it again.
";

NO_WASI = "no-wasi", "a component imports no WASI, so there is nothing to stand in for",
r"
    `ansai virtualize` answers inside the component what it imports of WASI 0.2. This one imports none of it, so the result
    would be the same component in a larger file.
",
r"
    $ ansai virtualize disk-space.wasm
",
r"
    Use it as it is; `ansai inspect FILE` says what it imports. To embed a manifest build it with `ansai build`.
";

NOT_COMPOSED = "not-composed", "a component and its stand-in for WASI do not fit together",
r"
    Both are components, and joined they are none that is valid: the one asks for a function or a type that the other has
    in another shape. Interfaces of WASI 0.2 that did not exist when this ansai was made are the usual reason.
",
r"
    $ ansai virtualize guest-for-an-interface-of-tomorrow.wasm
",
r"
    Build it against an older release of WASI 0.2, or take a newer ansai. If neither helps, please report it with the
    component.
";

OVERWRITES_ITSELF = "overwrites-itself", "the result would take the place of what it is made from",
r"
    `ansai virtualize` never changes its input. The output that was named, or that follows from the name in `policy.toml`,
    is the same file.
",
r"
    $ ansai virtualize my-policy.wasm -o my-policy.wasm
",
r"
    Name another file with `-o`, or call the input otherwise.
";
}
