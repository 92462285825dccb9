//! Problems of a scope as written.

/// Why a scope is invalid. The caller adds the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The interface has no such field.
    #[error("`{interface}` has no scope field `{field}`")]
    UnknownField {
        /// The interface.
        interface: String,
        /// The field's name as written.
        field: String,
        /// Fields of the interface.
        known: Vec<&'static str>,
    },
    /// The value has the wrong type or is out of range.
    #[error("`{field}` {problem}")]
    Value {
        /// The field.
        field: String,
        /// The problem, as the end of a sentence.
        problem: String,
    },
}
