//! What holds for the words of every page.

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
