//! The one command or request that a call of a hook means.

use std::path::{Path, PathBuf};

use ansai_core::hook::{HookCall, Method, Values};
use ansai_core::text::inert;
use ansai_core::{Millis, Refusal};
use ansai_kit::host::Host;
use ansai_kit::program::{User, executable};
use ansai_kit::redact::Redactor;
use rustix::fs::stat;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A command that is longer is cut where it is shown.
const SHOWN: usize = 400;

/// What a call means: remembered between preview and step, so that nothing else runs than what was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Resolved {
    pub(super) what: What,
    /// How long it may take.
    pub(super) limit: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(super) enum What {
    Command {
        /// The absolute path of the program as configured, and its arguments.
        words: Vec<String>,
        user: String,
        uid: u32,
        gid: u32,
        program: Program,
    },
    Request {
        method: Method,
        url: String,
        /// Without the part after `?`.
        shown: String,
        /// JSON, of a POST.
        body: Option<String>,
        secret_header: Option<String>,
    },
}

/// Which file the path of a program leads to. It changes if the file is replaced or written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Program {
    path: PathBuf,
    device: u64,
    inode: u64,
    bytes: i64,
    modified: [i64; 2],
    changed: [i64; 2],
}

impl Resolved {
    /// What the operator's call means with these values, on this host and now.
    ///
    /// # Errors
    /// The program or the user does not exist, or another user can change the program.
    pub(super) fn of(
        host: &Host,
        hook: &str,
        call: &HookCall,
        limit: Millis,
        values: &Values,
    ) -> Result<Self, Refusal> {
        // The configuration has checked it.
        let incomplete = || Refusal::Invalid(format!("the hook {hook} has a place for an unknown parameter"));
        let what = match call {
            HookCall::Command { words, user } => {
                if !host.is_this_machine() {
                    return Err(Refusal::Unsupported("commands of hooks are run on this machine only".into()));
                }
                let words: Option<Vec<String>> = words.iter().map(|word| word.fill(values)).collect();
                let words = words.ok_or_else(incomplete)?;
                let program = Program::of(Path::new(words.first().ok_or_else(incomplete)?))?;
                let found = User::named(host, user).map_err(|error| Refusal::Unavailable(error.to_string()))?;
                What::Command { words, user: user.clone(), uid: found.uid, gid: found.gid, program }
            }
            HookCall::Url { method, url, shown, secret_header } => What::Request {
                method: *method,
                url: url.fill_url(values).ok_or_else(incomplete)?,
                shown: shown.fill_url(values).ok_or_else(incomplete)?,
                body: match method {
                    Method::Post => Some(json!({ "hook": hook, "parameters": values }).to_string()),
                    Method::Get => None,
                },
                secret_header: secret_header.clone(),
            },
        };
        Ok(Resolved { what, limit })
    }
}

impl Program {
    fn of(path: &Path) -> Result<Program, Refusal> {
        let path = executable(path)?;
        let found = stat(&path).map_err(|error| Refusal::io(inert(&path.to_string_lossy(), SHOWN), &error.into()))?;
        Ok(Program {
            path,
            device: found.st_dev,
            inode: found.st_ino,
            bytes: found.st_size,
            modified: [found.st_mtime, found.st_mtime_nsec.cast_signed()],
            changed: [found.st_ctime, found.st_ctime_nsec.cast_signed()],
        })
    }
}

/// For a person, without secrets: `` `/usr/local/bin/flush --pool blue` as www-data, for at most 10 s ``.
impl std::fmt::Display for Resolved {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = match &self.what {
            What::Command { words, .. } => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            What::Request { method, shown, .. } => format!("{} {shown}", method.word()),
        };
        let shown = inert(&Redactor::new().redact(&plain).text, SHOWN);
        match &self.what {
            What::Command { user, .. } => write!(formatter, "`{shown}` as {user}, for at most {}", self.limit),
            What::Request { .. } => write!(formatter, "{shown}, for at most {}", self.limit),
        }
    }
}

/// As a shell would need it, so that one argument is seen as one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::hook::Template;

    use super::*;

    #[test]
    fn a_person_sees_which_argument_is_which_and_no_secret() {
        let words = ["/bin/echo", "{p}", "a b", "", "it's", "--password=hunter22", "$(id)"];
        let words = words.iter().map(|word| Template::parse(word).unwrap()).collect();
        let call = HookCall::Command { words, user: "root".into() };
        let values = Values::from([("p".to_owned(), "x;y".to_owned())]);
        let found = Resolved::of(&Host::at("/"), "h", &call, Millis::new(2_000), &values).unwrap();
        let shown = found.to_string();
        assert!(shown.starts_with("`/bin/echo 'x;y' 'a b' '' 'it'\\''s' --password=***"), "{shown}");
        assert!(shown.ends_with("'$(id)'` as root, for at most 2 s"), "{shown}");
        let elsewhere = Resolved::of(&Host::at("/host"), "h", &call, Millis::new(2_000), &values);
        assert!(matches!(elsewhere, Err(Refusal::Unsupported(_))), "{elsewhere:?}");
    }
}
