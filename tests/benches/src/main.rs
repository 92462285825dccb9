//! Measures the cost of ansai: prints a table, and writes `README.md` in the directory of this crate. Run it with `make
//! bench`. With section names as arguments, it only measures and prints these.
//!
//! This is not a test: it asserts nothing about times.

mod appending;
mod authors;
mod bare;
mod example;
mod figure;
mod gate;
mod guest;
mod instances;
mod isolation;
mod languages;
mod loading;
mod machine;
mod monit;
mod prepared;
mod process;
mod readme;
mod replay;
mod rivals;
mod samples;
mod scanning;
mod table;
mod tree;

use std::path::Path;

use anyhow::Context as _;

type Measure = fn(&Path) -> anyhow::Result<figure::Figure>;

/// Sections by their names on the command line. Each gets the directory of the built-in policies.
const SECTIONS: [(&str, Measure); 12] = [
    ("gate", |_| gate::measure()),
    ("rivals", rivals::measure),
    ("replay", replay::measure),
    ("loading", loading::measure),
    ("program", process::measure),
    ("isolation", isolation::measure),
    ("monit", monit::measure),
    ("instances", instances::measure),
    ("audit", |_| appending::measure()),
    ("scanning", |_| scanning::measure()),
    ("languages", languages::measure),
    ("authors", authors::measure),
];

fn main() -> anyhow::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policies = directory.join("../../policies");
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [child, root] = wanted.as_slice()
        && child == scanning::CHILD
    {
        return scanning::once(Path::new(root));
    }
    if let [child, job] = wanted.as_slice()
        && child == ansai_engine::isolated::CHILD
    {
        std::process::exit(ansai_engine::isolated::worker::run(ansai_host_functions::builtin(), job).into());
    }
    if let Some(unknown) = wanted.iter().find(|name| !SECTIONS.iter().any(|(known, _)| known == name)) {
        let known: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
        anyhow::bail!("`{unknown}` is not measured; there are {}", known.join(", "));
    }
    let machine = machine::describe();
    let mut figures = Vec::new();
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            figures.push(measure(&policies).context(name)?);
        }
    }
    table::print(&figures)?;
    // The report holds only figures of one run, so a partial run does not write it.
    if wanted.is_empty() { readme::write(directory, &machine, &figures).context("README.md") } else { Ok(()) }
}
