//! The kernel's rules for files and TCP ports that a process gives itself. Older kernels know fewer of them.

use ::landlock::{
    ABI, Access as _, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope,
};

use super::notes::Notes;
use crate::report::{Profile, Separation};

/// What clients of servers read: the certificates of authorities.
const CERTIFICATES: &[&str] = &[
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/pki/ca-trust-source",
];
/// What a lookup of names reads: names, services, and the libraries that the resolver of the system loads for names (NSS).
/// Nothing here is a secret.
const NAMES: &[&str] = &[
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/lib",
    "/lib64",
    "/run/NetworkManager/resolv.conf",
    "/run/resolvconf/resolv.conf",
    "/run/systemd/resolve",
    "/usr/lib",
    "/usr/lib64",
];

/// What a profile may open, as handles: they are opened before the root directory is exchanged.
pub(super) fn readable(profile: Profile) -> Vec<PathFd> {
    let paths = match profile {
        Profile::Guest => &[],
        Profile::Reach => CERTIFICATES,
        Profile::Lookup => NAMES,
    };
    // A file that this host does not have needs no rule.
    paths.iter().filter_map(|path| PathFd::new(path).ok()).collect()
}

/// Sets the rules.
pub(super) fn restrict(profile: Profile, readable: Vec<PathFd>, notes: &mut Notes) {
    enforced(files(profile, readable), Separation::Landlock, notes);
    enforced(scopes(), Separation::Scopes, notes);
}

fn enforced(status: Result<RulesetStatus, RulesetError>, separation: Separation, notes: &mut Notes) {
    match status {
        Ok(RulesetStatus::NotEnforced) => notes.missing(separation, "this kernel has no Landlock, or too old a one"),
        Ok(_) => {}
        Err(error) => notes.missing(separation, error),
    }
}

fn files(profile: Profile, readable: Vec<PathFd>) -> Result<RulesetStatus, RulesetError> {
    let rules = match profile {
        Profile::Guest | Profile::Reach => Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V10))?
            .handle_access(AccessNet::from_all(ABI::V10))?
            .create()?,
        // It may connect, to Unix sockets too, but not listen. Later versions than these have rules for that.
        Profile::Lookup => Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::BindTcp)?
            .create()?,
    };
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let rules = readable.into_iter().try_fold(rules, |rules, path| rules.add_rule(PathBeneath::new(path, read)))?;
    Ok(rules.restrict_self()?.ruleset)
}

fn scopes() -> Result<RulesetStatus, RulesetError> {
    Ok(Ruleset::default().scope(Scope::from_all(ABI::V6))?.create()?.restrict_self()?.ruleset)
}
