//! One file for each command: its arguments and what it does.

pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod compile_component;
pub(crate) mod completions;
pub(crate) mod contract;
pub(crate) mod dev;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod explain;
pub(crate) mod feedback;
pub(crate) mod guest_worker;
pub(crate) mod history;
pub(crate) mod incidents;
pub(crate) mod index;
pub(crate) mod info;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod install_unit;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod login;
pub(crate) mod look_up_names;
pub(crate) mod man;
pub(crate) mod new;
pub(crate) mod notify;
pub(crate) mod open_database;
pub(crate) mod pause;
pub(crate) mod pauses;
pub(crate) mod plan;
pub(crate) mod plans;
pub(crate) mod promote;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod reach;
pub(crate) mod recordings;
pub(crate) mod remove;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod report_confinement;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod revoke;
pub(crate) mod run;
pub(crate) mod save;
pub(crate) mod search;
pub(crate) mod sign;
pub(crate) mod silence;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod try_policy;
pub(crate) mod undo;
pub(crate) mod update;
pub(crate) mod verify;
pub(crate) mod virtualize;
pub(crate) mod wake;

use crate::arguments::{Arguments, Command};
use crate::logging;

/// Runs the command and returns the exit code.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let global = &arguments.global;
    // `run` logs as its configuration says. Those that ansai starts itself log nothing: they limit themselves first.
    if !matches!(
        arguments.command,
        Command::Run(_)
            | Command::CompileComponent(_)
            | Command::OpenDatabase(_)
            | Command::ReportConfinement(_)
            | Command::Reach(_)
            | Command::LookUpNames(_)
            | Command::GuestWorker(_)
    ) {
        logging::start(global.verbose, None)?;
    }
    match arguments.command {
        Command::Run(verb) => run::run(&verb, global),
        Command::CompileComponent(verb) => Ok(compile_component::run(&verb)),
        Command::OpenDatabase(verb) => Ok(open_database::run(&verb)),
        Command::ReportConfinement(verb) => Ok(report_confinement::run(&verb)),
        Command::Reach(verb) => Ok(reach::run(&verb)),
        Command::LookUpNames(verb) => Ok(look_up_names::run(&verb)),
        Command::GuestWorker(verb) => Ok(guest_worker::run(&verb)),
        Command::Check(verb) => check::run(&verb, global),
        Command::Init(verb) => init::run(&verb, global),
        Command::InstallUnit(verb) => install_unit::run(&verb, global),
        Command::Inspect(verb) => inspect::run(&verb, global),
        Command::Try(verb) => try_policy::run(&verb, global),
        Command::Diff(verb) => diff::run(&verb, global),
        Command::Update(verb) => update::run(&verb, global),
        Command::Pull(verb) => pull::run(&verb, global),
        Command::Push(verb) => push::run(&verb, global),
        Command::Search(verb) => search::run(&verb, global),
        Command::Info(verb) => info::run(&verb, global),
        Command::Index(verb) => index::run(&verb, global),
        Command::Keys(verb) => keys::run(&verb, global),
        Command::Sign(verb) => sign::run(&verb, global),
        Command::Verify(verb) => verify::run(&verb, global),
        Command::Revoke(verb) => revoke::run(&verb, global),
        Command::List(verb) => list::run(&verb, global),
        Command::Remove(verb) => remove::run(&verb, global),
        Command::Save(verb) => save::run(&verb, global),
        Command::Load(verb) => load::run(&verb, global),
        Command::Login(verb) => login::run(&verb, global),
        Command::New(verb) => new::run(&verb, global),
        Command::Build(verb) => build::run(&verb, global),
        Command::Virtualize(verb) => virtualize::run(&verb, global),
        Command::Replay(verb) => replay::run(&verb, global),
        Command::Recordings(verb) => recordings::run(&verb, global),
        Command::Evidence(verb) => evidence::run(&verb, global),
        Command::Audit(verb) => audit::run(&verb, global),
        Command::Test(verb) => test::run(&verb, global),
        Command::Undo(verb) => undo::run(&verb, global),
        Command::Plans(verb) => plans::run(&verb, global),
        Command::Plan(verb) => plan::run(&verb, global),
        Command::Approve(verb) => approve::approve(&verb, global),
        Command::Reject(verb) => approve::reject(&verb, global),
        Command::Promote(verb) => promote::run(&verb, global),
        Command::Feedback(verb) => feedback::run(&verb, global),
        Command::Wake(verb) => wake::run(&verb, global),
        Command::Status(verb) => status::run(&verb, global),
        Command::Incidents(verb) => incidents::run(&verb, global),
        Command::History(verb) => history::run(&verb, global),
        Command::Report(verb) => report::run(&verb, global),
        Command::Pause(verb) => pause::run(&verb, global),
        Command::Silence(verb) => silence::run(&verb, global),
        Command::Resume(verb) => resume::run(&verb, global),
        Command::Retry(verb) => retry::run(&verb, global),
        Command::Notify(verb) => notify::run(&verb, global),
        Command::Pauses(verb) => pauses::run(&verb, global),
        Command::Simulate(verb) => simulate::run(&verb, global),
        Command::Dev(verb) => dev::run(&verb, global),
        Command::Doctor(verb) => doctor::run(&verb, global),
        Command::Contract(verb) => contract::run(&verb, global),
        Command::Explain(verb) => explain::run(&verb, global),
        Command::Completions(verb) => completions::run(&verb),
        Command::Man(verb) => man::run(&verb),
    }
}
