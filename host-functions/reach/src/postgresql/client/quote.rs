//! Names in statements. Nothing else of a policy or of a server gets into a statement, except numbers.

use ansai_core::Refusal;

/// A table or an index with its schema.
///
/// # Errors
/// `unsupported` for what no name can hold.
pub(crate) fn qualified(schema: &str, name: &str) -> Result<String, Refusal> {
    let both = identifier(schema).zip(identifier(name)).map(|(schema, name)| format!("{schema}.{name}"));
    both.ok_or_else(|| Refusal::Unsupported("a name that cannot be quoted".into()))
}

/// A name as an identifier: in quotes, with its own quotes doubled. `None` for what no name can hold.
pub(crate) fn identifier(name: &str) -> Option<String> {
    (!name.is_empty() && !name.contains('\0')).then(|| format!("\"{}\"", name.replace('"', "\"\"")))
}

/// A text as an expression that holds no character of it.
pub(crate) fn text(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("convert_from(decode('{hex}', 'hex'), 'UTF8')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(identifier("a\"; drop table x; --").as_deref(), Some("\"a\"\"; drop table x; --\""));
        assert_eq!(identifier("a\\\"b\n$(c)").as_deref(), Some("\"a\\\"\"b\n$(c)\""));
        assert_eq!([identifier(""), identifier("a\0b")], [None, None]);
        assert_eq!(text("a'"), "convert_from(decode('6127', 'hex'), 'UTF8')");
    }
}
