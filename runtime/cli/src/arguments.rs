//! The command line as a whole. The arguments of a command are beside the command.

use clap::{Parser, Subcommand};

use crate::commands::{
    approve, audit, build, check, compile_component, completions, contract, dev, diff, doctor, evidence, explain,
    feedback, guest_worker, history, incidents, index, info, init, inspect, install_unit, keys, list, load, login,
    look_up_names, man, new, notify, open_database, pause, pauses, plan, plans, promote, pull, push, reach, recordings,
    remove, replay, report, report_confinement, resume, retry, revoke, run, save, search, sign, silence, simulate,
    status, test, try_policy, undo, update, verify, virtualize, wake,
};
use crate::global::Global;

/// Keep this host healthy with sandboxed policies: they observe and propose, ansai decides and acts.
#[derive(Debug, Parser)]
#[command(name = "ansai", version, after_help = after_help(), max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run policies: once, or on their schedules until stopped
    Run(run::Arguments),
    /// Check policies and the configuration without running anything
    Check(check::Arguments),
    /// Write a configuration for this host that only observes
    Init(init::Arguments),
    /// Write a systemd unit for this program, where no package has installed one
    InstallUnit(install_unit::Arguments),
    /// Show what a component is, what it can see and what it can propose
    Inspect(inspect::Arguments),
    /// Try a policy: what it can do, how its scenarios end, and what it would propose on this host
    Try(try_policy::Arguments),
    /// Show what differs between two versions of a policy, and what is new that it can do
    Diff(diff::Arguments),
    /// Pull policies from registries into the store of this host, and pin them
    Pull(pull::Arguments),
    /// Pin newer versions of pulled policies, unless they can do more
    Update(update::Arguments),
    /// Publish a policy in a registry
    Push(push::Arguments),
    /// Make keys that sign policies, lists of revocations and indexes
    Keys(keys::Arguments),
    /// Sign a policy in a registry
    Sign(sign::Arguments),
    /// Verify who signed a policy in a registry
    Verify(verify::Arguments),
    /// Make and sign a list of revoked versions, digests and keys
    Revoke(revoke::Arguments),
    /// List the stored policies
    List(list::Arguments),
    /// Remove a policy from the store
    Remove(remove::Arguments),
    /// Save policies of the store in a directory, for a host without a network
    Save(save::Arguments),
    /// Load policies that `ansai save` wrote, on a host without a network
    Load(load::Arguments),
    /// Search an index of policies
    Search(search::Arguments),
    /// Show a policy of an index
    Info(info::Arguments),
    /// Make a signed index of policies, and pages for a web server
    Index(index::Arguments),
    /// Log in to a registry
    Login(login::Arguments),
    /// Create a policy
    New(new::Arguments),
    /// Build a policy from its sources into a component
    Build(build::Arguments),
    /// Replace the WASI imports of a component, so that ansai can run it
    Virtualize(virtualize::Arguments),
    /// Run a policy against its scenarios
    Test(test::Arguments),
    /// Build and run a policy again whenever its sources change
    Dev(dev::Arguments),
    /// Show what a policy can call: interfaces, functions, types, and how to grant them
    Contract(contract::Arguments),
    /// Run recorded evaluations again and compare the results
    Replay(replay::Arguments),
    /// List, show and export recorded evaluations
    Recordings(recordings::Arguments),
    /// List what steps captured, or show it for an incident
    Evidence(evidence::Arguments),
    /// Show, verify and export the audit log
    Audit(audit::Arguments),
    /// Undo a plan
    Undo(undo::Arguments),
    /// List plans that wait for approval, and decided ones
    Plans(plans::Arguments),
    /// Show what a plan that waits for approval would do
    Plan(plan::Arguments),
    /// Approve a plan
    Approve(approve::ApproveArguments),
    /// Reject a plan, or take its approval back
    Reject(approve::RejectArguments),
    /// Show what actions achieved, and let one do more or less by itself
    Promote(promote::Arguments),
    /// Say whether an incident was a false alarm
    Feedback(feedback::Arguments),
    /// Have the running daemon evaluate an instance now
    Wake(wake::Arguments),
    /// Show the state of this host: incidents, what comes next, policies, pauses
    Status(status::Arguments),
    /// List incidents, or show one from its observation to its end
    Incidents(incidents::Arguments),
    /// List what happened, the newest first
    History(history::Arguments),
    /// Report incidents, times to heal, and the effects of actions over days
    Report(report::Arguments),
    /// Begin no new steps for a while, for an instance or for all
    Pause(pause::Arguments),
    /// Neither show nor heal incidents with a key for a while
    Silence(silence::Arguments),
    /// End a pause, a silence, a quarantine, a storm or a fight
    Resume(resume::Arguments),
    /// Let ansai heal incidents again that are left to a person
    Retry(retry::Arguments),
    /// Test channels of notifications, and show, retry or drop messages
    Notify(notify::Arguments),
    /// List pauses, silences, quarantined policies, storms and fights
    Pauses(pauses::Arguments),
    /// Simulate a month of this configuration on a simulated host, with made-up or recorded faults
    Simulate(simulate::Arguments),
    /// Check what ansai can do on this host as this user
    Doctor(doctor::Arguments),
    /// Explain an error code, or list all codes
    Explain(explain::Arguments),
    /// Print a shell completion script
    Completions(completions::Arguments),
    /// Print the manual page
    #[command(hide = true)]
    Man(man::Arguments),
    /// Compile a component within limits; ansai starts this itself
    #[command(name = crate::compiler::COMPILE, hide = true)]
    CompileComponent(compile_component::Arguments),
    /// Open a SQLite database as its owner; ansai starts this itself
    #[command(name = ansai_local::sqlite::CHILD, hide = true)]
    OpenDatabase(open_database::Arguments),
    /// Confine itself as a worker and report; ansai starts this itself
    #[command(name = ansai_isolation::doctor::CHILD, hide = true)]
    ReportConfinement(report_confinement::Arguments),
    /// Call servers without rights on this host; ansai starts this itself
    #[command(name = ansai_host_functions::reach::CHILD, hide = true)]
    Reach(reach::Arguments),
    /// Look up names without rights on this host; ansai starts this itself
    #[command(name = ansai_host_functions::reach::LOOKUP_CHILD, hide = true)]
    LookUpNames(look_up_names::Arguments),
    /// Run guest code without rights; ansai starts this itself
    #[command(name = ansai_engine::isolated::CHILD, hide = true)]
    GuestWorker(guest_worker::Arguments),
}

fn after_help() -> String {
    let codes: Vec<String> =
        ansai_core::exit::ALL.iter().map(|(code, meaning)| format!("  {code}  {meaning}")).collect();
    format!(
        "Examples:\n  \
         ansai run policies/ --once            check this host once, change nothing\n  \
         ansai init                            write a configuration that only observes\n  \
         ansai run                             keep this host healthy as configured\n  \
         ansai status                          show the state of this host\n  \
         ansai inspect policies/disk-space     show what a policy may do\n\n\
         Exit codes:\n{}",
        codes.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_and_explains_every_flag() {
        fn walk(command: &clap::Command) {
            for below in command.get_subcommands() {
                let help = below.get_after_help().map(ToString::to_string).unwrap_or_default();
                let leaf = !below.has_subcommands();
                assert!(!leaf || help.contains("Example"), "{}", below.get_name());
                for argument in below.get_arguments() {
                    assert!(argument.get_help().is_some(), "{} {}", below.get_name(), argument.get_id());
                }
                walk(below);
            }
        }
        walk(&Arguments::command());
    }
}
