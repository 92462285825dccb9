//! Hooks of the operator, as probes and actions reach them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ansai_core::hook::{Hook, HookCall, Linked};
use ansai_core::text::inert;
use ansai_core::{Code, Refusal, codes};

use crate::host::Host;
use crate::program::{ProgramError, User, UserError, executable};
use crate::secret::{SecretError, SecretSource};

/// A hook, and where its secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookAccess {
    /// What it does and how it is called.
    pub hook: Hook,
    /// What a server wants to see.
    pub secret: Option<SecretSource>,
}

/// All hooks of a configuration.
#[derive(Debug, Clone, Default)]
pub struct AllHooks {
    hooks: Arc<BTreeMap<String, HookAccess>>,
    /// Why none of them is called.
    untrusted: Option<Arc<str>>,
}

impl AllHooks {
    /// These hooks, by name.
    pub fn new(hooks: BTreeMap<String, HookAccess>) -> AllHooks {
        AllHooks { hooks: Arc::new(hooks), untrusted: None }
    }

    /// None of them, because somebody else can change the configuration: a hook runs a program in every mode.
    #[must_use]
    pub fn untrusted(mut self, problem: Option<&str>) -> AllHooks {
        self.untrusted = problem.map(Into::into);
        self
    }

    /// A hook by its name.
    ///
    /// # Errors
    /// `not-found` if there is none; `denied` if the configuration is not to be trusted.
    pub fn get(&self, name: &str) -> Result<&HookAccess, Refusal> {
        let hook = self.hooks.get(name);
        let hook = hook.ok_or_else(|| Refusal::NotFound(format!("no hook is named `{}`", inert(name, 80))))?;
        match &self.untrusted {
            Some(problem) => Err(Refusal::Denied(format!("no hook is called: {problem}"))),
            None => Ok(hook),
        }
    }

    /// Each hook with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HookAccess)> {
        self.hooks.iter().map(|(name, hook)| (name.as_str(), hook))
    }
}

/// Why a hook cannot be called on this host.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Its program is missing, or another user can change it.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Its user does not exist, or is root.
    #[error(transparent)]
    User(#[from] UserError),
    /// Its secret cannot be used.
    #[error("its secret cannot be used: {0}")]
    Secret(#[from] SecretError),
}

impl HookError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            HookError::Program(error) => error.code(),
            HookError::User(_) => codes::UNKNOWN_USER,
            HookError::Secret(error) => error.code(),
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            HookError::Program(error) => error.hint(),
            HookError::User(UserError::Root(_)) => "write user = \"root\", or another user".to_owned(),
            HookError::User(_) => "name a user of this host: getent passwd".to_owned(),
            HookError::Secret(error) => error.hint(),
        }
    }
}

/// A problem of a hook, and the key of its table that is to blame.
#[derive(Debug)]
pub struct HookProblem {
    /// `command`, `user`, `undo`, `check` or `secret`.
    pub key: &'static str,
    /// What it is.
    pub error: HookError,
}

impl HookAccess {
    /// What would keep it from being called now. Runs nothing, connects to nothing, and reads no secret.
    pub fn problems(&self, host: &Host) -> Vec<HookProblem> {
        let mut found = Vec::new();
        let mut note = |key, error: Option<HookError>| {
            found.extend(error.map(|error| HookProblem { key, error }));
        };
        if let HookCall::Command { user, .. } = &self.hook.call {
            note("user", User::named(host, user).err().map(HookError::from));
        }
        note("command", missing(&self.hook.call));
        for (key, linked) in [("undo", &self.hook.undo), ("check", &self.hook.check)] {
            if let Some(Linked::Own(call)) = linked {
                note(key, missing(call));
            }
        }
        let secret = self.secret.as_ref().and_then(|source| source.check().err());
        note("secret", secret.map(HookError::from));
        found
    }
}

/// What is wrong with the program of a call.
fn missing(call: &HookCall) -> Option<HookError> {
    let HookCall::Command { words, .. } = call else { return None };
    let program = words.first()?.fill(&BTreeMap::new())?;
    executable(Path::new(&program)).err().map(HookError::from)
}
