//! Names in statements. Nothing else of a policy or of a server gets into a statement, except numbers.

use ansai_core::Refusal;

/// A table with its database.
///
/// # Errors
/// `unsupported` for what no name can hold.
pub(crate) fn qualified(database: &str, table: &str) -> Result<String, Refusal> {
    let both = identifier(database).zip(identifier(table)).map(|(database, table)| format!("{database}.{table}"));
    both.ok_or_else(|| Refusal::Unsupported("a name that cannot be quoted".into()))
}

/// A name as an identifier: in backticks, with its own backticks doubled. `None` for what no name can hold.
fn identifier(name: &str) -> Option<String> {
    (!name.is_empty() && !name.contains('\0')).then(|| format!("`{}`", name.replace('`', "``")))
}

/// A text as an expression that holds no character of it.
pub(crate) fn text(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("_utf8mb4 x'{hex}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(identifier("a`; drop table x; -- ").as_deref(), Some("`a``; drop table x; -- `"));
        assert_eq!(identifier("a\\`b\n$(c)").as_deref(), Some("`a\\``b\n$(c)`"));
        assert_eq!([identifier(""), identifier("a\0b")], [None, None]);
        assert_eq!(text("a'"), "_utf8mb4 x'6127'");
        assert_eq!(text(""), "_utf8mb4 x''");
    }
}
