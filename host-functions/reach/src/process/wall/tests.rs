#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn only_servers_of_unanswered_calls_are_reached() {
    let wall = Wall::default();
    assert_eq!(wall.connect(address("127.0.0.1:80")), Connect::Forbidden);
    assert_eq!(wall.look_up("h.example", 443), LookUp::Forbidden);
    wall.begin(1, &[Endpoint::new("127.0.0.1", 80)]);
    wall.begin(2, &[Endpoint::new("h.example", 443)]);
    for (to, may) in [
        ("127.0.0.1:80", Connect::Permitted),
        ("127.0.0.1:81", Connect::Forbidden),
        ("127.0.0.2:80", Connect::Forbidden),
        ("[::1]:80", Connect::Forbidden),
        ("10.0.0.1:443", Connect::Forbidden),
    ] {
        assert_eq!(wall.connect(address(to)), may, "{to}");
    }
    for (host, port, may) in [
        ("h.example", 443, LookUp::Permitted),
        ("h.example", 444, LookUp::Forbidden),
        ("other.example", 443, LookUp::Forbidden),
    ] {
        assert_eq!(wall.look_up(host, port), may, "{host}:{port}");
    }
    wall.found("h.example", 443, &mut vec![address("10.0.0.1:443"), address("169.254.169.254:443")]);
    for (to, may) in [
        ("10.0.0.1:443", Connect::Permitted),
        ("10.0.0.1:80", Connect::Forbidden),
        // No policy may reach it. An honest process may ask: its name leads there.
        ("169.254.169.254:443", Connect::Refused),
        ("169.254.169.254:80", Connect::Forbidden),
    ] {
        assert_eq!(wall.connect(address(to)), may, "{to}");
    }
    wall.end(2);
    assert_eq!(wall.connect(address("10.0.0.1:443")), Connect::Forbidden);
    assert_eq!(wall.connect(address("127.0.0.1:80")), Connect::Permitted);
    assert_eq!(wall.look_up("h.example", 443), LookUp::Late);
}

#[test]
fn a_call_has_so_many_connections_and_no_more() {
    let wall = Wall::default();
    wall.begin(1, &[Endpoint::new("::1", 80)]);
    let made = (0..1_000).filter(|_| wall.connect(address("[::1]:80")) == Connect::Permitted).count();
    assert_eq!(made, usize::try_from(MOST_OF_A_CALL).unwrap());
}

/// A name server may answer one address at a time.
#[test]
fn an_address_that_was_found_before_can_be_connected_to() {
    let wall = Wall::default();
    wall.begin(1, &[Endpoint::new("h.example", 443)]);
    for last in 0..=255 {
        wall.found("h.example", 443, &mut vec![SocketAddr::from(([10, 0, 0, last], 443))]);
    }
    assert_eq!(wall.connect(address("10.0.0.254:443")), Connect::Permitted);
    assert_eq!(wall.connect(address("10.0.0.255:443")), Connect::Permitted);
    assert_eq!(wall.connect(address("10.0.0.1:443")), Connect::Forbidden, "they are bounded");
}

#[test]
fn a_lookup_does_not_lead_an_address_elsewhere() {
    let wall = Wall::default();
    wall.begin(1, &[Endpoint::new("127.0.0.1", 80), Endpoint::named("169.254.1.1", 80)]);
    wall.found("127.0.0.1", 80, &mut vec![address("10.0.0.1:80")]);
    assert_eq!(wall.connect(address("10.0.0.1:80")), Connect::Forbidden);
    assert_eq!(wall.connect(address("127.0.0.1:80")), Connect::Permitted);
    assert_eq!(wall.connect(address("169.254.1.1:80")), Connect::Permitted, "the operator wrote it");
}

#[test]
fn a_call_that_nobody_waits_for_reaches_its_server_a_few_times_more() {
    let wall = Wall::default();
    wall.begin(1, &[Endpoint::new("::1", 80)]);
    wall.abandon(1);
    for _ in 0..MOST_AFTER {
        assert_eq!(wall.connect(address("[::1]:80")), Connect::Permitted);
    }
    assert_eq!(wall.connect(address("[::1]:80")), Connect::Refused, "an honest one may not know yet");
}

#[test]
fn late_questions_are_bounded() {
    let wall = Wall::default();
    wall.begin(1, &[Endpoint::new("h.example", 443)]);
    wall.end(1);
    for _ in 0..MOST_LATE {
        assert_eq!(wall.look_up("h.example", 443), LookUp::Late);
    }
    assert_eq!(wall.look_up("h.example", 443), LookUp::Forbidden);
    wall.begin(2, &[]);
    assert_eq!(wall.look_up("h.example", 443), LookUp::Late, "a process can serve for long");
}
