//! Schemas of settings.

super::codes! { Schemas:
BAD_SCHEMA = "bad-schema", "the schema of the settings is not a valid JSON Schema",
r"
    Settings are described by JSON Schema 2020-12. A keyword has a value that the standard does not allow there, a type
    is none, or a pattern is no regular expression of bounded size. The schema is checked when the policy is built and
    again when it is loaded: a component is untrusted.
",
r#"
    // settings.schema.json
    {"type": "object", "properties": {"level": {"type": "int"}}}
"#,
r#"
    Types are `object`, `array`, `string`, `integer`, `number`, `boolean` and `null`. For sizes and durations write
    `{"format": "bytes"}` or `{"format": "duration"}`.
"#;

SCHEMA_ROOT = "schema-root", "the schema does not describe a table",
r"
    Settings are the table `[policy.NAME.settings]`, so the schema's outermost type is `object`. A schema for a single
    value has no name under which an operator could write it.
",
r#"
    // settings.schema.json
    {"type": "integer"}
"#,
r#"
    Put the value below a name: `{"type": "object", "properties": {"level": {"type": "integer"}}}`.
"#;

SCHEMA_DRAFT = "schema-draft", "the schema is written for another draft of JSON Schema",
r"
    Drafts differ in what the same keyword means (`items`, `definitions`, `$ref` beside others), so a schema is read by
    the draft that it names, and only 2020-12 is known. A schema that names none is read as 2020-12.
",
r#"
    // settings.schema.json
    {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
"#,
r#"
    Write `"$schema": "https://json-schema.org/draft/2020-12/schema"` and look through what the newer draft renamed.
"#;

SCHEMA_REFERENCE = "schema-reference", "a reference of the schema leads nowhere, outside, or to itself",
r"
    References are put in place when the schema is read. Nothing is fetched, from the network or from disk, so what is
    referred to stands in the same file; and settings are finite, so a schema cannot contain itself.
",
r##"
    // settings.schema.json
    {"type": "object", "properties": {"level": {"$ref": "#/$defs/leval"}}, "$defs": {"level": {"type": "integer"}}}
"##,
r##"
    Write definitions below `"$defs"` and refer to them as `"#/$defs/NAME"`.
"##;

SCHEMA_KEYWORD = "schema-keyword", "the schema uses a keyword that is not supported",
r"
    Anchors, dynamic references and nested `$id` make what a reference means depend on where it is read from. Settings do
    not need them, and without them every setting can be described on its own line by `ansai inspect`.
",
r##"
    // settings.schema.json
    {"type": "object", "properties": {"level": {"$dynamicRef": "#level"}}}
"##,
r##"
    Refer to definitions by `"$ref": "#/$defs/NAME"`.
"##;

SCHEMA_TOO_LARGE = "schema-too-large", "the schema is too large once its references are put in place",
r"
    A few definitions that each refer twice to the next one become thousands of schemas. The bounds (5,000 schemas, 48
    levels) are far beyond what settings need, and keep a component from using up memory when it is merely looked at.
",
r##"
    // settings.schema.json, going on to "k"
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/b"}},
     "$defs": {"b": {"properties": {"a": {"$ref": "#/$defs/c"}, "b": {"$ref": "#/$defs/c"}}}}}
"##,
r"
    Settings need few levels: simplify it.
";

SCHEMA_DEFAULT = "schema-default", "a default of the schema does not fit the schema",
r"
    Defaults are filled in for what an operator leaves out, and are checked like what an operator writes. One that is out
    of its own bounds would make every configuration invalid that does not mention the setting.
",
r#"
    // settings.schema.json
    {"type": "object", "properties": {"level": {"type": "integer", "maximum": 100, "default": 900}}}
"#,
r"
    Change the default or the bound. A setting that only the operator can know has no default and is `required`.
";
}
