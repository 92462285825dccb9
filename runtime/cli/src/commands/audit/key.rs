//! `ansai audit key`: the key that signs heads.

use std::path::Path;

use ansai_audit::Key;
use ansai_core::codes;
use ansai_daemon::state;
use ansai_supervisor::clock;
use ansai_supervisor::heads::{self, HeadError, RotateError};

use crate::exit::Fault;
use crate::global::Format;
use crate::output::{json, lines};

/// Prints the public key; with `rotate`, makes a new key first.
pub(super) fn run(state_dir: &Path, rotate: bool, format: Format) -> anyhow::Result<()> {
    if rotate {
        let directory = state::existing(state_dir)?.ok_or_else(|| no_key(state_dir))?;
        let (old, new) = heads::rotate(&directory, clock::now()).map_err(|error| cannot_rotate(error, state_dir))?;
        return match format {
            Format::Text => Ok(lines::line(&format!("{new}\nreplaces {old}, which signed it in the log"))?),
            Format::Json => json::document(&serde_json::json!({
                "public_key": new.to_string(),
                "replaces": old.to_string(),
            })),
        };
    }
    let key = read(state_dir)?;
    match format {
        Format::Text => Ok(lines::line(&key.public().to_string())?),
        Format::Json => json::document(&serde_json::json!({
            "public_key": key.public().to_string(),
            "file": heads::key_file(state_dir).display().to_string(),
        })),
    }
}

/// The key, which the first `ansai run` makes.
pub(super) fn read(state_dir: &Path) -> Result<Key, Fault> {
    match Key::read(heads::key_file(state_dir)) {
        Ok(Some(key)) => Ok(key),
        Ok(None) => Err(no_key(state_dir)),
        Err(error) => Err(Fault::refused(codes::HEAD_KEY, error.to_string()).maybe_hint(error.hint())),
    }
}

fn no_key(state_dir: &Path) -> Fault {
    Fault::other(codes::HEAD_KEY, format!("{} has no audit key yet", state_dir.display()))
        .hint("the first `ansai run` makes one")
}

fn cannot_rotate(error: RotateError, state_dir: &Path) -> Fault {
    let message = error.to_string();
    match error {
        RotateError::NoKey => no_key(state_dir),
        RotateError::Open(ansai_audit::OpenError::InUse(_)) => {
            Fault::other(codes::IN_USE, format!("another ansai uses {}", state_dir.display())).hint("stop it first")
        }
        RotateError::Open(error) => Fault::refused(codes::STATE_DIRECTORY, message).maybe_hint(error.hint()),
        RotateError::Head(error @ (HeadError::Key(_) | HeadError::File(_) | HeadError::OtherLog { .. })) => {
            Fault::refused(codes::HEAD_KEY, message).maybe_hint(error.hint())
        }
        RotateError::Head(_) => Fault::other(codes::HEAD_KEY, message),
    }
}
