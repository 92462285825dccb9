//! Bytes of a hostile process in the reader of frames: no panic, no more memory than what came, and what is valid is read as
//! it was written, in whatever pieces it comes.

use ansai_fuzz::random::Random;
use ansai_isolation::ChannelError;
use ansai_isolation::channel::frame::{Reader, Writer};

use crate::rounds::{case, rounds};

/// The largest payload that is accepted, in bytes.
const MOST: usize = 1 << 20;
/// What the reader may take besides twice what came.
const SPARE: usize = 64 << 10;

#[test]
fn frames_survive_hostile_bytes() {
    rounds("frames", |seed| {
        for index in 0..2_000 {
            case(index, || one(&mut Random::new(seed, index as u64)));
        }
    });
}

fn one(random: &mut Random) {
    let (payloads, mut bytes) = valid(random);
    let is_changed = !random.once_in(4);
    if is_changed {
        change(random, &mut bytes);
    }
    let (read, ended) = read(random, &bytes);
    if is_changed {
        // What came before the change is as it was sent; only a payload itself may be another one.
        assert!(read.len() <= payloads.len() + bytes.len());
    } else {
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(read, payloads);
    }
}

fn valid(random: &mut Random) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (mut writer, mut bytes) = (Writer::default(), Vec::new());
    let count = random.below(5);
    let payloads: Vec<Vec<u8>> = (0..count)
        .map(|_| {
            let most = [1, 100, 70_000][random.below(3)];
            let length = random.below(most);
            random.bytes(length)
        })
        .collect();
    for payload in &payloads {
        bytes.extend(writer.head(payload, 0).unwrap());
        bytes.extend(payload);
    }
    (payloads, bytes)
}

/// Bits flipped, a piece left out, a piece twice, or anything at all.
fn change(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    match random.below(4) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            let end = (at + random.below(40)).min(bytes.len());
            bytes.drain(at..end);
        }
        2 => {
            let end = (at + random.below(40)).min(bytes.len());
            let twice = bytes[at..end].to_vec();
            bytes.splice(at..at, twice);
        }
        _ => {
            let anything = random.bytes(40);
            bytes.splice(at..at, anything);
        }
    }
}

fn read(random: &mut Random, mut bytes: &[u8]) -> (Vec<Vec<u8>>, Result<(), ChannelError>) {
    let (mut reader, mut frames, mut of_frame) = (Reader::default(), Vec::new(), 0);
    loop {
        // One that came with the frame before, then what comes.
        let next = reader.next(MOST).and_then(|frame| {
            if frame.is_some() || bytes.is_empty() {
                return Ok(frame);
            }
            let space = reader.space();
            let count = 1 + random.below(space.len().min(bytes.len()));
            let count = count.min(space.len()).min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            of_frame += count;
            assert!(reader.memory_bytes() <= 2 * of_frame + SPARE);
            reader.advance(count, None, MOST)
        });
        match next {
            Ok(None) if bytes.is_empty() => return (frames, Ok(())),
            Ok(None) => {}
            Ok(Some(frame)) => {
                assert!(frame.payload.len() <= MOST);
                frames.push(frame.payload);
                // What came with it is a part of the next one.
                of_frame = SPARE.min(of_frame);
            }
            Err(error) => return (frames, Err(error)),
        }
    }
}
