//! The directories of certbot on a host, read by handles: root writes there, so nobody else may be able to.
//!
//! ```text
//! /etc/letsencrypt/renewal/NAME.conf           how NAME is renewed
//!                  live/NAME/fullchain.pem     a link to ../../archive/NAME/fullchain7.pem
//!                  archive/NAME/               all versions
//!                  ansai/NAME/                 ours: see `staging` and `swap`
//! ```

use std::path::{Path, PathBuf};

use ansai_certificates::{Bundle, CertificateDer};
use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::host::Host;
use ansai_storage::{Directory, Links, StorageError, TrustError};
use rustix::fs::readlinkat;
use zeroize::Zeroizing;

/// Where certbot keeps everything.
const CONFIG: &str = "/etc/letsencrypt";
/// Our directory in it.
const OWN: &str = "ansai";
/// The files of a version, as certbot names them.
pub(super) const KINDS: [&str; 4] = ["cert", "privkey", "chain", "fullchain"];
const MOST_BYTES: u64 = 1 << 20;
const LONGEST_NAME: usize = 200;

/// The directories of certbot.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// As this process sees it.
    pub(super) config: PathBuf,
    /// As the host sees it.
    pub(super) shown: PathBuf,
    /// Whether programs of the host can be run.
    pub(super) runs: bool,
}

/// One version of a lineage.
pub(super) struct Version {
    /// As certbot counts.
    pub(super) number: u32,
    /// In the order of [`KINDS`].
    pub(super) files: [Zeroizing<Vec<u8>>; 4],
}

impl Version {
    pub(super) fn key(&self) -> &[u8] {
        let [_, key, ..] = &self.files;
        key
    }

    pub(super) fn fullchain(&self) -> &[u8] {
        let [.., full] = &self.files;
        full
    }

    /// The certificates, that of the server first.
    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Refusal> {
        let bundle = Bundle::read(self.fullchain());
        bundle
            .map(|bundle| bundle.certificates)
            .map_err(|error| Refusal::Unavailable(format!("fullchain.pem: {error}")))
    }
}

impl Site {
    pub(super) fn of(host: &Host) -> Site {
        Site { config: host.path(CONFIG), shown: PathBuf::from(CONFIG), runs: host.is_this_machine() }
    }

    /// The directory of certbot.
    ///
    /// # Errors
    /// `unsupported` without certbot, `unavailable` if another user can change it or ansai cannot read it.
    pub(super) fn open(&self) -> Result<Directory, Refusal> {
        Directory::open_trusted(&self.config, Links::Checked).map_err(|error| match error {
            TrustError::Access(error) if error.is_not_found() => {
                Refusal::Unsupported(format!("this host has no certbot: {} does not exist", self.shown.display()))
            }
            error => untrusted(error),
        })
    }

    /// Refuses to act on another machine than this: neither its programs nor its files can be used as a server does.
    pub(super) fn require_this_machine(&self) -> Result<(), Refusal> {
        match self.runs {
            true => Ok(()),
            false => Err(Refusal::Unsupported("certificates are replaced on this machine only".into())),
        }
    }

    /// The names of all lineages, in byte order, and how many names are none.
    pub(super) fn names(&self) -> Result<(Vec<String>, u32), Refusal> {
        let renewal = match self.open()?.subdirectory("renewal") {
            Err(error) if error.is_not_found() => return Ok((Vec::new(), 0)),
            found => found.map_err(refused)?,
        };
        let all = renewal.names().map_err(refused)?;
        let names = all.iter().filter_map(|file| file.strip_suffix(".conf"));
        let (mut good, bad): (Vec<String>, Vec<String>) = names.map(str::to_owned).partition(|name| is_name(name));
        good.sort_unstable();
        Ok((good, u32::try_from(bad.len()).unwrap_or(u32::MAX)))
    }

    /// Refuses what is no lineage of this host.
    pub(super) fn require(&self, name: &str) -> Result<(), Refusal> {
        let none = || Refusal::NotFound(format!("certbot has no lineage named `{}`", inert(name, 80)));
        if !is_name(name) {
            return Err(none());
        }
        let renewal = self.open()?.subdirectory("renewal").map_err(refused)?;
        renewal.metadata(format!("{name}.conf")).map(drop).map_err(|error| match error.is_not_found() {
            true => none(),
            false => refused(error),
        })
    }

    /// The version that servers use.
    pub(super) fn current(&self, name: &str) -> Result<Version, Refusal> {
        version(&self.open()?, name)
    }

    /// Our directory for a lineage; created if it is missing.
    pub(super) fn own(&self, name: &str) -> Result<Directory, Refusal> {
        self.require(name)?;
        let own = self.open()?.create_subdirectory(OWN).map_err(refused)?;
        own.create_subdirectory(name).map_err(refused)
    }

    /// The same, if it is there.
    pub(super) fn own_if_there(&self, name: &str) -> Result<Option<Directory>, Refusal> {
        if !is_name(name) {
            return Ok(None);
        }
        match self.open()?.subdirectory(OWN).and_then(|own| own.subdirectory(name)) {
            Ok(own) => Ok(Some(own)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// The path of our directory for a lineage, for programs.
    pub(super) fn own_path(&self, name: &str) -> PathBuf {
        self.config.join(OWN).join(name)
    }
}

/// The version that the links in `live/NAME` of a directory of certbot lead to.
pub(super) fn version(config: &Directory, name: &str) -> Result<Version, Refusal> {
    let live = config.subdirectory("live").and_then(|live| live.subdirectory(name)).map_err(refused)?;
    let number = linked(&live, name, "fullchain")?;
    let archive = config.subdirectory("archive").and_then(|archive| archive.subdirectory(name)).map_err(refused)?;
    read_version(&archive, number)
}

/// The number of the version that a link in `live/NAME` leads to.
pub(super) fn linked(live: &Directory, name: &str, kind: &str) -> Result<u32, Refusal> {
    let link = format!("{kind}.pem");
    let shown = live.path_of(&link);
    let target =
        readlinkat(live, link.as_str(), Vec::new()).map_err(|error| Refusal::io(shown.display(), &error.into()))?;
    let target = target.to_string_lossy();
    let other = || Refusal::Unsupported(format!("{} does not lead to the archive of certbot", shown.display()));
    let (directory, file) = target.rsplit_once('/').ok_or_else(other)?;
    let is_archive = directory == format!("../../archive/{name}")
        || live
            .path()
            .ancestors()
            .nth(2)
            .is_some_and(|config| Path::new(directory) == config.join("archive").join(name));
    let number = number_of(file, kind).filter(|_| is_archive);
    number.ok_or_else(other)
}

/// The number in `fullchain7.pem`.
pub(super) fn number_of(file: &str, kind: &str) -> Option<u32> {
    let digits = file.strip_prefix(kind)?.strip_suffix(".pem")?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain)
}

fn read_version(archive: &Directory, number: u32) -> Result<Version, Refusal> {
    let read = |kind: &str| {
        let name = format!("{kind}{number}.pem");
        let content = archive.read(&name, MOST_BYTES).map_err(refused)?;
        let missing = || Refusal::Unavailable(format!("{} is missing", archive.path_of(&name).display()));
        let bytes = Zeroizing::new(content.ok_or_else(missing)?.bytes);
        match bytes.len() as u64 > MOST_BYTES {
            true => Err(Refusal::Unavailable(format!("{} is too large", archive.path_of(&name).display()))),
            false => Ok(bytes),
        }
    };
    let [a, b, c, d] = KINDS;
    Ok(Version { number, files: [read(a)?, read(b)?, read(c)?, read(d)?] })
}

/// Whether this can be the name of a lineage: of one file, and safe in a command line and a terminal.
pub(super) fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@');
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.starts_with(['.', '-']) && name.chars().all(known)
}

pub(super) fn refused(error: StorageError) -> Refusal {
    Refusal::io(inert(&error.path.display().to_string(), 300), &error.cause)
}

pub(super) fn untrusted(error: TrustError) -> Refusal {
    match error {
        TrustError::Untrusted((what, fix)) => Refusal::Unavailable(format!("{what}: {fix}")),
        TrustError::Access(error) => refused(error),
    }
}
