//! Programs of a language's toolchain: where to look for them, how to run them, and the error if one is missing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::command::{self, Errors};
use super::{BuildError, storage};

/// Maximum length of a failing program's output that is shown, in bytes.
const MOST_WORDS: usize = 16 << 10;

/// Where to find the programs of one language.
pub(super) struct Toolchain {
    /// Display name: `Python`.
    pub(super) language: &'static str,
    /// Environment variable that names a directory with the programs. This directory is searched first.
    pub(super) variable: &'static str,
    /// Subdirectory of that directory.
    pub(super) below_variable: &'static str,
    /// Subdirectory of the policy's directory, which is searched second. `PATH` is third.
    pub(super) below_policy: &'static str,
}

impl Toolchain {
    /// Finds a program; `install` is the command that installs it.
    pub(super) fn find(&self, dir: &Path, program: &str, install: &str) -> Result<PathBuf, BuildError> {
        let named = command::variable(self.variable).map(PathBuf::from);
        let path = command::variable("PATH").unwrap_or_default();
        self.find_in(named.as_deref(), dir, &path, program).map_err(|looked| BuildError::NoToolchain {
            missing: format!("policies in {} are built with {program}, which is not in {looked}", self.language),
            install: format!("{install}, or name the directory of another installation in {}", self.variable),
        })
    }

    /// Returns the first match, or a list of the searched places as text.
    fn find_in(&self, named: Option<&Path>, dir: &Path, path: &OsStr, program: &str) -> Result<PathBuf, String> {
        let own: Vec<PathBuf> = named
            .map(|named| named.join(self.below_variable))
            .into_iter()
            .chain([dir.join(self.below_policy)])
            .collect();
        // A relative directory in PATH would differ for each directory that is built.
        let path = std::env::split_paths(path).filter(|dir| dir.is_absolute());
        own.iter().cloned().chain(path).map(|dir| dir.join(program)).find(|file| storage::is_program(file)).ok_or_else(
            || {
                let own: Vec<String> = own.iter().map(|dir| dir.display().to_string()).collect();
                format!("{} or the PATH", own.join(", "))
            },
        )
    }
}

/// Runs a program until it exits, with additional environment variables. If it fails, its output is the error.
pub(super) fn run(
    program: &Path,
    arguments: &[&OsStr],
    environment: &[(&str, &OsStr)],
    dir: &Path,
) -> Result<(), BuildError> {
    let output = command::run(program.as_os_str(), arguments, environment, dir, Errors::Kept)?;
    if output.success {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    Err(BuildError::Compiler { program, said: beginning(said.join("\n").trim()).to_owned() })
}

/// Truncates the output; the first errors are the important ones.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_WORDS)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TOOLCHAIN: Toolchain = Toolchain {
        language: "Test",
        variable: "ANSAI_NO_SUCH_TOOLS",
        below_variable: "bin",
        below_policy: ".tools/bin",
    };

    #[test]
    fn the_named_directory_goes_first_then_the_policys_own_then_the_path() {
        let places = tempfile::tempdir().unwrap();
        let at = |name: &str| places.path().join(name);
        let program = |dir: &str, mode: u32| {
            std::fs::create_dir_all(at(dir)).unwrap();
            std::fs::write(at(dir).join("tool"), "").unwrap();
            std::fs::set_permissions(at(dir).join("tool"), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let (named, policy) = (at("named"), at("policy"));
        let path = std::env::join_paths([Path::new("relative"), &at("plain"), &at("path")]).unwrap();
        let find = || TOOLCHAIN.find_in(Some(&named), &policy, &path, "tool");

        let looked = find().unwrap_err();
        assert!(looked.contains("named/bin") && looked.contains("policy/.tools/bin"), "{looked}");
        program("plain", 0o644);
        assert!(find().is_err(), "a file that is no program");
        program("path", 0o755);
        assert_eq!(find().unwrap(), at("path/tool"));
        program("policy/.tools/bin", 0o755);
        assert_eq!(find().unwrap(), at("policy/.tools/bin/tool"));
        program("named/bin", 0o755);
        assert_eq!(find().unwrap(), at("named/bin/tool"));
    }

    #[test]
    fn a_missing_program_says_where_it_was_looked_for_and_how_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = TOOLCHAIN.find(dir.path(), "no-such-tool", "fetch it").unwrap_err();
        let message = error.to_string();
        assert!(message.contains("no-such-tool") && message.contains(".tools/bin"), "{message}");
        assert!(error.hint().unwrap().contains("fetch it"));
    }

    #[test]
    fn long_output_is_cut_between_characters() {
        assert_eq!(beginning("short"), "short");
        let long = "ä".repeat(MOST_WORDS);
        assert_eq!(beginning(&format!("x{long}")).len(), MOST_WORDS - 1);
    }
}
