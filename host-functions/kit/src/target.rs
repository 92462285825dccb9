//! The targets that the operator named, and which of them an instance may use.
//!
//! ```
//! use ansai_core::Refusal;
//! use ansai_kit::host::ProbeContext;
//!
//! fn login(ask: &ProbeContext<'_>, target: &str) -> Result<(), Refusal> {
//!     let target = ask.reach.target(target)?;
//!     let address = target.address.as_deref().ok_or_else(|| Refusal::Invalid("it has no address".into()))?;
//!     // Read for this login only, so that the secret of now is used and is not kept.
//!     let secret = target.secret.as_ref().map(|source| source.read()).transpose()?;
//!     # let _ = (address, secret);
//!     Ok(())
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{InstanceName, Never, Refusal};

use crate::evaluation_state::{Label, Target};
use crate::hook::{AllHooks, HookAccess};
use crate::remote::Server;
use crate::secret::SecretSource;

/// How to reach a target. A policy sees only its name, its kind and its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetAccess {
    /// What a policy sees.
    pub target: Target,
    /// A URL without user and password, `HOST:PORT`, or `unix:/PATH`.
    pub address: Option<String>,
    /// The user to connect as.
    pub user: Option<String>,
    /// Where its secret is.
    pub secret: Option<SecretSource>,
    /// How long one call of it may take; see [`Reach::call_limit`].
    pub call_limit: Option<Duration>,
    /// The files of a target of the kind `certificate`.
    pub certificate: Option<CertificateFiles>,
}

/// The certificate of a server on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The file with its certificates.
    pub certificate: PathBuf,
    /// The file with its private key.
    pub key: PathBuf,
    /// The command that tests the configuration of the server; empty if there is none.
    pub test: Vec<String>,
    /// How the server reads its files again.
    pub reload: Reload,
}

/// How a server reads its files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// Its unit is reloaded.
    Unit(String),
    /// This command is run.
    Command(Vec<String>),
}

impl TargetAccess {
    /// Name, kind and labels, without address, user and secret.
    pub fn new(name: &str, kind: &str, labels: Vec<Label>) -> TargetAccess {
        let target = Target::new(name, kind, labels);
        TargetAccess { target, address: None, user: None, secret: None, call_limit: None, certificate: None }
    }
}

/// All targets of a configuration, by name.
pub type AllTargets = Arc<BTreeMap<String, TargetAccess>>;

/// How long one call of a server may take if the configuration sets no limit.
pub const DEFAULT_CALL_LIMIT: Duration = Duration::from_secs(5);

/// The targets that one instance may use, as of when it was asked for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    allowed: Option<Arc<Allowed>>,
    call_limit: Option<Duration>,
    never: Option<Arc<Never>>,
    hooks: Option<AllHooks>,
}

#[derive(Debug)]
struct Allowed {
    instance: InstanceName,
    all: AllTargets,
    names: BTreeSet<String>,
}

static NONE: Reach = Reach { allowed: None, call_limit: None, never: None, hooks: None };
/// The defaults.
static DEFAULTS: LazyLock<Never> = LazyLock::new(Never::default);

impl Reach {
    /// No targets.
    pub fn none() -> &'static Reach {
        &NONE
    }

    /// Those of `all` with these names, for this instance.
    pub fn new(instance: InstanceName, all: AllTargets, names: impl IntoIterator<Item = String>) -> Reach {
        let names = names.into_iter().collect();
        let allowed = Some(Arc::new(Allowed { instance, all, names }));
        Reach { allowed, ..Reach::default() }
    }

    /// With these hooks. The scope says which of them an instance may call.
    #[must_use]
    pub fn hooking(mut self, hooks: AllHooks) -> Reach {
        self.hooks = Some(hooks);
        self
    }

    /// A hook by its name.
    ///
    /// # Errors
    /// As [`AllHooks::get`].
    pub fn hook(&self, name: &str) -> Result<&HookAccess, Refusal> {
        static NO_HOOKS: LazyLock<AllHooks> = LazyLock::new(AllHooks::default);
        self.hooks.as_ref().unwrap_or(&NO_HOOKS).get(name)
    }

    /// With this list of what no step may touch.
    #[must_use]
    pub fn never_touching(mut self, never: Arc<Never>) -> Reach {
        self.never = Some(never);
        self
    }

    /// What no step may touch, for a probe that says so; by default the defaults only. The host refuses such steps by
    /// itself.
    pub fn never(&self) -> &Never {
        self.never.as_deref().unwrap_or(&DEFAULTS)
    }

    /// With this limit for one call of a server.
    #[must_use]
    pub fn calling_within(mut self, limit: Option<Duration>) -> Reach {
        self.call_limit = limit;
        self
    }

    /// How long one call of a server may take: as its target says, else as the instance or the host says; `None` if
    /// neither does. An address is no target, and a hook has its own limit.
    ///
    /// # Errors
    /// The instance may not use the target, or there is no such hook.
    pub fn call_limit(&self, server: &Server) -> Result<Option<Duration>, Refusal> {
        let own = match server {
            Server::Target(name) => self.target(name)?.call_limit,
            Server::Address(_) => None,
            Server::Hook(name) => Some(self.hook(name)?.hook.limit.into()),
        };
        Ok(own.or(self.call_limit))
    }

    /// A target by its name.
    ///
    /// # Errors
    /// `not-found` if the configuration has no such target; `denied` if it is not for this instance, with the line to
    /// add.
    pub fn target(&self, name: &str) -> Result<&TargetAccess, Refusal> {
        let shown = || inert(name, 80);
        let not_found = || Refusal::NotFound(format!("no target is named `{}`", shown()));
        let allowed = self.allowed.as_deref().ok_or_else(not_found)?;
        let target = allowed.all.get(name).ok_or_else(not_found)?;
        if !allowed.names.contains(name) {
            let (name, instance) = (shown(), &allowed.instance);
            let why =
                format!("`{name}` is not a target of {instance}; to allow it, add [policy.{instance}.target.{name}]");
            return Err(Refusal::Denied(why));
        }
        Ok(target)
    }

    /// The targets of the instance, in byte order of their names.
    pub fn targets(&self) -> impl Iterator<Item = &TargetAccess> {
        self.allowed.iter().flat_map(|allowed| allowed.names.iter().filter_map(|name| allowed.all.get(name)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_instance_reaches_its_own_targets_only() {
        let all = ["a", "b", "c"].map(|name| (name.to_owned(), TargetAccess::new(name, "kind", Vec::new())));
        let all: AllTargets = Arc::new(all.into());
        // A name without target: the configuration refuses that, and nothing relies on it.
        let names = ["c", "a", "gone"].map(str::to_owned);
        let reach = Reach::new(InstanceName::from_static("web"), all, names);
        assert_eq!(reach.targets().map(|one| one.target.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(reach.target("a").unwrap().target.kind, "kind");
        let denied = reach.target("b").unwrap_err();
        assert!(matches!(&denied, Refusal::Denied(why) if why.contains("[policy.web.target.b]")), "{denied}");
        for unknown in ["d", "gone", "", "A", "a\u{1b}[2J"] {
            let why = reach.target(unknown).unwrap_err();
            assert!(matches!(why, Refusal::NotFound(_)) && !why.to_string().contains('\u{1b}'), "{why}");
        }
        assert!(matches!(Reach::none().target("a"), Err(Refusal::NotFound(_))));
        assert_eq!(Reach::none().targets().count(), 0);
    }

    #[test]
    fn a_target_decides_before_the_instance_how_long_a_call_may_take() {
        let slow = TargetAccess { call_limit: Some(Duration::from_secs(9)), ..TargetAccess::new("slow", "x", vec![]) };
        let all = [slow, TargetAccess::new("a", "x", vec![]), TargetAccess::new("other", "x", vec![])];
        let all: AllTargets = Arc::new(all.map(|one| (one.target.name.clone(), one)).into());
        let reach = Reach::new(InstanceName::from_static("web"), all, ["slow", "a"].map(str::to_owned));
        let limits = |reach: &Reach| {
            let target = |name: &str| reach.call_limit(&Server::Target(name.into())).unwrap();
            [target("slow"), target("a"), reach.call_limit(&Server::Address("h:1".into())).unwrap()]
        };
        let [nine, two] = [9, 2].map(|seconds| Some(Duration::from_secs(seconds)));
        assert_eq!(limits(&reach), [nine, None, None]);
        let reach = reach.calling_within(two);
        assert_eq!(limits(&reach), [nine, two, two]);
        assert!(matches!(reach.call_limit(&Server::Target("other".into())), Err(Refusal::Denied(_))));
    }
}
