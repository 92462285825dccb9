//! What watches over the site.

/// Who has to find and heal a fault. Each has a host of its own, without the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// The daemon in the mode `enforce`, with the stanzas of the READMEs of its policies.
    Ansai,
    /// `Restart=on-failure` in the units, which is what its manual recommends.
    Systemd,
    /// Monit with the checks of its manual.
    Monit,
}

impl Contender {
    /// In the order of the table.
    pub const ALL: [Contender; 3] = [Contender::Ansai, Contender::Systemd, Contender::Monit];

    /// Its name on the command line and in `site/site`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Contender::Ansai => "ansai",
            Contender::Systemd => "systemd",
            Contender::Monit => "monit",
        }
    }

    /// Its name in the table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Contender::Ansai => "ansai",
            Contender::Systemd => "systemd",
            Contender::Monit => "Monit",
        }
    }

    /// The contender of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Contender> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}
