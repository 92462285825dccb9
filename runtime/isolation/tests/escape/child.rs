//! What this program does when it is the child.
#![allow(unsafe_code, reason = "maps a file as code")]

use std::os::fd::AsFd as _;
use std::time::Duration;

use ansai_isolation::confine::begin;

use crate::attempts::{ATTEMPTS, Facts};

const MOST: usize = 1 << 20;

/// Confines itself and does what its arguments say.
pub(crate) fn run(arguments: &[String]) {
    let job = arguments.last().unwrap();
    let mut channel = match begin(job) {
        Ok(channel) => channel,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(3);
        }
    };
    match arguments[1].as_str() {
        "attempt" => {
            let facts = Facts::from(arguments);
            // As a worker does before it runs guest code. A client of servers may write no file in any case.
            let _ = ansai_isolation::confine::end_files();
            let (_, attempt) = ATTEMPTS.iter().find(|(name, _)| *name == arguments[2]).unwrap();
            let outcome = match attempt(&facts) {
                Ok(()) => "possible".to_owned(),
                Err(error) => match error.raw_os_error() {
                    Some(number) => format!("refused: {}", errno(number)),
                    None => format!("refused: {error}"),
                },
            };
            channel.send(outcome.as_bytes(), None, None).unwrap();
        }
        "echo" => {
            while let Ok(frame) = channel.receive(MOST, None) {
                channel.send(&frame.payload, None, None).unwrap();
            }
        }
        "work" => {
            let done = work(channel.receive(MOST, None).unwrap().descriptor.unwrap());
            channel.send(done.as_bytes(), None, None).unwrap();
        }
        "talk" => {
            for line in 0..10_000 {
                eprintln!("line {line} \u{1b}[31m of a talkative process");
            }
            channel.send(b"done", None, None).unwrap();
        }
        "flood" => {
            let line = [b'x'; 999];
            loop {
                let _ = std::io::Write::write_all(&mut std::io::stderr(), &line);
            }
        }
        "descriptor" => {
            // Asked for, so that what is sent before it is read before it.
            let _ = channel.receive(MOST, None);
            let _ = channel.send(b"here", Some(std::io::stderr().as_fd()), None);
            std::thread::sleep(Duration::from_secs(60));
        }
        "abort" => std::process::abort(),
        other => panic!("{other}"),
    }
}

/// What a guest worker needs.
fn work(file: std::os::fd::OwnedFd) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    let mut file = std::fs::File::from(file);
    assert_eq!(file.metadata().unwrap().len(), 4);
    file.read_to_string(&mut text).unwrap();
    file.rewind().unwrap();
    map_code(&file);
    map_image();
    let thread =
        std::thread::Builder::new().name("epoch".into()).spawn(|| std::thread::sleep(Duration::from_millis(1)));
    thread.unwrap().join().unwrap();
    let map: std::collections::HashMap<_, _> = [(1, 2)].into();
    let panicked = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    let memory = vec![1_u8; 32 << 20];
    let now = std::time::SystemTime::now().elapsed().is_ok();
    format!("{text} {} {panicked} {} {now}", map.len(), memory.len())
}

/// Maps the file as code, as compiled components are.
fn map_code(file: &std::fs::File) {
    use std::os::fd::AsRawFd as _;
    // SAFETY: a new mapping of a file that nobody changes; nothing runs it.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0);
        assert_ne!(start, libc::MAP_FAILED);
        assert_eq!(libc::mprotect(start, 4096, libc::PROT_READ | libc::PROT_EXEC), 0);
        assert_eq!(libc::munmap(start, 4096), 0);
    }
}

/// Makes a memory file, seals it, and maps it, as the initial memory of a component.
fn map_image() {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let file = memfd_create("image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    let mut file = std::fs::File::from(file);
    file.write_all(&[7; 4096]).unwrap();
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL).unwrap();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new private mapping of a file that nobody can change; it is read and written within its size.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), 4096, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0);
        assert_ne!(start, libc::MAP_FAILED);
        assert_eq!(start.cast::<u8>().read(), 7);
        start.cast::<u8>().write(8);
        assert_eq!(libc::munmap(start, 4096), 0);
    }
}

fn errno(number: i32) -> String {
    match number {
        libc::EPERM => "EPERM".into(),
        libc::EACCES => "EACCES".into(),
        libc::ENOENT => "ENOENT".into(),
        libc::ENOSYS => "ENOSYS".into(),
        libc::ENOMEM => "ENOMEM".into(),
        libc::EAGAIN => "EAGAIN".into(),
        libc::EFBIG => "EFBIG".into(),
        libc::ENETUNREACH => "ENETUNREACH".into(),
        other => format!("error {other}"),
    }
}
