//! docker-registry of Debian, with TLS and a login.

use ansai_core::codes;
use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::oci::{DockerRegistry, LOGIN};
use ansai_registry::{About, Client, Connection, Digest, Login, Reference, Selector};
use zeroize::Zeroizing;

use crate::artifact::{COMPONENT, store};

fn about(version: &str) -> About {
    About { name: "web".to_owned(), version: version.to_owned(), description: "keeps it up".to_owned() }
}

#[test]
fn a_policy_is_published_and_pulled() {
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::root("test", LONG);
    let Some(registry) = DockerRegistry::start(place.path(), &authority.issue(&["localhost"], LONG)) else { return };
    let ca = place.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let trusting = Connection { authorities: Some(ca), ..Connection::default() };
    let login = |secret: &str| Some(Login { user: LOGIN.0.to_owned(), secret: Zeroizing::new(secret.to_owned()) });
    let client = |secret: &str| Client::new(&registry.host, &trusting, login(secret)).unwrap();
    let at = |selector: &str| -> Reference { format!("{}/acme/web{selector}", registry.host).parse().unwrap() };

    client(LOGIN.1).check_login().unwrap();
    assert_eq!(client("wrong").check_login().unwrap_err().code(), codes::REGISTRY_LOGIN);
    let nobody = Client::new(&registry.host, &trusting, None).unwrap();
    assert_eq!(nobody.check_login().unwrap_err().code(), codes::REGISTRY_LOGIN);
    let other = place.path().join("other.pem");
    std::fs::write(&other, Authority::root("other", LONG).pem).unwrap();
    let distrusting = Connection { authorities: Some(other), ..Connection::default() };
    let client_of_others = Client::new(&registry.host, &distrusting, login(LOGIN.1)).unwrap();
    assert_eq!(client_of_others.check_login().unwrap_err().code(), codes::REGISTRY_UNREACHABLE);

    let client = client(LOGIN.1);
    let first = client.publish(&at(":1.0.0"), COMPONENT, &about("1.0.0")).unwrap();
    assert!(!first.is_old);
    let again = client.publish(&at(":1.0.0"), COMPONENT, &about("1.0.0")).unwrap();
    assert_eq!((again.digest.clone(), again.is_old), (first.digest.clone(), true));
    let changed = client.publish(&at(":1.0.0"), b"changed", &about("1.0.0")).unwrap_err();
    assert_eq!(changed.code(), codes::VERSION_EXISTS);
    let moved = client.publish(&at(":1.0.1"), COMPONENT, &about("1.0.0")).unwrap_err();
    assert_eq!(moved.code(), codes::OTHER_POLICY);
    let latest = client.publish(&at(":latest"), COMPONENT, &about("1.0.0")).unwrap_err();
    assert_eq!(latest.code(), codes::BAD_REFERENCE);
    let second = client.publish(&at(":1.1.0_b"), b"second", &about("1.1.0+b")).unwrap();
    client.publish(&at(":2.0.0-rc.1"), b"third", &about("2.0.0-rc.1")).unwrap();

    let began = std::time::Instant::now();
    let store = store(&place.path().join("state"));
    let pulled = client.fetch(&at("@^1"), &store).unwrap();
    println!("pulled by range in {:?}", began.elapsed());
    assert_eq!((pulled.reference.tag(), &pulled.manifest.digest), (Some("1.1.0_b"), &second.digest));
    let pulled = client.fetch(&at(":1.0.0"), &store).unwrap();
    assert_eq!((&pulled.manifest.digest, &pulled.component.digest), (&first.digest, &Digest::of(COMPONENT)));
    let pulled = client.fetch(&at(":1.0.0").with(Selector::Digest(first.digest.clone())), &store).unwrap();
    assert_eq!(pulled.manifest.digest, first.digest);
    assert_eq!(client.fetch(&at(":3.0.0"), &store).unwrap_err().code(), codes::NOT_IN_REGISTRY);
    assert_eq!(nobody.fetch(&at(":1.0.0"), &store).unwrap_err().code(), codes::REGISTRY_LOGIN);
}
