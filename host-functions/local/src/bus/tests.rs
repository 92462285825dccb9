#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicU32;

use zbus::Message;

use super::fake::{Answer, FakeBus, error, reply};
use super::*;

/// Long enough for a busy machine; a test that waits for it is about a bus that hangs.
const SOON: Duration = Duration::from_secs(20);
const BRIEF: Duration = Duration::from_millis(200);

/// What is answered, and how.
type Case = (&'static str, fn() -> Answer);

fn ask(bus: &FakeBus, limit: Duration) -> Result<String, BusError> {
    Bus::of(&bus.host()).ask(limit, async |open: Open| {
        let message = open.connection.call_method(Some("a.b"), "/", Some("a.b"), "Question", &()).await?;
        Ok(message.body().deserialize::<String>()?)
    })
}

#[test]
fn an_answer_is_read() {
    let bus = FakeBus::start(|_| reply("yes"));
    assert_eq!(ask(&bus, SOON), Ok("yes".to_owned()));
}

#[test]
fn a_bus_that_hangs_costs_no_more_than_the_limit() {
    let bus = FakeBus::start(|_| Answer::Hang);
    assert_eq!(ask(&bus, BRIEF), Err(BusError::TimedOut));
    assert_eq!(ask(&bus, BRIEF), Err(BusError::TimedOut));
}

#[test]
fn a_bus_that_answers_again_is_asked_again() {
    let calls = AtomicU32::new(0);
    let bus = FakeBus::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Hang,
        _ => reply("yes"),
    });
    assert_eq!(ask(&bus, BRIEF), Err(BusError::TimedOut));
    assert_eq!(ask(&bus, SOON), Ok("yes".to_owned()));
}

#[test]
fn a_bus_that_restarts_is_connected_to_again() {
    let calls = AtomicU32::new(0);
    let bus = FakeBus::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        1 => Answer::Close,
        _ => reply("yes"),
    });
    assert_eq!(ask(&bus, SOON), Ok("yes".to_owned()));
    assert!(matches!(ask(&bus, SOON), Err(BusError::Closed(_))));
    assert_eq!(ask(&bus, SOON), Ok("yes".to_owned()));
}

/// Would break: a connection that is kept although systemd tells nothing on it.
#[test]
fn a_connection_without_the_signals_of_systemd_is_not_used() {
    let (connections, questions) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (subscribed, asked) = (connections.clone(), questions.clone());
    let bus = FakeBus::start_with_systemd(move |member| match member {
        "Subscribe" => match subscribed.fetch_add(1, Ordering::SeqCst) {
            0 => error("org.freedesktop.DBus.Error.AccessDenied"),
            1 => error("org.freedesktop.DBus.Error.NameHasNoOwner"),
            _ => reply(()),
        },
        _ => {
            asked.fetch_add(1, Ordering::SeqCst);
            reply("yes")
        }
    });
    for _ in 0..2 {
        let refused = ask(&bus, SOON);
        assert!(matches!(&refused, Err(why) if *why != BusError::TimedOut), "{refused:?}");
    }
    assert_eq!(questions.load(Ordering::SeqCst), 0, "nothing is asked on a deaf connection");
    // A later call tries again, and the connection is kept.
    assert_eq!((ask(&bus, SOON), ask(&bus, SOON)), (Ok("yes".to_owned()), Ok("yes".to_owned())));
    assert_eq!((connections.load(Ordering::SeqCst), questions.load(Ordering::SeqCst)), (3, 2));
}

/// The signal that says how a job of a unit ended.
fn job_removed(unit: &str, to: Option<&'static str>) -> Vec<u8> {
    let (path, interface) = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
    let job = zbus::ObjectPath::try_from("/org/freedesktop/systemd1/job/7").unwrap();
    let signal = Message::signal(path, interface, "JobRemoved").sender(":1.0");
    let signal = match to {
        Some(to) => signal.destination(to),
        None => signal,
    };
    signal.build(&(7_u32, job, unit, "dependency")).unwrap().data().to_vec()
}

#[test]
fn a_signal_that_is_addressed_to_this_process_is_not_of_systemd() {
    let bus = FakeBus::start(|_| {
        let signals = [job_removed("forged.service", Some(":1.7")), job_removed("real.service", None)].concat();
        Answer::After(signals, Box::new(|call| Message::method_return(call).build(&("yes",)).unwrap()))
    });
    let heard = Bus::of(&bus.host()).ask(SOON, async |open: Open| {
        open.connection.call_method(Some("a.b"), "/", Some("a.b"), "Question", &()).await?;
        while open.jobs.of_unit("real.service").is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(open.jobs.of_unit("forged.service"))
    });
    assert_eq!(heard, Ok(None));
}

#[test]
fn hostile_answers_are_errors() {
    let cases: [Case; 5] = [
        ("bytes", || Answer::Raw(vec![0xff; 64])),
        ("another type", || reply(7_u32)),
        ("nothing", || reply(())),
        ("an error", || error("a.b.No")),
        // A message of 2 GiB.
        ("too long", || Answer::Raw([[b'l', 2, 0, 1], [0xff, 0xff, 0xff, 0x7f], [1, 0, 0, 0], [0, 0, 0, 0]].concat())),
    ];
    for (what, answer) in cases {
        let bus = FakeBus::start(move |_| answer());
        let found = ask(&bus, SOON);
        assert!(matches!(&found, Err(why) if *why != BusError::TimedOut), "{what}: {found:?}");
    }
}

#[test]
fn without_a_bus_there_is_no_answer() {
    let root = tempfile::tempdir().unwrap();
    let found = Bus::of(&Host::at(root.path())).ask(SOON, async |_: Open| Ok(()));
    assert!(matches!(found, Err(BusError::Closed(_))), "{found:?}");
}
