//! The power fails before every call: unsynced data is lost.

use ansai_harness::{Disk, Then, requires_root};

use super::chosen;
use super::kill::runs_at_once;
use super::scenario::{Occurrence, Scenario};

/// Which of the two disks had written all its data.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrote {
    Nothing,
    /// The target's changes survive, even unsynced ones.
    Target,
    /// The state survives.
    State,
}

/// Only points whose preceding call may have changed a disk.
fn after_a_change(points: &[Occurrence]) -> Vec<Occurrence> {
    let changes = |found: &Occurrence| found.point.is_sync() || found.point.is_of_target();
    points.windows(2).filter(|pair| changes(&pair[0])).map(|pair| pair[1].clone()).collect()
}

fn survives(scenario: &Scenario, wrote: Wrote) {
    let site = &scenario.site;
    let points = scenario.points();
    let late: fn(&Scenario) -> Option<&Disk> = match wrote {
        Wrote::Nothing => |_| None,
        Wrote::Target => |scenario| Some(&scenario.site.target),
        Wrote::State => |scenario| Some(&scenario.site.state),
    };
    let tried = after_a_change(&points);
    chosen::each(&chosen::pairs(&tried), points.len(), |wanted| {
        let mut cut = None;
        let ran = scenario.run(|_, found| {
            if found != wanted {
                return Then::Go;
            }
            if let Some(disk) = late(scenario) {
                disk.sync();
            }
            cut = Some(site.copy("cut"));
            Then::Kill
        });
        site.go_back_to(&cut.unwrap_or_else(|| panic!("not reached: {}", ran.stderr)));
        runs_at_once(scenario);
    });
}

macro_rules! cuts {
    ($($name:ident: $scenario:ident, $wrote:ident;)*) => {$(
        #[test]
        fn $name() {
            if requires_root() {
                survives(&Scenario::$scenario(), Wrote::$wrote);
            }
        }
    )*};
}

cuts! {
    the_first_start_survives_a_power_cut_after_which_it_is_done: first_start, Target;
    healing_survives_a_power_cut: heal, Nothing;
    healing_survives_a_power_cut_after_which_it_is_done: heal, Target;
    healing_survives_a_power_cut_after_which_it_is_known: heal, State;
    unlinking_survives_a_power_cut_after_which_it_is_done: heal_emergency, Target;
    unlinking_survives_a_power_cut_after_which_it_is_known: heal_emergency, State;
    quarantine_expiry_survives_a_power_cut: end_holds, Target;
}
