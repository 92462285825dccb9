//! Mistakes in a scenario are reported with line, caret, and the nearest valid alternative.

use crate::bench::Bench;

/// A mistake: the lines of a scenario, the reported place, and the message.
struct Mistake {
    name: &'static str,
    text: &'static str,
    place: &'static str,
    says: &'static [&'static str],
}

const REPLY: &str = "[[reply]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\n";
const FINE: &str = "[expect]\nobservations = []\n";

/// `REPLY` and `FINE` are replaced by the above; the first line is the description.
const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "key",
        text: "[[repl]]\nFINE",
        place: ":2:3",
        says: &["unknown key `repl`", "did you mean `reply`?"],
    },
    Mistake {
        name: "key-below",
        text: "REPLYokay = {}\nFINE",
        place: ":4:1",
        says: &["unknown key `okay`", "known here: `call`, `arguments`, `times`, `ok`, `refusal`"],
    },
    Mistake { name: "syntax", text: "[settings\nFINE", place: ":2:", says: &[] },
    Mistake { name: "no-expectation", text: "", place: ":1:1", says: &["`expect` is missing here"] },
    Mistake {
        name: "call",
        text: "[[reply]]\ncall = \"ansai:disk/disk-probe.list-filesystem\"\nok = {}\nFINE",
        place: ":3:8",
        says: &["there is no call", "did you mean `ansai:disk/disk-probe.list-filesystems`?"],
    },
    Mistake {
        name: "type",
        text: "REPLYok = { entries = [{ about = { kind = \"filesystem\", name = \"/\" }, mount = 7 }], skipped = 0 }\nFINE",
        place: ":4:",
        says: &["the reply to ansai:disk/disk-probe.list-filesystems: `entries[0].mount` must be a text"],
    },
    Mistake {
        name: "missing",
        text: "REPLYok = { entries = [] }\nFINE",
        place: ":4:6",
        says: &["the reply to ansai:disk/disk-probe.list-filesystems: `skipped` is missing"],
    },
    Mistake {
        name: "unknown-field",
        text: "REPLYok = { entries = [], skiped = 0 }\nFINE",
        place: ":4:22",
        says: &["there is no field `skiped`", "did you mean `skipped`?"],
    },
    Mistake {
        name: "range",
        text: "REPLYok = { entries = [], skipped = -1 }\nFINE",
        place: ":4:",
        says: &["`skipped` is -1, not from 0 to"],
    },
    Mistake {
        name: "argument",
        text: "[[reply]]\ncall = \"ansai:files/files-probe.list-files\"\narguments = { what = { rot = \"/\" } }\nrefusal = { busy = \"x\" }\nFINE",
        place: ":4:",
        says: &["the arguments of ansai:files/files-probe.list-files", "did you mean `root`?"],
    },
    Mistake {
        name: "both",
        text: "REPLYok = { entries = [], skipped = 0 }\nrefusal = { busy = \"x\" }\nFINE",
        place: ":2:",
        says: &["needs either `ok` or `refusal`"],
    },
    Mistake {
        name: "refusal",
        text: "REPLYrefusal = { buzy = \"x\" }\nFINE",
        place: ":4:",
        says: &["did you mean `busy`?"],
    },
    Mistake {
        name: "irrefusable",
        text: "[[reply]]\ncall = \"ansai:policy/context.now\"\nrefusal = { busy = \"x\" }\nFINE",
        place: ":4:1",
        says: &["ansai:policy/context.now cannot be refused"],
    },
    Mistake {
        name: "fault-kind",
        text: "[[fault]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\nkind = \"unavailble\"\nFINE",
        place: ":4:8",
        says: &["this cannot be `unavailble`", "did you mean `unavailable`?"],
    },
    Mistake {
        name: "fault-without-reply",
        text: "[[fault]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\nkind = \"huge\"\nFINE",
        place: ":4:8",
        says: &["there is no reply to ansai:disk/disk-probe.list-filesystems"],
    },
    Mistake {
        name: "fault-incomplete",
        text: "[[fault]]\ncall = \"ansai:system/system-probe.memory\"\nkind = \"incomplete\"\nFINE",
        place: ":4:8",
        says: &["neither `complete` nor `skipped`"],
    },
    Mistake {
        name: "fault-irrefusable",
        text: "[[fault]]\ncall = \"ansai:policy/context.settings\"\nkind = \"denied\"\nFINE",
        place: ":4:8",
        says: &["ansai:policy/context.settings cannot be refused"],
    },
    Mistake {
        name: "observation",
        text: "[expect]\nobservations = [{ key = \"/\", staus = \"healthy\" }]\n",
        place: ":3:",
        says: &["an observation: there is no field `staus`", "did you mean `status`?"],
    },
    Mistake {
        name: "severity",
        text: "[expect]\nobservations = [{ key = \"/\", status = { unhealthy = \"warnin\" } }]\n",
        place: ":3:",
        says: &["did you mean `warning`?"],
    },
    Mistake {
        name: "decision",
        text: "FINE[[expect.plan]]\nfinding = \"/\"\ndecision = { give-upp = \"x\" }\nsteps = []\n",
        place: ":6:",
        says: &["a decision: it cannot be `give-upp`", "did you mean `give-up`?"],
    },
    Mistake {
        name: "step",
        text: "FINE[[expect.plan]]\nfinding = \"/\"\ndecision = { apply = \"stop\" }\nsteps = [{ action = \"ansai:disk/disk-probe.list-filesystems\" }]\n",
        place: ":7:",
        says: &["ansai:disk/disk-probe.list-filesystems is no action"],
    },
    Mistake {
        name: "no-steps",
        text: "FINE[[expect.plan]]\nfinding = \"/\"\ndecision = { apply = \"stop\" }\n",
        place: ":4:",
        says: &["`decision` and `steps` go together"],
    },
    Mistake {
        name: "advice",
        text: "FINEadvice = { look-agian = 60_000 }\n",
        place: ":4:",
        says: &["the advice: there is no field `look-agian`", "did you mean `look-again`?"],
    },
    Mistake {
        name: "advice-without-answer",
        text: "[expect]\nfailure = \"cannot\"\nadvice = { look-again = 60_000 }\n",
        place: ":4:1",
        says: &["`advice` counts only with an answer"],
    },
    Mistake {
        name: "scope",
        text: "[scopes]\n\"ansai:disk/disk-prob\" = {}\nFINE",
        place: ":3:1",
        says: &["there is no interface", "did you mean `ansai:disk/disk-probe`?"],
    },
    Mistake {
        name: "no-tables",
        text: "[scopes]\n\"ansai:disk/disk-probe\" = []\nFINE",
        place: ":3:",
        says: &["an empty list of tables grants nothing", "leave the line out"],
    },
    Mistake {
        name: "second-table",
        text: "[scopes]\n\"ansai:disk/disk-probe\" = {}\n\"ansai:files/files-probe\" = [{ roots = [] }, { rots = [] }]\nFINE",
        place: ":4:48",
        says: &["no scope field `rots`", "did you mean `roots`?"],
    },
    Mistake {
        name: "no-table",
        text: "[scopes]\n\"ansai:disk/disk-probe\" = [{}, true]\nFINE",
        place: ":3:32",
        says: &["must be a table"],
    },
    Mistake {
        name: "limit",
        text: "[limits]\nreply_byte = 7\nFINE",
        place: ":2:",
        says: &["unknown key `reply_byte` in `[limits]`", "did you mean `reply_bytes`?"],
    },
    Mistake { name: "setting", text: "[settings]\npercent = 7\nFINE", place: ":3:", says: &["percent"] },
];

#[test]
fn every_mistake_is_shown_at_its_place() {
    let bench = Bench::guest("healthy");
    let mut wrong = String::new();
    for mistake in MISTAKES {
        let text = mistake.text.replace("REPLY", REPLY).replace("FINE", FINE);
        let file = bench.scenario(mistake.name, &format!("description = \"d\"\n{text}"));
        let ran = bench.test(&["--scenario", file.to_str().unwrap(), "--color", "never"]);
        let place = format!("{}.toml{}", mistake.name, mistake.place);
        let said = mistake.says.iter().all(|words| ran.stdout.contains(words));
        if ran.code != 1 || !said || !ran.stdout.contains(&place) || !ran.stdout.contains("FAIL") {
            wrong
                .push_str(&format!("{} ({place}), code {}:\n{}\n{}\n", mistake.name, ran.code, ran.stdout, ran.stderr));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn programs_get_the_place_too() {
    let bench = Bench::guest("healthy");
    bench.scenario("a", "description = \"d\"\n[[repl]]\n[expect]\nobservations = []\n");
    let ran = bench.test(&["--format", "json"]);
    let entry = ran.expect_code(1).json()["scenarios"][0]["diagnostics"][0].clone();
    assert_eq!((&entry["line"], &entry["hint"]), (&2.into(), &"did you mean `reply`?".into()), "{entry:#}");
}
