//! Pages, as the build generated them from the directory `pages`.

use ansai_core::codes::{self, Code};

/// What a code means and how to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The directory of the page: the word of the code's area.
    pub area: &'static str,
    /// The word of the code.
    pub word: &'static str,
    /// One line, a lower-case fragment.
    pub title: &'static str,
    /// What is wrong and why ansai refuses it.
    pub meaning: &'static [Block],
    /// A file or a command that shows the code.
    pub example: Fence,
    /// How to fix it.
    pub fix: &'static [Block],
}

/// A block of a section. Texts and items are one line with inline Markdown: code between backticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Text(&'static str),
    /// An item of a list.
    Item(&'static str),
    /// Lines of a file, or commands.
    Code(Fence),
}

impl Block {
    /// Its text, without the marks of an item or a fence.
    pub fn text(&self) -> &'static str {
        match self {
            Block::Text(text) | Block::Item(text) => text,
            Block::Code(fence) => fence.text,
        }
    }
}

/// A fenced block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// Language: `toml`, `console` for commands after a prompt, …
    pub language: &'static str,
    /// Its lines, without a newline at the end.
    pub text: &'static str,
}

static PAGES: &[Page] = {
    use Block::{Code, Item, Text};
    include!(concat!(env!("OUT_DIR"), "/pages.rs"))
};

/// The page of a code. Tests check that every code has one.
pub fn page(code: Code) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.word == code.word())
}

/// Every page, in the order of [`codes::all`].
pub fn pages() -> impl Iterator<Item = &'static Page> {
    codes::all().filter_map(page)
}
