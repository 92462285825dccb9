//! What an authority sends. It can send anything.

use ansai_core::{Refusal, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Window;

/// The longest path, in bytes.
const MOST_PATH: usize = 256;
/// The longest address of a page that says why, in bytes.
const MOST_URL: usize = 256;
/// The longest name of a certificate: two numbers of 64 bytes each in base64url.
const MOST_ID: usize = 173;

/// Refuses a path or a name of a certificate that an honest caller does not have: what goes to the server is plain.
pub(super) fn check(directory: &str, certificate_id: &str) -> Result<(), Refusal> {
    if !is_path(directory) {
        return Err(Refusal::Invalid("`directory` is not the plain path of a URL".into()));
    }
    let is_part =
        |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    let is_id = certificate_id.split_once('.').is_some_and(|(authority, serial)| is_part(authority) && is_part(serial));
    match is_id && certificate_id.len() <= MOST_ID {
        true => Ok(()),
        false => Err(Refusal::Invalid("`certificate-id` is not the key identifier and the serial number".into())),
    }
}

/// Whether a text is the path of a URL in its plain form, without a query and without `..`.
fn is_path(text: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~/".contains(&c);
    let is_up = text.split('/').any(|part| part == "." || part == "..");
    text.len() <= MOST_PATH && text.starts_with('/') && text.bytes().all(is_plain) && !is_up
}

fn json<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, Refusal> {
    // The words of the reader could repeat what the server sent.
    serde_json::from_slice(body).map_err(|_| Refusal::Invalid(format!("{what} is not as RFC 9773 describes it")))
}

/// The path of the renewal information that a directory names.
pub(super) fn directory(body: &[u8], host: &str, port: u16) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Directory {
        renewal_info: Option<String>,
    }
    let Directory { renewal_info } = json("its directory", body)?;
    let Some(url) = renewal_info else {
        return Err(Refusal::Unsupported("this authority has no renewal information".into()));
    };
    let invalid = || Refusal::Invalid("the address of its renewal information is not a plain URL with https".into());
    let rest = url.strip_prefix("https://").ok_or_else(invalid)?;
    let (authority, path) = rest.split_at(rest.find('/').ok_or_else(invalid)?);
    let shown = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let is_same = authority.eq_ignore_ascii_case(&format!("{shown}:{port}"))
        || (port == 443 && authority.eq_ignore_ascii_case(&shown));
    if !is_path(path) {
        return Err(invalid());
    }
    match is_same {
        true => Ok(path.to_owned()),
        false => Err(Refusal::Unsupported("its renewal information is on another server".into())),
    }
}

/// The window that an authority suggests.
pub(super) fn window(body: &[u8]) -> Result<Window, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Information {
        suggested_window: Times,
        #[serde(rename = "explanationURL")]
        explanation_url: Option<serde_json::Value>,
    }
    #[derive(Deserialize)]
    struct Times {
        start: String,
        end: String,
    }
    let what = "its renewal information";
    let Information { suggested_window: Times { start, end }, explanation_url } = json(what, body)?;
    let instant = |text: &str| {
        let found =
            text.parse::<jiff::Timestamp>().map_err(|_| Refusal::Invalid(format!("a time in {what} is not one")))?;
        // Before 1970 is as long ago as 1970 for everybody who renews certificates.
        Ok::<_, Refusal>(Timestamp::from_millis(u64::try_from(found.as_millisecond()).unwrap_or(0)))
    };
    let (start, end) = (instant(&start)?, instant(&end)?);
    if end < start {
        return Err(Refusal::Invalid(format!("the window in {what} ends before it starts")));
    }
    let explanation_url = explanation_url.as_ref().and_then(serde_json::Value::as_str).filter(|url| is_page(url));
    Ok(Window { start, end, explanation_url: explanation_url.unwrap_or_default().to_owned() })
}

/// Whether a person can be shown an address: nothing in it acts on a terminal or ends a sentence.
fn is_page(url: &str) -> bool {
    let is_visible = |c: u8| c.is_ascii_graphic() && !b"\"'`<>\\{}|^".contains(&c);
    url.starts_with("https://") && url.len() <= MOST_URL && url.bytes().all(is_visible)
}
