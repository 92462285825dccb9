//! Targets that cannot be asked.

use std::time::Duration;

use ansai_core::Refusal;
use serde_json::json;

use super::{DATABASE, ask, look, reach};
use crate::scene::{Scene, target};

/// An address that no policy may reach is refused.
pub(crate) fn is_denied(address: &str) {
    let refused = look(target("db", address));
    assert!(matches!(refused, Err(Refusal::Denied(_))), "{address}: {refused:?}");
}

/// A target of another kind is refused.
pub(crate) fn another_kind_is_refused() {
    let mut web = target("web", "127.0.0.1:1");
    web.target.kind = "http".into();
    let wrong = ask(&reach([web]), Duration::from_secs(5), DATABASE, "look", &json!({"target": "web"}));
    assert!(matches!(wrong, Err(Refusal::Unsupported(_))), "{wrong:?}");
}

/// The server goes, which is told, and is found again when it comes back.
pub(crate) fn is_found_again(scene: &mut Scene) {
    assert!(scene.look().is_ok());
    scene.server.stop();
    let down = scene.look();
    assert!(matches!(down, Err(Refusal::Unavailable(_))), "{down:?}");
    scene.server.start_again();
    assert!(scene.look().is_ok(), "{:?}", scene.look());
}
