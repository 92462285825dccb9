//! A registry in memory, with the API of referrers, which docker-registry of Debian lacks.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::oci::{LyingRegistry, Say};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The most bytes of a body.
const MOST_BYTES: usize = 128 << 20;

/// Changes the list of what refers to a manifest before it is sent.
pub type Lie = Arc<dyn Fn(&mut Vec<Value>) + Send + Sync>;

/// What the registry has.
#[derive(Default)]
struct Content {
    /// By `blobs/DIGEST` and `manifests/NAME`, below the repository, with the media type.
    files: BTreeMap<String, (String, Vec<u8>)>,
    lie: Option<Lie>,
    /// By path: what is kept instead of what is put there next.
    old: BTreeMap<String, (String, Vec<u8>)>,
}

/// A running registry without TLS, on loopback. It ends when it is dropped.
pub struct ReferrersRegistry {
    server: LyingRegistry,
    content: Arc<Mutex<Content>>,
}

impl ReferrersRegistry {
    /// Starts an empty one.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start() -> ReferrersRegistry {
        let content = Arc::new(Mutex::new(Content::default()));
        let served = content.clone();
        let server =
            LyingRegistry::start(Arc::new(move |method, path, headers| answer(&served, method, path, headers)));
        ReferrersRegistry { server, content }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.server.host()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// From now on, lists of referrers are changed.
    pub fn lie(&self, lie: Lie) {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).lie = Some(lie);
    }

    /// From now on, a path that it has is missing. When something is put there, it has the old content again.
    pub fn keep_old(&self, path: &str) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let old = content.files.remove(path);
        content.old.extend(old.map(|old| (path.to_owned(), old)));
    }

    /// The paths of everything that it has, such as `acme/web/manifests/1.0.0`.
    pub fn paths(&self) -> Vec<String> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).files.keys().cloned().collect()
    }
}

fn answer(content: &Arc<Mutex<Content>>, method: &str, path: &str, headers: &str) -> Say {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let Some(file) = path.strip_prefix("/v2/") else { return say(404, "", Vec::new()) };
    match method {
        "GET" | "HEAD" if file.is_empty() => say(200, "", b"{}".to_vec()),
        "GET" | "HEAD" => {
            let content = content.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((repository, subject)) = file.split_once("/referrers/") {
                return say(200, &typed(INDEX_TYPE), content.referrers(repository, subject));
            }
            if let Some(repository) = file.strip_suffix("/tags/list") {
                return content.tags(repository);
            }
            match content.files.get(file) {
                Some((kind, bytes)) => {
                    let digest = format!("docker-content-digest: {}\r\n", digest(bytes));
                    say(200, &(typed(kind) + &digest), bytes.clone())
                }
                None => say(404, "", Vec::new()),
            }
        }
        "POST" => say(202, &format!("location: {path}1\r\n"), Vec::new()),
        "PUT" => {
            let (content, file, query) = (content.clone(), file.to_owned(), query.to_owned());
            let value = |name: &str| {
                let rest = headers.split(&format!("{name}: ")).nth(1).unwrap_or_default();
                rest.split("\r\n").next().unwrap_or_default().to_owned()
            };
            let (length, kind) = (value("content-length").parse().unwrap_or(0), value("content-type"));
            Say::Raw(Box::new(move |stream| {
                if let Some(bytes) = body(stream, length) {
                    let mut content = content.lock().unwrap_or_else(PoisonError::into_inner);
                    let answer = content.keep(&file, &query, kind, bytes);
                    let _ = stream.write_all(answer.as_bytes());
                }
            }))
        }
        _ => say(405, "", Vec::new()),
    }
}

impl Content {
    /// Keeps a manifest under its name and its digest, or a blob; the answer.
    fn keep(&mut self, file: &str, query: &str, kind: String, bytes: Vec<u8>) -> String {
        let (mut status, mut header, digest) = (201, format!("location: /v2/{file}\r\n"), digest(&bytes));
        if let Some((repository, _)) = file.split_once("/blobs/uploads/") {
            if query.replace("%3A", ":").contains(&digest) {
                self.files.insert(format!("{repository}/blobs/{digest}"), (kind, bytes));
            } else {
                status = 400;
            }
        } else if let Some((repository, _)) = file.split_once("/manifests/") {
            let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            if let Some(subject) = manifest.pointer("/subject/digest").and_then(Value::as_str) {
                header += &format!("oci-subject: {subject}\r\n");
            }
            self.files.insert(format!("{repository}/manifests/{digest}"), (kind.clone(), bytes.clone()));
            let kept = self.old.remove(file).unwrap_or((kind, bytes));
            self.files.insert(file.to_owned(), kept);
        } else {
            status = 404;
        }
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{header}content-length: 0\r\n\r\n")
    }

    /// The list of tags.
    fn tags(&self, repository: &str) -> Say {
        let below = format!("{repository}/manifests/");
        let tags = self.files.keys().filter_map(|path| path.strip_prefix(&below));
        let tags: Vec<&str> = tags.filter(|tag| !tag.starts_with("sha256:")).collect();
        match tags.is_empty() {
            true => say(404, "", Vec::new()),
            false => say(200, "", json!({ "name": repository, "tags": tags }).to_string().into_bytes()),
        }
    }

    /// What refers to a manifest, as an index.
    fn referrers(&self, repository: &str, subject: &str) -> Vec<u8> {
        let below = format!("{repository}/manifests/sha256:");
        let manifests = self.files.iter().filter(|(path, _)| path.starts_with(&below));
        let mut all: Vec<Value> = manifests
            .filter_map(|(_, (kind, bytes))| {
                let manifest: Value = serde_json::from_slice(bytes).ok()?;
                (manifest.pointer("/subject/digest")?.as_str()? == subject).then(|| {
                    json!({
                        "mediaType": kind,
                        "artifactType": manifest["artifactType"],
                        "digest": digest(bytes),
                        "size": bytes.len(),
                    })
                })
            })
            .collect();
        if let Some(lie) = &self.lie {
            lie(&mut all);
        }
        json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": all }).to_string().into_bytes()
    }
}

fn say(status: u16, headers: &str, body: Vec<u8>) -> Say {
    Say::Answer(status, headers.to_owned(), body)
}

fn typed(kind: &str) -> String {
    format!("content-type: {kind}\r\n")
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn body(stream: &mut TcpStream, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length.min(MOST_BYTES)];
    stream.read_exact(&mut bytes).ok().map(|()| bytes)
}
