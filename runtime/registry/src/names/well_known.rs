//! `/.well-known/wasm-pkg/registry.json`: where a server says that its policies are.

use serde_json::Value;

use crate::{Client, RegistryError, Result};

const PATH: &str = "/.well-known/wasm-pkg/registry.json";
const MOST_BYTES: u64 = 64 << 10;
const MOST_PREFIX: usize = 128;

/// Where policies are, by the convention of wasm-pkg. The server that says so is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WellKnown {
    /// The host of a registry.
    pub registry: String,
    /// In front of the namespace: empty, or with a `/` at its end.
    pub prefix: String,
}

impl Client {
    /// What this server says about its policies; `None` if it does not say anything, or is reached without TLS.
    ///
    /// # Errors
    /// It cannot be reached, or leads to something that is not a registry.
    pub fn well_known(&self) -> Result<Option<WellKnown>> {
        if !self.has_tls() {
            return Ok(None);
        }
        let url = format!("https://{}{PATH}", self.registry());
        match self.get(&url, "the document about its registry", MOST_BYTES) {
            Ok(bytes) => WellKnown::read(self.registry(), &bytes),
            // Servers without it say different things.
            Err(RegistryError::NotFound { .. } | RegistryError::Login(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl WellKnown {
    /// A page of another kind says nothing: some servers answer every path with one.
    fn read(server: &str, bytes: &[u8]) -> Result<Option<WellKnown>> {
        let Ok(Value::Object(says)) = serde_json::from_slice(bytes) else { return Ok(None) };
        let says = Value::Object(says);
        let text = |new: &str, old: &str| says.pointer(new).or_else(|| says.get(old)).and_then(Value::as_str);
        let Some(registry) = text("/oci/registry", "ociRegistry") else { return Ok(None) };
        let prefix = text("/oci/namespacePrefix", "ociNamespacePrefix").unwrap_or_default();
        // It is put together with a name, so it must not bring a tag, a digest, or another host with it.
        let is_known =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/');
        let is_prefix =
            prefix.len() <= MOST_PREFIX && prefix.bytes().all(is_known) && (prefix.is_empty() || prefix.ends_with('/'));
        match crate::reference::is_host(registry) && is_prefix {
            true => Ok(Some(WellKnown { registry: registry.to_owned(), prefix: prefix.to_owned() })),
            false => Err(RegistryError::answer(server, "its document about policies leads to no registry")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else_leads_anywhere() {
        let read = |text: &str| WellKnown::read("registry.example", text.as_bytes());
        let found = WellKnown { registry: "ghcr.example".to_owned(), prefix: "webassembly/".to_owned() };
        for text in [
            r#"{"preferredProtocol":"oci","oci":{"registry":"ghcr.example","namespacePrefix":"webassembly/"}}"#,
            r#"{"ociRegistry":"ghcr.example","ociNamespacePrefix":"webassembly/"}"#,
        ] {
            assert_eq!(read(text).unwrap(), Some(found.clone()), "{text}");
        }
        for text in ["", "<html>", "[]", "{}", r#"{"oci":{"registry":7}}"#] {
            assert_eq!(read(text).unwrap(), None, "{text}");
        }
        for (registry, prefix) in [
            ("https://ghcr.example", ""),
            ("user@ghcr.example", ""),
            ("ghcr", ""),
            ("ghcr.example/x", ""),
            ("ghcr.example", "a"),
            ("ghcr.example", "a:1/"),
            ("ghcr.example", "a@sha256/"),
            ("ghcr.example", "A/"),
        ] {
            let text = serde_json::json!({ "oci": { "registry": registry, "namespacePrefix": prefix } }).to_string();
            assert!(read(&text).is_err(), "{text}");
        }
    }
}
