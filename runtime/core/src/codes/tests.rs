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
    for list in [files::LIST, configuration::LIST, schemas::LIST, settings::LIST, components::LIST] {
        for (name, code) in list {
            assert_eq!(name.to_lowercase().replace('_', "-"), code.word());
        }
    }
    for list in [building::LIST, scenarios::LIST, evaluations::LIST, host::LIST] {
        for (name, code) in list {
            assert_eq!(name.to_lowercase().replace('_', "-"), code.word());
        }
    }
}

#[test]
fn every_area_has_codes_and_they_stand_in_its_order() {
    let areas: Vec<Area> = all().map(Code::area).collect();
    assert!(areas.is_sorted(), "{areas:?}");
    assert!(Area::ALL.iter().all(|area| areas.contains(area)));
}

#[test]
fn every_code_is_explained_by_more_than_its_title_with_an_example_and_a_way_out() {
    for code in all() {
        let means = code.means().join(" ");
        let words = means.split_whitespace().count();
        assert!(words >= 20, "{code} is explained in {words} words");
        assert!(!code.example().is_empty() && !code.way_out().is_empty(), "{code}");
        for text in [code.title().to_owned(), code.example(), means, code.way_out().join(" ")] {
            assert!(!text.is_empty() && !text.contains('\t'), "{code}: {text:?}");
            assert!(text.lines().all(|line| crate::text::inert(line, 1_000) == line), "{code}: {text:?}");
        }
        assert!(code.title().len() <= 90 && !code.title().ends_with('.'), "{code}: {}", code.title());
        assert!(code.way_out().iter().chain(&code.means()).all(|text| text.ends_with(['.', ':'])), "{code}");
    }
}

#[test]
fn every_kind_of_end_of_an_evaluation_is_explained() {
    assert_eq!(ErrorKind::ALL.len(), evaluations::LIST.len());
    for kind in ErrorKind::ALL {
        assert_eq!(kind.code().word(), kind.to_string());
        assert_eq!(kind.code().area(), Area::Evaluations);
    }
}
