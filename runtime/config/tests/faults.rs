//! The file of faults for `ansai simulate`: what is read, and every mistake with its code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_config::{FaultBegins, Faults};
use ansai_core::{InstanceName, Millis, Severity, codes};

const DISK: InstanceName = InstanceName::from_static("disk-space");

fn parse(text: &str) -> Result<Faults, Vec<String>> {
    Faults::parse("faults.toml", text, &[&DISK])
        .map_err(|problems| problems.entries().iter().map(|entry| entry.code.word().to_owned()).collect())
}

fn fault(lines: &str) -> String {
    format!("[[fault]]\ninstance = \"disk-space\"\nkey = \"/var\"\n{lines}\n")
}

#[test]
fn a_fault_says_when_it_begins_how_long_it_lasts_and_what_helps() {
    let text = fault(
        "severity = \"critical\"\nat = [\"9d 3h\", \"2d\"]\nlasts = \"2h\"\nhelps_percent = 80\nsteps = 2\nuses = { max_files = 20 }",
    );
    let faults = parse(&text).unwrap().0;
    let one = &faults[0];
    assert_eq!((one.instance.as_str(), one.key.as_str(), one.severity), ("disk-space", "/var", Severity::Critical));
    assert_eq!(one.begins, FaultBegins::At([48, 9 * 24 + 3].map(Millis::from_hours).to_vec()));
    assert_eq!((one.lasts, one.helps_percent, one.steps), (Some(Millis::from_hours(2)), 80, 2));
    assert_eq!(one.uses["max_files"], 20);
    let plain = parse(&fault("every = \"7d\"")).unwrap().0;
    assert_eq!((plain[0].lasts, plain[0].helps_percent, plain[0].steps), (None, 50, 1));
    assert_eq!(plain[0].begins, FaultBegins::Every(Millis::from_hours(7 * 24)));
    let random = parse(&fault("about_every = \"3d\"")).unwrap().0;
    assert_eq!(random[0].begins, FaultBegins::AboutEvery(Millis::from_hours(72)));
}

#[test]
fn every_mistake_has_its_code() {
    let other = "[[fault]]\ninstance = \"disk-spaec\"\nkey = \"/var\"\nevery = \"7d\"\n";
    let twice = format!("{}{}", fault("every = \"7d\""), fault("every = \"1d\""));
    for (text, code) in [
        (String::new(), codes::MISSING_KEY),
        ("fault = 1".to_owned(), codes::WRONG_TYPE),
        ("[[fautl]]\n".to_owned(), codes::UNKNOWN_KEY),
        (fault(""), codes::MISSING_KEY),
        (fault("every = \"7d\"\nabout_every = \"3d\""), codes::BAD_FAULT),
        (twice, codes::BAD_FAULT),
        (other.to_owned(), codes::UNKNOWN_INSTANCE),
        (fault("every = \"1s\""), codes::OUT_OF_RANGE),
        (fault("every = 7"), codes::WRONG_TYPE),
        (fault("at = []"), codes::OUT_OF_RANGE),
        (fault("at = [\"soon\"]"), codes::BAD_QUANTITY),
        (fault("at = \"2d\""), codes::WRONG_TYPE),
        (fault("every = \"7d\"\nseverity = \"bad\""), codes::UNKNOWN_WORD),
        (fault("every = \"7d\"\nhelps_percent = 101"), codes::OUT_OF_RANGE),
        (fault("every = \"7d\"\nuses = { max_files = -1 }"), codes::WRONG_TYPE),
        (fault("every = \"7d\"\nlasts = \"x\""), codes::BAD_QUANTITY),
    ] {
        let found = parse(&text).unwrap_err();
        assert!(found.contains(&code.word().to_owned()), "{text}: {found:?}");
    }
}
