//! Mails as a browser shows them, compared with kept pictures. `ANSAI_WRITE_REFERENCE=1` keeps new ones: look at them first.
#![allow(clippy::disallowed_methods, clippy::panic, reason = "tests")]

use std::path::Path;

use ansai_harness::browser::{Browser, MOST_PER_MILLE};

use super::*;

fn page(message: &Message) -> String {
    stable(&html(&document(message)))
}

/// Would break: a mail that is ugly, or cannot be read in the dark or on a phone.
#[test]
fn mails_look_as_they_did() {
    let Some(browser) = Browser::new() else { return };
    let [healed, held] = [Kind::Healed, Kind::Held].map(|kind| page(&message(vec![sample::notice(kind)])));
    let report = page(&report_message());
    let (healed, held, report) = (healed.as_str(), held.as_str(), report.as_str());
    let dark = "--blink-settings=forceDarkModeEnabled=true";
    let kept = [
        ("healed", healed, (600, 890), None),
        ("healed-phone", healed, (360, 1_140), None),
        ("held-dark", held, (600, 1_060), Some(dark)),
        ("held-phone-dark", held, (360, 1_300), Some(dark)),
        ("report", report, (600, 800), None),
        ("report-phone", report, (360, 1_100), None),
    ];
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/tests/pictures");
    let wrong = browser.differing(&pictures, &kept);
    assert!(wrong.is_empty(), "{wrong:#?}\nlook at them, then ANSAI_WRITE_REFERENCE=1 keeps them");
    // A client that shows dark pages where they offer it shows the light one: it offers no other.
    let (_, light) = browser.picture(healed, (600, 890), &[]);
    let (_, prefers_dark) = browser.picture(healed, (600, 890), &["--blink-settings=preferredColorScheme=0"]);
    assert_eq!(light.difference(&prefers_dark), 0);
    // The comparison sees one wrong word.
    let (_, other) = browser.picture(&healed.replace("RESOLVED", "DISSOLVED"), (600, 890), &[]);
    assert!(light.difference(&other) > MOST_PER_MILLE, "{}", light.difference(&other));
}
