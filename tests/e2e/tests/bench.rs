//! A directory with a policy and its scenarios, for running `ansai test`.

use std::path::{Path, PathBuf};

use ansai_harness::{Ansai, Ran, binary, guest};

/// A policy with its scenarios.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    /// With this component.
    pub(crate) fn of(component: &[u8]) -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(bench.path().join("scenarios")).unwrap();
        std::fs::write(bench.component(), component).unwrap();
        bench
    }

    /// With a test guest.
    pub(crate) fn guest(name: &str) -> Bench {
        Bench::of(&guest::of_file(name))
    }

    /// With the built-in policy.
    pub(crate) fn disk_space() -> Bench {
        Bench::of(&std::fs::read(binary::policy("disk-space")).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn component(&self) -> PathBuf {
        self.path().join("policy.wasm")
    }

    /// Writes a scenario.
    pub(crate) fn scenario(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(format!("scenarios/{name}.toml"));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `ansai test` with additional arguments.
    pub(crate) fn test(&self, arguments: &[&str]) -> Ran {
        Ansai::new().arg("test").arg(self.path()).args(arguments).run()
    }
}

/// The text of a scenario of `policies/disk-space`.
pub(crate) fn built_in(name: &str) -> String {
    let path = binary::repository().join(format!("policies/disk-space/scenarios/{name}.toml"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
