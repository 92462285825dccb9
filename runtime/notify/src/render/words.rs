//! Numbers, times and measures as words, and lines of a width: the same in terminals, mails and reports.

pub mod count;
mod measure;
pub mod time;
mod wrap;

pub use measure::{for_people, measure, short_action};
pub use wrap::wrapped;
