//! When lists are due that cost a server more than the rest.

use ansai_sdk::Span;
use ansai_sdk::pages::{Part, due};

use crate::server::View;
use crate::settings::Settings;

/// How long the same part of the sessions of a server is read while it has findings: their stages follow each other. Others
/// have to have their turn, because some findings only a person can end.
const TURN: Span = Span(5 * 60_000);

/// Which part of the sessions of a server is read now, if it has more than one evaluation reads.
pub(crate) fn turn(view: &View<'_>) -> Part {
    if view.place.host.is_within(&view.place.key("sessions"), TURN) { Part::Same } else { Part::Next }
}

/// Notes that a part was read.
pub(crate) fn took_turn(view: &View<'_>, part: Part, has_findings: bool) {
    if part == Part::Next {
        let began = if has_findings { view.place.host.now().to_string() } else { String::new() };
        view.place.host.remember(&view.place.key("sessions"), &began);
    }
}

/// Which part of the tables and indexes of a server is due now. While findings of these kinds are open, it is the same one.
pub(crate) fn tables(view: &View<'_>, settings: &Settings, kinds: &[&str]) -> Option<Part> {
    let place = &view.place;
    due(place.host, &place.key("tables"), settings.tables_every, place.has_open(kinds))
}
