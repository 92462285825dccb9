//! `ansai dev`: builds and runs a policy again whenever its sources change.
#![expect(clippy::disallowed_methods, reason = "starts this program again, once for each step")]

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Instant;

use ansai_core::text::inert;
use ansai_core::{codes, exit};
use anyhow::Context as _;
use clap::Args;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Fault;
use crate::global::{Color, Format, Global};
use crate::output::{self, colour};
use crate::runtime;
use crate::watch::Watch;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai dev policies/disk-space\n  \
    ansai dev policies/disk-space --scenario policies/disk-space/scenarios/full.toml\n\n\
    Whenever a file of the directory changes, ansai builds the policy and evaluates it once on this host in observe\n\
    mode: nothing on the host changes. Policy state is temporary. The component is a draft in a temporary directory;\n\
    use `ansai build` for release. With --config, ansai builds the component where the configuration expects it.\n\
    Press Ctrl-C to stop.")]
pub(crate) struct Arguments {
    /// Directory of the policy, with policy.toml
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Run this scenario instead of evaluating on this host; repeatable
    #[arg(long, value_name = "FILE")]
    scenario: Vec<PathBuf>,
    /// Build as root, which runs the build scripts of the policy as root
    #[arg(long)]
    allow_root: bool,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    if !arguments.dir.join("policy.toml").exists() {
        return Err(Fault::usage(
            codes::NO_POLICY,
            format!("{} is not a policy: it has no policy.toml", arguments.dir.display()),
        )
        .hint("pass the directory of one policy")
        .into());
    }
    let place = tempfile::tempdir().context("cannot make a temporary directory")?;
    runtime::block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let rounds = Rounds { arguments, global, place: place.path() };
        tokio::select! {
            ended = rounds.run() => ended,
            _ = interrupt.recv() => Ok(exit::FINE),
            _ = terminate.recv() => Ok(exit::FINE),
        }
    })?
}

struct Rounds<'a> {
    arguments: &'a Arguments,
    global: &'a Global,
    /// Temporary.
    place: &'a Path,
}

impl Rounds<'_> {
    async fn run(&self) -> anyhow::Result<u8> {
        let mut roots = vec![self.arguments.dir.clone()];
        roots.extend(self.arguments.scenario.iter().cloned());
        let is_source = |path: &Path| path.extension().is_none_or(|extension| extension != "wasm");
        // Started before the first build, so that changes during the build are seen.
        let mut watch = Watch::new(roots, is_source);
        loop {
            self.round().await?;
            say("watching for changes; press Ctrl-C to stop");
            for path in watch.wait().await {
                let path = path.strip_prefix(&self.arguments.dir).unwrap_or(&path);
                say(&format!("changed: {}", inert(&path.display().to_string(), 300)));
            }
        }
    }

    /// Builds and evaluates once; the child processes print errors.
    async fn round(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        // One for each round: the name of the policy may change.
        let draft = tempfile::tempdir_in(self.place).context("cannot make a temporary directory")?;
        let mut build = self.again("build");
        build.arg(&self.arguments.dir);
        // A configuration names the component of an instance, so that one is built.
        let component = match self.global.config {
            None => {
                build.arg("--draft").arg(draft.path());
                draft.path()
            }
            Some(_) => &self.arguments.dir,
        };
        if self.arguments.allow_root {
            build.arg("--allow-root");
        }
        let built = build.status().await.context("cannot start ansai")?;
        if !built.success() {
            say(&format!("build failed: {}", words(built)));
            return Ok(());
        }
        say(&format!("built in {:.1} s", began.elapsed().as_secs_f64()));
        let began = Instant::now();
        let mut look = match self.arguments.scenario.is_empty() {
            true => self.observe(component),
            false => self.test(component),
        };
        let looked = look.status().await.context("cannot start ansai")?;
        let what = if self.arguments.scenario.is_empty() { "evaluated" } else { "tested" };
        let seconds = began.elapsed().as_secs_f64();
        say(&format!("{what} in {seconds:.1} s: {}", words(looked)));
        Ok(())
    }

    fn observe(&self, component: &Path) -> Command {
        let mut look = self.again("run");
        look.arg(component).args(["--once", "--mode", "observe"]);
        look.arg("--state-dir").arg(self.place.join("state"));
        if let Some(config) = &self.global.config {
            look.arg("--config").arg(config);
        }
        look
    }

    fn test(&self, component: &Path) -> Command {
        let mut test = self.again("test");
        test.arg(component);
        for scenario in &self.arguments.scenario {
            test.arg("--scenario").arg(scenario);
        }
        test
    }

    /// This program again, with the same output options; it stops with this one.
    fn again(&self, verb: &str) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg(verb).kill_on_drop(true);
        if self.global.format == Format::Json {
            command.args(["--format", "json"]);
        }
        let colour = match self.global.color {
            Color::Auto => "auto",
            Color::Always => "always",
            Color::Never => "never",
        };
        command.args(["--color", colour]);
        for _ in 0..self.global.verbose {
            command.arg("-v");
        }
        command
    }
}

fn say(text: &str) {
    output::tell(&colour::paint(colour::FAINT, &format!("dev: {text}")));
}

fn words(status: ExitStatus) -> String {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => inert(crate::exit::meaning(code), 200),
        None => status.to_string(),
    }
}
