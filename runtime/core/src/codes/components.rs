//! Components as they are loaded.

super::codes! { Components:
TOO_LARGE = "too-large", "a component has more bytes than are accepted",
r"
    A component is read whole, hashed and parsed before anything else is known of it, so its size has a bound (64 MiB).
    The largest that `ansai build` makes, of Python with its interpreter, stay well below it.
",
r"
    $ head -c 65M /dev/zero > big.wasm && ansai inspect big.wasm
",
r"
    Build without debug information and optimised for size, or split the policy in two.
";

TOO_MANY = "too-many", "a component has more parts of one kind than any policy has",
r"
    Imports, levels of components within components and elements in passive segments are counted while it is parsed, and
    the parser stops at a bound: it keeps something for each of them, or each instance does. A component beyond the bound
    was made to be hard to read or to use up memory.
",
r"
    (component (component (component (component …))))      ;; a hundred of them
",
r"
    Build it again with `ansai build`. If it comes from elsewhere, do not run it.
";

NOT_WASM = "not-wasm", "a file is no WebAssembly at all",
r"
    It does not begin with the four bytes that every component begins with. Often it is another file under this name, an
    error page that was saved by a download, or a pointer to a large file instead of the file.
",
r"
    $ echo hello > policy.wasm && ansai inspect policy.wasm
",
r"
    Look with `file policy.wasm`. Build it again with `ansai build`, or fetch it again.
";

CORE_MODULE = "core-module", "a core module stands where a component is needed",
r"
    Compilers make core modules: functions on numbers and a memory, without types for texts, lists and records. A
    component wraps one and says in the contract's types what it imports and exports. Without that layer ansai could not
    tell what a policy can do.
",
r"
    $ cargo build --release --target wasm32-unknown-unknown
    $ ansai inspect target/wasm32-unknown-unknown/release/policy.wasm
",
r"
    Run `ansai build DIR` on the sources: it compiles, wraps the module and embeds the manifest.
";

DAMAGED = "damaged", "a component is cut short or damaged",
r"
    The bytes are WebAssembly up to the place that the message names, and not beyond it. A download or a copy onto a full
    disk ended early, or bytes were changed.
",
r"
    $ head -c 1000 policies/web/web.wasm > cut.wasm && ansai inspect cut.wasm
",
r"
    Fetch it again and compare its SHA-256 with the one that `ansai build` printed, or build it again.
";

IMPORTS_WASI = "imports-wasi", "a component wants the system interface WASI, which no policy gets",
r"
    WASI gives a program files, clocks, random numbers, the environment and the network, by one set of imports for all
    programs. A policy has no such ambient authority: it sees the host through probes that it asked for and was granted,
    and nothing else, so that its imports are exactly what it can do and every evaluation can be replayed.

    Toolchains add these imports also where a program uses none of them: Rust for a `wasip` target, TinyGo, the standard
    libraries of Python and JavaScript.
",
r"
    $ cargo build --release --target wasm32-wasip2
    $ ansai check target/wasm32-wasip2/release/policy.wasm
",
r"
    Build with `ansai build`, which compiles Rust for wasm32-unknown-unknown and puts a stand-in inside where a language
    cannot do without. Time comes from `ansai:policy/context`, notes from `ansai:policy/log`, files from
    `ansai:files/files-probe`.
";

FOREIGN_IMPORT = "foreign-import", "a component imports an interface that is not one of ansai's",
r"
    Only interfaces of the packages `ansai:*` are linked. An import of anything else could not be answered, and it was
    built for another host. A component that brings its own implementation has it inside and does not import it.
",
r#"
    (component (import "acme:tools/hammer@1.0.0" (instance)))
"#,
r"
    Import interfaces of the WIT packages that came with this ansai only (`wit/` in the policy's directory), and compose
    in what else it needs.
";

MISSING_EXPORT = "missing-export", "a component does not export what a policy must",
r"
    A policy is a component of the world `ansai:policy/policy`: it exports `detect`, which answers observations, and
    `plan`, which answers a decision about one finding. This one lacks one of them, so it was built for another world, or
    the macro or registration of its SDK is missing.
",
r"
    // lib.rs without its last line, ansai_sdk::policy!(MyPolicy);
    pub struct MyPolicy;
",
r"
    `include ansai:policy/policy` in the world that it is built for; with the SDK, register the policy: in Rust
    `ansai_sdk::policy!(MyPolicy);`. `ansai new` shows it for each language.
";

MISSING_SECTION = "missing-section", "a component does not carry a manifest",
r"
    `ansai build` embeds the manifest, and with it what the policy asks for and why. A component without it asks for
    nothing that could be granted; the file beside it is not read in its place, since one file has to be all that an
    operator needs to trust.
",
r"
    $ wasm-tools component new policy.module.wasm -o policy.wasm && ansai check policy.wasm
",
r"
    Run `ansai build DIR` on its sources.
";

BAD_SECTION = "bad-section", "a section that a component carries is no text, too large, or there twice",
r"
    Manifest, schema and README are embedded as text of bounded size, once each. A second manifest would let the one that
    is shown differ from the one that is used.
",
r#"
    (component (@custom "ansai:manifest" "{}") (@custom "ansai:manifest" "{}"))
"#,
r"
    Build it again with `ansai build`. If it comes from elsewhere, ask where it was made.
";

UNKNOWN_INTERFACE = "unknown-interface", "a component imports an ansai interface that this host lacks, or at another version",
r"
    The package is ansai's, but the interface or its version is not one that this ansai has. Versions of the contract are
    frozen: another version may have other types, so none is put in the place of another.
",
r#"
    (component (import "ansai:disk/disk-probe@9.9.9" (instance)))
"#,
r"
    Build it against the WIT of this ansai: remove `wit/deps` in the policy's directory and run `ansai build`, which
    writes it anew. Or run a version of ansai that has the interface.
";

SHAPE = "shape", "a function of a component has another type than in the contract",
r"
    Name and version are right, but parameters or results are not those of the published interface: the WIT that it was
    built with was edited, or an interface of ansai was declared by hand. Values would be read as what they are not.
",
r#"
    (component (import "ansai:disk/disk-probe@0.1.0"
      (instance (export "list-filesystems" (func (result string))))))
"#,
r"
    Build against the WIT that came with ansai, unchanged. The message shows both types.
";

NOT_ASKED = "not-asked", "a component imports a capability that its manifest does not ask for",
r"
    The manifest is what an operator reads before granting. What it does not ask for is not linked, so the import could
    not be answered; a component whose code can do more than it says does not load at all.
",
r#"
    # policy.toml asks for nothing; the source calls disk_probe::list_filesystems()
    name = "web"
    version = "0.1.0"
    description = "looks without asking"
    [schedule]
    every = "60s"
"#,
r#"
    Add `[capabilities."ansai:…"]` with a reason to policy.toml, or take the call out; then `ansai build`.
"#;

PROPOSAL = "proposal", "a component needs parts of WebAssembly that are switched off",
r"
    Threads, 64-bit memories, exceptions, tail calls and the like are switched off: policies do without, and what is off
    cannot be attacked. The message names the part.
",
r"
    (component (core module (memory i64 1)))
",
r"
    Leave out that option of the toolchain. `ansai build` rewrites the tail calls that JavaScript engines are made with.
";

COMPILE = "compile", "a component is not valid, or cannot be compiled",
r"
    It has the outward form of a policy, but the compiler that makes native code of it does not accept what is inside;
    its reason stands in the message. The compiler runs in a process of its own, which fails without harm to anything.
",
r"
    (component (core module (func (result i32))))   ;; a function without its result
",
r"
    Build it again with a current toolchain.
";

COMPILE_MEMORY = "compile-memory", "compiling a component takes more memory than allowed",
r"
    Compiling is bounded in memory, since a small file can be made to take very much: deeply nested blocks, thousands of
    locals, huge tables. Ordinary policies take a small part of the bound.
",
r"
    (component (core module (func (local i64 i64 i64 …))))   ;; a compile bomb
",
r"
    Build it smaller: optimised for size, without what it does not use. A component that nobody made large on purpose and
    is refused is worth a report.
";

COMPILE_CPU = "compile-cpu", "compiling a component takes more processor time than allowed",
r"
    Compiling is bounded in processor time, whatever else the host does meanwhile, so the same component is refused or
    accepted on a busy host as on an idle one. Compiled code is kept; it is made once for each component.
",
r"
    (component (core module (func (br_table 0 0 0 …))))      ;; a compile bomb
",
r"
    Build it smaller: optimised for size, without what it does not use.
";

COMPILE_TIME = "compile-time", "compiling a component takes longer than allowed",
r"
    The compiler did not use up its processor time, but the time on the wall: this host had hardly any for it. That says
    little about the component.
",
r"
    $ ansai run policies/ --once       # on a host whose processors are all taken
",
r"
    Load it again when the host has less to do, or build the component smaller.
";

COMPILE_CODE = "compile-code", "a component becomes more compiled code than allowed",
r"
    Native code of a component is kept in the cache and mapped when it runs. Its size is bounded, because a few bytes of
    WebAssembly can become many of native code.
",
r"
    (component (core module (func (memory.copy …) (memory.copy …) …)))
",
r"
    Build it smaller: optimised for size, without what it does not use.
";

COMPILE_LOAD = "compile-load", "loading compiled code takes more memory than allowed",
r"
    Compiled code is tried out once within a bound before it is kept, so that what is in the cache can be loaded beside
    thousands of others.
",
r"
    (component (core module (table 10000000 funcref)))
",
r"
    Build it smaller; a table or memory need not be as large at the start as it may become.
";

COMPILER = "compiler", "the compiler did not start, failed, or made what cannot be used",
r"
    ansai starts itself again to compile. This is about the host, not the component: no memory or processes left, no
    /proc, limits (`ulimit -u`, `ulimit -v`) too small, or a damaged program.
",
r"
    $ ulimit -v 500000; ansai run policies/ --once
",
r"
    The hint names what was missing. Raise the limit, mount /proc, or install ansai again; `ansai doctor` looks at the
    host.
";
}
