//! Files that pages show: each whole example has the problem of its code, and what fixes it has none.

use ansai_codes::pages;
use ansai_config::{Diagnostics, Faults, HostConfig, Manifest, Schema};
use ansai_core::{Code, Interface, codes};

use super::{fences, spans};

/// Files without a problem of their own: the problem shows only with a policy or a host.
const IN_ORDER: &[Code] = &[
    codes::LOG_FILTER,
    codes::NOT_CONFIGURED,
    codes::UNKNOWN_BUILTIN,
    codes::LINKED_ROOT,
    codes::SETTING_TYPE,
    codes::SETTING_VALUE,
    codes::DUPLICATE_SETTING,
];

const MANIFEST: &str = "name = \"web\"\nversion = \"0.1.0\"\ndescription = \"d\"\nschedule.every = \"60s\"\n";

/// The problems of a file that says in its first line what it is, and nothing after it.
fn problems(text: &str, interfaces: &[Interface]) -> Option<Diagnostics> {
    let (first, text) = text.split_once('\n')?;
    Some(match first {
        "# ansai.toml" => match HostConfig::parse("ansai.toml", text, interfaces) {
            Ok(config) => config.warnings,
            Err(problems) => problems,
        },
        "# policy.toml" => Manifest::parse("policy.toml", text, interfaces).err().unwrap_or_default(),
        "# faults.toml" => {
            let instance = ansai_core::InstanceName::from_static("disk-space");
            Faults::parse("faults.toml", text, &[&instance]).err().unwrap_or_default()
        }
        "// settings.schema.json" => Schema::parse("settings.schema.json", text).err().unwrap_or_default(),
        _ => return None,
    })
}

#[test]
fn examples_provoke_their_code() {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let mut tried = 0;
    for page in pages() {
        let Some(problems) = problems(page.example.text, &interfaces) else { continue };
        tried += 1;
        let code = codes::find(page.word).unwrap();
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

#[test]
fn what_fixes_a_file_is_in_order() {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let mut tried = 0;
    for page in pages() {
        for fence in fences(page) {
            let lines = match fence.text.strip_prefix("# policy.toml\n") {
                Some(lines) if !lines.contains("name = ") => format!("# policy.toml\n{MANIFEST}{lines}"),
                _ => fence.text.to_owned(),
            };
            let Some(problems) = problems(&lines, &interfaces) else { continue };
            tried += 1;
            assert!(problems.entries().is_empty(), "{}: {problems}", page.word);
        }
    }
    assert!(tried > 5, "{tried}");
}

/// `[a.b]`, but not a list of texts.
fn is_header(span: &str) -> bool {
    span.strip_prefix('[').is_some_and(|rest| rest.ends_with(']') && rest.starts_with(char::is_alphabetic))
}

/// Whether the configuration of a host or the manifest of a policy has this table.
fn has_table(header: &str, interfaces: &[Interface]) -> bool {
    let text = header.replace("NAME", "web").replace('…', "ansai:disk/disk-probe") + "\n";
    let host = HostConfig::parse("ansai.toml", &text, interfaces).err().unwrap_or_default();
    let manifest = Manifest::parse("policy.toml", &text, interfaces).err().unwrap_or_default();
    let known = |problems: &Diagnostics| {
        problems.entries().iter().all(|entry| entry.code != codes::UNKNOWN_KEY && entry.code != codes::SYNTAX)
    };
    known(&host) || known(&manifest)
}

#[test]
fn tables_that_pages_name_exist() {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let mut seen = 0;
    for page in pages() {
        for span in spans(page).filter(|span| is_header(span)) {
            seen += 1;
            assert!(has_table(span, &interfaces), "{}: {span}", page.word);
        }
    }
    assert!(seen > 5, "{seen}");
    for wrong in ["[policies.NAME]", "[limit]", "[policy.NAME.grants]", "[audit.exports]"] {
        assert!(!has_table(wrong, &interfaces), "{wrong}");
    }
}
