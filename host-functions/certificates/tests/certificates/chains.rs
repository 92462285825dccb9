//! Whether a chain is trusted, and every reason why not.

use ansai_certificates::{CertificateDer, Distrust, Judgement, Links, Roots, describe, judge};
use ansai_harness::pki::{Authority, LONG, der};
use rustls::pki_types::ServerName;

use crate::{DAY, NOW, now};

fn chain(parts: &[&[u8]]) -> Vec<CertificateDer<'static>> {
    parts.iter().map(|der| CertificateDer::from(der.to_vec())).collect()
}

fn judged(parts: &[&[u8]], name: &str, roots: &str) -> Judgement {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    judge(&chain(parts), Some(&name), Some(&Roots::read(roots.as_bytes())), now())
}

/// What it is, the chain, the name that is asked for, and all reasons.
type Case<'a> = (&'a str, &'a [&'a [u8]], &'a str, &'a [Distrust]);

#[test]
fn each_reason_is_found_and_none_hides_another() {
    let root = Authority::root("Root", LONG);
    let middle = root.intermediate("Middle", LONG);
    let old = root.intermediate("Old", (NOW - 900 * DAY, NOW - DAY));
    let other = Authority::root("Other", LONG);
    let middle_der = der(&middle.pem);
    let good = middle.issue_publicly(&["a.example", "*.b.example"], LONG);
    let expired = middle.issue(&["a.example"], (NOW - 90 * DAY, NOW - DAY));
    let early = middle.issue(&["a.example"], (NOW + DAY, NOW + 90 * DAY));
    let under_old = old.issue(&["a.example"], LONG);
    let private = middle.issue(&["a.example"], LONG);
    let own = other.issue(&["a.example"], LONG);
    let same_name = Authority::root("Root", LONG).intermediate("Middle", LONG);
    use Distrust::*;
    let cases: &[Case<'_>] = &[
        ("good", &[&good.der, &middle_der], "a.example", &[]),
        ("by a pattern", &[&good.der, &middle_der], "x.b.example", &[]),
        ("not by a deep pattern", &[&good.der, &middle_der], "x.y.b.example", &[WrongName]),
        ("with the root", &[&good.der, &middle_der, &der(&root.pem)], "a.example", &[]),
        ("in another order", &[&good.der, &der(&root.pem), &middle_der], "a.example", &[]),
        ("with more than is needed", &[&good.der, &der(&other.pem), &middle_der], "a.example", &[]),
        ("expired", &[&expired.der, &middle_der], "a.example", &[Expired]),
        ("expired, for others, incomplete", &[&expired.der], "c.example", &[Expired, WrongName, UnknownIssuer]),
        ("not yet", &[&early.der, &middle_der], "a.example", &[NotYetValid]),
        ("address", &[&good.der, &middle_der], "10.0.0.1", &[WrongName]),
        ("incomplete", &[&good.der], "a.example", &[IncompleteChain]),
        ("incomplete or private", &[&private.der], "a.example", &[UnknownIssuer]),
        ("private", &[&own.der, &der(&other.pem)], "a.example", &[UnknownIssuer]),
        ("expired intermediate", &[&under_old.der, &der(&old.pem)], "a.example", &[ExpiredIntermediate]),
        ("another key", &[&good.der, &der(&same_name.pem)], "a.example", &[BadSignature]),
        ("a known authority itself", &[&der(&root.pem)], "a.example", &[WrongName]),
        ("self-signed", &[&der(&other.pem)], "a.example", &[WrongName, UnknownIssuer]),
        ("a known authority under another", &[&middle_der], "a.example", &[WrongName, Other]),
    ];
    for (what, parts, name, expected) in cases {
        let found = judged(parts, name, &root.pem);
        assert_eq!(found.distrust, *expected, "{what}: {}", found.explanation);
        assert_eq!(found.trusted, Some(expected.is_empty()), "{what}");
        assert_eq!(found.explanation.is_empty(), expected.is_empty(), "{what}");
    }
}

#[test]
fn without_authorities_trust_is_unknown_unless_something_else_is_wrong() {
    let root = Authority::root("Root", LONG);
    let good = root.issue(&["a.example"], LONG);
    let name = ServerName::try_from("a.example").unwrap();
    let wrong = ServerName::try_from("b.example").unwrap();
    assert_eq!(judge(&chain(&[&good.der]), Some(&name), None, now()).trusted, None);
    let found = judge(&chain(&[&good.der]), Some(&wrong), None, now());
    assert_eq!((found.trusted, found.distrust.as_slice()), (Some(false), &[Distrust::WrongName][..]));
    assert_eq!(judge(&[], Some(&name), None, now()).trusted, Some(false));
}

#[test]
fn links_tell_a_chain_of_an_unknown_authority_from_a_broken_one() {
    let root = Authority::root("Root", LONG);
    let middle = root.intermediate("Middle", LONG);
    let leaf = middle.issue(&["a.example"], LONG);
    let good = Links::of(&chain(&[&leaf.der, &der(&middle.pem)]), now()).unwrap();
    assert!(good.are_valid && good.length == 2 && good.top_issuer.contains("CN=Root"), "{good:?}");
    let alone = Links::of(&chain(&[&leaf.der]), now()).unwrap();
    assert!(alone.length == 1 && alone.top_issuer.contains("CN=Middle"), "{alone:?}");
    let forged = Authority::root("Root", LONG).intermediate("Middle", LONG);
    assert!(!Links::of(&chain(&[&leaf.der, &der(&forged.pem)]), now()).unwrap().are_valid);
}

#[test]
fn what_a_certificate_says_is_bounded_and_safe() {
    let root = Authority::root("R\u{1b}[31m\u{202e}oot", LONG);
    let names: Vec<String> = (0..150).map(|number| format!("n{number}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let shown = describe(&root.issue(&names, (NOW, NOW + 6 * DAY)).der).unwrap();
    assert_eq!((shown.names.len(), shown.omitted_names), (100, 50));
    assert_eq!(shown.about.name.len(), 64);
    assert_eq!((shown.key_kind.as_str(), shown.is_authority), ("ecdsa-p256", false));
    assert_eq!(shown.not_after.as_millis() - shown.not_before.as_millis(), 6 * DAY * 1000);
    assert!(!shown.issuer.contains(['\u{1b}', '\u{202e}']), "{:?}", shown.issuer);
    assert!(shown.serial.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", shown.serial);
    for broken in [&b""[..], b"\x30", b"\x30\x82\xff\xff", &der(&root.pem)[1..]] {
        assert!(describe(broken).is_none());
    }
    let mut longer = der(&root.pem);
    longer.push(0);
    assert!(describe(&longer).is_none(), "something follows it");
}
