//! Passphrases of keys: from a file, a variable, or a terminal that does not show them.

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use ansai_core::codes;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::environment;
use crate::exit::Fault;
use crate::registry;

/// The most bytes of a passphrase.
const MOST: usize = 1024;

/// What a terminal is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Prompt<'a> {
    /// The passphrase of this key.
    Of(&'a Path),
    /// A new one, twice.
    New,
}

/// The passphrase: of a file, of the variable `COSIGN_PASSWORD`, or of the terminal. It can be empty, as with cosign.
pub(crate) fn of(file: Option<&Path>, prompt: Prompt<'_>) -> anyhow::Result<Zeroizing<String>> {
    if let Some(path) = file {
        let text = registry::key_text(path, true)?;
        return checked(text.trim_end_matches(['\n', '\r']));
    }
    if let Some(value) = environment::key_passphrase() {
        let bytes = Zeroizing::new(value.into_vec());
        return match std::str::from_utf8(&bytes) {
            Ok(text) => checked(text),
            Err(_) => Err(wrong("the variable COSIGN_PASSWORD is not text").into()),
        };
    }
    if !std::io::stdin().is_terminal() {
        let fault = wrong("the key needs a passphrase, and standard input is not a terminal");
        return Err(fault.hint("pass --passphrase-file FILE, or set the variable COSIGN_PASSWORD").into());
    }
    match prompt {
        Prompt::Of(path) => asked(&format!("Passphrase of {}: ", path.display())),
        Prompt::New => {
            let first = asked("New passphrase: ")?;
            if *asked("The same again: ")? != *first {
                return Err(wrong("the two passphrases differ").into());
            }
            Ok(first)
        }
    }
}

fn wrong(message: &str) -> Fault {
    Fault::usage(codes::KEY_PASSPHRASE, message)
}

fn checked(text: &str) -> anyhow::Result<Zeroizing<String>> {
    match text.len() <= MOST && !text.contains(['\n', '\0']) {
        true => Ok(Zeroizing::new(text.to_owned())),
        false => Err(wrong("the passphrase is not one line of at most 1024 bytes").into()),
    }
}

/// Gives the terminal its modes back.
struct Restored(Termios);

impl Drop for Restored {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Asks on the terminal. It shows nothing, and sends each key at once: a key that would end ansai ends the question instead, so
/// that the terminal has its echo again. A signal of another process that ends ansai leaves the terminal without it.
fn asked(question: &str) -> anyhow::Result<Zeroizing<String>> {
    let before = tcgetattr(std::io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    let restored = Restored(before);
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(question.as_bytes()).and_then(|()| out.flush());
    let line = typed(key);
    drop(restored);
    let _ = out.write_all(b"\n");
    let line = line?.ok_or_else(|| wrong("no passphrase was typed"))?;
    match std::str::from_utf8(&line) {
        Ok(text) => checked(text),
        Err(_) => Err(wrong("the passphrase is not text").into()),
    }
}

/// The next byte of standard input; `None` at its end. Its buffer in the standard library would keep what was typed.
fn key() -> std::io::Result<Option<u8>> {
    let mut byte = Zeroizing::new([0_u8]);
    let read = rustix::io::retry_on_intr(|| rustix::io::read(std::io::stdin(), byte.as_mut_slice()))?;
    Ok(byte.first().filter(|_| read > 0).copied())
}

/// A line; `None` after Ctrl-C, Ctrl-D on an empty line, or the end of the input.
fn typed(mut next: impl FnMut() -> std::io::Result<Option<u8>>) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    // It never grows: what it had before would stay in memory.
    let mut line = Zeroizing::new(Vec::with_capacity(MOST));
    while let Some(byte) = next()? {
        match byte {
            b'\n' | b'\r' => return Ok(Some(line)),
            0x03 => return Ok(None),
            0x04 if line.is_empty() => return Ok(None),
            0x08 | 0x7f => {
                // A character may have several bytes.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            0x15 => line.clear(),
            byte if line.len() < MOST => line.push(byte),
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_keys(keys: &[u8]) -> Option<String> {
        let mut keys = keys.iter().copied();
        let line = typed(|| Ok(keys.next())).unwrap();
        line.map(|line| String::from_utf8(line.to_vec()).unwrap())
    }

    #[test]
    fn a_line_is_typed_and_corrected() {
        assert_eq!(of_keys(b"open sesame\n"), Some("open sesame".to_owned()));
        assert_eq!(of_keys("ä\u{7f}b\u{7f}\u{7f}c\r".as_bytes()), Some("c".to_owned()));
        assert_eq!(of_keys(b"wrong\x15right\n"), Some("right".to_owned()));
        assert_eq!(of_keys(b"\n"), Some(String::new()));
    }

    #[test]
    fn a_question_can_be_left() {
        for keys in [&b"half\x03\n"[..], b"\x04", b"", b"the terminal is gone"] {
            assert_eq!(of_keys(keys), None);
        }
    }

    #[test]
    fn a_line_that_is_too_long_keeps_its_start() {
        let keys = [&vec![b'a'; 5000][..], b"\n"].concat();
        assert_eq!(of_keys(&keys).map(|line| line.len()), Some(MOST));
    }
}
