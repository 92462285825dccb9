use std::collections::BTreeSet;

use super::*;
use crate::ErrorKind;

#[test]
fn every_code_is_there_once_and_is_a_word() {
    let words: Vec<&str> = all().map(Code::word).collect();
    let unique: BTreeSet<&str> = words.iter().copied().collect();
    assert_eq!(words.len(), unique.len(), "{words:?}");
    for word in words {
        let letters = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(letters && word.len() <= 25 && !word.contains("--") && !word.starts_with('-') && !word.ends_with('-'));
        assert_eq!(find(word).map(Code::word), Some(word));
    }
    assert_eq!(find("imports-wasl"), None);
}

#[test]
fn the_name_of_the_constant_is_the_word() {
    for (name, code) in list::LIST {
        assert_eq!(name.to_lowercase().replace('_', "-"), code.word());
    }
}

#[test]
fn every_area_has_codes_in_its_order() {
    let areas: Vec<Area> = all().map(Code::area).collect();
    assert!(areas.is_sorted(), "{areas:?}");
    assert!(Area::ALL.iter().all(|area| areas.contains(area)));
}

#[test]
fn an_area_has_one_word() {
    for area in Area::ALL {
        assert_eq!(serde_json::to_value(area).unwrap(), area.word());
    }
}

#[test]
fn every_kind_of_end_of_an_evaluation_has_a_code() {
    assert_eq!(ErrorKind::ALL.len(), all().filter(|code| code.area() == Area::Evaluations).count());
    for kind in ErrorKind::ALL {
        assert_eq!(kind.code().word(), kind.to_string());
        assert_eq!(kind.code().area(), Area::Evaluations);
    }
}
