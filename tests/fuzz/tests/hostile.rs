//! Arguments that a policy's author would hardly think of.

use ansai_fuzz::random::Random;

use crate::scene::Scene;

/// A text: often a path in the scene, rarely a valid one.
pub(crate) fn text(random: &mut Random, scene: &Scene) -> Vec<u8> {
    const NAMES: [&str; 24] = [
        "**",
        "**",
        "",
        ".",
        "..",
        "/",
        "//",
        "/etc",
        "/proc/self/root",
        "*",
        "**",
        "../**",
        "/etc/*",
        "[",
        "{a,{b,c}}",
        "*.log",
        "a\nb\r\x1b[2J\x1b]0;x\x07",
        "\u{202e}gol",
        "\\x2e\\x2e",
        "1.2:../x",
        "-1.0:",
        "5:a",
        "+inf",
        "\u{0}",
    ];
    const BELOW: [&str; 18] = [
        "granted",
        "granted",
        "granted",
        "granted",
        "granted",
        "granted",
        "granted/sub",
        "granted/sub",
        "granted/",
        "granted//sub",
        "granted/./sub",
        "granted/../outside",
        "granted-not",
        "granted/link",
        "granted/link/sub",
        "granted/sub/file-link.log",
        "outside",
        "granted\0/../outside",
    ];
    match random.below(12) {
        0..=5 => scene.path(BELOW[random.below(BELOW.len())]).into_bytes(),
        6..=9 => NAMES[random.below(NAMES.len())].into(),
        10 => {
            let unit = NAMES[random.below(NAMES.len())];
            unit.repeat(1 << random.below(17)).into_bytes()
        }
        _ => String::from_utf8_lossy(&random.bytes(20)).into_owned().into_bytes(),
    }
}

/// A 64-bit number, mostly near a limit.
pub(crate) fn number(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => 0,
        1 => 1,
        2 => u64::MAX - random.below(2) as u64,
        3 => 1 << random.below(64),
        4 => random.below(100) as u64,
        _ => random.word(),
    }
}

/// The bits of a floating-point number; can be infinite or NaN.
pub(crate) fn float(random: &mut Random) -> u64 {
    const SPECIAL: [f64; 7] = [0.0, -0.0, 1.5, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX];
    match random.below(9) {
        at @ 0..=6 => SPECIAL[at].to_bits(),
        7 => 0x7ff8_0000_0000_0000 | (random.word() >> 13),
        _ => random.word(),
    }
}
