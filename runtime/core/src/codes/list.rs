//! The list of codes. A new code is one line here and one page, `runtime/codes/pages/AREA/WORD.md`.

use super::{Area, Code};

/// Defines the constants and the list together, so that none is missing from the list.
macro_rules! codes {
    ($($area:ident { $($name:ident = $word:literal,)* })*) => {
        $($(
            #[doc = concat!("`", $word, "`.")]
            pub const $name: Code = Code { word: $word, area: Area::$area };
        )*)*
        /// All codes, each with the name of its constant.
        pub(super) const LIST: &[(&str, Code)] = &[$($((stringify!($name), $name),)*)*];
    };
}

codes! {
    Files {
        FILE_ACCESS = "file-access",
        NOT_A_FILE = "not-a-file",
        FILE_TOO_LARGE = "file-too-large",
        NOT_UTF_8 = "not-utf-8",
        SYNTAX = "syntax",
        DUPLICATE_KEY = "duplicate-key",
        TOO_DEEP = "too-deep",
        EMPTY_FILE = "empty-file",
        EXISTS = "exists",
        NO_DIRECTORY = "no-directory",
    }
    Configuration {
        INVALID = "invalid",
        UNKNOWN_KEY = "unknown-key",
        MISSING_KEY = "missing-key",
        WRONG_TYPE = "wrong-type",
        TEXT_LENGTH = "text-length",
        OUT_OF_RANGE = "out-of-range",
        BAD_QUANTITY = "bad-quantity",
        UNKNOWN_WORD = "unknown-word",
        BAD_NAME = "bad-name",
        BAD_VERSION = "bad-version",
        BAD_PATH = "bad-path",
        UNKNOWN_CAPABILITY = "unknown-capability",
        UNKNOWN_SCOPE = "unknown-scope",
        BAD_SCOPE = "bad-scope",
        NO_TABLES = "no-tables",
        TOO_MANY_TABLES = "too-many-tables",
        OPERATOR_IN_GRANT = "operator-in-grant",
        ALWAYS_THERE = "always-there",
        UNASKED_GRANT = "unasked-grant",
        NOT_GRANTED = "not-granted",
        EXPORT_TARGET = "export-target",
        BAD_URL = "bad-url",
        PLAIN_HTTP = "plain-http",
        BAD_COMMAND = "bad-command",
        UNTRUSTED_CONFIGURATION = "untrusted-configuration",
        UNTRUSTED_POLICY = "untrusted-policy",
        UNKNOWN_POLICY = "unknown-policy",
        UNKNOWN_BUILTIN = "unknown-builtin",
        NO_SHARE_DIRECTORY = "no-share-directory",
        UNTRUSTED_SHARE_DIRECTORY = "untrusted-share-directory",
        SEVERAL_POLICIES = "several-policies",
        NOT_CONFIGURED = "not-configured",
        NEEDS_CONFIGURATION = "needs-configuration",
    }
    Schemas {
        BAD_SCHEMA = "bad-schema",
        SCHEMA_ROOT = "schema-root",
        SCHEMA_DRAFT = "schema-draft",
        SCHEMA_REFERENCE = "schema-reference",
        SCHEMA_KEYWORD = "schema-keyword",
        SCHEMA_TOO_LARGE = "schema-too-large",
        SCHEMA_DEFAULT = "schema-default",
    }
    Settings {
        UNKNOWN_SETTING = "unknown-setting",
        MISSING_SETTING = "missing-setting",
        DUPLICATE_SETTING = "duplicate-setting",
        SETTING_TYPE = "setting-type",
        SETTING_VALUE = "setting-value",
    }
    Components {
        TOO_LARGE = "too-large",
        TOO_MANY = "too-many",
        NOT_WASM = "not-wasm",
        CORE_MODULE = "core-module",
        DAMAGED = "damaged",
        IMPORTS_WASI = "imports-wasi",
        FOREIGN_IMPORT = "foreign-import",
        MISSING_EXPORT = "missing-export",
        MISSING_SECTION = "missing-section",
        BAD_SECTION = "bad-section",
        UNKNOWN_INTERFACE = "unknown-interface",
        NEWER_INTERFACE = "newer-interface",
        SHAPE = "shape",
        NOT_ASKED = "not-asked",
        PROPOSAL = "proposal",
        COMPILE = "compile",
        COMPILE_MEMORY = "compile-memory",
        COMPILE_CPU = "compile-cpu",
        COMPILE_TIME = "compile-time",
        COMPILE_CODE = "compile-code",
        COMPILE_LOAD = "compile-load",
        COMPILER = "compiler",
    }
    Building {
        BUILD_AS_ROOT = "build-as-root",
        FOREIGN_DIRECTORY = "foreign-directory",
        NO_POLICY = "no-policy",
        NO_LANGUAGE = "no-language",
        NO_LOCK_FILE = "no-lock-file",
        NO_PROGRAM = "no-program",
        NO_TOOLCHAIN = "no-toolchain",
        NO_BINDINGS = "no-bindings",
        BUILD_FAILED = "build-failed",
        TOOL_FAILED = "tool-failed",
        NO_WASM_TARGET = "no-wasm-target",
        MODULE_COUNT = "module-count",
        NOT_A_COMPONENT = "not-a-component",
        ONLY_SOURCES = "only-sources",
        STALE_BUILD = "stale-build",
        OTHER_CONTRACT = "other-contract",
        NO_TEMPLATE = "no-template",
        BROKEN_TEMPLATE = "broken-template",
        PREVIEW1 = "preview1",
        UNREADABLE = "unreadable",
        NO_WASI = "no-wasi",
        NOT_COMPOSED = "not-composed",
        OVERWRITES_ITSELF = "overwrites-itself",
    }
    Scenarios {
        UNKNOWN_CALL = "unknown-call",
        CONTRACT_TYPE = "contract-type",
        REPLY_OR_REFUSAL = "reply-or-refusal",
        NOT_REFUSABLE = "not-refusable",
        IDLE_FAULT = "idle-fault",
        EXPECTATION = "expectation",
        NOT_AN_ACTION = "not-an-action",
        NO_SCENARIO = "no-scenario",
        UNEXPECTED = "unexpected",
        NO_FINDING = "no-finding",
        NO_ANSWER = "no-answer",
        NOT_EXPORTABLE = "not-exportable",
    }
    Evaluations {
        FAILURE = "failure",
        FUEL = "fuel",
        MEMORY = "memory",
        DEADLINE = "deadline",
        STACK = "stack",
        TRAP = "trap",
        ABI = "abi",
        BUDGET = "budget",
        CONTRACT = "contract",
        INCIDENTS = "incidents",
        ABORTED = "aborted",
        HOST = "host",
    }
    Host {
        OTHER = "other",
        USAGE = "usage",
        UNKNOWN_CODE = "unknown-code",
        NOT_IN_CONTRACT = "not-in-contract",
        STATE_DIRECTORY = "state-directory",
        IN_USE = "in-use",
        ENGINE = "engine",
        LOG_FILTER = "log-filter",
        AUDIT_UNREADABLE = "audit-unreadable",
        AUDIT_TAMPERED = "audit-tampered",
        UNPROVEN_HEAD = "unproven-head",
        BAD_HEAD = "bad-head",
        HEAD_KEY = "head-key",
        UNKNOWN_RECORDING = "unknown-recording",
        DAMAGED_RECORDING = "damaged-recording",
        UNKNOWN_COMPONENT = "unknown-component",
        UNKNOWN_PLAN = "unknown-plan",
        NOT_UNDONE = "not-undone",
    }
}
