//! Kinds of work that must not run at the same time on one host, whatever things they touch.

use ansai_core::{Subject, Touch};

/// The kind of the subjects that stand for kinds of work.
pub const WORK: &str = "work";

/// A kind of work. An action declares it with [`TypedAction::work`](super::TypedAction::work), and its steps wait until
/// nothing runs that conflicts with it: a backup of a database during an upgrade of it is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Copies data that must not change meanwhile.
    Backup,
    /// Installs, upgrades or removes packages.
    Upgrade,
    /// Rewrites the storage of a database.
    Vacuum,
    /// Starts or restarts a service.
    Restart,
    /// Removes cached packages.
    CleanPackages,
}

impl Work {
    /// All kinds.
    pub const ALL: [Work; 5] = [Work::Backup, Work::Upgrade, Work::Vacuum, Work::Restart, Work::CleanPackages];

    /// The name of the subject.
    const fn name(self) -> &'static str {
        match self {
            Work::Backup => "backup",
            Work::Upgrade => "upgrade",
            Work::Vacuum => "vacuum",
            Work::Restart => "restart",
            Work::CleanPackages => "clean-packages",
        }
    }

    /// What conflicts with it. Only one direction is written here, see [`Work::touches`].
    const fn conflicts(self) -> &'static [Work] {
        match self {
            Work::Backup => &[Work::Backup, Work::Upgrade, Work::Vacuum],
            Work::Upgrade => &[Work::Upgrade, Work::Vacuum],
            Work::Vacuum => &[Work::Vacuum],
            Work::Restart => &[Work::Backup, Work::Upgrade, Work::Vacuum],
            Work::CleanPackages => &[Work::Upgrade],
        }
    }

    /// Whether only one step of this kind may run at a time.
    const fn is_alone(self) -> bool {
        matches!(self, Work::Backup | Work::Upgrade | Work::Vacuum)
    }

    /// What a step of this kind touches: its own kind, and every kind that it conflicts with, shared. Whatever runs alone
    /// has its own kind exclusively, so a conflict written in one direction holds in both.
    pub fn touches(self) -> Vec<Touch> {
        let subject = |work: Work| Subject::new(WORK, work.name());
        let own = if self.is_alone() { Touch::exclusive(subject(self)) } else { Touch::shared(subject(self)) };
        let others =
            self.conflicts().iter().filter(|other| **other != self).map(|other| Touch::shared(subject(*other)));
        std::iter::once(own).chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use ansai_core::Access;

    use super::*;

    fn collide(one: Work, other: Work) -> bool {
        let others = other.touches();
        one.touches().iter().any(|touch| {
            let same = others.iter().find(|other| other.subject == touch.subject);
            same.is_some_and(|same| touch.access.max(same.access) == Access::Exclusive)
        })
    }

    #[test]
    fn backup_upgrade_and_vacuum_run_one_after_the_other() {
        use Work::{Backup, CleanPackages, Restart, Upgrade, Vacuum};
        for one in Work::ALL {
            for other in Work::ALL {
                let expected = matches!(
                    (one, other),
                    (Backup | Upgrade | Vacuum, Backup | Upgrade | Vacuum | Restart)
                        | (Restart, Backup | Upgrade | Vacuum)
                        | (CleanPackages, Upgrade)
                        | (Upgrade, CleanPackages)
                );
                assert_eq!(collide(one, other), expected, "{one:?} and {other:?}");
            }
        }
    }
}
