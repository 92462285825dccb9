//! Files that were removed while a process has them open: their space is not freed yet.

use std::collections::BTreeMap;

use ansai_core::Refusal;
use ansai_core::scope::is_within;
use ansai_core::text::path_text;
use serde::{Deserialize, Serialize};

use super::fields::ROOTS;
use super::place;
use crate::safety::identity::Inode;
use crate::safety::processes::{Handle, handles, link_text, processes, read};
use ansai_kit::call::NoArguments;
use ansai_kit::host::ProbeContext;

const MOST: usize = 500;
const SUFFIX: &[u8] = b" (deleted)";

#[derive(Serialize, Deserialize)]
pub(super) struct DeletedFile {
    process: String,
    pid: u32,
    path: String,
    bytes: u64,
    mount: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeletedFiles {
    entries: Vec<DeletedFile>,
    complete: bool,
    skipped: u32,
}

/// `list-deleted-open`; `skipped` counts the processes that could not be read.
pub(super) fn list_deleted_open(ask: &ProbeContext<'_>, _: NoArguments) -> Result<DeletedFiles, Refusal> {
    let table = place::table(ask.host);
    let roots = ask.scope.roots(&ROOTS);
    let mut found = BTreeMap::<Inode, DeletedFile>::new();
    let (mut skipped, mut in_time) = (0, true);
    for process in processes(ask.host)? {
        if ask.deadline.is_over() {
            in_time = false;
            break;
        }
        let Ok(open) = handles(&process) else {
            skipped += 1;
            continue;
        };
        let deleted = open.into_iter().filter(|handle| handle.stat.is_file() && handle.stat.links == 0);
        for Handle { link, stat } in deleted {
            let Some(path) = link_text(&link).and_then(|text| on_host(ask, &text)) else { continue };
            let shown = path_text(&path);
            if found.contains_key(&stat.inode()) || !roots.iter().any(|root| is_within(&shown, root)) {
                continue;
            }
            let pid = process.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            let name = read(&process.join("comm")).ok().flatten().unwrap_or_default();
            let file = DeletedFile {
                process: path_text(name.trim_ascii_end()),
                pid: pid.unwrap_or(0),
                bytes: stat.bytes,
                mount: place::mount(&table, &path),
                path: shown,
            };
            found.insert(stat.inode(), file);
        }
    }
    let mut entries: Vec<DeletedFile> = found.into_values().collect();
    entries.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    let complete = in_time && skipped == 0 && entries.len() <= MOST;
    entries.truncate(MOST);
    Ok(DeletedFiles { entries, complete, skipped })
}

/// The path on the host from the text of a link of `/proc`, without the kernel's ` (deleted)`.
fn on_host(ask: &ProbeContext<'_>, text: &[u8]) -> Option<Vec<u8>> {
    let path = text.strip_suffix(SUFFIX)?;
    let host_root = ask.host.root().as_os_str().as_encoded_bytes();
    let host_root = host_root.strip_suffix(b"/").unwrap_or(host_root);
    let path = path.strip_prefix(host_root).unwrap_or(path);
    path.starts_with(b"/").then(|| path.to_vec())
}
