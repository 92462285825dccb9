//! The programs that hosts get.

use std::path::{Path, PathBuf};

use ansai_harness::server::packages;
use ansai_harness::{binary, faketime};
use anyhow::{Context as _, ensure};

/// Paths on this machine.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `ansai`, built with this program.
    pub ansai: PathBuf,
    /// Monit, from its Debian package.
    pub monit: PathBuf,
    /// The library that moves a clock.
    pub faketime: PathBuf,
    /// The directory of the built-in policies.
    pub policies: PathBuf,
    /// The files of the site: the directory `site` of this crate.
    pub site: PathBuf,
}

impl Programs {
    /// Finds all of them.
    ///
    /// # Errors
    /// If one is missing.
    pub fn find() -> anyhow::Result<Programs> {
        ensure!(rustix::process::geteuid().is_root(), "the faults need root");
        let ansai = std::env::current_exe()?.with_file_name("ansai");
        ensure!(ansai.is_file(), "{} was not built; run `make build`", ansai.display());
        let policies = binary::repository().join("policies");
        for name in POLICIES {
            ensure!(policies.join(name).join(format!("{name}.wasm")).is_file(), "{name} was not built: run `make policies`");
        }
        let monit = packages(&["monit"]).context("the Debian package of Monit")?.file("usr/bin/monit");
        let faketime = faketime::environment(0).into_iter().find(|(name, _)| name == "LD_PRELOAD").context("libfaketime")?.1;
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("site");
        Ok(Programs { ansai, monit, faketime: faketime.into(), policies, site })
    }
}

/// The policies that watch over the site.
pub const POLICIES: [&str; 3] = ["disk-space", "memory-leak", "service-failure"];
