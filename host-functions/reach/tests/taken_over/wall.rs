//! It reaches the servers of its calls, and nothing else.

use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_harness::until;
use ansai_reach::process::IDLE;

use crate::manner::Manner;
use crate::scene::{LONG, Scene};
use crate::{ended, wait_until};

/// A port of this machine that nobody but the listener has.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

fn is_untouched(listener: &TcpListener) -> bool {
    matches!(listener.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn a_listener_that_no_target_names_cannot_be_reached() {
    let (own, own_port) = listener();
    let (other, port) = listener();
    let scene = Scene::at(Manner::ConnectsElsewhere, IDLE, &format!("127.0.0.1:{own_port}"), Some(port));
    assert_eq!(scene.look(LONG), Err(ended()), "it is ended because it asks");
    assert_eq!(scene.process.id(), None);
    assert!(is_untouched(&other) && is_untouched(&own));
}

/// A server cannot lead it elsewhere, either: only to the server of the call.
#[test]
fn a_redirect_to_a_server_that_no_target_names_leads_nowhere() {
    let (own, own_port) = listener();
    let (other, port) = listener();
    let address = format!("127.0.0.1:{own_port}");
    for (to, is_own) in [(&own_port, true), (&port, false)] {
        let scene = Scene::at(Manner::FollowsRedirect, IDLE, &address, None);
        std::thread::scope(|threads| {
            let look = threads.spawn(|| scene.look(LONG));
            let (mut stream, _) = until("it connects", Duration::from_secs(30), || own.accept().ok());
            stream.set_nonblocking(false).unwrap();
            write!(stream, "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{to}\r\n\r\n").unwrap();
            let expected = if is_own { Refusal::Busy("a connection".into()) } else { ended() };
            assert_eq!(look.join().unwrap(), Err(expected), "to the server of the call: {is_own}");
        });
        assert_eq!(scene.process.id().is_some(), is_own, "it is ended because it asks for another one");
        if is_own {
            until("it connects again", Duration::from_secs(30), || own.accept().ok());
        }
    }
    assert!(is_untouched(&other));
}

#[test]
fn no_socket_of_its_own_and_no_way_from_the_one_that_it_has() {
    let (own, own_port) = listener();
    let (other, port) = listener();
    let scene = Scene::at(Manner::Escapes, IDLE, &format!("127.0.0.1:{own_port}"), Some(port));
    let told = scene.look(LONG).unwrap_err().to_string();
    assert!(!told.contains("possible"), "{told}");
    assert_eq!(told.matches("; ").count(), 8, "{told}");
    until("its own server is connected to", Duration::from_secs(30), || own.accept().ok());
    assert!(is_untouched(&other));
}

#[test]
fn a_name_of_no_target_is_not_looked_up() {
    let scene = Scene::new(Manner::LooksUp);
    assert_eq!(scene.look(LONG), Err(ended()));
    assert_eq!(scene.process.lookup_id(), None, "nobody was asked");
}

/// It cannot make the supervisor fill the table of connections of its own server either.
#[test]
fn a_call_has_a_bounded_number_of_connections() {
    let (own, own_port) = listener();
    let scene = Scene::at(Manner::Floods, IDLE, &format!("127.0.0.1:{own_port}"), None);
    assert_eq!(scene.look(LONG), Err(ended()));
    wait_until(|| scene.process.id().is_none());
    let made = std::iter::from_fn(|| own.accept().ok()).count();
    assert!((1..=64).contains(&made), "{made}");
}

/// An honest process asks for it too, if the name of a server leads there: no other call may end because of that.
#[test]
fn an_address_that_no_policy_may_reach_is_refused_and_the_process_goes_on() {
    let (address, asks) = ("postgresql://169.254.1.1:1?tls=off", "169.254.1.1:1".to_owned());
    let scene = Scene::at(Manner::AsksOnce, IDLE, address, Some(asks));
    assert_eq!(scene.look(LONG), Err(Refusal::Busy("no connection".into())));
    let first = scene.process.id();
    assert_eq!(scene.look(LONG), Err(Refusal::Busy("no connection".into())));
    assert!(first.is_some() && first == scene.process.id());
}

/// It can open the files of the resolver that were there when it started, and no others.
#[test]
fn names_are_looked_up_by_another_process_after_a_while_of_use() {
    let scene = Scene::at(Manner::LooksUpOwn, Duration::from_secs(2), "localhost:1", None);
    let looked_up = || assert_eq!(scene.look(LONG), Err(Refusal::Busy("addresses".into())));
    looked_up();
    let first = scene.process.lookup_id().unwrap();
    until("another process looks up names", Duration::from_secs(30), || {
        looked_up();
        scene.process.lookup_id().filter(|id| *id != first)
    });
    let first = std::path::PathBuf::from(format!("/proc/{first}"));
    wait_until(|| !first.exists());
}

/// What may be reached ends with the call.
#[test]
fn the_server_of_a_call_that_was_answered_is_not_reached_any_more() {
    let scene = Scene::new(Manner::ConnectsLater);
    assert_eq!(scene.look(LONG), Err(Refusal::Busy("an answer".into())));
    wait_until(|| scene.process.id().is_none());
}

/// Only measures: see decision 0102.
#[test]
#[ignore = "not a test: it measures"]
fn what_a_connection_costs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut took: Vec<u128> = (0..60)
        .map(|_| {
            let began = std::time::Instant::now();
            let _stream = std::net::TcpStream::connect(address).unwrap();
            began.elapsed().as_micros()
        })
        .collect();
    took.sort_unstable();
    eprintln!("by itself: {} us, at most {} us", took[30], took[59]);
    let scene = Scene::at(Manner::Measures, IDLE, &address.to_string(), None);
    eprintln!("by the supervisor: {}", scene.look(LONG).unwrap_err());
}
