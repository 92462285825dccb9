//! Facts in the pages of codes: commands, flags, interfaces, files and exit codes that they name exist.

mod commands;
mod contract;
mod files;
mod limits;
mod settings;

use ansai_codes::{Block, Page};

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// May show what is wrong.
    Example,
    /// Shows what is right.
    Prose,
}

/// Every text of a page.
fn texts(page: &Page) -> impl Iterator<Item = (Place, &'static str)> {
    let prose = page.meaning.iter().chain(page.fix).map(|block| (Place::Prose, block.text()));
    prose.chain([(Place::Prose, page.title), (Place::Example, page.example.text)])
}

/// What stands between backticks outside of fenced blocks.
fn spans(page: &Page) -> impl Iterator<Item = &'static str> {
    let prose = page.meaning.iter().chain(page.fix).filter(|block| !matches!(block, Block::Code(_)));
    prose.flat_map(|block| block.text().split('`').skip(1).step_by(2))
}

/// Fenced blocks in what explains and fixes.
fn fences(page: &Page) -> impl Iterator<Item = ansai_codes::Fence> {
    page.meaning.iter().chain(page.fix).filter_map(|block| match block {
        Block::Code(fence) => Some(*fence),
        _ => None,
    })
}
