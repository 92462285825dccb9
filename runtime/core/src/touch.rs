//! What a step touches.

use serde::{Deserialize, Serialize};

use crate::{Preview, Subject};

/// How a step touches a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It relies on the thing, or uses a part of it. Other steps may do the same meanwhile.
    Shared,
    /// It changes the thing, or interrupts it. No other step may touch it meanwhile.
    Exclusive,
}

/// One thing that a step touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Touch {
    /// In canonical form.
    pub subject: Subject,
    /// How.
    pub access: Access,
}

impl Touch {
    /// A thing that a step relies on.
    pub fn shared(subject: Subject) -> Touch {
        Touch { subject, access: Access::Shared }
    }

    /// A thing that a step changes.
    pub fn exclusive(subject: Subject) -> Touch {
        Touch { subject, access: Access::Exclusive }
    }

    /// What a step touches if its action declares nothing else: its subject, exclusive, and the file system that it
    /// frees or needs room on, shared.
    pub fn of(preview: &Preview) -> Vec<Touch> {
        let about = Touch::exclusive(preview.about.clone());
        let mount = preview.mount.iter().map(|mount| Touch::shared(Subject::new("filesystem", mount)));
        let mount = mount.filter(|mount| mount.subject != about.subject);
        std::iter::once(about.clone()).chain(mount).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_a_step_touches_its_subject_and_its_file_system() {
        let var = || Subject::new("filesystem", "/var");
        let journal = || Subject::new("journal", "/var/log/journal");
        let on_var = |about| Touch::of(&Preview { mount: Some("/var".into()), ..Preview::nothing(about) });
        assert_eq!(on_var(journal()), [Touch::exclusive(journal()), Touch::shared(var())]);
        assert_eq!(on_var(var()), [Touch::exclusive(var())]);
        assert_eq!(Touch::of(&Preview::nothing(journal())), [Touch::exclusive(journal())]);
    }
}
