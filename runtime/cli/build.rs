//! Links the program so that it is smaller and less of it is read into memory at its start.
#![expect(clippy::disallowed_methods, reason = "a build script is told of its target by its environment")]

use std::path::PathBuf;
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
    if here && links_with(FOLD) {
        println!("cargo::rustc-link-arg-bins={FOLD}");
    }
}

/// Functions whose machine code is the same are kept once. lld and gold can do it, the linker of GNU binutils cannot.
const FOLD: &str = "-Wl,--icf=all";

/// Whether a program can be linked with this argument.
fn links_with(argument: &str) -> bool {
    let (Some(rustc), Some(out)) = (std::env::var_os("RUSTC"), std::env::var_os("OUT_DIR").map(PathBuf::from)) else {
        return false;
    };
    let source = out.join("empty.rs");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut linking = Command::new(rustc);
    linking.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    linking.arg(format!("-Clink-arg={argument}")).arg("-o").arg(out.join("empty")).arg(&source);
    let linked = std::fs::write(&source, "fn main() {}").and_then(|()| linking.output());
    linked.is_ok_and(|linked| linked.status.success())
}

/// `glibc 2.36`: of this machine.
fn glibc() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?.stdout;
    let said = String::from_utf8(said).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
