use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

const ALONE: Access = Access::Exclusive;
const TOGETHER: Access = Access::Shared;

fn request(holder: &str, uses: &[(&str, &str, Access)]) -> Request {
    let touch =
        |(kind, name, access): &(&str, &str, Access)| Touch { subject: Subject::new(*kind, *name), access: *access };
    Request::new(holder, uses.iter().map(touch))
}

fn filesystems(holder: &str, uses: &[(&str, Access)]) -> Request {
    request(holder, &uses.iter().map(|(name, access)| ("filesystem", *name, *access)).collect::<Vec<_>>())
}

fn holder(leases: &Leases, request: Request) -> Option<String> {
    leases.try_take(request).err().map(|in_use| in_use.holder)
}

/// One look at a plan that waits.
fn is_ready(waits: &mut Pin<&mut impl Future<Output = Result<Lease, InUse>>>) -> Option<Lease> {
    match waits.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(lease) => lease.ok(),
        Poll::Pending => None,
    }
}

#[test]
fn several_share_and_one_excludes() {
    for (first, second, together) in
        [(TOGETHER, TOGETHER, true), (TOGETHER, ALONE, false), (ALONE, TOGETHER, false), (ALONE, ALONE, false)]
    {
        let leases = Leases::default();
        let held = leases.try_take(filesystems("a", &[("/var", first)]));
        assert!(held.is_ok());
        let other = holder(&leases, filesystems("b", &[("/var", second)]));
        assert_eq!(other, (!together).then(|| "a".to_owned()), "{first:?} {second:?}");
        drop(held);
        assert_eq!(holder(&leases, filesystems("b", &[("/var", second)])), None, "free again");
    }
}

#[test]
fn other_names_and_other_kinds_are_other_things() {
    let leases = Leases::default();
    let _held = leases.try_take(filesystems("a", &[("/var", ALONE)]));
    assert_eq!(holder(&leases, filesystems("b", &[("/var/lib", ALONE)])), None, "another file system");
    assert_eq!(holder(&leases, filesystems("b", &[("/", ALONE)])), None);
    assert_eq!(holder(&leases, request("b", &[("directory", "/var", ALONE)])), None);
}

#[test]
fn who_has_the_host_alone_excludes_everybody() {
    let leases = Leases::default();
    let host = |access| request("reboot", &[("host", "web-1", access)]);
    let step = || filesystems("a", &[("/var", TOGETHER)]);
    let held = leases.try_take(host(ALONE));
    assert_eq!(holder(&leases, step()), Some("reboot".into()));
    assert_eq!(holder(&leases, Request::new("nothing", [])), Some("reboot".into()), "everybody shares the host");
    assert_eq!(holder(&leases, request("b", &[("host", "localhost", TOGETHER)])), Some("reboot".into()), "one host");
    drop(held);
    let held = leases.try_take(step());
    assert_eq!(holder(&leases, host(ALONE)), Some("a".into()));
    assert_eq!(holder(&leases, Request::of_everything("unknown")), Some("a".into()));
    assert_eq!(holder(&leases, host(TOGETHER)), None, "implied by every step");
    drop(held);
    assert_eq!(holder(&leases, host(ALONE)), None);
}

#[test]
fn of_a_thing_that_is_named_twice_exclusive_applies() {
    for twice in [[TOGETHER, ALONE], [ALONE, TOGETHER]] {
        let leases = Leases::default();
        let _held = leases.try_take(filesystems("a", &twice.map(|access| ("/var", access))));
        assert_eq!(holder(&leases, filesystems("b", &[("/var", TOGETHER)])), Some("a".into()));
    }
}

#[tokio::test]
async fn a_plan_gets_everything_at_once_and_holds_nothing_before() {
    let leases = Leases::default();
    let var = leases.take(filesystems("a", &[("/", ALONE), ("/var", ALONE)])).await.unwrap();
    let mut waits = pin!(leases.take(filesystems("b", &[("/home", ALONE), ("/var", ALONE)])));
    assert!(is_ready(&mut waits).is_none(), "the other plan has /var");
    let srv = leases.take(filesystems("c", &[("/srv", ALONE)])).await.unwrap();
    drop(var);
    let held = waits.await.unwrap();
    assert_eq!(holder(&leases, filesystems("d", &[("/home", TOGETHER)])), Some("b".into()));
    drop((held, srv));
    assert_eq!(holder(&leases, filesystems("d", &[("/home", ALONE), ("/var", ALONE), ("/srv", ALONE)])), None);
}

#[tokio::test]
async fn plans_that_want_the_same_in_another_order_do_not_wait_for_each_other() {
    let leases = Leases::default();
    let both = |first, second| filesystems("x", &[(first, ALONE), (second, ALONE)]);
    let take = |request| {
        let leases = leases.clone();
        tokio::spawn(async move {
            let held = leases.take(request).await.unwrap();
            tokio::task::yield_now().await;
            drop(held);
        })
    };
    let plans: Vec<_> = (0..50).flat_map(|_| [take(both("/a", "/b")), take(both("/b", "/a"))]).collect();
    for plan in plans {
        assert!(plan.await.is_ok());
    }
}

/// Steps that share a thing could otherwise keep one waiting for ever that wants it alone.
#[tokio::test]
async fn who_asked_first_gets_it_first() {
    let leases = Leases::default();
    let sharing = leases.take(filesystems("a", &[("/var", TOGETHER)])).await.unwrap();
    let mut alone = pin!(leases.take(filesystems("b", &[("/var", ALONE)])));
    assert!(is_ready(&mut alone).is_none());
    let mut later = pin!(leases.take(filesystems("c", &[("/var", TOGETHER)])));
    assert!(is_ready(&mut later).is_none(), "it could share with the first, and waits behind the second");
    assert_eq!(
        holder(&leases, filesystems("d", &[("/var", TOGETHER)])),
        None,
        "who does not wait stands behind nobody"
    );
    drop(sharing);
    assert!(is_ready(&mut later).is_none());
    let held = is_ready(&mut alone);
    assert!(held.is_some());
    drop(held);
    assert!(is_ready(&mut later).is_some());
}

#[tokio::test]
async fn a_plan_that_waits_no_longer_is_in_nobodys_way() {
    let leases = Leases::default();
    let sharing = leases.take(filesystems("a", &[("/var", TOGETHER)])).await.unwrap();
    let later = {
        let mut alone = Box::pin(leases.take(filesystems("b", &[("/var", ALONE)])));
        assert!(is_ready(&mut alone.as_mut()).is_none());
        let leases = leases.clone();
        let later =
            tokio::spawn(async move { drop(leases.take(filesystems("c", &[("/var", TOGETHER)])).await.unwrap()) });
        tokio::task::yield_now().await;
        assert!(!later.is_finished());
        later
    };
    // Only the end of the wait can have woken it.
    assert!(later.await.is_ok());
    drop(sharing);
    assert_eq!(holder(&leases, filesystems("d", &[("/var", ALONE)])), None);
}

#[test]
fn what_runs_already_is_taken_over_and_held_until_both_are_gone() {
    let leases = Leases::default();
    let plan = leases.try_take(filesystems("plan", &[("/var", ALONE), ("/srv", ALONE)]));
    let step = leases.take_over(filesystems("step", &[("/var", ALONE)]));
    drop(plan);
    assert_eq!(holder(&leases, filesystems("d", &[("/srv", ALONE)])), None);
    assert_eq!(holder(&leases, filesystems("d", &[("/var", ALONE)])), Some("step".into()));
    drop(step);
    assert_eq!(holder(&leases, filesystems("d", &[("/var", ALONE)])), None);
}

/// Would break: a plan that waits for hours, and holds up all others, because of a step for a time.
#[tokio::test]
async fn who_would_wait_for_hours_is_told_so() {
    let leases = Leases::default();
    let plan = leases.try_take(filesystems("plan", &[("/var", ALONE)]));
    let mut waits = pin!(leases.take(filesystems("b", &[("/var", ALONE)])));
    assert!(is_ready(&mut waits).is_none());
    let lasts = leases.take_over(filesystems("step", &[("/var", ALONE)]).lasting().of_plan("plan"));
    let told = waits.await.err().map(|in_use| in_use.holder);
    assert_eq!(told, Some("step".into()), "although it waited already");
    drop(plan);
    assert!(leases.take(filesystems("c", &[("/var", ALONE)])).await.is_err());
    // For whoever ends that step, its own plan is not in the way; another one is.
    let end = |plan: &str| leases.try_take(filesystems("end", &[("/var", ALONE)]).of_plan(plan));
    assert!(end("plan").is_ok() && end("another").is_err());
    drop(lasts);
    assert!(leases.take(filesystems("d", &[("/var", ALONE)])).await.is_ok());
}
