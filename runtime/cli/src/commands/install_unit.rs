//! `ansai install-unit`: writes a unit of systemd for this program, on a host where no package has installed one.

mod place;
mod systemd;
mod text;

use std::path::{Path, PathBuf};

use ansai_core::{Mode, codes, exit};
use ansai_daemon::{Configuration, configuration};
use ansai_kit::program::{ProgramError, executable};
use clap::Args;

use self::place::Written;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, json, lines};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai install-unit --print     show the unit\n  \
    ansai install-unit             write /etc/systemd/system/ansai.service; nothing is started\n  \
    ansai install-unit --enable    also start ansai now and at each boot\n\n\
    The package and `make install` have a unit already; then none is written. The unit runs this program with\n\
    /etc/ansai/ansai.toml, or with --config FILE. Change it with `systemctl edit ansai`, so that the next version of it\n\
    can take its place.")]
pub(crate) struct Arguments {
    /// Print the unit and write nothing
    #[arg(long, conflicts_with_all = ["enable", "force"])]
    print: bool,
    /// Start ansai now and at each boot
    #[arg(long)]
    enable: bool,
    /// Replace a unit that an earlier `ansai install-unit` wrote, also if it was changed since
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    if global.state_dir.is_some() || global.share_dir.is_some() {
        let message = "--state-dir and --share-dir are not part of the unit";
        return Err(Fault::usage(codes::USAGE, message).hint("set `state_dir` in the configuration").into());
    }
    let named = global.config.clone().unwrap_or_else(|| PathBuf::from(configuration::HOST_PATH));
    let config = std::path::absolute(named)?;
    let program = program(arguments.print)?;
    let text = text::of(&program, &config)?;
    if arguments.print {
        output::say_last(&text)?;
        return Ok(exit::FINE);
    }
    place::check_no_package()?;
    if arguments.enable {
        // Before anything is written: a start that fails would leave a unit that fails at each boot.
        systemd::require()?;
        let configuration = Configuration::open(&config, &ansai_host_functions::builtin().interfaces())?;
        // As `ansai run` does.
        if let Some(warning) = configuration.check_trust(Mode::Enforce)? {
            output::warning(&warning);
        }
    }
    let written = place::write(&text, arguments.force)?;
    let is_read = systemd::runs();
    if is_read {
        systemd::run(&["daemon-reload"])?;
    }
    if arguments.enable {
        systemd::run(&["enable", "--now", text::NAME])?;
    }
    let done = Done { written, is_read, is_enabled: arguments.enable, has_config: config.exists() };
    match global.format {
        Format::Json => json::document(&done.document())?,
        Format::Text => done.tell(&config)?,
    }
    Ok(exit::FINE)
}

/// This program, by a path that only root and this user can change.
fn program(is_only_shown: bool) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    if is_only_shown {
        return Ok(program);
    }
    Ok(executable(&program)
        .map_err(|error| fault(&error, "copy the program to /usr/local/bin, which only root can write"))?)
}

fn fault(error: &ProgramError, otherwise: &str) -> Fault {
    let message = error.to_string();
    match error {
        ProgramError::Untrusted { fix, .. } => {
            Fault::refused(error.code(), message).hint(format!("{fix}; or {otherwise}"))
        }
        _ => Fault::other(error.code(), message),
    }
}

/// What was done.
struct Done {
    written: Written,
    /// Whether systemd runs here, and has read the unit.
    is_read: bool,
    is_enabled: bool,
    has_config: bool,
}

impl Done {
    fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "path": place::PATH,
            "unit": self.written.word(),
            "read_by_systemd": self.is_read,
            "enabled": self.is_enabled,
        })
    }

    fn tell(&self, config: &Path) -> std::io::Result<()> {
        lines::line(&format!("{} {}", self.written.word(), place::PATH))?;
        if !self.is_read {
            lines::line("  systemd does not run here: it reads the unit at the next boot")?;
        }
        let config = config.display();
        let next = match (self.is_enabled, self.has_config) {
            (true, _) => {
                lines::line("  ansai runs, and starts at each boot")?;
                "ansai status".to_owned()
            }
            (false, true) => "systemctl enable --now ansai".to_owned(),
            (false, false) => format!("ansai init -o {config}"),
        };
        lines::line(&format!("  next:   {next}"))
    }
}
