//! Tells people: what is told, to whom, through which channel.
