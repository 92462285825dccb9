//! The server of a target: its files, its test and its reload.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Refusal, Subject, Touch};
use ansai_kit::program::{Ended, Program};
use ansai_kit::target::{CertificateFiles, Reach, Reload};
use ansai_storage::{Directory, Links, Trusted};
use serde::{Deserialize, Serialize};

use super::site::{Site, refused, untrusted};
use crate::step_unit::systemd::SYSTEMCTL;

/// Tests take seconds. A stop of ansai waits for a test and two reloads, and systemd kills it after 90 seconds.
const TEST_LIMIT: Duration = Duration::from_secs(20);
const RELOAD_LIMIT: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_BYTES: u64 = 1 << 20;

/// A target of the kind `certificate`.
pub(super) fn files<'r>(reach: &'r Reach, target: &str) -> Result<&'r CertificateFiles, Refusal> {
    let wrong = || Refusal::Unsupported(format!("the target `{}` is not of the kind `certificate`", inert(target, 80)));
    reach.target(target)?.certificate.as_ref().ok_or_else(wrong)
}

/// What a step that reloads the server touches.
pub(super) fn touches(reload: Option<&str>, access: fn(Subject) -> Touch) -> Vec<Touch> {
    reload.map(|unit| access(Subject::new("unit", unit))).into_iter().collect()
}

/// What a step runs for a target, as previewed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Commands {
    /// Empty: no test.
    test: Vec<String>,
    /// The unit that is reloaded, if it is one.
    pub(super) unit: Option<String>,
    /// The command that reloads; empty if a unit is reloaded.
    reload: Vec<String>,
}

impl Commands {
    pub(super) fn of(files: &CertificateFiles) -> Commands {
        let (unit, reload) = match &files.reload {
            Reload::Unit(unit) => (Some(unit.clone()), Vec::new()),
            Reload::Command(words) => (None, words.clone()),
        };
        Commands { test: files.test.clone(), unit, reload }
    }

    /// A line for each, for a person.
    pub(super) fn shown(&self) -> Vec<String> {
        let command =
            |words: &[String]| (!words.is_empty()).then(|| format!("{}, which is run", inert(&words.join(" "), 300)));
        let unit = self.unit.as_ref().map(|unit| format!("{unit}, which is reloaded"));
        [command(&self.test), unit, command(&self.reload)].into_iter().flatten().collect()
    }
}

/// Tests the configuration of the server.
///
/// # Errors
/// `unavailable` with what the test says.
pub(super) fn test(site: &Site, files: &CertificateFiles) -> Result<(), Refusal> {
    match files.test.is_empty() {
        true => Ok(()),
        false => run(site, &files.test, TEST_LIMIT, "the test"),
    }
}

/// Makes the server read its files again.
///
/// # Errors
/// `unavailable` with what the command says.
pub(super) fn reload(site: &Site, files: &CertificateFiles) -> Result<(), Refusal> {
    match &files.reload {
        // It waits for the job, and fails if the unit does not run.
        Reload::Unit(unit) => {
            let words = [SYSTEMCTL, "--no-ask-password", "reload", "--", unit.as_str()].map(str::to_owned);
            run(site, &words, RELOAD_LIMIT, "the reload")
        }
        Reload::Command(words) => run(site, words, RELOAD_LIMIT, "the reload"),
    }
}

fn run(site: &Site, words: &[String], limit: Duration, what: &str) -> Result<(), Refusal> {
    if !site.runs {
        return Err(Refusal::Unsupported("programs are run on this machine only".into()));
    }
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    // Not ended when ansai stops: half a reload is worse than a late stop.
    let ran = Program::new(Path::new(program)).args(arguments).limit(limit).patience(PATIENCE).run(&|| false)?;
    match ran.ended {
        Ended::By(status) if status.success() => Ok(()),
        Ended::By(status) => {
            let said = ran.stderr.last_line().or_else(|| ran.stdout.last_line()).unwrap_or("no error message");
            Err(Refusal::Unavailable(format!("{what} failed: {program}: {status}: {}", inert(said, 300))))
        }
        Ended::TimeLimit | Ended::Stopped => {
            Err(Refusal::Unavailable(format!("{what} failed: {program} took longer than {} s", limit.as_secs())))
        }
    }
}

/// A file of a target: the real directory that holds it, and its name there. Links are followed; nobody else may be able
/// to change one.
pub(super) struct Place {
    pub(super) directory: Directory,
    pub(super) name: String,
    /// Its real path.
    pub(super) path: PathBuf,
}

impl Place {
    /// Of a file that exists: who installs a certificate for the first time is a person.
    pub(super) fn of(path: &Path) -> Result<Place, Refusal> {
        let path = Trusted::open(path).map_err(untrusted)?.path;
        let unknown = || Refusal::Invalid(format!("{} is no file", path.display()));
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(unknown)?.to_owned();
        let parent = path.parent().ok_or_else(unknown)?;
        let directory = Directory::open_trusted(parent, Links::Refused).map_err(untrusted)?;
        Ok(Place { directory, name, path })
    }

    /// What is in the file.
    pub(super) fn read(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Refusal> {
        let content = self.directory.read(&self.name, MOST_BYTES).map_err(refused)?;
        let missing = || Refusal::NotFound(self.path.display().to_string());
        let bytes = zeroize::Zeroizing::new(content.ok_or_else(missing)?.bytes);
        match bytes.len() as u64 > MOST_BYTES {
            true => Err(Refusal::Unavailable(format!("{} is too large", self.path.display()))),
            false => Ok(bytes),
        }
    }
}
