//! `[control]`: where the running daemon listens for requests, and who may send them.

use std::path::PathBuf;

use ansai_core::codes;

use crate::fields::Fields;
use crate::node::Node;
use crate::problem::{Problem, Problems};

/// The control socket. Root and the user of the daemon may always use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    /// Absolute path; `None` for `control.sock` in the state directory, which only root and the user of the daemon reach.
    pub socket: Option<PathBuf>,
    /// Members of this group may read: `ansai status`, `incidents`, `history`, `report`, `pauses`, `plans` and `plan`.
    pub group: Option<String>,
    /// Members of this group may also pause, silence, resume, retry, give feedback, and approve and reject plans.
    pub operators: Option<String>,
}

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Option<Control> {
    let fields = Fields::of(node, "`[control]`", &["socket", "group", "operators"], problems)?;
    let socket = fields.text("socket", 4_096, problems);
    if let (Some(path), Some(node)) = (socket, fields.get("socket"))
        && !ansai_core::scope::is_plain_absolute(path)
    {
        problems.add(
            Problem::error(codes::BAD_PATH, node.span.clone(), "`socket` must be an absolute path without `.` or `..`")
                .hint("such as \"/run/ansai/control.sock\""),
        );
    }
    let group = |name: &str, problems: &mut Problems| fields.text(name, 64, problems).map(str::to_owned);
    let (group, operators) = (group("group", problems), group("operators", problems));
    let named = fields.get("group").or_else(|| fields.get("operators"));
    if let (Some(node), None) = (named, socket) {
        problems.add(
            Problem::error(
                codes::MISSING_KEY,
                node.span.clone(),
                "a group needs `socket`: only root and the user of the daemon reach the state directory",
            )
            .hint("add `socket = \"/run/ansai/control.sock\"`"),
        );
    }
    Some(Control { socket: socket.map(PathBuf::from), group, operators })
}
