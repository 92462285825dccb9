//! Nothing: the tests are in `main.rs`, one file per feature.
