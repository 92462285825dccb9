//! A disk with the store of a real Docker or Podman fills up. `disk-space` removes dangling images, and nothing that somebody
//! needs.

use std::fs;
use std::path::Path;

use ansai_harness::server::ContainerEngine;
use ansai_harness::{Ext4, requires_root};

use crate::scene::{ansai_beside, config, finding, measured};

const OLD: &str = "2020-01-01T00:00:00Z";

/// Would break: an image of a stopped container, an image with a tag, or a volume that a full disk costs.
#[test]
fn a_disk_full_of_images_of_docker_is_healed() {
    healed("docker", ContainerEngine::docker);
}

#[test]
fn a_disk_full_of_images_of_podman_is_healed() {
    healed("podman", ContainerEngine::podman);
}

fn healed(name: &str, start: fn(Option<&Path>) -> Option<ContainerEngine>) {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(192);
    let root = disk.path();
    fs::create_dir(root.join("log")).unwrap();
    let Some(engine) = start(Some(&root.join("store"))) else { return };
    let dangling = engine.load_image(None, OLD, 48);
    let stopped = engine.load_image(None, OLD, 8);
    engine.run(&["create", "--network", "none", "--name", "stopped", &stopped, "true"]);
    let tagged = engine.load_image(Some("localhost:5000/app:1"), OLD, 8);
    engine.container(
        "web",
        &["-v", "kept:/data", "-v", "/scratch"],
        &["sh", "-c", "echo 7 > /data/x; exec sleep 1000"],
    );
    let volumes = || engine.cli(&["volume", "ls", "-q"]).stdout;
    let volumes_before = volumes();
    disk.fill_to(0.93);

    let state = tempfile::tempdir().unwrap();
    let text = config(root, "enforce", "min_age_hours = 24");
    let text = format!(
        "{text}\"ansai:container/container-probe\" = {{ targets = [\"docker\"] }}\n\
         \"ansai:container/container-cleanup-actions\" = {{ targets = [\"docker\"] }}\n\
         [policy.disk-space.target.docker]\n[target.docker]\nkind = \"container\"\naddress = \"unix://{}\"\n",
        engine.socket().display()
    );
    let run = |text: &str| {
        let run = ansai_beside(root).args(["run", "--once", "--format", "json", "--mode", "enforce"]);
        run.config(text).state_dir(state.path()).run()
    };
    let ran = run(&text);
    ran.expect_code(0);
    let healed = finding(&ran, root);
    assert_eq!(healed["verified"], "healthy", "{healed:#}");
    let steps = healed["plans"][0]["steps"].as_array().unwrap();
    let actions: Vec<&str> = steps.iter().map(|step| step["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["ansai:container/container-cleanup-actions.remove-images"], "{healed:#}");
    assert!(measured(&healed, "freed-bytes") >= 40 << 20, "{healed:#}");
    assert_eq!(measured(&healed, "removed-images"), 1);
    assert!(disk.used_share() < 0.75, "{}", disk.used_share());
    assert!(!engine.has_image(&dangling));
    for id in [&stopped, &tagged] {
        assert!(engine.has_image(id), "{id}");
    }
    assert_eq!(volumes(), volumes_before);

    // Full again, and nothing is left that may go: a person is told what the images take.
    disk.fill_to(0.97);
    let ran = run(&text);
    let told = finding(&ran, root).to_string();
    assert!(told.contains(&format!("docker ({name} in")) && told.contains("1 unused"), "{told}");
    assert!(engine.has_image(&stopped) && engine.has_image(&tagged) && volumes() == volumes_before);
}
