//! Links the program so that less of it is read into memory at its start.
#![expect(clippy::disallowed_methods, reason = "a build script is told of its target by its environment")]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    let here =
        env("CARGO_CFG_TARGET_OS") == "linux" && env("CARGO_CFG_TARGET_ENV") == "gnu" && env("HOST") == env("TARGET");
    if here && glibc().is_some_and(|version| version >= (2, 36)) {
        // 70,000 relative relocations: 1.6 MiB as a table that is read whole at each start, 20 KiB as a bitmap. An older
        // glibc does not start such a program.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// `glibc 2.36`: of this machine.
fn glibc() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?.stdout;
    let said = String::from_utf8(said).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
