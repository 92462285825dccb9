//! From paths and a configuration to instances that are ready, and from there to a running supervisor.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::{InstanceName, Interface, Mode, ScopeValue};
use ansai_engine::Compiler;
use ansai_engine::isolated::Workers;
use ansai_events::Stream;
use ansai_host_functions::live::LiveHost;
use ansai_kit::registry::Registry;
use ansai_storage::Directory;
use ansai_supervisor::authority::{Authority, Fixed};
use ansai_supervisor::{Instance, Options, Supervisor};

use crate::authority::{FromFile, Governed};
use crate::configuration::{Configuration, ConfigurationError};
use crate::control::{self, Access};
use crate::error::Error;
use crate::expiry::Expiries;
use crate::load::{self, LoadRequest, LoadedInstance, LoadedShadow, NotLoaded};
use crate::pulled::{Pulled, Trials};
use crate::running::Running;
use crate::shadow::Beside;
use crate::share::Share;
use crate::warning::Warning;
use crate::{hooks, host, notify, safety, sources, state};

/// The process that sends heads of the audit log to a URL.
const EXPORTS: &str = "audit-export";

/// What a daemon is made from.
pub struct Builder {
    compiler: Compiler,
    registry: Registry,
    paths: Vec<PathBuf>,
    share: Share,
    configuration: Option<Configuration>,
    ceiling: Option<Mode>,
    state_dir: Option<PathBuf>,
    accept_clock: bool,
    is_locked: bool,
    distrusts_paths: bool,
    workers: Option<Arc<Workers>>,
    with_shadows: bool,
}

impl Builder {
    /// Where policies are: components, directories with one, directories of such directories, or `builtin:NAME`.
    /// Without any and without a configuration, all built-in policies run.
    pub fn paths(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Builder {
        self.paths = paths.into_iter().collect();
        self
    }

    /// Where the built-in policies are.
    pub fn share(mut self, share: Share) -> Builder {
        self.share = share;
        self
    }

    /// The host configuration. Without one, every policy at the paths observes.
    pub fn configuration(mut self, configuration: Option<Configuration>) -> Builder {
        self.configuration = configuration;
        self
    }

    /// What instances may do at most. By default, what the configuration says; without one, they observe.
    pub fn ceiling(mut self, ceiling: Option<Mode>) -> Builder {
        self.ceiling = ceiling;
        self
    }

    /// Where incidents, plans, recordings and the audit log are kept; see [`state::directory`] for the default.
    pub fn state_dir(mut self, state_dir: impl Into<Option<PathBuf>>) -> Builder {
        self.state_dir = state_dir.into();
        self
    }

    /// Whether the operator says that the time of day is right although it jumped.
    pub fn accept_clock(mut self, accept_clock: bool) -> Builder {
        self.accept_clock = accept_clock;
        self
    }

    /// Whether only components may run that a digest pins.
    pub fn locked(mut self, is_locked: bool) -> Builder {
        self.is_locked = is_locked;
        self
    }

    /// Whether policies at paths are those of strangers: they only observe, in worker processes.
    pub fn distrust_paths(mut self) -> Builder {
        self.distrusts_paths = true;
        self
    }

    /// Whether new versions run beside pinned ones where `ansai.lock` asks for it. A single pass compares nothing.
    pub fn shadows(mut self, with_shadows: bool) -> Builder {
        self.with_shadows = with_shadows;
        self
    }

    /// Worker processes for the code of policies, where the configuration chooses them.
    pub fn workers(mut self, workers: Arc<Workers>) -> Builder {
        self.workers = Some(workers);
        self
    }

    /// Makes the state directory and loads every instance that can be loaded.
    ///
    /// # Errors
    /// The configuration is not to be trusted, a path leads to no policy, the state directory cannot be made, or the
    /// engine does not start. An instance that does not load is no error: see [`Daemon::not_loaded`].
    pub fn load(self) -> Result<Daemon, Error> {
        let Builder {
            compiler,
            registry,
            paths,
            share,
            configuration,
            ceiling,
            state_dir,
            accept_clock,
            is_locked,
            distrusts_paths,
            workers,
            with_shadows,
        } = self;
        let interfaces = registry.interfaces();
        let ceiling = match (ceiling, configuration.is_some()) {
            (Some(Mode::Approve | Mode::Enforce), false) => return Err(ConfigurationError::Needed.into()),
            (Some(ceiling), true) => ceiling,
            (None, true) => Mode::Enforce,
            (_, false) => Mode::Observe,
        };
        let mut warnings = Vec::new();
        if let Some(configuration) = &configuration {
            warnings.extend(Warning::of(&configuration.config.warnings));
            warnings.extend(configuration.check_trust(ceiling)?);
            let secrets = configuration.secret_problems().into_iter();
            warnings.extend(secrets.map(|problem| Warning::new(problem.code(), problem.to_string())));
            warnings.extend(hooks::warnings(configuration));
            let channels = notify::problems(configuration).into_iter();
            warnings.extend(
                channels
                    .map(|one| Warning::new(one.code, format!("[notify.channel.{}]: {}", one.channel, one.message))),
            );
        }
        // Before the state directory is made, so that a mistyped path leaves nothing behind.
        let paths = match (paths.is_empty(), &configuration) {
            (true, None) => share.policies()?,
            _ => share.resolve(&paths)?,
        };
        let found = sources::find(&paths)?;
        let state_dir = state::directory(state_dir.as_deref(), configuration.as_ref())?;
        let pulled = Pulled::new(Some(state_dir.clone())).locked(is_locked).distrusting_paths(distrusts_paths);
        let state_dir = state::open(&state_dir)?;
        let (engine, warning) = host::engine(registry.clone(), Some(&state_dir), &compiler)?;
        warnings.extend(warning);
        let request = LoadRequest {
            found: &found,
            configuration: configuration.as_ref(),
            share: &share,
            pulled: &pulled,
            ceiling,
            engine: &engine,
            workers: workers.as_ref(),
            interfaces: &interfaces,
        };
        let mut loading = load::load(&request);
        if let Some(configuration) = configuration.as_ref().filter(|_| with_shadows) {
            load::shadow::load(&request, configuration, &mut loading);
        }
        warnings.extend(loading.warnings);
        let (ready, not_loaded, not_configured) = (loading.ready, loading.not_loaded, loading.not_configured);
        let loaded: Vec<&InstanceName> = ready.iter().map(|one| &one.instance.name).collect();
        let trials = configuration.as_ref().map(|one| pulled.trials(one, &loaded)).unwrap_or_default();
        Ok(Daemon {
            trials,
            program: host::program(compiler),
            registry,
            interfaces,
            configuration,
            ceiling,
            state_dir,
            accept_clock,
            ready,
            shadows: with_shadows.then_some(loading.shadows),
            not_loaded,
            not_configured,
            warnings,
        })
    }
}

/// Instances that are loaded and not running yet.
pub struct Daemon {
    /// Versions that are new on this host.
    trials: Trials,
    /// What is started to call servers; `None` if this program cannot.
    program: Option<PathBuf>,
    registry: Registry,
    interfaces: Vec<Interface>,
    configuration: Option<Configuration>,
    ceiling: Mode,
    state_dir: Directory,
    accept_clock: bool,
    ready: Vec<LoadedInstance>,
    /// `None` where none are wanted.
    shadows: Option<Vec<LoadedShadow>>,
    not_loaded: Vec<NotLoaded>,
    not_configured: Vec<String>,
    warnings: Vec<Warning>,
}

impl Daemon {
    /// Starts with the built-in host functions. `compiler` compiles components that others wrote:
    /// [`Compiler::InProcess`] sets it no limits and is for tests.
    pub fn builder(compiler: Compiler) -> Builder {
        Builder {
            compiler,
            registry: ansai_host_functions::builtin(),
            paths: Vec::new(),
            share: Share::default(),
            configuration: None,
            ceiling: None,
            state_dir: None,
            accept_clock: false,
            is_locked: false,
            distrusts_paths: false,
            workers: None,
            with_shadows: false,
        }
    }

    /// Instances that will run, by name.
    pub fn instances(&self) -> &[LoadedInstance] {
        &self.ready
    }

    /// What did not load, and why.
    pub fn not_loaded(&self) -> &[NotLoaded] {
        &self.not_loaded
    }

    /// Policies at the paths that the configuration does not name: `NAME (PATH)`.
    pub fn not_configured(&self) -> &[String] {
        &self.not_configured
    }

    /// What is probably not meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What each instance may look at, in words such as `under /var/log, /tmp`; empty with a configuration, which says
    /// it. An instance without such limits is not listed.
    pub fn reach(&self) -> Vec<(&InstanceName, String)> {
        let instances = self.ready.iter().filter(|_| self.configuration.is_none());
        let reach = |one: &LoadedInstance| {
            let mut words = BTreeSet::new();
            for (name, scope) in one.grants.scopes.iter() {
                let fields = self.interfaces.iter().find(|known| known.name == *name).map_or(&[][..], |one| one.fields);
                for field in fields {
                    if let (Some(reach), Some(ScopeValue::Set(set))) = (field.reach(), scope.together().get(field))
                        && !set.is_empty()
                    {
                        words.insert(format!("{} {}", reach.preposition, set.join(", ")));
                    }
                }
            }
            words.into_iter().collect::<Vec<_>>().join("; ")
        };
        let all = instances.map(|one| (&one.instance.name, reach(one)));
        all.filter(|(_, words)| !words.is_empty()).collect()
    }

    /// Versions that run beside pinned ones.
    pub fn shadows(&self) -> &[LoadedShadow] {
        self.shadows.as_deref().unwrap_or_default()
    }

    /// Whether new versions run beside pinned ones where `ansai.lock` asks for it.
    pub(crate) fn with_shadows(&self) -> bool {
        self.shadows.is_some()
    }

    pub(crate) fn configuration(&self) -> Option<&Configuration> {
        self.configuration.as_ref()
    }

    pub(crate) fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Instances whose version is new on this host.
    pub(crate) fn trials(&self) -> &Trials {
        &self.trials
    }

    pub(crate) fn state_directory(&self) -> &Directory {
        &self.state_dir
    }

    /// Where its state is kept.
    pub fn state_dir(&self) -> &Path {
        self.state_dir.path()
    }

    /// The highest mode of an instance.
    pub fn mode(&self) -> Mode {
        self.ready.iter().map(|one| one.grants.mode).max().unwrap_or_default()
    }

    /// Opens the supervisor. Whoever has subscribed to `events` sees all of them. Needs a tokio runtime.
    ///
    /// # Errors
    /// No instance loaded and none failed to; or the state is damaged, or another ansai uses it.
    pub fn open(&self, events: Stream) -> Result<Running, Error> {
        if self.ready.is_empty() && self.not_loaded.is_empty() {
            return Err(ConfigurationError::NoInstance.into());
        }
        let instances: Vec<Instance> = self.ready.iter().map(|one| one.instance.clone()).collect();
        let options = Options {
            state_dir: self.state_dir.clone(),
            mode: self.mode(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            accept_clock: self.accept_clock,
            audit: self
                .configuration
                .as_ref()
                .map(|configuration| configuration.config.audit.clone())
                .unwrap_or_default(),
            safety: self.configuration.as_ref().map(safety::policy).unwrap_or_default(),
            events,
        };
        let reach = self.configuration.as_ref().and_then(|one| one.config.daemon.reach);
        let export = self.configuration.as_ref().and_then(|configuration| configuration.config.export.clone());
        let export = export.map(|export| (export, host::sending(EXPORTS, self.program.as_deref(), reach)));
        host::call_servers_here(self.program.as_deref(), reach);
        let supervisor = Supervisor::open(options, Arc::new(self.host()), self.authority(), instances)
            .map_err(|error| Error::Open { state_dir: self.state_dir().to_owned(), error })?;
        if let Some(most) = self.configuration.as_ref().and_then(|one| one.config.daemon.evaluations) {
            supervisor.limit_evaluations(most);
        }
        let beside = Beside::open(self);
        let notifier = match &self.configuration {
            Some(configuration) => notify::start(configuration, &self.state_dir, &supervisor, self.program.as_deref())?,
            None => None,
        };
        let has_channels = self.configuration.as_ref().is_some_and(|one| !one.config.notify.channels.is_empty());
        let expiries = self.configuration.as_ref().map(|one| Expiries::of(one, self.state_dir()));
        let control = self.configuration.as_ref().map(|one| one.config.control.clone()).unwrap_or_default();
        let socket = control::socket_path(self.state_dir(), control.socket.as_deref());
        let access = Access { readers: control.group, operators: control.operators };
        Ok(Running::new(
            (supervisor, beside),
            (notifier, has_channels),
            &self.not_loaded,
            export,
            expiries,
            (&socket, access),
        )?)
    }

    /// This machine, with all that calls servers.
    pub(crate) fn host(&self) -> LiveHost {
        let reach = self.configuration.as_ref().and_then(|one| one.config.daemon.reach);
        let live = host::live(self.registry.clone(), self.state_dir());
        host::calling_servers(live, self.program.as_deref(), reach)
    }

    fn authority(&self) -> Arc<dyn Authority> {
        let name = |one: &LoadedInstance| one.instance.name.clone();
        match &self.configuration {
            Some(configuration) => {
                let governed = |one: &LoadedInstance| Governed::new(&one.component, one.instance.settings.clone());
                let policies = self.ready.iter().map(|one| (name(one), governed(one))).collect();
                Arc::new(FromFile::new(configuration.clone(), self.interfaces.clone(), self.ceiling, policies))
            }
            None => Arc::new(Fixed::new(self.ready.iter().map(|one| (name(one), one.grants.clone())))),
        }
    }
}
