//! Measures disposable processes: what starting one costs, and what the frames of their channel add to a bare socket.
#![allow(clippy::disallowed_methods, reason = "an adapter to the program that is measured")]

mod evaluations;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ansai_isolation::doctor::{examine, start};
use ansai_isolation::{BlockingChannel, Profile};
use anyhow::{Context as _, ensure};

use crate::figure::{Figure, Row};
use crate::process::{on_one_core, program};
use crate::samples::Samples;

const STARTS: usize = 30;
const ROUNDS: usize = 20;
const ROUND_TRIPS: u32 = 2_000;
/// Bytes of a small call.
const PAYLOAD: usize = 200;
const MOST_RATIO: f64 = 2.0;

const HOW: &str = "A process is started by `ansai` for `ansai doctor` 30 times: until its report is here, which it sends \
when it has given up all rights. The bare start is `ansai --version` until its end. Both are measured in turns. A round trip is \
200 bytes there and back between two threads over a pair of sockets, 20 times 2,000: bare, and as frames. The threads share \
one core, then two. Client processes use such sockets; a worker uses pipes. An evaluation calls a probe twice, with prepared \
replies, 20 times 200, in this process and in a worker in turns, on all cores. Its aim is the one in this process and 1.3 \
times three bare round trips on one core. disk-space is evaluated on a prepared host, as in the section about replays. The \
worker is this program.";

const HELD_BACK_BY: &str = "Messages are JSON: each is written, read, checked and read again. The supervisor waits with \
poll before it reads, so that it never waits for longer than a millisecond in the thread of a runtime.";

/// Measures this section, with the program that was built with this one.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let mut rows = starts()?;
    let (more, bare) = on_one_core(|| round_trips(["bare, one core", "frames, one core", "frames ÷ bare, one core"]))?;
    rows.extend(more);
    rows.extend(round_trips(["bare, all cores", "frames, all cores", "frames ÷ bare, all cores"])?.0);
    rows.extend(evaluations::measure(bare, policies)?);
    Ok(Figure { title: "Isolation", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

fn starts() -> anyhow::Result<Vec<Row>> {
    let program = program()?;
    if !program.is_file() {
        return Ok(vec![Row::text("start of a process", "not built: make build")]);
    }
    let [mut bare, mut guest, mut reach] = std::array::from_fn(|_| Samples::default());
    for _ in 0..STARTS {
        let began = Instant::now();
        let status = Command::new(&program).arg("--version").stdout(Stdio::null()).status()?;
        ensure!(status.success(), "{}", program.display());
        bare.push(millis(began.elapsed()));
        for (profile, samples) in [(Profile::Guest, &mut guest), (Profile::Reach, &mut reach)] {
            let mut start = start(profile);
            start.program.clone_from(&program);
            let began = Instant::now();
            examine(&start).map_err(anyhow::Error::msg)?;
            samples.push(millis(began.elapsed()));
        }
    }
    Ok(vec![
        Row::new("bare start", &bare, "ms"),
        Row::new("start of a guest worker to its report", &guest, "ms"),
        Row::new("start of a client process to its report", &reach, "ms"),
    ])
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// Also a bare one in microseconds.
fn round_trips([bare, frames, ratio]: [&'static str; 3]) -> anyhow::Result<(Vec<Row>, f64)> {
    let (mut one, mut other) = UnixStream::pair()?;
    let echo = std::thread::spawn(move || {
        let mut buffer = [0; PAYLOAD];
        while other.read_exact(&mut buffer).and_then(|()| other.write_all(&buffer)).is_ok() {}
    });
    let (mut supervisor, mut child) = BlockingChannel::pair()?;
    let framed_echo = std::thread::spawn(move || {
        while let Ok(frame) = child.receive(PAYLOAD, None) {
            if child.send(&frame.payload, None, None).is_err() {
                return;
            }
        }
    });
    let [mut of_bare, mut of_frames, mut ratios] = std::array::from_fn(|_| Samples::default());
    let mut payload = [7; PAYLOAD];
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..ROUND_TRIPS {
            one.write_all(&payload)?;
            one.read_exact(&mut payload)?;
        }
        let bare = began.elapsed();
        let began = Instant::now();
        for _ in 0..ROUND_TRIPS {
            supervisor.send(&payload, None, None)?;
            ensure!(supervisor.receive(PAYLOAD, None)?.payload == payload);
        }
        let framed = began.elapsed();
        of_bare.push_each(bare, ROUND_TRIPS);
        of_frames.push_each(framed, ROUND_TRIPS);
        ratios.push(framed.as_secs_f64() / bare.as_secs_f64());
    }
    drop((one, supervisor));
    echo.join().ok().context("the echo panicked")?;
    framed_echo.join().ok().context("the echo panicked")?;
    let measured = ratios.median();
    let rows = vec![
        Row::new(bare, &of_bare, "µs"),
        Row::new(frames, &of_frames, "µs"),
        Row::new(ratio, &ratios, "×").at_most(MOST_RATIO, "×", Some(measured)),
    ];
    Ok((rows, of_bare.median()))
}
