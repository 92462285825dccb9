//! `look` and `list-containers`.

use std::path::Path;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Refusal, Subject};
use ansai_kit::host::ProbeContext;
use ansai_kit::redact::Redactor;
use serde::{Deserialize, Serialize};

use super::api::{ContainerLine, Engine, Entries, Failed, Info, Inspected, instant};
use super::identity::{Identity, is_id, is_instant, is_name};
use super::subject;
use super::wire::{Container, ContainerHealth, ContainerState, EngineInfo, Page};
use crate::disk::filesystems::Filesystems;

/// Containers in one page: each is asked for by itself.
const PAGE: usize = 64;
const MOST_LABELS: usize = 64;
/// The longest text of a label, in bytes.
const MOST_TEXT: usize = 256;
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NEEDS: &str = "com.docker.compose.depends_on";
const UNIT: &str = "PODMAN_SYSTEMD_UNIT";
/// A preview runs on a thread that local probes need.
const PREVIEW: Duration = Duration::from_secs(3);

/// Arguments of a function about one engine.
#[derive(Serialize, Deserialize)]
pub(super) struct One {
    pub(super) target: String,
}

/// Arguments of a list.
#[derive(Serialize, Deserialize)]
pub(super) struct List {
    pub(super) target: String,
    pub(super) cursor: Option<String>,
}

/// The engine of a probe.
pub(super) fn engine(ask: &ProbeContext<'_>, target: &str) -> Result<Engine, Refusal> {
    Engine::of(ask.host, ask.reach, target, ask.deadline.remaining())
}

/// The engine of a preview.
pub(super) fn engine_of_preview(ask: &ProbeContext<'_>, target: &str) -> Result<Engine, Refusal> {
    Engine::of(ask.host, ask.reach, target, ask.deadline.remaining().min(PREVIEW))
}

pub(super) fn look(ask: &ProbeContext<'_>, One { target }: One) -> Result<EngineInfo, Refusal> {
    let engine = engine(ask, &target)?;
    let store = store(&engine)?;
    let mount = mount(ask, &store);
    let name = if engine.is_podman { "podman" } else { "docker" };
    let about = Subject::new("target", target);
    Ok(EngineInfo { about, name: name.into(), version: engine.version, store: inert(&store, 1024), mount })
}

/// The directory of the engine, as it says; empty if its images are elsewhere.
pub(super) fn store(engine: &Engine) -> Result<String, Refusal> {
    let info: Info = engine.get("/info").map_err(|failed| failed.refusal("its state"))?;
    Ok(info.store().unwrap_or_default())
}

/// The file system of the store. By the text of the path: nothing is asked of a path that an engine made up.
pub(super) fn mount(ask: &ProbeContext<'_>, store: &str) -> Option<String> {
    let is_path = ansai_core::scope::is_plain_absolute(store);
    if is_path { Filesystems::read(ask.host).ok()?.name_by_path(Path::new(store)) } else { None }
}

pub(super) fn containers(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Container>, Refusal> {
    let engine = engine(ask, &target)?;
    let all = all(&engine)?;
    let mut skipped = all.skipped;
    let mut ids = Vec::new();
    for line in all.read {
        if is_id(&line.id) { ids.push(line.id) } else { skipped = skipped.saturating_add(1) }
    }
    ids.sort();
    ids.dedup();
    ids.retain(|id| cursor.as_ref().is_none_or(|cursor| id > cursor));
    let (mut entries, mut last) = (Vec::new(), None);
    let mut rest = ids.into_iter();
    for id in rest.by_ref().take(PAGE) {
        match inspect(&engine.for_one(), &id) {
            Ok(found) => entries.push(found.shown(&target)),
            // The time is over, or the engine ended: what is left is unknown.
            Err(why) if engine.is_late() || matches!(why, Failed::NotSent(_)) => {
                return match last {
                    None => Err(why.refusal("a container")),
                    last @ Some(_) => Ok(Page { entries, skipped, complete: false, cursor: last }),
                };
            }
            // It hides no other, also in the next page.
            Err(_) => skipped = skipped.saturating_add(1),
        }
        last = Some(id);
    }
    let is_more = rest.next().is_some();
    Ok(Page { entries, skipped, complete: !is_more, cursor: last.filter(|_| is_more) })
}

/// All containers, also those that do not run.
pub(super) fn all(engine: &Engine) -> Result<Entries<ContainerLine>, Refusal> {
    engine.get("/containers/json?all=1").map_err(|failed| failed.refusal("its containers"))
}

/// A container by its id or its name.
pub(super) fn inspect(engine: &Engine, which: &str) -> Result<Seen, Failed> {
    let found: Inspected = engine.get(&format!("/containers/{which}/json"))?;
    let name = found.name.strip_prefix('/').unwrap_or(&found.name).to_owned();
    let is_plain = is_id(&found.id) && is_name(&name) && is_instant(&found.state.started_at);
    if is_plain {
        Ok(Seen { name, found })
    } else {
        Err(Failed::Status(502, "a container with an invalid name".into()))
    }
}

/// A container as its engine shows it, with a name and an identity that are safe in a path.
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) found: Inspected,
}

impl Seen {
    pub(super) fn identity(&self) -> Identity {
        Identity { id: self.found.id.clone(), started: self.found.state.started_at.clone() }
    }

    pub(super) fn state(&self) -> ContainerState {
        ContainerState::of(&self.found.state.status)
    }

    pub(super) fn health(&self) -> ContainerHealth {
        ContainerHealth::of(&self.found.state.health.status)
    }

    pub(super) fn restarts_itself(&self) -> bool {
        !matches!(self.found.host_config.restart_policy.name.as_str(), "" | "no")
    }

    /// Without secrets, in byte order.
    pub(super) fn labels(&self) -> Vec<String> {
        let redactor = Redactor::new();
        let label =
            |(key, value): (&String, &String)| inert(&redactor.redact(&format!("{key}={value}")).text, MOST_TEXT);
        self.found.config.labels.iter().map(label).collect()
    }

    pub(super) fn shown(&self, target: &str) -> Container {
        let (found, state) = (&self.found, &self.found.state);
        let label = |key: &str| inert(found.config.labels.get(key).map_or("", String::as_str), MOST_TEXT);
        // `db:service_healthy:false,cache`.
        let needs = found.config.labels.get(NEEDS).map_or("", String::as_str).split(',');
        let needs = needs.filter_map(|one| one.split(':').next().filter(|name| is_name(name)));
        let is_running = self.state() == ContainerState::Running;
        Container {
            about: subject("container", target, &self.name),
            identity: self.identity().text(),
            name: self.name.clone(),
            image: inert(&found.config.image, MOST_TEXT),
            project: label(PROJECT),
            service: label(SERVICE),
            unit: label(UNIT),
            labels: self.labels().into_iter().take(MOST_LABELS).collect(),
            needs: needs.take(MOST_LABELS).map(str::to_owned).collect(),
            state: self.state(),
            health: self.health(),
            restarts: u32::try_from(found.restart_count).unwrap_or_default(),
            exit_code: if is_running { 0 } else { i32::try_from(state.exit_code).unwrap_or(i32::MAX) },
            oom_killed: state.oom_killed,
            restarts_itself: self.restarts_itself(),
            started: instant(&state.started_at),
            finished: instant(&state.finished_at),
        }
    }
}
