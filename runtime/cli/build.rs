//! Links the program so that less of it is read into memory at its start.
#![expect(clippy::disallowed_methods, reason = "a build script is told of its target by its environment")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    if env("CARGO_CFG_TARGET_OS") == "linux" && env("CARGO_CFG_TARGET_ENV") == "gnu" {
        // 70,000 relative relocations: 1.6 MiB as a table that is read whole at each start, 20 KiB as a bitmap. Needs
        // glibc 2.36, which Debian 12 has.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
