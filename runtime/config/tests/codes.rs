//! The examples of codes are what they say: each of those that is a whole file provokes its code.
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

mod fixtures;

use ansai_config::{Diagnostics, HostConfig, Manifest, Schema};
use ansai_core::{Code, codes};

/// What a file says of itself in its first line, and nothing after it: then no more is needed to read it.
fn found(example: &str) -> Option<Diagnostics> {
    let (first, text) = example.split_once('\n')?;
    let interfaces = fixtures::INTERFACES;
    Some(match first {
        "# ansai.toml" => match HostConfig::parse("ansai.toml", text, interfaces) {
            Ok(config) => config.warnings,
            Err(problems) => problems,
        },
        "# policy.toml" => Manifest::parse("policy.toml", text, interfaces).err().unwrap_or_default(),
        "// settings.schema.json" => Schema::parse("settings.schema.json", text).err().unwrap_or_default(),
        _ => return None,
    })
}

/// Files that are in order by themselves: what is wrong shows only with a policy or a host.
const IN_ORDER: &[Code] =
    &[codes::LOG_FILTER, codes::NOT_CONFIGURED, codes::SETTING_TYPE, codes::SETTING_VALUE, codes::DUPLICATE_SETTING];

#[test]
fn examples_provoke_their_code() {
    let mut tried = 0;
    for code in codes::all() {
        let Some(problems) = found(&code.example()) else { continue };
        tried += 1;
        let found: Vec<Code> = problems.entries().iter().map(|entry| entry.code).collect();
        if IN_ORDER.contains(&code) {
            assert!(found.is_empty(), "{code}: {found:?}");
        } else if code == codes::INVALID {
            assert!(!found.is_empty());
        } else {
            assert!(found.contains(&code), "{code}: {problems}");
        }
    }
    assert!(tried > 25, "{tried}");
}
