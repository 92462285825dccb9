//! The ratings of `systemd-analyze security`, which decision 0109 and the page about isolation name.

use std::path::Path;

use ansai_harness::{Ansai, Invocation, binary};

/// The first version that rates a file.
const FIRST: u32 = 250;
/// Units with what processes have that confine themselves, and the highest rating that they may have with the version of
/// [`UNIT`], times ten.
const EQUIVALENTS: &[(&str, u8)] = &[("worker", 20), ("client", 20), ("lookup", 20)];
/// That of the unit of the supervisor, with systemd 252. Later versions have more settings to rate.
const UNIT: (u32, u8) = (252, 61);

/// What systemd says of a unit file. It fails above this rating.
fn rated(file: &Path, most: u8) -> (i32, String) {
    let arguments = ["security", "--offline=true", "--no-pager", &format!("--threshold={most}")].map(str::to_owned);
    let ran = Invocation::of("systemd-analyze").args(arguments).arg(file).run();
    (ran.code, ran.stdout.lines().last().unwrap_or_default().to_owned())
}

fn version() -> Option<u32> {
    let ran = Invocation::of("systemd-analyze").arg("--version").run();
    // Some builds add `.N`, `~rcN` or the like.
    let word = ran.stdout.split_whitespace().nth(1).filter(|_| ran.code == 0)?;
    word.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Would break: a setting that is taken from the unit. What processes have is written down in `equivalents`; the tests of
/// `ansai-isolation` check that they have it.
#[test]
#[expect(clippy::print_stderr, reason = "figures and a skip are printed")]
fn the_ratings_of_the_unit_and_of_what_its_processes_have() {
    let Some(version) = version().filter(|version| *version >= FIRST) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "this test needs systemd-analyze {FIRST} or later");
        eprintln!("skipped: this test needs systemd-analyze {FIRST} or later");
        return;
    };
    let equivalents = binary::repository().join("tests/e2e/tests/unit/equivalents");
    for (name, most) in EQUIVALENTS {
        let (code, said) = rated(&equivalents.join(format!("{name}.service")), *most);
        eprintln!("{name}: {said}");
        assert!(code == 0 || version != UNIT.0, "{name}: {said}");
    }
    let place = tempfile::tempdir().unwrap();
    let unit = place.path().join("ansai.service");
    std::fs::write(&unit, &Ansai::new().args(["install-unit", "--print"]).run().expect_code(0).stdout).unwrap();
    let (code, said) = rated(&unit, UNIT.1);
    eprintln!("unit: {said}");
    assert!(code == 0 || version != UNIT.0, "{said}");
}
