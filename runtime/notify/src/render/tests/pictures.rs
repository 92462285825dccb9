//! Mails as a browser shows them, compared with kept pictures. `ANSAI_WRITE_REFERENCE=1` keeps new ones: look at them first.
#![allow(clippy::disallowed_methods, clippy::panic, reason = "tests")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_harness::server::{Packages, packages};

use super::*;

/// A channel of a pixel that differs by less is the same: versions of libraries smooth letters differently.
const MOST_DIFFERENCE: u8 = 48;
/// Of a thousand pixels, so many may differ.
const MOST_PER_MILLE: usize = 5;

/// Only these fonts, so that all machines draw the same.
const FONTS: &str = r#"<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>FONTS</dir><cachedir>CACHE</cachedir></fontconfig>
"#;

/// Nothing is fetched, and what depends on the machine is off.
const OPTIONS: [&str; 11] = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--hide-scrollbars",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
];

struct Picture {
    width: usize,
    /// Rows of red, green and blue, without what PNG puts before each row.
    pixels: Vec<u8>,
}

impl Picture {
    fn of_png(bytes: &[u8]) -> Picture {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (width, height) = (number(16), number(20));
        // 8 bits, red, green and blue, perhaps with alpha, not interlaced.
        let channels = match bytes[24..29] {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            _ => panic!("an unknown form of PNG"),
        };
        let (mut data, mut at) = (Vec::new(), 8);
        while at + 12 <= bytes.len() {
            let length = number(at);
            if &bytes[at + 4..at + 8] == b"IDAT" {
                data.extend_from_slice(&bytes[at + 8..at + 8 + length]);
            }
            at += length + 12;
        }
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(&data[..]).read_to_end(&mut rows).unwrap();
        let pixels = unfiltered(&rows, width * channels, height, channels);
        let pixels = pixels.chunks_exact(channels).flat_map(|pixel| pixel[..3].to_vec()).collect();
        Picture { width, pixels }
    }

    /// How many of a thousand pixels differ.
    fn difference(&self, other: &Picture) -> usize {
        if (self.width, self.pixels.len()) != (other.width, other.pixels.len()) {
            return 1_000;
        }
        let differs = |(a, b): &(&[u8], &[u8])| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > MOST_DIFFERENCE);
        let pairs = self.pixels.chunks_exact(3).zip(other.pixels.chunks_exact(3));
        (pairs.filter(differs).count() * 1_000).div_ceil(self.pixels.len() / 3)
    }
}

/// Rows of a PNG without their filters.
fn unfiltered(rows: &[u8], stride: usize, height: usize, channels: usize) -> Vec<u8> {
    let mut out = vec![0_u8; stride * height];
    for row in 0..height {
        let (filter, line) = rows[row * (stride + 1)..(row + 1) * (stride + 1)].split_first().unwrap();
        for column in 0..stride {
            let left = if column >= channels { out[row * stride + column - channels] } else { 0 };
            let up = if row > 0 { out[(row - 1) * stride + column] } else { 0 };
            let corner = if row > 0 && column >= channels { out[(row - 1) * stride + column - channels] } else { 0 };
            let expected = match filter {
                0 => 0,
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                _ => nearest(left, up, corner),
            };
            out[row * stride + column] = line[column].wrapping_add(expected);
        }
    }
    out
}

/// The one of three that is nearest to left + up - corner.
fn nearest(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    match (distance(left), distance(up), distance(corner)) {
        (a, b, c) if a <= b && a <= c => left,
        (_, b, c) if b <= c => up,
        _ => corner,
    }
}

struct Browser {
    programs: Packages,
    place: tempfile::TempDir,
}

impl Browser {
    fn new() -> Option<Browser> {
        let programs = packages(&["chromium-headless-shell", "fonts-dejavu-core"])?;
        let place = tempfile::tempdir().unwrap();
        let fonts = programs.file("usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
        let text = FONTS.replace("FONTS", &fonts.parent().unwrap().to_string_lossy());
        let text = text.replace("CACHE", &place.path().join("cache").to_string_lossy());
        std::fs::write(place.path().join("fonts.conf"), text).unwrap();
        Some(Browser { programs, place })
    }

    /// A picture of a page; `options` are those of the browser.
    fn picture(&self, page: &str, (width, height): (u32, u32), options: &[&str]) -> (PathBuf, Picture) {
        let place = self.place.path();
        std::fs::write(place.join("page.html"), page).unwrap();
        let picture = place.join("picture.png");
        let _ = std::fs::remove_file(&picture);
        let ran = self
            .programs
            .program("chromium-headless-shell")
            .args(OPTIONS)
            .args(options)
            .arg(format!("--user-data-dir={}", place.join("profile").display()))
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", place.join("page.html").display()))
            .env("FONTCONFIG_FILE", place.join("fonts.conf"))
            .limit(Duration::from_secs(60))
            .run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let bytes = std::fs::read(&picture).unwrap();
        (picture, Picture::of_png(&bytes))
    }
}

fn page(message: &Message) -> String {
    stable(&html(&document(message)))
}

/// Would break: a mail that is ugly, or cannot be read in the dark or on a phone.
#[test]
fn mails_look_as_they_did() {
    let Some(browser) = Browser::new() else { return };
    let [healed, held] = [Kind::Healed, Kind::Held].map(|kind| page(&message(vec![sample::notice(kind)])));
    let report = page(&report_message());
    let dark = "--blink-settings=forceDarkModeEnabled=true";
    let kept = [
        ("healed", &healed, (600, 890), None),
        ("healed-phone", &healed, (360, 1_140), None),
        ("held-dark", &held, (600, 1_060), Some(dark)),
        ("held-phone-dark", &held, (360, 1_300), Some(dark)),
        ("report", &report, (600, 800), None),
        ("report-phone", &report, (360, 1_100), None),
    ];
    let mut wrong = Vec::new();
    for (name, page, size, option) in kept {
        let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/render/tests/pictures/{name}.png"));
        let (file, seen) = browser.picture(page, size, option.as_slice());
        if std::env::var_os("ANSAI_WRITE_REFERENCE").is_some() {
            std::fs::copy(&file, &reference).unwrap();
        }
        let difference = match std::fs::read(&reference) {
            Ok(bytes) => Picture::of_png(&bytes).difference(&seen),
            Err(_) => 1_000,
        };
        if difference > MOST_PER_MILLE {
            let shown = std::env::temp_dir().join(format!("ansai-mail-{name}.png"));
            std::fs::copy(&file, &shown).unwrap();
            wrong.push(format!("{name}: {difference} of 1,000 pixels differ: {}", shown.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\nlook at them, then ANSAI_WRITE_REFERENCE=1 keeps them");
    // A client that shows dark pages where they offer it shows the light one: it offers no other.
    let (_, light) = browser.picture(&healed, (600, 890), &[]);
    let (_, prefers_dark) = browser.picture(&healed, (600, 890), &["--blink-settings=preferredColorScheme=0"]);
    assert_eq!(light.difference(&prefers_dark), 0);
    // The comparison sees one wrong word.
    let (_, other) = browser.picture(&healed.replace("RESOLVED", "DISSOLVED"), (600, 890), &[]);
    assert!(light.difference(&other) > MOST_PER_MILLE, "{}", light.difference(&other));
}
