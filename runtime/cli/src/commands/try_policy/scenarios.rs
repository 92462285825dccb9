//! How the scenarios next to a component end here.

use std::path::Path;

use ansai_daemon::sources;
use ansai_devkit::scenario;

use crate::commands::test::subject;
use crate::compiler;

/// What became of the scenarios.
pub(super) enum Scenarios {
    /// There are none.
    None,
    /// They ran.
    Ended {
        /// How many ended as expected.
        passed: usize,
        /// The names of the others.
        failed: Vec<String>,
    },
}

pub(super) fn run(component: &Path) -> anyhow::Result<Scenarios> {
    let directory = component.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = sources::scenarios(&directory.join("scenarios"))?;
    if files.is_empty() {
        return Ok(Scenarios::None);
    }
    let registry = ansai_host_functions::builtin();
    let subject = subject(component, &compiler::engine(registry.clone())?, &registry)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut passed, mut failed) = (0, Vec::new());
    scenario::run_all(&subject, &files, threads, |tested| match tested.passed() {
        true => passed += 1,
        false => failed.push(tested.name.clone()),
    })?;
    failed.sort();
    Ok(Scenarios::Ended { passed, failed })
}
