//! What engines answer: the members that are used, none of them required where one can do without it.

use std::collections::BTreeMap;

use ansai_core::Timestamp;
use serde::{Deserialize, Deserializer};

use super::Entries;

/// Images are kept by containerd.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";

/// Go writes `null` for what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An instant as engines write it (RFC 3339). The year 1 means never.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok().filter(|at| *at > 0).map(Timestamp::from_millis)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versions {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) version: String,
    pub(super) api_version: String,
    #[serde(default, rename = "MinAPIVersion", deserialize_with = "or_default")]
    pub(super) min_api_version: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) components: Vec<Component>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Component {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Info {
    #[serde(default, deserialize_with = "or_default")]
    docker_root_dir: String,
    /// Pairs of texts.
    #[serde(default, deserialize_with = "or_default")]
    driver_status: serde_json::Value,
}

impl Info {
    /// The directory of the engine. `None` if its images are elsewhere: containerd keeps those of a newer Docker in a directory
    /// that it does not tell.
    pub(crate) fn store(self) -> Option<String> {
        let mut pairs = self.driver_status.as_array().into_iter().flatten();
        let is_elsewhere = pairs.any(|pair| *pair == serde_json::json!(["driver-type", CONTAINERD]));
        (!is_elsewhere).then_some(self.docker_root_dir)
    }
}

/// A container in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerLine {
    pub(crate) id: String,
    #[serde(default, rename = "ImageID", deserialize_with = "or_default")]
    pub(crate) image_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) mounts: Vec<Mount>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Mount {
    /// Of a volume.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) destination: String,
}

/// A container by itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inspected {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) restart_count: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) config: Settings,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) host_config: HostConfig,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) mounts: Vec<Mount>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exit_code: i64,
    #[serde(default, rename = "OOMKilled", deserialize_with = "or_default")]
    pub(crate) oom_killed: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) error: String,
    pub(crate) started_at: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) finished_at: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) health: Health,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Health {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) log: Vec<HealthLog>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HealthLog {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) start: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exit_code: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) output: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Settings {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) image: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) env: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) tty: bool,
    /// Seconds until it is killed.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) stop_timeout: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HostConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) restart_policy: RestartPolicy,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) memory: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RestartPolicy {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
}

/// An image in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImageLine {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) repo_tags: Vec<String>,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) size: i64,
    /// Negative if it was not computed.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) shared_size: Option<i64>,
}

impl ImageLine {
    /// Its tags, without the words that stand for none.
    pub(crate) fn tags(&self) -> Vec<&str> {
        known(&self.repo_tags)
    }

    pub(crate) fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or_default()
    }

    pub(crate) fn created(&self) -> Option<Timestamp> {
        let at = u64::try_from(self.created).ok().filter(|at| *at > 0)?;
        at.checked_mul(1_000).map(Timestamp::from_millis)
    }
}

fn known(tags: &[String]) -> Vec<&str> {
    tags.iter().map(String::as_str).filter(|tag| !tag.is_empty() && !tag.starts_with("<none>")).collect()
}

/// An image by itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImageDetail {
    #[serde(default, deserialize_with = "or_default")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) metadata: Metadata,
}

impl ImageDetail {
    /// As those of a line.
    pub(crate) fn tags(&self) -> Vec<&str> {
        known(&self.repo_tags)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Metadata {
    /// When it got a tag on this host: when it was fetched or built here.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) last_tag_time: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Volumes {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) volumes: Entries<VolumeLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VolumeLine {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) driver: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) created_at: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) options: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) usage_data: Usage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Usage {
    /// Negative if it was not computed.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) size: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_both_engines() {
        assert_eq!(instant("1970-01-01T00:00:01.5Z"), Some(Timestamp::from_millis(1_500)));
        assert_eq!(instant("1970-01-01T02:00:01+02:00"), Some(Timestamp::from_millis(1_000)));
        for never in ["0001-01-01T00:00:00Z", "", "yesterday", "1969-12-31T23:59:59Z", "999999999999"] {
            assert_eq!(instant(never), None, "{never}");
        }
    }
}
