//! Python's own words, out of what componentize-py says around them.

use ansai_config::Manifest;
use ansai_core::Interface;

use crate::build::{BuildError, imports};

/// The error as an author wants it.
pub(super) fn told(error: BuildError, manifest: &Manifest, interfaces: &[Interface]) -> BuildError {
    let BuildError::Compiler { program, said } = error else { return error };
    // Where a module is missing that the manifest could ask for, the way out is there and not in Python.
    let missing = missing(&said).and_then(|module| {
        let interface = interfaces.iter().find(|interface| module_of(interface) == module)?;
        imports::allowed(&interface.import_name(), manifest, interfaces).err()
    });
    missing.unwrap_or_else(|| BuildError::Compiler { program, said: own(&said).to_owned() })
}

/// It calls Python's error an `AssertionError` of its own, and then says it again.
fn own(said: &str) -> &str {
    let said = said.split_once("AssertionError: ").map_or(said, |(_, own)| own);
    said.split_once("\n\nCaused by:").map_or(said, |(own, _)| own).trim_end()
}

/// The module of the host's interfaces that could not be imported.
fn missing(said: &str) -> Option<&str> {
    let by_name = |start: &str, end: &str| Some(said.split_once(start)?.1.split_once(end)?.0);
    by_name("ImportError: cannot import name '", "' from 'wit_world.imports'")
        .or_else(|| by_name("ModuleNotFoundError: No module named 'wit_world.imports.", "'"))
}

/// `disk_probe` of `ansai:disk/disk-probe`.
fn module_of(interface: &Interface) -> String {
    interface.name.rsplit('/').next().unwrap_or_default().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Traceback (most recent call last):\n  File \"componentize-py\", line 8\nAssertionError: Traceback \
                        (most recent call last):\n  File \"/0/policy.py\", line 2, in <module>\nImportError: cannot \
                        import name 'journal_probe' from 'wit_world.imports' (x)\n\n\nCaused by:\n    ImportError: …";

    #[test]
    fn only_pythons_words_are_left() {
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
