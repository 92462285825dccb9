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
    /// PostgreSQL, unpacked from its Debian package.
    pub postgresql: PathBuf,
    /// The same for its client.
    pub psql: PathBuf,
    /// Shared libraries of this machine.
    pub libraries: PathBuf,
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
            ensure!(
                policies.join(name).join(format!("{name}.wasm")).is_file(),
                "{name} was not built: run `make policies`"
            );
        }
        let packages = packages(&["monit", "postgresql-15", "postgresql-client-15"]).context("Debian packages")?;
        let monit = packages.file("usr/bin/monit");
        let postgresql = root(&packages.file("usr/lib/postgresql/15/bin/postgres"))?;
        let psql = root(&packages.file("usr/lib/postgresql/15/bin/psql"))?;
        let faketime =
            faketime::environment(0).into_iter().find(|(name, _)| name == "LD_PRELOAD").context("libfaketime")?.1;
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("site");
        let libraries = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH).into();
        Ok(Programs { ansai, monit, postgresql, psql, libraries, faketime: faketime.into(), policies, site })
    }
}

/// The directory into which the package of `usr/lib/postgresql/15/bin/PROGRAM` was unpacked.
fn root(program: &Path) -> anyhow::Result<PathBuf> {
    Ok(program.ancestors().nth(6).context("a program of a package")?.to_owned())
}

/// The policies that watch over the site, in any of its faults.
pub const POLICIES: [&str; 6] =
    ["certificate-expiry", "database-health", "disk-space", "host-pressure", "memory-leak", "service-failure"];
