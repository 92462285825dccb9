//! Engines that hang, flood and lie: each call ends in its time with a typed refusal, and does no harm.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use ansai_core::{Outcome, Refusal};
use serde_json::json;

use super::fake::{Answer, Fake, json as reply, status};
use super::scene::{Scene, place};

pub(crate) const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn chunked(head: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n").into_bytes()
}

/// Would break: an answer without an end that fills the memory or keeps the thread.
#[test]
fn an_answer_without_an_end_is_refused_in_time() {
    type Case = (&'static str, fn(&str) -> Answer);
    let cases: Vec<Case> = vec![
        ("hangs", |_| Answer::Hang),
        ("drips", |_| Answer::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".repeat(9))),
        ("headers", |_| {
            Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-a: bbbbbbbbbbbbbbbbbbbbbbbb\r\n".to_vec())
        }),
        ("chunks", |_| {
            Answer::Endless(chunked(""), b"1000\r\n".iter().copied().chain([b' '; 4096]).chain(*b"\r\n").collect())
        }),
        ("chunk lines", |_| Answer::Endless(chunked(""), b"0000000000000000".to_vec())),
        ("body", |_| Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\n[".to_vec(), b"1,1,1,1,1,1,1,1,".repeat(256))),
        ("line", |_| Answer::Endless(b"HTTP/1.1 200 ".to_vec(), b"OOOOOOOOOOOOOOOOOOOO".to_vec())),
    ];
    for (name, answer) in cases {
        let began = Instant::now();
        let fake = Fake::start(answer);
        let refused = fake.scene().probe("look", None).unwrap_err();
        assert!(matches!(refused, Refusal::TimedOut(_) | Refusal::Unavailable(_)), "{name}: {refused}");
        assert!(began.elapsed() < Duration::from_secs(20), "{name}: {:?}", began.elapsed());
    }
}

#[test]
fn what_is_not_the_docker_api_is_refused() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let escape = "\u{1b}[2J\u{202e}";
    for (version, words) in [
        (reply("{}"), "not as the Docker API"),
        (reply("null"), "not as the Docker API"),
        (reply(&deep), "not as the Docker API"),
        (reply(r#"{"ApiVersion":"../../x"}"#), "does not say which version"),
        (reply(r#"{"ApiVersion":"1.41/../../images"}"#), "does not say which version"),
        (reply(r#"{"ApiVersion":"1.12","MinAPIVersion":"1.10"}"#), "speaks versions"),
        (reply(r#"{"ApiVersion":"9.99","MinAPIVersion":"9.0"}"#), "speaks versions"),
        (Answer::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()), "not HTTP"),
        (Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{}".to_vec()), "closed"),
        (Answer::Bytes(Vec::new()), "closed"),
        (status("302 Found\r\nlocation: http://169.254.169.254/", ""), "status 302"),
        (
            status("500 Oops", &json!({ "message": format!("token=ghp_{} {escape}", "a1".repeat(18)) }).to_string()),
            "status 500",
        ),
    ] {
        let version = std::sync::Mutex::new(Some(version));
        let fake = Fake::start(move |_| version.lock().unwrap().take().unwrap_or(Answer::Hang));
        let scene = Scene { limit: Duration::from_secs(5), ..fake.scene() };
        let refused = scene.probe("look", None).unwrap_err().to_string();
        assert!(refused.contains(words) || (words == "closed" && refused.contains("cut")), "{words}: {refused}");
        assert!(
            !refused.contains("a1a1a1") && !refused.contains('\u{1b}') && !refused.contains('\u{202e}'),
            "{refused}"
        );
        assert_eq!(fake.requests().len(), 1, "{words}");
    }
}

/// Would break: a server that does not accept, and keeps the thread in connect(2).
#[test]
fn a_socket_without_an_engine_is_refused_at_once() {
    let (_place, socket) = place();
    let unavailable = |words: &str| {
        let began = Instant::now();
        let refused = Scene { limit: Duration::from_secs(2), ..Scene::new(&socket) }.probe("look", None).unwrap_err();
        assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains(words)), "{words}: {refused}");
        assert!(began.elapsed() < Duration::from_secs(20));
    };
    unavailable("does not exist");
    let listener = UnixListener::bind(&socket).unwrap();
    // Nobody accepts: the queue of the kernel fills.
    let mut waiting = Vec::new();
    rustix::io::ioctl_fionbio(&listener, true).unwrap();
    while waiting.len() < 10_000 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        match runtime.block_on(tokio::net::UnixStream::connect(&socket)) {
            Ok(stream) => waiting.push(stream.into_std().unwrap()),
            Err(_) => break,
        }
    }
    assert!(waiting.len() < 10_000);
    unavailable("accepts no connections");
    drop((listener, waiting));
    unavailable("nothing listens");
}

fn line(id: &str, image: &str) -> String {
    json!({ "Id": id, "ImageID": image, "Mounts": null }).to_string()
}

pub(crate) fn inspected(id: &str, name: &str, started: &str) -> String {
    json!({ "Id": id, "Name": name, "State": { "Status": "running", "StartedAt": started }, "Config": { "Labels": { "heal": "yes" } } })
        .to_string()
}

/// Would break: an id of a lying engine that becomes another path of its API; one bad container that hides the others.
#[test]
fn names_of_a_lying_engine_go_nowhere() {
    let bad = "../../../containers/prune";
    let list = format!("[{},{},17,{}]", line(bad, ID), line(ID, ID), line(&"a".repeat(64), ID));
    let fake = Fake::engine(move |request| match request {
        "GET /containers/json?all=1" => Some(reply(&list)),
        request if request.contains(ID) => Some(reply(&inspected(ID, "/web", "2026-11-29T17:00:00Z"))),
        request if request.contains("aaaa") => {
            Some(reply(&inspected(&"a".repeat(64), "/../x y", "2026-11-29T17:00:00Z")))
        }
        _ => None,
    });
    let page = fake.scene().probe("list-containers", None).unwrap();
    assert_eq!(page["entries"].as_array().unwrap().len(), 1, "{page:#}");
    assert_eq!((&page["entries"][0]["name"], &page["skipped"]), (&json!("web"), &json!(3)));
    assert!(fake.requests().iter().all(|request| !request.contains("prune")), "{:?}", fake.requests());
}

/// Would break: a time that is over in the middle of a list, taken for its end; a container that hangs and hides all others.
#[test]
fn a_list_that_is_not_read_to_its_end_says_so() {
    let (other, last) = ("b".repeat(64), "c".repeat(64));
    let list = format!("[{},{},{}]", line(ID, ID), line(&other, ID), line(&last, ID));
    let fake = Fake::engine(move |request| match request {
        "GET /containers/json?all=1" => Some(reply(&list)),
        request if request.contains(ID) => Some(reply(&inspected(ID, "/web", "2026-11-29T17:00:00Z"))),
        request if request.contains("bbbb") => Some(Answer::Hang),
        request if request.contains(&last) => Some(reply(&inspected(&last, "/last", "2026-11-29T17:00:00Z"))),
        _ => None,
    });
    let page = fake.scene().probe("list-containers", None).unwrap();
    assert_eq!((&page["complete"], &page["cursor"]), (&json!(false), &json!(ID)), "{page:#}");
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    // With more time than one container may take.
    let scene = Scene { limit: Duration::from_secs(10), ..fake.scene() };
    for (cursor, entries) in [(None, 2), (Some(ID), 1)] {
        let page = scene.probe("list-containers", cursor).unwrap();
        assert_eq!((&page["complete"], &page["skipped"]), (&json!(true), &json!(1)), "{page:#}");
        let names = page["entries"].as_array().unwrap();
        assert_eq!((names.len(), &names[entries - 1]["name"]), (entries, &json!("last")), "{page:#}");
    }
}

pub(crate) fn image(id: &str, tags: &[&str], created: u64) -> serde_json::Value {
    json!({ "Id": format!("sha256:{id}"), "RepoTags": tags, "Created": created, "Size": 1000, "SharedSize": -1 })
}

fn detail(tagged: &str) -> Answer {
    reply(&json!({ "Metadata": { "LastTagTime": tagged } }).to_string())
}

/// Would break: removal although not all containers could be read; or of what was fetched a minute ago.
#[test]
fn what_is_unknown_is_not_removed() {
    let images = json!([image(ID, &[], 1_500_000_000)]).to_string();
    for (containers, tagged, items) in [
        ("[]", "0001-01-01T00:00:00Z", Some(1)),
        ("null", "0001-01-01T00:00:00Z", Some(1)),
        // Tagged in the future of this clock, so lately.
        ("[]", "2999-01-01T00:00:00Z", Some(0)),
        ("[17]", "0001-01-01T00:00:00Z", None),
        (r#"[{"Id":"0123456789ab","ImageID":"no hash"}]"#, "0001-01-01T00:00:00Z", None),
    ] {
        let images = images.clone();
        let fake = Fake::engine(move |request| match request {
            "GET /containers/json?all=1" => Some(reply(containers)),
            "GET /images/json" => Some(reply(&images)),
            request if request.starts_with("GET /images/") => Some(detail(tagged)),
            _ => None,
        });
        let found = fake.scene().remove_images(true).map(|step| step.previewed.preview.items);
        match items {
            Some(items) => assert_eq!(found.unwrap(), items, "{containers} {tagged}"),
            None => assert!(matches!(found, Err(Refusal::Unavailable(_))), "{containers}"),
        }
        assert!(fake.requests().iter().all(|request| request.starts_with("GET ")));
    }
}

/// Would break: a refusal of one removal that ends the step, or a silence that counts as done.
#[test]
fn each_removal_is_told_by_itself() {
    let ids: Vec<String> = (0..4).map(|n| format!("{n}").repeat(64)).collect();
    let images = json!(ids.iter().map(|id| image(id, &[], 1_500_000_000)).collect::<Vec<_>>()).to_string();
    let fake = Fake::engine(move |request| match request {
        "GET /containers/json?all=1" => Some(reply("[]")),
        "GET /images/json" => Some(reply(&images)),
        request if request.starts_with("GET /images/") => Some(detail("")),
        request if request.starts_with("DELETE /images/sha256:0") => Some(reply("[]")),
        request if request.starts_with("DELETE /images/sha256:1") => {
            Some(status("409 Conflict", r#"{"message":"in use"}"#))
        }
        request if request.starts_with("DELETE /images/sha256:2") => Some(status("500 Oops", r#"{"message":"disk"}"#)),
        _ => None,
    });
    let scene = Scene { limit: Duration::from_secs(5), ..fake.scene() };
    let step = scene.remove_images(true).unwrap();
    let applied = step.finish().unwrap();
    let fates: Vec<String> = applied.items.iter().map(|item| format!("{:?}", item.fate)).collect();
    let [done, used, failed, gone] = &fates[..] else { panic!("{fates:?}") };
    assert!(
        done == "Done"
            && used.starts_with("Failed")
            && used.contains("in use")
            && failed.contains("disk")
            && gone.contains("gone already"),
        "{fates:?}"
    );
    assert_eq!(applied.outcome, Outcome::Failed);
    assert_eq!(applied.detail, "removed 1 image, freed 1000 B (at most), 2 failed, 1 skipped");
    let deleted = fake.requests().into_iter().filter(|request| request.starts_with("DELETE ")).count();
    assert_eq!(deleted, 4);
}

/// Would break: a container that was started again meanwhile is restarted; a hung engine whose restart counts as done.
#[test]
fn a_restart_is_for_one_run() {
    let started = std::sync::Arc::new(std::sync::Mutex::new("2026-11-29T17:00:00Z"));
    let now = started.clone();
    let list = format!("[{}]", line(ID, ID));
    let fake = Fake::engine(move |request| match request {
        "GET /containers/json?all=1" => Some(reply(&list)),
        request if request.starts_with("POST ") => Some(Answer::Bytes(Vec::new())),
        request if request.contains(ID) => Some(reply(&inspected(ID, "/web", &now.lock().unwrap()))),
        _ => None,
    });
    let scene = Scene { limit: Duration::from_secs(5), ..fake.scene() };
    let step = scene.restart(&format!("{ID}/2026-11-29T17:00:00Z")).unwrap();
    assert!(matches!(scene.restart(&format!("{ID}/2026-11-28T17:00:00Z")), Err(Refusal::Changed(_))));
    assert!(matches!(scene.restart(&format!("{ID}/stop/2026")), Err(Refusal::Invalid(_))));
    // It closes without an answer.
    assert_eq!(step.finish().unwrap().outcome, Outcome::Unknown);
    assert_eq!(step.act(|action, doing| action.resolve(doing)).unwrap().outcome, Outcome::Unknown);
    *started.lock().unwrap() = "2026-11-29T18:00:00Z";
    assert!(matches!(step.finish(), Err(Refusal::Changed(_))));
    assert_eq!(step.act(|action, doing| action.resolve(doing)).unwrap().outcome, Outcome::Done);
    let posted = fake.requests().into_iter().filter(|request| request.starts_with("POST ")).count();
    assert_eq!(posted, 1);
}
