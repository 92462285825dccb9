//! `ansai new`: creates a policy.

use std::path::{Path, PathBuf};

use ansai_core::{codes, exit};
use ansai_devkit::build::Language;
use ansai_devkit::new::{Made, create, create_repository};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{json, lines};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai new nginx-certificates --lang rust\n  \
    ansai new nginx-certificates --lang rust --ci     with a CI; its README.md is in ci/\n\n\
    The new policy builds and passes its scenarios: it warns when a file system is too full. All files that it needs\n\
    are in its directory; nothing is downloaded or overwritten.")]
pub(crate) struct Arguments {
    /// Name of the policy: lower-case letters, digits and single hyphens
    name: String,
    /// Programming language
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(Language::ALL.map(Language::name)))]
    lang: String,
    /// Add a CI that builds, tests, signs and publishes the policy: a script, and a workflow of GitHub
    #[arg(long)]
    ci: bool,
    /// Directory in which to create the directory of the policy
    #[arg(long, value_name = "PARENT", default_value = ".")]
    dir: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let language = Language::ALL
        .into_iter()
        .find(|language| language.name() == arguments.lang)
        .ok_or_else(|| Fault::usage(codes::USAGE, format!("unknown language `{}`", arguments.lang)))?;
    let interfaces = ansai_host_functions::builtin().interfaces();
    let made = match arguments.ci {
        true => create_repository(&arguments.dir, &arguments.name, language, &interfaces, env!("CARGO_PKG_VERSION")),
        false => create(&arguments.dir, &arguments.name, language, &interfaces),
    };
    let made = made.map_err(|error| {
        let hint = error.hint();
        Fault::usage(error.code(), format!("cannot create the policy: {error}")).maybe_hint(hint)
    })?;
    match global.format {
        Format::Text => show(&made, language, arguments.ci)?,
        Format::Json => json::line(&serde_json::json!({
            "path": made.path,
            "language": language.name(),
            "files": made.files,
        }))?,
    }
    Ok(exit::FINE)
}

fn show(made: &Made, language: Language, with_ci: bool) -> std::io::Result<()> {
    let path = made.path.strip_prefix(".").unwrap_or(&made.path);
    let file = |name: &str| Path::new(path).join(name).display().to_string();
    lines::line(&format!("created {} with {}", path.display(), count(made.files.len(), "file")))?;
    let mut next = vec![
        ("build:", format!("ansai build {}", path.display())),
        ("test:", format!("ansai test {}", path.display())),
        ("edit:", file(language.source())),
        ("capabilities:", file("policy.toml")),
        ("documentation:", file("README.md")),
    ];
    if with_ci {
        next.push(("publish:", file("ci/README.md")));
    }
    for (what, then) in next {
        lines::line(&format!("  {what:16}{then}"))?;
    }
    Ok(())
}
