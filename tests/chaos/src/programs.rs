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
    /// nginx, certbot and the authority that it asks, unpacked.
    pub certificates: [PathBuf; 3],
    /// The interpreter of certbot, and its modules and time zones on this machine.
    pub python: [PathBuf; 4],
    /// Programs of the tests, such as `mint-certificate`.
    pub harness: PathBuf,
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
        let names = ["certbot", "monit", "nginx-light", "pebble", "postgresql-15", "postgresql-client-15"];
        let packages = packages(&names).context("Debian packages")?;
        let monit = packages.file("usr/bin/monit");
        let postgresql = root(&packages.file("usr/lib/postgresql/15/bin/postgres"), 6)?;
        let psql = root(&packages.file("usr/lib/postgresql/15/bin/psql"), 6)?;
        let certificates = [
            root(&packages.file("usr/sbin/nginx"), 3)?,
            root(&packages.file("usr/bin/certbot"), 3)?,
            root(&packages.file("usr/bin/pebble"), 3)?,
        ];
        let interpreter = Path::new("/usr/bin/python3").canonicalize().context("python3")?;
        let modules = Path::new("/usr/lib").join(interpreter.file_name().context("the name of python3")?);
        let python = [interpreter, modules, "/usr/lib/python3".into(), "/usr/share/zoneinfo".into()];
        let harness = binary::repository().join("tests/harness/bin");
        let faketime =
            faketime::environment(0).into_iter().find(|(name, _)| name == "LD_PRELOAD").context("libfaketime")?.1;
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("site");
        let libraries = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH).into();
        let faketime = faketime.into();
        Ok(Programs {
            ansai,
            monit,
            postgresql,
            psql,
            certificates,
            python,
            harness,
            libraries,
            faketime,
            policies,
            site,
        })
    }
}

/// The directory into which the package of a program was unpacked, so many directories above it.
fn root(program: &Path, above: usize) -> anyhow::Result<PathBuf> {
    Ok(program.ancestors().nth(above).context("a program of a package")?.to_owned())
}

/// The policies that watch over the site, in any of its faults.
pub const POLICIES: [&str; 6] =
    ["certificate-expiry", "database-health", "disk-space", "host-pressure", "memory-leak", "service-failure"];
