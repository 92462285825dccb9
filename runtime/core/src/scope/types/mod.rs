//! Types of fields. One file holds all that there is to say about one type.

mod bytes;
mod count;
mod hours;
mod names;
mod percent;
mod roots;

pub use bytes::Bytes;
pub use count::Count;
pub use hours::Hours;
pub use names::Names;
pub use percent::Percent;
pub use roots::Roots;
