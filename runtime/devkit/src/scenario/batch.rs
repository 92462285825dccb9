//! Runs many scenarios of one policy on all cores and reports them in order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use ansai_config::Diagnostics;

use super::file::Scenario;
use super::run::{Ran, run};
use super::subject::Subject;

/// The result of one scenario file.
#[derive(Debug)]
pub struct Tested {
    /// `disk-space/full-var`.
    pub name: String,
    /// Path of the file.
    pub file: PathBuf,
    /// The result of the run, or the problems of the file.
    pub ran: Result<Ran, Diagnostics>,
    scenario: Option<Scenario>,
}

impl Tested {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.ran.as_ref().is_ok_and(|ran| ran.problems.is_empty())
    }

    /// The file with its expectation updated to the result; `None` if nothing needs to be changed, or nothing can.
    pub fn updated(&self) -> Option<String> {
        match (&self.scenario, &self.ran) {
            (Some(scenario), Ok(ran)) if !ran.problems.is_empty() => super::update::updated(scenario, ran),
            _ => None,
        }
    }
}

/// Name of a scenario of a policy.
pub fn name(subject: &Subject, file: &Path) -> String {
    format!("{}/{}", subject.name(), Scenario::name(file))
}

/// Runs each file, on the given number of threads; calls `each` in the files' order, as soon as a result is ready.
///
/// # Errors
/// If threads cannot be started.
pub fn run_all(
    subject: &Subject,
    files: &[PathBuf],
    threads: usize,
    mut each: impl FnMut(Tested),
) -> std::io::Result<()> {
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, files.len().max(1)) {
            let done = done.clone();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let work = || {
                let (done, runtime) = (done, runtime);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { return };
                    let tested = runtime.block_on(one(subject, file));
                    if done.send((index, tested)).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new().name("scenarios".into()).spawn_scoped(scope, work)?;
        }
        drop(done);
        let mut early = BTreeMap::new();
        let mut told = 0;
        for (index, tested) in results {
            early.insert(index, tested);
            while let Some(tested) = early.remove(&told) {
                told += 1;
                each(tested);
            }
        }
        Ok(())
    })
}

async fn one(subject: &Subject, file: &Path) -> Tested {
    let (scenario, ran) = match Scenario::load(file) {
        Ok(scenario) => {
            let ran = run(subject, &scenario).await;
            (Some(scenario), ran)
        }
        Err(problems) => (None, Err(problems)),
    };
    Tested { name: name(subject, file), file: file.to_owned(), ran, scenario }
}
