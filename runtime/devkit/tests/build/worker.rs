//! The same scenarios with the guest in a worker process of the real program.

use std::path::{Path, PathBuf};

use ansai_harness::Ansai;

use ansai_devkit::scenario::Ran;

/// Checks that these scenarios of a component use the same fuel in a worker, and pass. JavaScript, Python and Go bring a heap, a
/// collector and much data.
pub(crate) fn uses_the_same_fuel(component: &Path, ran: &[(PathBuf, &Ran)]) {
    let scenarios = ran.iter().flat_map(|(file, _)| [Path::new("--scenario"), file.as_path()]);
    let said = Ansai::new().args(["test", "--isolation", "process"]).args(scenarios).arg(component).run();
    said.expect_code(0);
    for (file, ran) in ran {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let expected = format!("/{name}  ({} fuel, ", ran.fuel.iter().sum::<u64>());
        assert!(said.stdout.contains(&expected), "no {expected:?} in {}", said.stdout);
    }
}
