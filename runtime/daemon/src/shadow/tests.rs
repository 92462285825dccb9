use std::cell::Cell;
use std::path::PathBuf;

use super::*;
use crate::control::ControlError;

/// Would break: a start of everything again, or the end of the daemon, because the directory is still in use for a moment.
#[test]
fn what_is_in_use_for_a_moment_is_opened_again() {
    let asked = Cell::new(0_u32);
    let opened = |answer: fn(u32) -> Result<u32, Error>| {
        asked.set(0);
        patiently(|| {
            asked.set(asked.get() + 1);
            answer(asked.get())
        })
    };
    let in_use = |number: u32| match number {
        1 | 2 => Err(Error::from(ControlError::NotListening(PathBuf::new()))),
        number => Ok(number),
    };
    assert_eq!(opened(in_use).unwrap(), 3);
    assert!(opened(|_| Err(Error::from(ControlError::BadAnswer(PathBuf::new())))).is_err());
    assert_eq!(asked.get(), 1);
}
