//! `ansai new`: a policy to begin with.

use std::path::{Path, PathBuf};

use ansai_core::{codes, exit};
use ansai_devkit::build::Language;
use ansai_devkit::new::{Made, create};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::arguments::{Format, Global};
use crate::exit::Fault;
use crate::output::{json, lines};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai new nginx-certificates --lang rust\n\n\
    What is made builds and passes its scenarios as it stands: a policy that watches how full file systems are, with \
    all that it needs beside it. Nothing is fetched, and nothing is overwritten.")]
pub(crate) struct Arguments {
    /// What the policy is called: small letters, digits and single hyphens
    name: String,
    /// What it is written in
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(Language::ALL.map(Language::name)))]
    lang: String,
    /// The directory in which the policy's own is made
    #[arg(long, value_name = "PARENT", default_value = ".")]
    dir: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let language = Language::ALL
        .into_iter()
        .find(|language| language.name() == arguments.lang)
        .ok_or_else(|| Fault::usage(codes::USAGE, format!("there is no language `{}`", arguments.lang)))?;
    let interfaces = ansai_host_functions::builtin().interfaces();
    let made = create(&arguments.dir, &arguments.name, language, &interfaces).map_err(|error| {
        let hint = error.hint();
        Fault::usage(error.code(), format!("no policy was made: {error}")).maybe_hint(hint)
    })?;
    match global.format {
        Format::Text => show(&made, language)?,
        Format::Json => json::line(&serde_json::json!({
            "path": made.path,
            "language": language.name(),
            "files": made.files,
        }))?,
    }
    Ok(exit::FINE)
}

fn show(made: &Made, language: Language) -> std::io::Result<()> {
    let path = made.path.strip_prefix(".").unwrap_or(&made.path);
    let file = |name: &str| Path::new(path).join(name).display().to_string();
    lines::line(&format!("made {} with {} files", path.display(), made.files.len()))?;
    for (what, then) in [
        ("build it:", format!("ansai build {}", path.display())),
        ("test it:", format!("ansai test {}", path.display())),
        ("change it:", file(language.source())),
        ("let it do more:", file("policy.toml")),
        ("read on:", file("README.md")),
    ] {
        lines::line(&format!("  {what:16}{then}"))?;
    }
    Ok(())
}
