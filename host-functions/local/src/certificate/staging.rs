//! A renewal into a place of its own. certbot always replaces what its links lead to, and servers use these links: so it
//! renews in a copy of its directories that holds one lineage, `ansai/NAME/config`. Its logs, its lock and the accounts are
//! the real ones.

use std::path::Path;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::program::{Ended, Program};
use ansai_storage::{Directory, WriteOptions};
use rustix::fs::symlinkat;
use rustix::io::Errno;

use super::lineages::configuration;
use super::site::{KINDS, Site, Version, refused, version as version_in};
use super::{renewal, swap};

/// The copy of certbot's directories.
const CONFIG: &str = "config";
/// Why the last renewal failed.
const FAILURE: &str = "last-failure";
const MOST_FAILURE: u64 = 4_096;
/// DNS challenges wait for minutes.
const LIMIT: Duration = Duration::from_secs(900);
/// certbot puts back what it changed for a challenge.
const PATIENCE: Duration = Duration::from_secs(30);
/// certbot reads `/etc/letsencrypt/cli.ini` whatever its directory is, and a hook or an installer set there would load what
/// nobody has checked. These words override both. With `renew-hook`, `nginx`, `apache` or `configurator` there, certbot says
/// that they conflict, and renews nothing.
const LOADS_NOTHING: [&str; 4] = ["--deploy-hook", "true", "--installer", "null"];
/// Where certbot is.
const PROGRAMS: [&str; 3] = ["/usr/bin/certbot", "/usr/local/bin/certbot", "/snap/bin/certbot"];

/// What was staged for a lineage, whether it may be installed or not; `None` if there is nothing.
pub(super) fn version(site: &Site, name: &str) -> Result<Option<Version>, Refusal> {
    let Some(own) = site.own_if_there(name)? else { return Ok(None) };
    match own.subdirectory(CONFIG) {
        Ok(config) => version_in(&config, name).map(Some),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

/// Removes what was staged.
pub(super) fn clear(site: &Site, name: &str) -> Result<(), Refusal> {
    let Some(own) = site.own_if_there(name)? else { return Ok(()) };
    match own.remove_subdirectory(CONFIG) {
        Err(error) if !error.is_not_found() => Err(refused(error)),
        _ => own.sync().map_err(refused),
    }
}

/// Why the last renewal failed; empty if it did not.
pub(super) fn last_failure(site: &Site, name: &str) -> String {
    let read = || site.own_if_there(name).ok()??.read(FAILURE, MOST_FAILURE).ok()?;
    read().map(|content| String::from_utf8_lossy(&content.bytes).into_owned()).unwrap_or_default()
}

/// The program.
///
/// # Errors
/// `unsupported` without it.
pub(super) fn program(site: &Site) -> Result<&'static Path, Refusal> {
    if !site.runs {
        return Err(Refusal::Unsupported("certbot is run on this machine only".into()));
    }
    let is_there = |path: &&Path| rustix::fs::access(*path, rustix::fs::Access::EXEC_OK).is_ok();
    let found = PROGRAMS.map(Path::new).into_iter().find(is_there);
    found.ok_or_else(|| Refusal::Unsupported("this host has no certbot".into()))
}

/// Renews a lineage. The error is for a person: nothing but the staging place was changed.
pub(super) fn renew(site: &Site, program: &Path, name: &str, is_stopping: &dyn Fn() -> bool) -> Result<(), Refusal> {
    let own = site.own(name)?;
    // certbot itself takes this lock in the real directory; the copy would not see it.
    let _lock = swap::Lock::take(&site.open()?)?;
    prepare(site, &own, name)?;
    let config = site.own_path(name).join(CONFIG);
    let ran = Program::new(program)
        .args(["renew", "--non-interactive", "--no-random-sleep-on-renew", "--force-renewal", "--cert-name", name])
        .args(["--config-dir".as_ref(), config.as_os_str()])
        .args(LOADS_NOTHING)
        .limit(LIMIT)
        .patience(PATIENCE)
        .run(is_stopping)?;
    let why = match ran.ended {
        Ended::By(status) if status.success() => match is_new(site, name) {
            Ok(true) => None,
            Ok(false) => Some("certbot succeeded, and there is no new certificate".to_owned()),
            Err(error) => Some(format!("certbot succeeded, and the new certificate cannot be read: {error}")),
        },
        Ended::By(status) => {
            Some(format!("certbot: {status}: {}", said(&ran.stderr.to_string(), &ran.stdout.to_string())))
        }
        Ended::TimeLimit => Some(format!("certbot took longer than {} s and was ended", LIMIT.as_secs())),
        Ended::Stopped => Some("certbot was ended because ansai was asked to stop".to_owned()),
    };
    let Some(why) = why else {
        let _ = own.remove(FAILURE);
        return Ok(());
    };
    clear(site, name)?;
    let _ = own.replace(FAILURE, why.as_bytes(), WriteOptions::PRIVATE);
    Err(match why.contains("Another instance of Certbot is already running") {
        true => Refusal::Busy("another certbot runs now".into()),
        false => Refusal::Unavailable(why),
    })
}

/// Whether what is staged differs from what is installed.
fn is_new(site: &Site, name: &str) -> Result<bool, Refusal> {
    let staged = version(site, name)?;
    let current = site.current(name)?;
    Ok(staged.is_some_and(|staged| staged.fullchain() != current.fullchain()))
}

/// What certbot says is wrong: the first lines about the failure, without the paths of its logs.
fn said(stderr: &str, stdout: &str) -> String {
    let lines = stderr.lines().chain(stdout.lines()).map(str::trim);
    let about = |line: &&str| {
        ["Detail:", "Failed to renew", "Hint:", "Another instance", "rror"].iter().any(|word| line.contains(word))
    };
    let found: Vec<&str> = lines.clone().filter(about).take(3).collect();
    let found = if found.is_empty() { lines.filter(|line| !line.is_empty()).take(2).collect() } else { found };
    match found.is_empty() {
        true => "no error message".to_owned(),
        false => inert(&found.join("; "), 600),
    }
}

/// Makes the copy of certbot's directories.
fn prepare(site: &Site, own: &Directory, name: &str) -> Result<(), Refusal> {
    clear(site, name)?;
    let current = site.current(name)?;
    let path = site.own_path(name).join(CONFIG);
    let text = renewal::staged(&configuration(site, name)?, &path, name);
    let config = own.create_subdirectory(CONFIG).map_err(refused)?;
    let new = |parent: &Directory, child: &str| parent.create_subdirectory(child).map_err(refused);
    let renewal = new(&config, "renewal")?;
    renewal.replace(format!("{name}.conf"), text.as_bytes(), WriteOptions::PRIVATE).map_err(refused)?;
    let archive = new(&new(&config, "archive")?, name)?;
    let live = new(&new(&config, "live")?, name)?;
    for (kind, bytes) in KINDS.iter().zip(&current.files) {
        let file = format!("{kind}{}.pem", current.number);
        archive.replace(&file, bytes, WriteOptions::PRIVATE).map_err(refused)?;
        link(&format!("../../archive/{name}/{file}"), &live, &format!("{kind}.pem"))?;
    }
    // The account of the authority, and the operator's hooks before and after a challenge; not those after a renewal.
    link_path(&site.config.join("accounts"), &config, "accounts")?;
    let hooks = new(&config, "renewal-hooks")?;
    for hook in ["pre", "post"] {
        let real = site.config.join("renewal-hooks").join(hook);
        if rustix::fs::access(&real, rustix::fs::Access::EXISTS).is_ok() {
            link_path(&real, &hooks, hook)?;
        }
    }
    config.sync().map_err(refused)
}

fn link_path(target: &Path, directory: &Directory, name: &str) -> Result<(), Refusal> {
    symlinkat(target, directory, name).map_err(|error| cannot_link(directory, name, error))
}

pub(super) fn link(target: &str, directory: &Directory, name: &str) -> Result<(), Refusal> {
    symlinkat(target, directory, name).map_err(|error| cannot_link(directory, name, error))
}

fn cannot_link(directory: &Directory, name: &str, error: Errno) -> Refusal {
    Refusal::io(directory.path_of(name).display(), &error.into())
}
