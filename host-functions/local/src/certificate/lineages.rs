//! `list-lineages`.

use ansai_certificates::{Certificate, certificate_id, describe};
use ansai_core::text::{inert, path_text};
use ansai_core::{Millis, Refusal, Subject, Timestamp};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::fields::ROOTS;
use super::site::{Site, Version, refused};
use super::{renewal, staging};

/// Entries in one page.
const PAGE: usize = 64;
const MOST_CONFIGURATION: u64 = 256 << 10;
/// Lives below this are renewed at their half.
const SHORT_LIFE: Millis = Millis::from_hours(240);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListLineages {
    cursor: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Inquiry {
    pub(super) address: String,
    pub(super) directory: String,
    pub(super) certificate_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Lineage {
    pub(super) about: Subject,
    pub(super) name: String,
    pub(super) manager: String,
    pub(super) path: String,
    pub(super) key_path: String,
    pub(super) current: Option<Certificate>,
    pub(super) renew_after: Option<Timestamp>,
    pub(super) renew_before: Option<Timestamp>,
    pub(super) inquiry: Option<Inquiry>,
    pub(super) last_failure: String,
    pub(super) staged: Option<Certificate>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineagePage {
    pub(super) entries: Vec<Lineage>,
    pub(super) skipped: u32,
    pub(super) complete: bool,
    pub(super) cursor: Option<String>,
}

/// The subject of a lineage.
pub(super) fn subject(name: &str) -> Subject {
    Subject::new("lineage", name)
}

/// certbot itself. It runs once at a time, and its lock does not part the steps of one process.
pub(super) fn manager() -> Subject {
    Subject::new("manager", "certbot")
}

pub(super) fn list_lineages(ask: &ProbeContext<'_>, wanted: ListLineages) -> Result<LineagePage, Refusal> {
    list(
        &Site::of(ask.host),
        wanted.cursor.as_deref(),
        |path| ask.permit(&ROOTS, path).is_ok(),
        || ask.deadline.is_over(),
    )
}

/// Those that the grant covers. One that cannot be read is listed without its certificate: it hides no other.
pub(super) fn list(
    site: &Site,
    cursor: Option<&str>,
    permits: impl Fn(&str) -> bool,
    is_over: impl Fn() -> bool,
) -> Result<LineagePage, Refusal> {
    let (mut names, skipped) = site.names()?;
    names.retain(|name| permits(&path(site, name, "fullchain")));
    if let Some(after) = cursor {
        names.retain(|name| name.as_str() > after);
    }
    let all = names.len();
    let mut entries = Vec::new();
    for name in names.into_iter().take(PAGE) {
        if is_over() {
            break;
        }
        entries.push(lineage(site, name));
    }
    let cursor = entries.last().filter(|_| entries.len() < all).map(|last| last.name.clone());
    if entries.is_empty() && all > 0 {
        return Err(Refusal::TimedOut("no lineage could be read in time".into()));
    }
    Ok(LineagePage { complete: cursor.is_none(), entries, skipped, cursor })
}

fn path(site: &Site, name: &str, kind: &str) -> String {
    let path = site.shown.join("live").join(name).join(format!("{kind}.pem"));
    path_text(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

fn lineage(site: &Site, name: String) -> Lineage {
    let leaf = |version: &Version| version.chain().ok().and_then(|chain| describe(chain.first()?));
    let version = site.current(&name).ok();
    let current = version.as_ref().and_then(leaf);
    let staged = staging::version(site, &name).ok().flatten().as_ref().and_then(leaf);
    let configuration = configuration(site, &name).unwrap_or_default();
    Lineage {
        about: subject(&name),
        manager: "certbot".into(),
        path: path(site, &name, "fullchain"),
        key_path: path(site, &name, "privkey"),
        renew_after: current.as_ref().map(|current| renew_after(current, &configuration)),
        renew_before: current.as_ref().map(|current| current.not_after),
        inquiry: version.as_ref().and_then(|version| inquiry(version, &configuration)),
        last_failure: inert(&staging::last_failure(site, &name), 500),
        // What was installed already waits for nothing.
        staged: staged.filter(|staged| current.as_ref().is_none_or(|current| current.about != staged.about)),
        current,
        name,
    }
}

/// How the authority of a certificate is asked about it, as far as certbot's configuration and the certificate say so.
fn inquiry(version: &Version, configuration: &str) -> Option<Inquiry> {
    let (address, directory) = renewal::server(configuration)?;
    let certificate_id = certificate_id(version.chain().ok()?.first()?)?;
    Some(Inquiry { address, directory, certificate_id })
}

/// The text of its file.
pub(super) fn configuration(site: &Site, name: &str) -> Result<String, Refusal> {
    let file = format!("{name}.conf");
    let renewal = site.open()?.subdirectory("renewal").map_err(refused)?;
    let content = renewal.read(&file, MOST_CONFIGURATION).map_err(refused)?;
    let content = content.ok_or_else(|| Refusal::NotFound(format!("certbot has no lineage named `{name}`")))?;
    match content.bytes.len() as u64 > MOST_CONFIGURATION {
        true => Err(Refusal::Unavailable(format!("{} is too large", renewal.path_of(&file).display()))),
        false => String::from_utf8(content.bytes)
            .map_err(|_| Refusal::Unavailable(format!("{} is not UTF-8", renewal.path_of(&file).display()))),
    }
}

fn renew_after(current: &Certificate, configuration: &str) -> Timestamp {
    let life = current.not_after - current.not_before;
    let before = renewal::renew_before_expiry(configuration).unwrap_or_else(|| {
        let parts = if life < SHORT_LIFE { 2 } else { 3 };
        Millis::new(life.get() / parts)
    });
    (current.not_after - before).max(current.not_before)
}
