//! Messages about missing tools of a language.

use std::process::Command;

use ansai_devkit::build::BuildError;

use crate::project::Project;

const AGAIN: &str = "ANSAI_TEST_WITHOUT_TOOLS";

/// Runs in a child process, because `PATH` belongs to a whole process.
#[test]
fn missing_tools_are_named_with_their_install_command() {
    if std::env::var_os(AGAIN).is_none() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tools::missing_tools_are_named_with_their_install_command", "--nocapture"])
            .env(AGAIN, "1")
            .env("PATH", "/nonexistent")
            .env_remove("ANSAI_JS_TOOLS")
            .env_remove("ANSAI_PY_TOOLS")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    for (name, sign, program, install) in [
        ("TypeScript", "policy.ts", "node", "nodejs"),
        ("JavaScript", "policy.js", "node", "nodejs"),
        ("Python", "policy.py", "componentize-py", "pip install componentize-py=="),
    ] {
        let project = Project::empty();
        std::fs::write(project.path().join(sign), "").unwrap();
        let error = project.build().unwrap_err();
        assert!(matches!(&error, BuildError::NoToolchain { .. }), "{name}: {error:?}");
        let message = error.to_string();
        assert!(message.contains(&format!("with {program},")) && message.contains("PATH"), "{message}");
        assert!(error.hint().unwrap().contains(install), "{name}: {:?}", error.hint());
    }
    // Node is present, its packages are missing.
    for (sign, program) in [("policy.ts", "typescript@"), ("policy.js", "esbuild@")] {
        let project = Project::empty();
        std::fs::write(project.path().join(sign), "").unwrap();
        project.program("node_modules/.bin/node");
        let hint = project.build().unwrap_err().hint().unwrap();
        assert!(hint.contains("npm install") && hint.contains(program), "{hint}");
    }
}
