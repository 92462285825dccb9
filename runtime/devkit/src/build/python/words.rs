//! Extracts Python's own error from the output of componentize-py.

use ansai_config::Manifest;
use ansai_core::Interface;

use crate::build::{BuildError, imports};

/// Rewrites the error for the author of the policy.
pub(super) fn told(error: BuildError, manifest: &Manifest, interfaces: &[Interface]) -> BuildError {
    let BuildError::Compiler { program, said } = error else { return error };
    // A missing module may be an interface that the manifest does not request; then the fix is in the manifest.
    let missing = missing(&said).and_then(|module| {
        let interface = interfaces.iter().find(|interface| module_of(interface) == module)?;
        imports::allowed(&interface.import_name(), manifest, interfaces).err()
    });
    missing.unwrap_or_else(|| BuildError::Compiler { program, said: own(&said).to_owned() })
}

/// componentize-py wraps Python's error in an `AssertionError` and prints it twice.
fn own(said: &str) -> &str {
    let said = said.split_once("AssertionError: ").map_or(said, |(_, own)| own);
    said.split_once("\n\nCaused by:").map_or(said, |(own, _)| own).trim_end()
}

/// The module of a host interface that could not be imported.
fn missing(said: &str) -> Option<&str> {
    let by_name = |start: &str, end: &str| Some(said.split_once(start)?.1.split_once(end)?.0);
    by_name("ImportError: cannot import name '", "' from 'wit_world.imports'")
        .or_else(|| by_name("ModuleNotFoundError: No module named 'wit_world.imports.", "'"))
}

/// Returns `disk_probe` for `ansai:disk/disk-probe`.
fn module_of(interface: &Interface) -> String {
    interface.name.interface().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Traceback (most recent call last):\n  File \"componentize-py\", line 8\nAssertionError: Traceback \
                        (most recent call last):\n  File \"/0/policy.py\", line 2, in <module>\nImportError: cannot \
                        import name 'journal_probe' from 'wit_world.imports' (x)\n\n\nCaused by:\n    ImportError: …";

    #[test]
    fn only_pythons_error_is_kept() {
        let own = own(SAID);
        assert!(own.starts_with("Traceback (most recent call last):\n  File \"/0/policy.py\""), "{own}");
        assert!(own.ends_with("(x)"), "{own}");
        assert_eq!(super::own("something else"), "something else");
    }

    #[test]
    fn a_missing_interface_is_named() {
        assert_eq!(missing(SAID), Some("journal_probe"));
        assert_eq!(missing("ModuleNotFoundError: No module named 'wit_world.imports.log_probe'"), Some("log_probe"));
        assert_eq!(missing("ModuleNotFoundError: No module named 'numpy'"), None);
    }
}
