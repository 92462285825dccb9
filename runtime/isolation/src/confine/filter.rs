//! Installs the filters of system calls. The kernel asks all of them and does the strictest that one says.

use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::calls::{self, NEVER, permitted};
use super::notes::Notes;
use crate::report::{Profile, Separation};

/// From here on, only the calls of the profile are possible.
pub(super) fn install(profile: Profile, notes: &mut Notes) {
    if let Err(error) = all(profile) {
        for separation in [Separation::SystemCalls, Separation::Sockets] {
            if separation.is_of(profile) {
                notes.missing(separation, &error);
            }
        }
    }
}

fn all(profile: Profile) -> Result<(), seccompiler::Error> {
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let unknown = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let permitted = SeccompFilter::new(
        permitted(profile)?.into_iter().collect(),
        refused,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let programs: [BpfProgram; 3] =
        [listed(&calls::unknown(profile), unknown)?, listed(NEVER, SeccompAction::KillProcess)?, permitted.try_into()?];
    // The list of what is permitted is last: it does not permit to install filters.
    programs.iter().try_for_each(|program| apply_filter(program))
}

/// A filter with an answer to some calls.
fn listed(calls: &[c_long], answer: SeccompAction) -> Result<BpfProgram, seccompiler::Error> {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into()?)?.try_into()?)
}
