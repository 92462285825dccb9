//! Builds policies in Python, with the real tools.

use ansai_devkit::build::BuildError;

use crate::example::told;
use crate::project::Project;

const EXAMPLE: &str = "examples/disk-space-python";

#[test]
fn the_example_in_python_passes_all_scenarios() {
    if let Some(project) = Project::copy(EXAMPLE, "the_example_in_python_passes_all_scenarios") {
        project.passes(13);
    }
}

#[test]
fn the_example_is_what_the_template_makes() {
    crate::project::is_made_of_template(EXAMPLE, "python", "disk-space-python");
}

#[test]
fn syntax_errors_are_those_of_python() {
    let Some(project) = Project::copy(EXAMPLE, "syntax_errors_are_those_of_python") else { return };
    project.change("policy.py", "def plan(", "def plan)");
    let error = project.build().unwrap_err();
    let message = error.to_string();
    assert!(matches!(&error, BuildError::Compiler { program, .. } if program == "componentize-py"), "{error:?}");
    assert!(message.contains("SyntaxError") && message.contains("policy.py"), "{message}");
}

/// One build for several behaviours, because a build takes long. The setting `directory` selects the behaviour.
#[test]
fn exceptions_are_failures_not_traps() {
    let Some(project) = Project::copy(EXAMPLE, "exceptions_are_failures_not_traps") else { return };
    project.change(
        "policy.py",
        "    listed = filesystems()\n",
        "    settings = evaluation.settings\n    if settings.directory == \"/raise\":\n        return [1 // 0]\n    if \
         settings.directory == \"/import\":\n        import csv\n    if settings.directory == \"/exit\":\n        \
         raise SystemExit(1)\n    if settings.directory == \"/nothing\":\n        return None\n    if \
         settings.directory == \"/refused\":\n        return disk_probe.list_filesystems().entries\n    \
         listed = filesystems()\n",
    );
    std::fs::remove_dir_all(project.path().join("scenarios")).unwrap();
    std::fs::create_dir(project.path().join("scenarios")).unwrap();
    let cases = [
        ("raise", "other = \"ZeroDivisionError: division by zero (detect, policy.py line "),
        (
            "import",
            "other = \"ModuleNotFoundError: csv is imported too late: import it at the top of the file (detect, policy.py line ",
        ),
        ("exit", "other = \"SystemExit: 1 (detect, policy.py line "),
        ("nothing", "other = \"TypeError: observations is None; it must be a list"),
        ("refused", "could-not-tell = \"the host answered busy: now\""),
    ];
    for (name, _) in cases {
        let text = format!(
            "description = \"a\"\n[settings]\ndirectory = \"/{name}\"\n[[reply]]\ncall = \
             \"ansai:disk/disk-probe.list-filesystems\"\nrefusal = {{ busy = \"now\" }}\n[expect]\nfailure = {{ \
             invalid-settings = \"none\" }}\n"
        );
        std::fs::write(project.path().join(format!("scenarios/{name}.toml")), text).unwrap();
    }
    let ran = project.scenarios();
    for (name, expected) in cases {
        let problems = told(&ran.iter().find(|(found, _)| found == name).unwrap().1);
        eprintln!("{name}: {problems}");
        let words = expected.split_once("= \"").unwrap().1.trim_end_matches('"');
        assert!(problems.contains(expected.split(' ').next().unwrap()), "{name}: {problems}");
        assert!(problems.contains(words) && !problems.contains("trap"), "{name}: {problems}");
    }
}

#[test]
fn imports_must_be_requested() {
    let Some(project) = Project::copy(EXAMPLE, "imports_must_be_requested") else { return };
    project.change(
        "policy.py",
        "import disk_probe, files_actions\n",
        "import disk_probe, files_actions, journal_probe\n",
    );
    let error = project.build().unwrap_err();
    assert!(matches!(&error, BuildError::NotAskedFor(name) if name.interface() == "journal-probe"), "{error:?}");
}
