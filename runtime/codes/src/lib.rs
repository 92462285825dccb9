//! The pages that explain every [`Code`](ansai_core::Code): what is wrong, an example, and how to fix it.
//!
//! A page is the Markdown file `pages/AREA/WORD.md`:
//!
//! ````text
//! # WORD: one-line title
//!
//! What is wrong and why ansai refuses it: paragraphs, and items that begin with `- `.
//!
//! ## Example
//!
//! ```toml
//! # ansai.toml
//! a file or a command that shows the code
//! ```
//!
//! ## Fix
//!
//! What to do: paragraphs, items, and fenced blocks with commands or lines to write.
//! ````
//!
//! The build reads the pages. An invalid file fails the build; tests check that codes and pages match. Only the program
//! depends on this crate, so a changed page recompiles nothing else.
//!
//! ```
//! use ansai_core::codes;
//! let page = ansai_codes::page(codes::IMPORTS_WASI).ok_or("no page")?;
//! assert_eq!(page.word, "imports-wasi");
//! assert_eq!(page.example.language, "console");
//! # Ok::<(), &str>(())
//! ```

mod area;
mod page;

pub use area::heading;
pub use page::{Block, Fence, Page, page, pages};
