//! `renew`, with a program in the place of certbot.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ansai_core::Refusal;
use ansai_harness::pki::Issued;

use super::scene::{NAME, NEW, Scene};
use crate::certificate::site::KINDS;
use crate::certificate::{staging, swap};

/// Does what certbot does in the directory that it is given.
fn certbot(scene: &Scene, issued: &Issued) -> std::path::PathBuf {
    let new = scene.path().join("new");
    fs::create_dir_all(&new).unwrap();
    let chain = &scene.authority.pem;
    let contents = [issued.pem.clone(), issued.key.clone(), chain.clone(), format!("{}{chain}", issued.pem)];
    for (kind, content) in KINDS.iter().zip(contents) {
        fs::write(new.join(format!("{kind}.pem")), content).unwrap();
    }
    let text = format!(
        "while [ \"$1\" != --config-dir ]; do shift; done; cd \"$2\" || exit 9\n\
         for k in cert privkey chain fullchain; do\n\
           cp {}/$k.pem archive/{NAME}/${{k}}2.pem && ln -sf ../../archive/{NAME}/${{k}}2.pem live/{NAME}/$k.pem || exit 8\n\
         done",
        new.display()
    );
    scene.program("certbot", &text)
}

fn renew(scene: &Scene, program: &std::path::Path) -> Result<(), Refusal> {
    staging::renew(&scene.site, program, NAME, &|| false)
}

#[test]
fn a_renewal_changes_nothing_that_is_served() {
    let scene = Scene::new();
    let new = scene.authority.issue(&[NAME, "www.a.example"], NEW);
    let (served, archive) = (scene.served(), scene.archive());
    renew(&scene, &certbot(&scene, &new)).unwrap();
    assert_eq!((scene.served(), scene.archive()), (served, archive));
    let staged = staging::version(&scene.site, NAME).unwrap().unwrap();
    assert_eq!((staged.number, staged.key()), (2, new.key.as_bytes()));
    let called = scene.called().join("\n");
    // The last two override what `/etc/letsencrypt/cli.ini` would load.
    let words = "renew --non-interactive --no-random-sleep-on-renew --force-renewal --cert-name a.example";
    let config = scene.staged_config();
    let expected = format!("certbot {words} --config-dir {} --deploy-hook true --installer null", config.display());
    assert_eq!(called, expected);
    let text = fs::read_to_string(scene.staged_config().join("renewal/a.example.conf")).unwrap();
    for gone in ["renew_hook", "installer", &format!("{}/archive/{NAME}\ncert", scene.site.config.display())] {
        assert!(!text.contains(gone), "{text}");
    }
    assert!(text.contains("authenticator = webroot") && text.contains("pre_hook"), "{text}");
    let own = scene.site.config.join("ansai");
    for place in [own.clone(), own.join(NAME), scene.staged_config()] {
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700, "{}", place.display());
    }
    staging::clear(&scene.site, NAME).unwrap();
    assert!(staging::version(&scene.site, NAME).unwrap().is_none());
    staging::clear(&scene.site, NAME).unwrap();
}

#[test]
fn a_failure_is_kept_without_secrets_and_forgotten_after_a_success() {
    let scene = Scene::new();
    let key = scene.installed.key.replace('\n', "\\n");
    let fails = scene
        .program("certbot-fails", &format!("printf '%b\\n' 'Error: password=hunter2 \\033[2J' '{key}' >&2; exit 1"));
    let why = renew(&scene, &fails).unwrap_err().to_string();
    let kept = staging::last_failure(&scene.site, NAME);
    for text in [&why, &kept] {
        assert!(text.contains("exit status: 1") && text.contains("Error"), "{text}");
        let lines = scene.installed.key.lines().filter(|line| !line.starts_with('-'));
        assert!(lines.into_iter().all(|line| !text.contains(line)), "{text}");
        assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
    }
    assert!(staging::version(&scene.site, NAME).unwrap().is_none(), "nothing is staged");
    let nothing = scene.program("certbot-idle", "exit 0");
    assert!(renew(&scene, &nothing).unwrap_err().to_string().contains("no new certificate"));
    let new = scene.authority.issue(&[NAME], NEW);
    renew(&scene, &certbot(&scene, &new)).unwrap();
    assert_eq!(staging::last_failure(&scene.site, NAME), "");
}

#[test]
fn another_certbot_and_an_untrusted_program_are_refused() {
    let scene = Scene::new();
    let busy = scene.program("busy", "echo 'Another instance of Certbot is already running.' >&2; exit 1");
    assert!(matches!(renew(&scene, &busy), Err(Refusal::Busy(_))));
    let open = scene.program("open", "exit 0");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(renew(&scene, &open), Err(Refusal::Unavailable(_))));
    assert!(matches!(staging::renew(&scene.site, &busy, "../x", &|| false), Err(Refusal::NotFound(_))));
    assert!(matches!(staging::renew(&scene.site, &busy, "z.example", &|| false), Err(Refusal::NotFound(_))));
    // The lock of another process: it ends with its standard input.
    let lock = scene.site.config.join(".certbot.lock");
    let script = "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()";
    let mut holder = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(&lock)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.as_mut().unwrap()), &mut line).unwrap();
    assert!(matches!(swap::Lock::take(&scene.site.open().unwrap()), Err(Refusal::Busy(_))));
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(swap::Lock::take(&scene.site.open().unwrap()).is_ok());
}
