//! What is not in force, as it is found.

use std::fmt::Display;

use crate::report::{Missing, Separation};

#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Missing>);

impl Notes {
    /// Notes that a separation is not in force. The first reason stays.
    pub(super) fn missing(&mut self, separation: Separation, why: impl Display) {
        if self.0.iter().all(|missing| missing.separation != separation) {
            self.0.push(Missing { separation, why: why.to_string() });
        }
    }

    /// Notes that a separation is not in force if it failed.
    pub(super) fn unless<E: Display>(&mut self, separation: Separation, done: Result<(), E>) {
        if let Err(error) = done {
            self.missing(separation, error);
        }
    }

    pub(super) fn into_missing(self) -> Vec<Missing> {
        self.0
    }
}
