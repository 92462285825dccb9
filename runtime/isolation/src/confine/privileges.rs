//! The user, the groups and the capabilities.

use std::io;

use rustix::process::{DumpableBehavior, Gid, Signal, Uid, set_dumpable_behavior, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

/// No ambient capabilities, and no way back to them. rustix has no name for the two bits.
const NO_AMBIENT: CapabilitiesSecureBits = CapabilitiesSecureBits::from_bits_retain(1 << 6 | 1 << 7);

/// Becomes another user, for good, who has no other group. The calls are for one thread, and there is one.
pub(super) fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // The system calls take the largest number for "no change".
    if uid == 0 || gid == 0 || uid == u32::MAX || gid == u32::MAX {
        return Err(io::Error::other("not the number of a user or group without rights"));
    }
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    match set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT) {
        Ok(()) => Err(io::Error::other("it could become root again")),
        Err(_) => Ok(()),
    }
}

/// Gives up what could come back by starting a program. It needs a right that only root has, so a failure is no error: the
/// flag `no_new_privs` has the same effect.
pub(super) fn empty_bounding_set() {
    for bit in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => drop(remove_capability_from_bounding_set(capability)),
            Ok(false) => {}
            // The kernel does not know so many.
            Err(_) => break,
        }
    }
    let root_is_nobody = CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED;
    let _ = set_capabilities_secure_bits(root_is_nobody | CapabilitiesSecureBits::KEEP_CAPS_LOCKED | NO_AMBIENT);
}

/// Gives up all capabilities, and the way to others; nobody else but root can read its memory.
pub(super) fn give_up() -> io::Result<()> {
    let none = CapabilitySet::empty();
    clear_ambient_capability_set()?;
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    let sets = capabilities(None)?;
    if !(sets.effective | sets.permitted | sets.inheritable).is_empty() {
        return Err(io::Error::other("capabilities are left"));
    }
    set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Again, since the kernel clears it when the user changes. If the supervisor ended before, the channel is closed.
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}
