//! Settings.

super::codes! { Settings:
UNKNOWN_SETTING = "unknown-setting", "a policy does not have this setting",
r"
    The schema in the component lists every setting. One that it does not know is refused, since a misspelt threshold
    would leave the default in force. Hyphens and underscores count as the same, and a policy may know older names of a
    setting.
",
r"
    # ansai.toml, where the setting is called warning
    [policy.disk-space.settings.thresholds]
    waning = 80
",
r"
    The hint names the nearest. `ansai inspect` lists all settings with their meaning and defaults.
";

MISSING_SETTING = "missing-setting", "a setting has no default and is not given",
r"
    The policy's author marked it as required: there is no value that would be right on every host. Such a policy does
    not run without a configuration at all.
",
r"
    # ansai.toml, where `database` is required
    [policy.vacuum.settings]
",
r"
    Add the line of the hint below `[policy.NAME.settings]`; it says what the setting is for and which values it takes.
";

DUPLICATE_SETTING = "duplicate-setting", "two keys are the same setting",
r"
    A policy may accept older spellings of a setting, and hyphens count as underscores. Here two such spellings stand
    beside each other with a value each, and which of them is meant cannot be told.
",
r#"
    # ansai.toml
    [policy.disk-space.settings]
    min-free = "1GiB"
    min_free = "2GiB"
"#,
r"
    Keep one of them, best the one that `ansai inspect` shows.
";

SETTING_TYPE = "setting-type", "the value of a setting is of another type than the schema says",
r"
    Nothing is converted. For sizes and durations the policy gets whole numbers of bytes or milliseconds, which are
    written as texts with a unit.
",
r#"
    # ansai.toml
    [policy.disk-space.settings.thresholds]
    warning = "eighty"
"#,
r"
    The message says which type is taken. `ansai inspect` shows every setting with its type and default.
";

SETTING_VALUE = "setting-value", "the value of a setting is outside of what its schema accepts",
r"
    It is of the right type, but too small, too large, of another length, not one of the choices, or does not match the
    pattern that the policy's author gave.
",
r"
    # ansai.toml
    [policy.disk-space.settings.thresholds]
    warning = 180
",
r"
    The hint says what is accepted, and the default.
";
}
