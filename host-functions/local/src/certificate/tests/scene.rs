//! A host with one lineage, `a.example`, issued by an authority that it does not know.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ansai_core::Refusal;
use ansai_core::{Scope, Timestamp};
use ansai_harness::pki::{Authority, Issued, LONG, Validity};
use ansai_kit::action::{Applied, StepContext};
use ansai_kit::host::Host;
use ansai_kit::target::{CertificateFiles, Reach, Reload};
use serde_json::value::RawValue;
use tempfile::TempDir;

use crate::certificate::actions::install;
use crate::certificate::site::{KINDS, Site};

pub(super) const NAME: &str = "a.example";
/// 2026-11-29.
pub(super) const NOW: u64 = 1_795_910_400;
pub(super) const DAY: u64 = 86_400;
/// About to expire.
pub(super) const OLD: Validity = (NOW - 80 * DAY, NOW + 10 * DAY);
pub(super) const NEW: Validity = (NOW - DAY, NOW + 89 * DAY);

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}

pub(super) struct Scene {
    pub(super) dir: TempDir,
    pub(super) site: Site,
    pub(super) authority: Authority,
    pub(super) root: Authority,
    pub(super) installed: Issued,
}

impl Scene {
    pub(super) fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(dir.path()).unwrap();
        let config = path.join("letsencrypt");
        let root = Authority::root("Root", LONG);
        let authority = root.intermediate("Middle", LONG);
        let installed = authority.issue(&[NAME, "www.a.example"], OLD);
        fs::create_dir_all(config.join("renewal")).unwrap();
        fs::create_dir_all(config.join("accounts")).unwrap();
        let text = format!(
            "version = 2.1.0\narchive_dir = {0}/archive/{NAME}\ncert = {0}/live/{NAME}/cert.pem\n[renewalparams]\n\
             authenticator = webroot\ninstaller = nginx\nrenew_hook = systemctl reload nginx\npre_hook = true\n",
            config.display()
        );
        fs::write(config.join("renewal").join(format!("{NAME}.conf")), text).unwrap();
        let site = Site { config: config.clone(), shown: config.clone(), runs: true };
        let scene = Scene { dir, site, authority, root, installed };
        scene.write_version(&config, 1, &scene.installed);
        scene
    }

    pub(super) fn path(&self) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap()
    }

    pub(super) fn live(&self, kind: &str) -> PathBuf {
        self.site.config.join("live").join(NAME).join(format!("{kind}.pem"))
    }

    /// Writes a version into a directory of certbot, and makes the links lead there.
    pub(super) fn write_version(&self, config: &Path, number: u32, issued: &Issued) {
        self.write_chain(config, number, issued, &self.authority.pem);
    }

    pub(super) fn write_chain(&self, config: &Path, number: u32, issued: &Issued, chain: &str) {
        let (archive, live) = (config.join("archive").join(NAME), config.join("live").join(NAME));
        fs::create_dir_all(&archive).unwrap();
        fs::create_dir_all(&live).unwrap();
        let contents = [issued.pem.clone(), issued.key.clone(), chain.to_owned(), format!("{}{chain}", issued.pem)];
        for (kind, content) in KINDS.iter().zip(contents) {
            let file = archive.join(format!("{kind}{number}.pem"));
            fs::write(&file, content).unwrap();
            let mode = if *kind == "privkey" { 0o600 } else { 0o644 };
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let link = live.join(format!("{kind}.pem"));
            let _ = fs::remove_file(&link);
            symlink(format!("../../archive/{NAME}/{kind}{number}.pem"), link).unwrap();
        }
    }

    pub(super) fn staged_config(&self) -> PathBuf {
        self.site.own_path(NAME).join("config")
    }

    /// Stages a certificate, as certbot would.
    pub(super) fn stage(&self, issued: &Issued) {
        self.stage_chain(issued, &self.authority.pem);
    }

    pub(super) fn stage_chain(&self, issued: &Issued, chain: &str) {
        self.write_chain(&self.staged_config(), 2, issued, chain);
    }

    /// A program of root's, which says its arguments into `called`.
    pub(super) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        let called = self.path().join("called");
        fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >> {}\n{text}\n", called.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// What the programs were called with.
    pub(super) fn called(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path().join("called")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// A target whose server uses the links of certbot.
    pub(super) fn files(&self, test: &str, reload: &str) -> CertificateFiles {
        let command = |name: &str, text: &str| vec![self.program(name, text).display().to_string()];
        CertificateFiles {
            certificate: self.live("fullchain"),
            key: self.live("privkey"),
            test: command("test-it", test),
            reload: Reload::Command(command("reload-it", reload)),
        }
    }

    pub(super) fn install(&self, files: &CertificateFiles, step: &str) -> Result<Applied, Refusal> {
        self.install_while(files, step, false)
    }

    pub(super) fn install_while(&self, files: &CertificateFiles, step: &str, stops: bool) -> Result<Applied, Refusal> {
        doing(step, stops, |doing| install::install(&self.site, NAME, files, None, doing))
    }

    /// The certificate that servers read.
    pub(super) fn served(&self) -> String {
        fs::read_to_string(self.live("cert")).unwrap()
    }

    pub(super) fn archive(&self) -> Vec<String> {
        let entries = fs::read_dir(self.site.config.join("archive").join(NAME)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

/// With what acting gets to know.
pub(super) fn doing<T>(step: &str, stops: bool, act: impl FnOnce(&StepContext<'_>) -> T) -> T {
    let (host, scope, stop) = (Host::at("/"), Scope::default(), AtomicBool::new(stops));
    let nothing = RawValue::from_string("null".into()).unwrap();
    act(&StepContext {
        host: &host,
        scope: &scope,
        reach: Reach::none(),
        now: now(),
        step_id: step,
        arguments: &nothing,
        targets: &nothing,
        stop: &stop,
    })
}
