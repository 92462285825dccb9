//! Problems of a scope as written.

/// What is wrong with a scope as written; the place is the caller's to add.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No such field for this interface.
    #[error("`{interface}` has no scope field `{field}`")]
    UnknownField {
        /// The interface.
        interface: String,
        /// As written.
        field: String,
        /// Fields that exist.
        known: Vec<&'static str>,
    },
    /// The value has the wrong type or is out of range.
    #[error("`{field}` {problem}")]
    Value {
        /// The field.
        field: String,
        /// What is wrong, as the end of a sentence.
        problem: String,
    },
}
