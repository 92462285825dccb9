//! Measures what ansai costs: prints a table and writes `README.md` beside its sources. `make bench` runs it.
//!
//! It is no test: nothing that is timed is asserted.

mod appending;
mod bare;
mod figure;
mod gate;
mod guest;
mod loading;
mod machine;
mod prepared;
mod process;
mod readme;
mod replay;
mod samples;
mod table;

use std::path::Path;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policies = directory.join("../../policies");
    let machine = machine::describe();
    let figures = [
        gate::measure().context("the gate")?,
        replay::measure().context("replay")?,
        loading::measure(&policies).context("loading")?,
        process::measure(&policies).context("the program")?,
        appending::measure().context("the audit log")?,
    ];
    table::print(&figures)?;
    readme::write(directory, &machine, &figures).context("README.md")
}
