//! Bytes that no honest end sends.

use std::time::Duration;

use ansai_isolation::ChannelError;
use ansai_isolation::channel::frame::{GREETING, HEADER, Reader};

use crate::peer::{MOST, Peer, READY, SOON, header, refused};

#[test]
fn a_gigabyte_is_refused_before_it_comes() {
    let (mut peer, mut channel) = Peer::greeted();
    peer.header(0, 1 << 30, 0);
    assert_eq!(refused(&mut channel), "a frame of 1073741824 bytes; the limit is 1048576 bytes");
}

#[test]
fn one_byte_more_than_the_limit_is_refused() {
    let (mut peer, mut channel) = Peer::greeted();
    peer.frame(0, &[7; 100]);
    assert_eq!(channel.receive(100, READY).unwrap().payload, [7; 100]);
    peer.header(1, 101, 0);
    assert!(matches!(channel.receive(100, READY), Err(ChannelError::TooLarge { bytes: 101, most: 100 })));
}

/// Memory follows what came, not what was announced.
#[test]
fn memory_grows_with_what_came() {
    const LENGTH: u32 = 1 << 30;
    let mut reader = Reader::default();
    let most = LENGTH as usize;
    for part in [&GREETING[..], &header(0, LENGTH, 0)] {
        reader.space()[..part.len()].copy_from_slice(part);
        assert!(reader.advance(part.len(), None, most).unwrap().is_none());
    }
    assert_eq!(reader.memory_bytes(), 0);
    let mut came = 0;
    for count in [1, 10, 1000, 60_000, 64_000, 1 << 17, 1 << 18] {
        let space = reader.space().len();
        let count = count.min(space);
        assert!(reader.advance(count, None, most).unwrap().is_none());
        came += count;
        assert!(reader.memory_bytes() <= 2 * came + (64 << 10), "{} bytes for {came}", reader.memory_bytes());
    }
}

#[test]
fn a_frame_in_pieces_is_one_frame() {
    let (mut peer, mut channel) = Peer::new();
    let bytes = [&GREETING[..], &header(0, 3, 0), b"abc", &header(1, 0, 0)].concat();
    let writer = std::thread::spawn(move || {
        for byte in bytes {
            peer.write(&[byte]);
        }
        peer
    });
    let patience = Some(Duration::from_secs(10));
    assert_eq!(channel.receive(MOST, patience).unwrap().payload, b"abc");
    assert_eq!(channel.receive(MOST, patience).unwrap().payload, b"");
    drop(writer.join().unwrap());
    assert!(matches!(channel.receive(MOST, patience), Err(ChannelError::Closed)));
}

#[test]
fn half_a_frame_is_waited_for_until_the_limit_and_may_still_come() {
    let (mut peer, mut channel) = Peer::greeted();
    peer.header(0, 4, 0);
    peer.write(b"ab");
    assert!(matches!(channel.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    peer.write(b"cd");
    assert_eq!(channel.receive(MOST, READY).unwrap().payload, b"abcd");
}

#[test]
fn who_writes_byte_by_byte_gets_no_more_time() {
    let (mut peer, mut channel) = Peer::greeted();
    peer.header(0, 1 << 20, 0);
    let writer = std::thread::spawn(move || {
        while std::io::Write::write_all(&mut peer.0, b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(matches!(channel.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    drop(channel);
    writer.join().unwrap();
}

#[test]
fn a_frame_that_is_missing_or_comes_again_ends_the_channel() {
    for wrong in [0, 2, u64::MAX, 1 << 32 | 1] {
        let (mut peer, mut channel) = Peer::greeted();
        peer.frame(0, b"first");
        peer.frame(wrong, b"second");
        assert_eq!(channel.receive(MOST, READY).unwrap().payload, b"first");
        assert_eq!(refused(&mut channel), "protocol error: a frame is missing or came twice", "{wrong}");
    }
}

#[test]
fn another_version_and_another_protocol_end_the_channel() {
    for (greeting, why) in [
        (b"ansaich\x02", "protocol error: unknown version of the protocol"),
        (b"GET / HT", "protocol error: the other end does not speak this protocol"),
        (b"\0\0\0\0\0\0\0\0", "protocol error: the other end does not speak this protocol"),
    ] {
        let (mut peer, mut channel) = Peer::new();
        peer.write(greeting);
        assert_eq!(refused(&mut channel), why);
    }
}

#[test]
fn unknown_flags_and_announced_descriptors_end_the_channel() {
    for (flags, why) in [
        (2, "protocol error: unknown flag"),
        (u32::MAX, "protocol error: unknown flag"),
        (1, "protocol error: a descriptor is missing, or no header announces it"),
    ] {
        let (mut peer, mut channel) = Peer::greeted();
        peer.header(0, 0, flags);
        assert_eq!(refused(&mut channel), why);
    }
}

#[test]
fn closing_anywhere_is_an_end() {
    let all = [&GREETING[..], &header(0, 3, 0), b"abc"].concat();
    for count in 0..all.len() {
        let (mut peer, mut channel) = Peer::new();
        peer.write(&all[..count]);
        drop(peer);
        assert_eq!(refused(&mut channel), "the other process closed the channel", "after {count} bytes");
    }
    assert_eq!(GREETING.len() + HEADER + 3, all.len());
}

/// Who sends without end is held up by the socket: nothing piles up here.
#[test]
fn a_million_frames_take_no_memory() {
    let (mut peer, mut channel) = Peer::greeted();
    let writer = std::thread::spawn(move || {
        for first in (0..1_000_000_u64).step_by(1000) {
            let frames: Vec<u8> = (first..first + 1000).flat_map(|sequence| header(sequence, 0, 0)).collect();
            if std::io::Write::write_all(&mut peer.0, &frames).is_err() {
                return;
            }
        }
    });
    let own =
        || std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    let before = own();
    for _ in 0..1_000_000 {
        assert_eq!(channel.receive(MOST, None).unwrap().payload.capacity(), 0);
    }
    assert!(own() < before + 1024, "{before} pages, then {}", own());
    writer.join().unwrap();
}
