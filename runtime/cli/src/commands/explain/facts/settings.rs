//! Settings of disk-space that pages show are settings of disk-space.

use std::path::Path;

use ansai_codes::pages;
use ansai_config::{HostConfig, Schema};
use ansai_core::{Code, codes};

use super::fences;

const INSTANCE: &str = "disk-space";

/// The problems of the settings in a configuration; `None` where it has none.
fn problems(text: &str, schema: &Schema) -> Option<Vec<Code>> {
    let text = text.split_once('\n').filter(|(first, _)| first.starts_with("# ansai.toml"))?.1;
    if !text.contains("[policy.disk-space.settings") {
        return None;
    }
    let config = HostConfig::parse("ansai.toml", text, &ansai_host_functions::builtin().interfaces()).unwrap();
    let resolved = schema.resolve(&config.policies[INSTANCE].settings);
    Some(resolved.err().into_iter().flatten().map(|problem| problem.code).collect())
}

#[test]
fn settings_of_disk_space_exist_and_examples_provoke_their_code() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(INSTANCE);
    let schema = Schema::load(&policy.join("settings.schema.json")).unwrap();
    let (mut wrong, mut right) = (0, 0);
    for page in pages() {
        if let Some(found) = problems(page.example.text, &schema) {
            assert_eq!(found, [codes::find(page.word).unwrap()], "{}", page.word);
            wrong += 1;
        }
        for found in fences(page).filter_map(|fence| problems(fence.text, &schema)) {
            assert_eq!(found, [], "{}", page.word);
            right += 1;
        }
    }
    assert!(wrong >= 4 && right >= 2, "{wrong} {right}");
}
