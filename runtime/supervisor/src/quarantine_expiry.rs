//! Quarantined files whose time has come: removed for good by the executor, with an intent and an outcome like any
//! step, and only where an instance may act.

use std::collections::BTreeSet;

use ansai_core::{Event, Mode, Subject};
use ansai_local::files::{due, expire};
use sha2::Digest as _;

use crate::clock;
use crate::executor::UnderWay;
use crate::supervisor::Inner;

const ACTIONS: &str = "ansai:files/files-actions";

impl Inner {
    /// Ends the holds that are due. Blocks; what cannot be removed is tried again at the next call.
    pub(crate) fn end_holds(&self) {
        let mut roots = BTreeSet::new();
        for instance in &self.instances {
            // Whoever cannot propose to remove files has none in quarantine.
            if !instance.policy.info().imports.iter().any(|import| import.split('@').next() == Some(ACTIONS)) {
                continue;
            }
            let Ok(force) = self.authority.effective_grants(&instance.name) else { continue };
            if force.mode == Mode::Enforce
                && let Some(scope) = force.scopes.get(ACTIONS)
            {
                roots.extend(scope.set("roots").iter().cloned());
            }
        }
        let roots: Vec<String> = roots.into_iter().collect();
        let now = clock::now();
        let ended = due(&self.shared.host, &roots, now);
        if ended.is_empty() || self.is_stopping() {
            return;
        }
        let plan = self.fresh_id(now);
        let intent = Event::Intent {
            plan: plan.clone(),
            step: 0,
            action: format!("{ACTIONS}.expire-held"),
            about: Subject::new("quarantine", "ansai"),
            arguments: serde_json::json!({ "roots": &roots }),
            targets: ended.len() as u64,
            targets_sha256: hex::encode(sha2::Sha256::digest(ended.join("\n"))),
        };
        let action = format!("{ACTIONS}.expire-held");
        let under_way = UnderWay { instance: String::new(), action, handle: None, until: None };
        // No durable intent, no action.
        if let Err(error) = self.put_step(&plan, 0, &under_way).and_then(|()| self.durable(intent)) {
            tracing::error!("{error}");
            return;
        }
        let applied = expire(&self.shared.host, &roots, now);
        self.outcome(&plan, 0, applied);
    }
}
