//! Language rules for every page.

use ansai_codes::{Block, pages};
use ansai_core::text::inert;

#[test]
fn every_page_says_more_than_its_title() {
    for page in pages() {
        let word = page.word;
        let words =
            |blocks: &[Block]| blocks.iter().map(|block| block.text().split_whitespace().count()).sum::<usize>();
        assert!(words(page.meaning) >= 20, "{word} is explained in {} words", words(page.meaning));
        let title = page.title;
        assert!(!title.is_empty() && title.len() <= 90 && !title.ends_with('.'), "{word}: {title}");
        assert!(words(page.meaning) <= 80, "{word} is explained in {} words", words(page.meaning));
        for block in page.meaning.iter().chain(page.fix) {
            let sentence = matches!(block, Block::Text(text) if !text.ends_with(['.', ':']));
            assert!(!sentence, "{word}: {block:?}");
        }
    }
}

#[test]
fn pages_are_inert() {
    for page in pages() {
        let blocks = page.meaning.iter().chain(page.fix).map(Block::text);
        for text in blocks.chain([page.title, page.example.text]) {
            assert!(!text.trim().is_empty() && !text.contains('\t'), "{}: {text:?}", page.word);
            assert!(text.lines().all(|line| inert(line, 1_000) == line), "{}: {text:?}", page.word);
        }
    }
}

/// Fits a terminal of 80 columns without wrapping.
#[test]
fn titles_and_lines_fit_a_terminal() {
    let column = pages().map(|page| page.word.len()).max().unwrap();
    for page in pages() {
        assert!(2 + column + 2 + page.title.len() <= 80, "{}: the title is too long for the list", page.word);
        let fences = page.meaning.iter().chain(page.fix).filter(|block| matches!(block, Block::Code(_)));
        for line in fences.map(Block::text).chain([page.example.text]).flat_map(str::lines) {
            assert!(line.chars().count() <= 76, "{}: a line is too long: {line}", page.word);
        }
    }
}

/// Words that are hard to read for people who learned English as a second language.
const UNCLEAR: &[&str] = &[
    "anew",
    "anyhow",
    "beside it",
    "cannot be told",
    "of its own",
    "passed over",
    "shall",
    "somebody else",
    "taken for",
    "way out",
    "whatever",
    "which is none",
];

/// Returns each listed word in a text, and each sentence with more than `most_words` words.
fn unclear(text: &str, most_words: usize) -> Vec<String> {
    let padded = format!(" {} ", text.to_lowercase());
    let found = UNCLEAR.iter().filter(|words| {
        padded.match_indices(**words).any(|(at, _)| {
            let (before, after) = (&padded[..at], &padded[at + words.len()..]);
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
        })
    });
    let long = text.split_inclusive(". ").filter(|sentence| sentence.split_whitespace().count() > most_words);
    found.map(|words| (*words).to_owned()).chain(long.map(str::to_owned)).collect()
}

#[test]
fn sentences_are_short_and_plain() {
    for page in pages() {
        for block in page.meaning.iter().chain(page.fix).filter(|block| !matches!(block, Block::Code(_))) {
            assert_eq!(unclear(block.text(), 25), Vec::<String>::new(), "{}", page.word);
        }
        assert_eq!(unclear(page.title, 12), Vec::<String>::new(), "{}", page.word);
    }
    assert_eq!(unclear("A key shall be there. Or not.", 25), ["shall"]);
    assert_eq!(unclear("The marshalled value. One two three four.", 3), ["One two three four."]);
}
