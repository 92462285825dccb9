//! Packages as if they were installed, for a test with mounts of its own.

use std::path::Path;

use super::Packages;
use crate::command::Invocation;

impl Packages {
    /// Lays the files of the packages over `/usr`, `/etc` and `/var`, so that programs find each other where they would be if they
    /// were installed. What is written there is kept below `directory` until the end of the test. Only for
    /// [`with_own_mounts`](crate::with_own_mounts).
    ///
    /// # Panics
    /// If it cannot be mounted.
    pub fn lay_over_the_host(&self, directory: &Path) {
        let mount = |arguments: &[&str]| Invocation::of("mount").args(arguments).run().expect_code(0).code;
        // The file system below may be one that cannot be an upper layer.
        let upper = directory.to_str().expect("a directory with a plain name");
        mount(&["-t", "tmpfs", "-o", "mode=755", "ansai-test", upper]);
        for name in ["usr", "etc", "var"] {
            let layers = self.roots.iter().map(|root| root.join(name)).filter(|layer| layer.is_dir());
            let layers: Vec<String> = layers.map(|layer| layer.display().to_string()).collect();
            for part in ["files", "work"] {
                std::fs::create_dir_all(directory.join(name).join(part)).expect("a directory on the tmpfs");
            }
            let lower = format!("{}:/{name}", layers.join(":"));
            let options = format!("lowerdir={lower},upperdir={upper}/{name}/files,workdir={upper}/{name}/work");
            mount(&["-t", "overlay", "-o", &options, "ansai-test", &format!("/{name}")]);
        }
    }
}
