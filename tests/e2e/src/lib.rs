//! Empty: the tests are in `tests/main.rs`, one file for each feature.
