//! Types of fields. One file holds all that there is to say about one type.

mod bytes;
mod count;
mod endpoints;
mod hooks;
mod hours;
mod minutes;
mod names;
mod percent;
mod roots;
mod switch;
mod targets;
mod words;

pub use bytes::Bytes;
pub use count::Count;
pub use endpoints::Endpoints;
pub use hooks::Hooks;
pub use hours::Hours;
pub use minutes::Minutes;
pub use names::Names;
pub use percent::Percent;
pub use roots::Roots;
pub use switch::Switch;
pub use targets::Targets;
pub use words::Words;
