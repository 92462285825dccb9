//! Ladders: `[[stage]]` of a manifest, and `[policy.NAME.stages]`, which changes or replaces it.

use ansai_core::codes;
use ansai_core::incident::{Ladder, MOST_STAGES, PERSON, Stage};
use ansai_core::text::inert;
use ansai_core::{Code, Millis};

use crate::fields::{Fields, wrong_type};
use crate::identifier;
use crate::nearest;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;

/// Attempts of one stage.
const ATTEMPTS: (u64, u64) = (0, 100);
/// Bounds of `within` in milliseconds: 1 minute to 30 days.
const WITHIN: (u64, u64) = (60_000, 30 * 86_400_000);

/// What the operator says about the ladder of an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum StagesChange {
    /// Nothing.
    #[default]
    None,
    /// These stages have other attempts or times.
    Some(Vec<StageChange>),
    /// This ladder instead.
    All(Ladder, Vec<Span>),
}

/// Another number of attempts, or another time, for one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageChange {
    name: String,
    attempts: Option<u32>,
    within: Option<Millis>,
    span: Span,
}

/// A stage that the policy does not have.
pub(crate) struct UnknownStage {
    pub(crate) code: Code,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl StagesChange {
    /// The ladder that is in force, over that of the manifest.
    ///
    /// # Errors
    /// The manifest has no stage of a name.
    pub(crate) fn over(&self, manifest: &Ladder) -> Result<Ladder, Vec<UnknownStage>> {
        let (ladder, unknown) = match self {
            StagesChange::None => return Ok(manifest.clone()),
            StagesChange::All(ladder, spans) => {
                let named = ladder.0.iter().zip(spans);
                let is_unknown = |(stage, _): &(&Stage, &Span)| manifest.position(&stage.name).is_none();
                // A policy without stages looks at none: the operator chooses their names.
                let unknown = named.filter(|one| !manifest.is_empty() && is_unknown(one));
                (ladder.clone(), unknown.map(|(stage, span)| unknown_stage(&stage.name, span, manifest)).collect())
            }
            StagesChange::Some(changes) => {
                let (mut ladder, mut unknown) = (manifest.clone(), Vec::new());
                for change in changes {
                    match ladder.0.iter_mut().find(|stage| stage.name == change.name) {
                        Some(stage) => {
                            stage.attempts = change.attempts.unwrap_or(stage.attempts);
                            stage.within = change.within.or(stage.within);
                        }
                        None => unknown.push(unknown_stage(&change.name, &change.span, manifest)),
                    }
                }
                (ladder, unknown)
            }
        };
        if unknown.is_empty() { Ok(ladder) } else { Err(unknown) }
    }
}

fn unknown_stage(name: &str, span: &Span, manifest: &Ladder) -> UnknownStage {
    let known: Vec<&str> = manifest.0.iter().map(|stage| stage.name.as_str()).collect();
    let message = format!("the policy has no stage `{}`", inert(name, 80));
    let hint = match nearest::list(&known) {
        Some(list) => format!("its stages are {list}"),
        None => "it has no stages: write a whole list, [[policy.NAME.stages]]".to_owned(),
    };
    let hint = match name {
        PERSON => Some("the last stage has neither attempts nor a time".to_owned()),
        _ => nearest::hint(name, &known).or(Some(hint)),
    };
    UnknownStage { code: codes::UNKNOWN_STAGE, span: span.clone(), message, hint }
}

/// Reads `stages` of an instance.
pub(crate) fn read_change(node: &Node, problems: &mut Problems) -> StagesChange {
    match &node.kind {
        Kind::Array(nodes) => {
            let ladder = read_list("stages", node, nodes, problems);
            StagesChange::All(ladder, nodes.iter().map(|node| node.span.clone()).collect())
        }
        Kind::Table(entries) => {
            StagesChange::Some(entries.iter().filter_map(|entry| read_one_change(entry, problems)).collect())
        }
        _ => {
            problems.add(wrong_type("stages", node, "a table or a list of tables"));
            StagesChange::None
        }
    }
}

fn read_one_change(entry: &Entry, problems: &mut Problems) -> Option<StageChange> {
    let place = format!("the stage `{}`", inert(&entry.key, 64));
    let fields = Fields::of(&entry.node, &place, &["attempts", "within"], problems)?;
    let attempts = attempts(&fields, problems);
    let within = fields.duration("within", WITHIN, problems);
    Some(StageChange { name: entry.key.clone(), attempts, within, span: entry.key_span.clone() })
}

/// Reads `[[stage]]` of a manifest.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> Ladder {
    match &node.kind {
        Kind::Array(nodes) => read_list("stage", node, nodes, problems),
        _ => {
            problems.add(wrong_type("stage", node, "a list of tables").hint("write [[stage]] above each stage"));
            Ladder::default()
        }
    }
}

/// The stages before the last one, which must be a person.
fn read_list(key: &str, list: &Node, nodes: &[Node], problems: &mut Problems) -> Ladder {
    // With the last one.
    if let Some(beyond) = nodes.get(MOST_STAGES + 1) {
        let message = format!("`{key}` has {} stages, more than {}", nodes.len(), MOST_STAGES + 1);
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, beyond.span.clone(), message).hint("join some of them"));
    }
    let mut ladder = Ladder::default();
    let mut last = None;
    for node in nodes.iter().take(MOST_STAGES + 1) {
        let Some(name) = node.get("name").and_then(|entry| entry.node.text()) else {
            missing_name(node, problems);
            last = None;
            continue;
        };
        if name == PERSON {
            Fields::of(node, "the stage `person`", &["name"], problems);
            last = last.or_else(|| Some(node.span.clone()));
            continue;
        }
        if last.is_some() {
            let message = format!("the stage `{}` comes after `{PERSON}`", inert(name, 80));
            problems.add(no_last_stage(node.span.clone(), message));
        }
        if ladder.position(name).is_some() {
            let message = format!("the stage `{}` occurs twice", inert(name, 80));
            problems.add(Problem::error(codes::DUPLICATE_STAGE, node.span.clone(), message).hint("join them"));
            continue;
        }
        ladder.0.extend(read_stage(name, node, problems));
    }
    let persons = nodes.iter().filter(|node| is_person(node)).count();
    if persons > 1 {
        let span = nodes.iter().rev().find(|node| is_person(node)).map_or(0..0, |node| node.span.clone());
        let message = format!("the stage `{PERSON}` occurs twice");
        problems.add(Problem::error(codes::DUPLICATE_STAGE, span, message).hint("delete one of them"));
    }
    if persons == 0 {
        let message = match nodes.len() {
            0 => format!("`{key}` is empty: a ladder has at least one stage and ends with `{PERSON}`"),
            _ => format!("the last stage must be `{PERSON}`"),
        };
        problems.add(no_last_stage(nodes.last().unwrap_or(list).span.clone(), message));
    } else if ladder.is_empty() && !problems.has_errors() {
        let message = format!("no stage comes before `{PERSON}`, so nothing is ever repaired");
        let hint = "to repair nothing, set the mode to \"observe\"";
        let span = nodes.last().unwrap_or(list).span.clone();
        problems.add(Problem::error(codes::STAGE_WITHOUT_ATTEMPTS, span, message).hint(hint));
    }
    ladder
}

fn is_person(node: &Node) -> bool {
    node.get("name").and_then(|entry| entry.node.text()) == Some(PERSON)
}

fn missing_name(node: &Node, problems: &mut Problems) {
    if let Some(fields) = Fields::of(node, "a stage", &["name", "attempts", "within"], problems) {
        fields.require(&[("name", "name = \"clean\"")], problems);
        fields.text("name", 1_000, problems);
    }
}

fn read_stage(name: &str, node: &Node, problems: &mut Problems) -> Option<Stage> {
    let place = format!("the stage `{}`", inert(name, 64));
    let fields = Fields::of(node, &place, &["name", "attempts", "within"], problems)?;
    if !identifier::is_name(name) {
        problems.add(identifier::bad_name("a stage", name, node.span.clone()));
    }
    let attempts = attempts(&fields, problems).unwrap_or(1);
    Some(Stage { name: name.to_owned(), attempts, within: fields.duration("within", WITHIN, problems) })
}

fn attempts(fields: &Fields<'_>, problems: &mut Problems) -> Option<u32> {
    let attempts = fields.number("attempts", ATTEMPTS, problems)?;
    if attempts == 0 {
        let span = fields.get("attempts").map_or(0..0, |node| node.span.clone());
        let message = "a stage without attempts never repairs anything";
        let hint = "write at least 1, or replace the list of stages by one without this stage";
        problems.add(Problem::error(codes::STAGE_WITHOUT_ATTEMPTS, span, message).hint(hint));
        return None;
    }
    u32::try_from(attempts).ok()
}

fn no_last_stage(span: Span, message: String) -> Problem {
    let hint = format!("end the ladder with the stage that has only a name:\nname = \"{PERSON}\"");
    Problem::error(codes::NO_LAST_STAGE, span, message).hint(hint)
}

/// The embedded format of a ladder, with its last stage.
pub(crate) fn to_json(ladder: &Ladder) -> serde_json::Value {
    let stage = |stage: &Stage| {
        let mut json = serde_json::json!({ "name": stage.name, "attempts": stage.attempts });
        if let (Some(json), Some(within)) = (json.as_object_mut(), stage.within) {
            json.insert("within".into(), format!("{}ms", within.get()).into());
        }
        json
    };
    let last = serde_json::json!({ "name": PERSON });
    ladder.0.iter().map(stage).chain([last]).collect()
}
