//! Guards of steps: transient timers of systemd, `ansai-guard-ID.timer`, whose command puts a step back.
//!
//! - The timer counts on the monotonic clock (`OnActiveSec`), so setting the time of day neither fires nor delays it.
//! - The program is checked like every program that ansai runs, when the timer is armed. systemd runs it by its real path.
//! - The service remains after it has ended (`RemainAfterExit`), so whoever asks later learns whether it fired and how.
//! - A transient timer does not outlive a restart of the machine. ansai puts the step back when it starts again.
//!
//! A person can put a step back early: `systemctl start ansai-guard-ID.service`.

mod error;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use ansai_core::{Millis, Refusal};
use ansai_kit::guard::{ArmError, GuardState, Guards, Reversal};
use ansai_kit::host::Host;
use ansai_kit::program::{ENVIRONMENT, Program, executable};

pub use error::GuardError;

use crate::step_unit::systemd::{self, SYSTEMCTL, SYSTEMD_RUN};
use crate::step_unit::{MOST_ID_BYTES, UNSET, UnitError};

/// The properties that are asked for.
const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,Result";
/// How exact the timer is. By default, systemd joins timers of one minute.
const ACCURACY: &str = "--timer-property=AccuracySec=100ms";
/// Time limit of the program.
const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at a guard that is firing.
const PAUSE: Duration = Duration::from_millis(100);

/// Arms timers of systemd.
pub struct Timers;

/// The names of the units of a guard.
struct Units {
    timer: String,
    service: String,
}

impl Units {
    fn of(step_id: &str) -> Result<Units, GuardError> {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        match !step_id.is_empty() && step_id.len() <= MOST_ID_BYTES && step_id.bytes().all(is_valid) {
            true => {
                let name = format!("ansai-guard-{step_id}");
                Ok(Units { timer: format!("{name}.timer"), service: format!("{name}.service") })
            }
            false => Err(UnitError::BadId(step_id.to_owned()).into()),
        }
    }

    /// The timer is asked first: if it fires in between, the service tells.
    fn state(&self) -> Result<GuardState, GuardError> {
        let timer = Unit::show(&self.timer)?;
        let service = Unit::show(&self.service)?;
        Ok(state(&timer, &service))
    }

    fn systemctl(&self, verb: &str, unit: &str) -> Result<(), GuardError> {
        Ok(systemd::run(&systemd::slow(SYSTEMCTL).args([verb, unit]), unit).map(drop)?)
    }
}

/// What systemd says about a unit.
#[derive(Default)]
struct Unit {
    load: String,
    active: String,
    sub: String,
    result: String,
}

impl Unit {
    fn show(unit: &str) -> Result<Unit, GuardError> {
        let shown = systemd::run(&Program::new(Path::new(SYSTEMCTL)).args(["show", PROPERTIES, unit]), unit)?;
        let read = Unit::read(&shown.first);
        match read.load.is_empty() || read.active.is_empty() {
            true => Err(UnitError::refused(unit, "systemctl does not show its state").into()),
            false => Ok(read),
        }
    }

    fn read(text: &str) -> Unit {
        let mut unit = Unit::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let field = match name {
                "LoadState" => &mut unit.load,
                "ActiveState" => &mut unit.active,
                "SubState" => &mut unit.sub,
                "Result" => &mut unit.result,
                _ => continue,
            };
            value.clone_into(field);
        }
        unit
    }
}

fn state(timer: &Unit, service: &Unit) -> GuardState {
    match (service.active.as_str(), timer.active.as_str(), timer.sub.as_str()) {
        ("activating" | "deactivating" | "reloading", ..) => GuardState::Firing,
        ("active", ..) if service.sub == "exited" => GuardState::PutBack,
        ("active", ..) => GuardState::Firing,
        ("failed", ..) => GuardState::Failed(format!("its program ended with {}", service.result)),
        (_, "active", "waiting") => GuardState::Waiting,
        // Between the timer and its service.
        (_, "active", _) => GuardState::Firing,
        _ => GuardState::Gone,
    }
}

impl Timers {
    /// Checks everything, and starts nothing: the names, and the command that arms the timer.
    fn prepare(
        host: &Host,
        step_id: &str,
        reversal: &Reversal,
        after: Millis,
    ) -> Result<(Units, Vec<OsString>), GuardError> {
        systemd::require(host)?;
        let units = Units::of(step_id)?;
        if units.state()? != GuardState::Gone {
            return Err(UnitError::Exists(units.timer).into());
        }
        let program = executable(&reversal.program).map_err(UnitError::Program)?;
        let environment = ENVIRONMENT.map(|(name, value)| format!("{name}={value}")).join(" ");
        let properties = [
            "Type=oneshot".to_owned(),
            // How it ended stays known.
            "RemainAfterExit=yes".to_owned(),
            format!("Environment={environment}"),
            UNSET.to_owned(),
            "UMask=0077".to_owned(),
            "WorkingDirectory=/".to_owned(),
            format!("TimeoutStartSec={}s", LIMIT.as_secs()),
        ];
        let mut arguments: Vec<OsString> = ["--quiet", "--no-ask-password", ACCURACY].map(OsString::from).to_vec();
        arguments.push(format!("--unit={}", units.timer).into());
        arguments.push(format!("--on-active={}ms", after.get()).into());
        arguments.push(format!("--description=puts back ansai step {step_id}").into());
        arguments.extend(properties.map(|property| format!("--property={property}").into()));
        arguments.push("--".into());
        arguments.push(program.into());
        // systemd expands variables in arguments; a doubled sign stands for itself.
        arguments.extend(reversal.arguments.iter().map(|argument| argument.replace('$', "$$").into()));
        Ok((units, arguments))
    }

    /// After an error, the timer may have been made: systemd-run may end without an answer.
    fn start(units: &Units, arguments: Vec<OsString>) -> Result<(), GuardError> {
        systemd::run(&Program::new(Path::new(SYSTEMD_RUN)).args(arguments), &units.timer)?;
        match units.state()? {
            GuardState::Gone => Err(UnitError::refused(&units.timer, "it has disappeared").into()),
            _ => Ok(()),
        }
    }

    fn state(host: &Host, step_id: &str) -> Result<GuardState, GuardError> {
        systemd::require(host)?;
        Units::of(step_id)?.state()
    }

    fn disarm(host: &Host, step_id: &str) -> Result<GuardState, GuardError> {
        systemd::require(host)?;
        let units = Units::of(step_id)?;
        // A timer that is gone cannot be stopped. Whether this one is, its state says.
        let stopped = units.systemctl("stop", &units.timer);
        let began = Instant::now();
        loop {
            match units.state()? {
                GuardState::Waiting => {
                    stopped?;
                    return Err(UnitError::refused(&units.timer, "it was stopped and still waits").into());
                }
                GuardState::Firing if began.elapsed() < LIMIT * 2 => std::thread::sleep(PAUSE),
                GuardState::Firing => {
                    return Err(UnitError::refused(&units.service, "it does not end").into());
                }
                over => return Ok(over),
            }
        }
    }
}

impl Guards for Timers {
    fn arm(&self, host: &Host, step_id: &str, reversal: &Reversal, after: Millis) -> Result<(), ArmError> {
        let prepared = Timers::prepare(host, step_id, reversal, after);
        let (units, arguments) = prepared.map_err(|error| ArmError::NotArmed(error.into()))?;
        Timers::start(&units, arguments).map_err(|error| ArmError::Unknown(error.into()))
    }

    fn state(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        Ok(Timers::state(host, step_id)?)
    }

    fn disarm(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        Ok(Timers::disarm(host, step_id)?)
    }

    fn forget(&self, host: &Host, step_id: &str) {
        if systemd::require(host).is_err() {
            return;
        }
        if let Ok(units) = Units::of(step_id) {
            // What is not there cannot be removed, and what remains changes nothing.
            let _ = units.systemctl("stop", &units.service);
            let _ = units.systemctl("reset-failed", &units.service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(active: &str, sub: &str) -> Unit {
        let text = format!("LoadState=loaded\nActiveState={active}\nSubState={sub}\nResult=exit-code\n");
        Unit::read(&text)
    }

    #[test]
    fn what_the_service_says_counts_before_the_timer() {
        let (waiting, elapsed, gone) = (unit("active", "waiting"), unit("active", "running"), unit("inactive", "dead"));
        let of = |timer: &Unit, active, sub| state(timer, &unit(active, sub));
        assert_eq!(of(&waiting, "inactive", "dead"), GuardState::Waiting);
        assert_eq!(of(&elapsed, "inactive", "dead"), GuardState::Firing, "the service starts soon");
        assert_eq!(of(&gone, "inactive", "dead"), GuardState::Gone);
        for timer in [&waiting, &elapsed, &gone] {
            assert_eq!(of(timer, "activating", "start"), GuardState::Firing);
            assert_eq!(of(timer, "active", "exited"), GuardState::PutBack);
            assert!(matches!(of(timer, "failed", "failed"), GuardState::Failed(why) if why.contains("exit-code")));
        }
    }

    #[test]
    fn a_host_without_systemd_and_an_id_that_names_no_unit_are_refused_with_a_code() {
        let elsewhere = Host::at("/nowhere");
        let reversal = Reversal { program: "/bin/true".into(), arguments: vec![] };
        let refused = Guards::arm(&Timers, &elsewhere, "step", &reversal, Millis::new(1));
        assert!(
            matches!(refused, Err(ArmError::NotArmed(Refusal::Unsupported(text))) if text.ends_with("(no-systemd)"))
        );
        assert!(Units::of("a/b").is_err() && Units::of("").is_err());
    }
}
