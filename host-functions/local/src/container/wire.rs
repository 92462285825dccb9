//! The types of the contract, documented in its WIT.

use ansai_core::{Subject, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ContainerState {
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    Dead,
    Other,
}

impl ContainerState {
    pub(super) fn of(word: &str) -> ContainerState {
        match word {
            // Podman's words are beside those of Docker.
            "created" | "configured" => ContainerState::Created,
            "running" => ContainerState::Running,
            "paused" => ContainerState::Paused,
            "restarting" => ContainerState::Restarting,
            "exited" | "stopped" => ContainerState::Exited,
            "dead" => ContainerState::Dead,
            _ => ContainerState::Other,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ContainerHealth {
    None,
    Starting,
    Healthy,
    Unhealthy,
    Other,
}

impl ContainerHealth {
    pub(super) fn of(word: &str) -> ContainerHealth {
        match word {
            "" | "none" => ContainerHealth::None,
            "starting" => ContainerHealth::Starting,
            "healthy" => ContainerHealth::Healthy,
            "unhealthy" => ContainerHealth::Unhealthy,
            _ => ContainerHealth::Other,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EngineInfo {
    pub(super) about: Subject,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) store: String,
    pub(super) mount: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Container {
    pub(super) about: Subject,
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) project: String,
    pub(super) service: String,
    pub(super) unit: String,
    pub(super) labels: Vec<String>,
    pub(super) needs: Vec<String>,
    pub(super) state: ContainerState,
    pub(super) health: ContainerHealth,
    pub(super) restarts: u32,
    pub(super) exit_code: i32,
    pub(super) oom_killed: bool,
    pub(super) restarts_itself: bool,
    pub(super) started: Option<Timestamp>,
    pub(super) finished: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) skipped: u32,
    pub(super) complete: bool,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Image {
    pub(super) about: Subject,
    pub(super) id: String,
    pub(super) tags: Vec<String>,
    pub(super) bytes: u64,
    pub(super) own_bytes: Option<u64>,
    pub(super) created: Option<Timestamp>,
    pub(super) used: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) about: Subject,
    pub(super) name: String,
    pub(super) named: bool,
    pub(super) used: bool,
    pub(super) bytes: Option<u64>,
    pub(super) created: Option<Timestamp>,
}
