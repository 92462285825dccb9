//! Reads back everything that was appended, in groups of any size.

use ansai_audit::{Durability, Head, Log, Reader, RecordingId, verify};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture;

#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<u8>, bool),
    Group(Vec<Vec<u8>>),
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    let payload = || vec(any::<u8>(), 0..300);
    prop_oneof![
        4 => (payload(), any::<bool>()).prop_map(|(payload, synced)| Operation::Append(payload, synced)),
        2 => vec(payload(), 0..5).prop_map(Operation::Group),
        1 => Just(Operation::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn appends_and_reopening_round_trip(operations in vec(operation(), 0..40), segment_bytes in 64u64..2000) {
        let directory = tempfile::tempdir().unwrap();
        let reopen = |head: Head| {
            let (log, recovery) = Log::open(directory.path(), fixture::options(segment_bytes)).unwrap();
            assert!(recovery.cut.is_none());
            assert_eq!(log.head(), head);
            log
        };
        let mut log = Some(reopen(Head::genesis()));
        let mut head = Head::genesis();
        let mut expected = Vec::new();
        for operation in operations {
            let writer = log.as_mut().unwrap();
            match operation {
                Operation::Append(payload, synced) => {
                    let durability = if synced { Durability::Synced } else { Durability::Buffered };
                    head = writer.append(&payload, durability).unwrap();
                    expected.push(payload);
                }
                Operation::Group(payloads) => {
                    head = writer.append_all(&payloads).unwrap();
                    expected.extend(payloads);
                }
                Operation::Reopen => {
                    drop(log.take());
                    log = Some(reopen(head));
                }
            }
        }
        let found: Vec<_> = Reader::open(directory.path()).unwrap().map(|entry| entry.unwrap().payload).collect();
        prop_assert_eq!(&found, &expected);
        let verified = verify(directory.path(), Some(head)).unwrap();
        prop_assert_eq!((verified.records, verified.head), (expected.len() as u64, head));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..400), behind in any::<bool>()) {
        let directory = tempfile::tempdir().unwrap();
        let header: &[u8] = if behind { b"ANSAILG\x01" } else { b"" };
        std::fs::write(directory.path().join(format!("{:020}.log", 1)), [header, &bytes].concat()).unwrap();
        let outcome = verify(directory.path(), None);
        prop_assert!(outcome.is_err() || outcome.unwrap().records == 0);
    }

    #[test]
    fn heads_round_trip(sequence in any::<u64>(), hash in any::<[u8; 32]>(), text in ".*") {
        let head = Head { sequence, hash };
        prop_assert_eq!(head.to_string().parse(), Ok(head));
        if let Ok(parsed) = text.parse::<Head>() {
            prop_assert_eq!(parsed.to_string(), text.clone());
        }
        if let Ok(id) = text.parse::<RecordingId>() {
            prop_assert!(!id.as_str().contains(['/', '~', '\0']) && !id.as_str().starts_with('.'));
        }
    }
}
