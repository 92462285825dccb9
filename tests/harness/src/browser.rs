//! Pages as a real browser shows them, as pictures that are compared.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::server::{Packages, packages};

/// A channel of a pixel that differs by less is the same: versions of libraries smooth letters differently.
const MOST_DIFFERENCE: u8 = 48;
/// Of a thousand pixels, so many may differ.
pub const MOST_PER_MILLE: usize = 5;

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

/// A picture of a page.
pub struct Picture {
    width: usize,
    /// Rows of red, green and blue, without what PNG puts before each row.
    pixels: Vec<u8>,
}

impl Picture {
    /// Reads what the browser writes: PNG of 8 bits.
    ///
    /// # Panics
    /// If it is another form of PNG.
    pub fn of_png(bytes: &[u8]) -> Picture {
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
    pub fn difference(&self, other: &Picture) -> usize {
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

/// A name, the page, width and height in pixels, and an option of the browser.
pub type Kept<'a> = (&'a str, &'a str, (u32, u32), Option<&'a str>);

/// The headless Chromium of Debian, with one set of fonts.
pub struct Browser {
    programs: Packages,
    place: tempfile::TempDir,
}

impl Browser {
    /// `None` if it cannot be had: then the reason was printed, and the test returns.
    ///
    /// # Panics
    /// If its files cannot be written.
    pub fn new() -> Option<Browser> {
        let programs = packages(&["chromium-headless-shell", "fonts-dejavu-core"])?;
        let place = tempfile::tempdir().unwrap();
        let fonts = programs.file("usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
        let text = FONTS.replace("FONTS", &fonts.parent().unwrap().to_string_lossy());
        let text = text.replace("CACHE", &place.path().join("cache").to_string_lossy());
        std::fs::write(place.path().join("fonts.conf"), text).unwrap();
        Some(Browser { programs, place })
    }

    /// A picture of a page; `options` are those of the browser.
    ///
    /// # Panics
    /// If the browser fails.
    pub fn picture(&self, page: &str, (width, height): (u32, u32), options: &[&str]) -> (PathBuf, Picture) {
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

impl Browser {
    /// Compares pages with kept pictures, as `NAME.png` in a directory: the names of those that differ, and where the new
    /// picture is. `ANSAI_WRITE_REFERENCE=1` keeps new ones: look at them first.
    ///
    /// # Panics
    /// If a picture cannot be written.
    pub fn differing(&self, kept: &Path, pages: &[Kept<'_>]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, page, size, option) in pages {
            let reference = kept.join(format!("{name}.png"));
            let (file, seen) = self.picture(page, *size, option.as_slice());
            if std::env::var_os("ANSAI_WRITE_REFERENCE").is_some() {
                std::fs::copy(&file, &reference).unwrap();
            }
            let difference = match std::fs::read(&reference) {
                Ok(bytes) => Picture::of_png(&bytes).difference(&seen),
                Err(_) => 1_000,
            };
            if difference > MOST_PER_MILLE {
                let shown = std::env::temp_dir().join(format!("ansai-page-{name}.png"));
                std::fs::copy(&file, &shown).unwrap();
                wrong.push(format!("{name}: {difference} of 1,000 pixels differ: {}", shown.display()));
            }
        }
        wrong
    }
}
