;; The hand-written part of the stand-in for WASI 0.2 inside a component. The other functions are generated (answer.rs), and
;; so is the module around them: `$context-now`, `$log`, `$arguments` and, in place of `{new}`, the function that creates a
;; handle of the returned resource.
;;
;; Empty lines separate paragraphs. A paragraph with a WASI function is left out if the guest does not import it. Its name
;; has no version, because these functions are the same in every 0.2 version.
;;
;; Memory: at 4 and 8 the lengths of the unfinished lines of standard output (1) and standard error (2), at 16 the result
;; of a call, at 1024 and 2048 these lines, from 3072 on texts, and from `$arguments` on the arguments and results of a
;; call. That area is used by one call at a time, and is never freed.

(global $asked (mut i32) (i32.const 0))
(global $now (mut i64) (i64.const 0))
;; Nanoseconds since the epoch. Advances when it is read or waited for, so that loops that measure or sleep end.
(global $clock (mut i64) (i64.const 0))
;; The same in every evaluation, so that it can be replayed. Policies have no secrets to generate.
(global $random (mut i64) (i64.const 0x9e3779b97f4a7c15))

(data (i32.const 3072) "the policy called exit, which ends its evaluation")

;; Calls the host only once, because each call counts against the evaluation's limit.
(func $moment (result i64)
  (if (i32.eqz (global.get $asked))
    (then
      (global.set $asked (i32.const 1))
      (global.set $now (call $context-now))
      (global.set $clock (i64.mul (global.get $now) (i64.const 1000000)))))
  (global.get $now))

;; Makes room for `$bytes` bytes at `$arguments`.
(func $room (param $bytes i32)
  (local $missing i64)
  (local.set $missing
    (i64.sub
      (i64.shr_u
        (i64.add (i64.extend_i32_u (local.get $bytes)) (i64.extend_i32_u (i32.add (global.get $arguments) (i32.const 65535))))
        (i64.const 16))
      (i64.extend_i32_u (memory.size))))
  (if (i64.gt_s (local.get $missing) (i64.const 0))
    (then
      (if (i32.eq (memory.grow (i32.wrap_i64 (local.get $missing))) (i32.const -1)) (then unreachable)))))

;; Lists and texts of one call overlap, because no function here reads more than one of them.
(func (export "cabi_realloc") (param $old i32) (param $old-bytes i32) (param $align i32) (param $bytes i32) (result i32)
  (call $room (local.get $bytes))
  (global.get $arguments))

;; The `ok` case of a result, without payload.
(func $ok (result i32)
  (i32.store8 (i32.const 16) (i32.const 0))
  (i32.const 16))

;; The length in bytes of the UTF-8 character at `$at`: 0 if it is invalid, -1 if the end cuts it off.
(func $character (param $at i32) (param $end i32) (result i32)
  (local $first i32) (local $bytes i32) (local $left i32) (local $least i32) (local $most i32) (local $byte i32)
  (local.set $first (i32.load8_u (local.get $at)))
  (if (i32.lt_u (local.get $first) (i32.const 0x80)) (then (return (i32.const 1))))
  (if (i32.lt_u (local.get $first) (i32.const 0xc2)) (then (return (i32.const 0))))
  (if (i32.gt_u (local.get $first) (i32.const 0xf4)) (then (return (i32.const 0))))
  (local.set $bytes
    (i32.add (i32.const 2)
      (i32.add (i32.ge_u (local.get $first) (i32.const 0xe0)) (i32.ge_u (local.get $first) (i32.const 0xf0)))))
  (local.set $least (i32.const 0x80))
  (local.set $most (i32.const 0xbf))
  (if (i32.eq (local.get $first) (i32.const 0xe0)) (then (local.set $least (i32.const 0xa0))))
  (if (i32.eq (local.get $first) (i32.const 0xed)) (then (local.set $most (i32.const 0x9f))))
  (if (i32.eq (local.get $first) (i32.const 0xf0)) (then (local.set $least (i32.const 0x90))))
  (if (i32.eq (local.get $first) (i32.const 0xf4)) (then (local.set $most (i32.const 0x8f))))
  (local.set $left (i32.sub (local.get $bytes) (i32.const 1)))
  (loop $next
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const -1))))
    (local.set $byte (i32.load8_u (local.get $at)))
    (if (i32.lt_u (local.get $byte) (local.get $least)) (then (return (i32.const 0))))
    (if (i32.gt_u (local.get $byte) (local.get $most)) (then (return (i32.const 0))))
    (local.set $least (i32.const 0x80))
    (local.set $most (i32.const 0xbf))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $next (local.get $left)))
  (local.get $bytes))

;; Logs the line of a stream, with `?` for invalid UTF-8. An incomplete character waits, unless this is the line's end.
(func $log-line (param $stream i32) (param $ends i32)
  (local $start i32) (local $at i32) (local $end i32) (local $bytes i32)
  (local.set $start (i32.shl (local.get $stream) (i32.const 10)))
  (local.set $at (local.get $start))
  (local.set $end (i32.add (local.get $start) (i32.load (i32.shl (local.get $stream) (i32.const 2)))))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $bytes (call $character (local.get $at) (local.get $end)))
      (if (i32.eq (local.get $bytes) (i32.const -1))
        (then
          (br_if $done (i32.eqz (local.get $ends)))
          (local.set $bytes (i32.const 0))))
      (if (i32.eqz (local.get $bytes))
        (then
          (i32.store8 (local.get $at) (i32.const 0x3f))
          (local.set $bytes (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (local.get $bytes)))
      (br $next)))
  ;; Standard output is logged as information, standard error as an error.
  (if (i32.gt_u (local.get $at) (local.get $start))
    (then
      (call $log (i32.sub (i32.shl (local.get $stream) (i32.const 1)) (i32.const 1))
                 (local.get $start) (i32.sub (local.get $at) (local.get $start)))))
  (memory.copy (local.get $start) (local.get $at) (i32.sub (local.get $end) (local.get $at)))
  (i32.store (i32.shl (local.get $stream) (i32.const 2)) (i32.sub (local.get $end) (local.get $at))))

;; Appends to the line of a stream. Stream 0 is discarded.
(func $print (param $stream i32) (param $at i32) (param $bytes i32)
  (local $length i32) (local $byte i32)
  (if (i32.eqz (local.get $stream)) (then (return)))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $bytes)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $byte) (i32.const 10))
        (then (call $log-line (local.get $stream) (i32.const 1)))
        (else
          (local.set $length (i32.load (i32.shl (local.get $stream) (i32.const 2))))
          (i32.store8 (i32.add (i32.shl (local.get $stream) (i32.const 10)) (local.get $length)) (local.get $byte))
          (local.set $length (i32.add (local.get $length) (i32.const 1)))
          (i32.store (i32.shl (local.get $stream) (i32.const 2)) (local.get $length))
          (if (i32.eq (local.get $length) (i32.const 1024))
            (then (call $log-line (local.get $stream) (i32.const 0))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
      (br $next))))

;; SplitMix64.
(func $next-random (result i64)
  (local $mixed i64)
  (global.set $random (i64.add (global.get $random) (i64.const 0x9e3779b97f4a7c15)))
  (local.set $mixed (global.get $random))
  (local.set $mixed (i64.mul (i64.xor (local.get $mixed) (i64.shr_u (local.get $mixed) (i64.const 30)))
                             (i64.const 0xbf58476d1ce4e5b9)))
  (local.set $mixed (i64.mul (i64.xor (local.get $mixed) (i64.shr_u (local.get $mixed) (i64.const 27)))
                             (i64.const 0x94d049bb133111eb)))
  (i64.xor (local.get $mixed) (i64.shr_u (local.get $mixed) (i64.const 31))))

(func $random-bytes (param $length i64) (result i32)
  (local $at i32) (local $end i32)
  ;; More than fits into memory.
  (if (i64.gt_u (local.get $length) (i64.const 0x40000000)) (then unreachable))
  (call $room (i32.add (i32.wrap_i64 (local.get $length)) (i32.const 8)))
  (local.set $at (global.get $arguments))
  (local.set $end (i32.add (local.get $at) (i32.wrap_i64 (local.get $length))))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (i64.store (local.get $at) (call $next-random))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br $next)))
  (i32.store (i32.const 16) (global.get $arguments))
  (i32.store (i32.const 20) (i32.wrap_i64 (local.get $length)))
  (i32.const 16))

(func $"wasi:random/random#get-random-bytes" (param $length i64) (result i32)
  (call $random-bytes (local.get $length)))

(func $"wasi:random/random#get-random-u64" (result i64)
  (call $next-random))

(func $"wasi:random/insecure#get-insecure-random-bytes" (param $length i64) (result i32)
  (call $random-bytes (local.get $length)))

(func $"wasi:random/insecure#get-insecure-random-u64" (result i64)
  (call $next-random))

(func $"wasi:random/insecure-seed#insecure-seed" (result i32)
  (i64.store (i32.const 16) (call $next-random))
  (i64.store (i32.const 24) (call $next-random))
  (i32.const 16))

;; Always the time at which the evaluation began, in seconds and nanoseconds.
(func $"wasi:clocks/wall-clock#now" (result i32)
  (i64.store (i32.const 16) (i64.div_u (call $moment) (i64.const 1000)))
  (i32.store (i32.const 24)
    (i32.mul (i32.wrap_i64 (i64.rem_u (call $moment) (i64.const 1000))) (i32.const 1000000)))
  (i32.const 16))

(func $"wasi:clocks/wall-clock#resolution" (result i32)
  (i64.store (i32.const 16) (i64.const 0))
  (i32.store (i32.const 24) (i32.const 1000000))
  (i32.const 16))

(func $"wasi:clocks/monotonic-clock#now" (result i64)
  (drop (call $moment))
  (global.set $clock (i64.add (global.get $clock) (i64.const 1000)))
  (global.get $clock))

(func $"wasi:clocks/monotonic-clock#resolution" (result i64)
  (i64.const 1000))

;; A wait ends immediately: the clock advances instead. It stops at its maximum.
(func $"wasi:clocks/monotonic-clock#subscribe-duration" (param $for i64) (result i32)
  (drop (call $moment))
  (global.set $clock
    (select (i64.const -1) (i64.add (global.get $clock) (local.get $for))
            (i64.lt_u (i64.add (global.get $clock) (local.get $for)) (global.get $clock))))
  (call {new} (i32.const 0)))

(func $"wasi:clocks/monotonic-clock#subscribe-instant" (param $until i64) (result i32)
  (drop (call $moment))
  (if (i64.gt_u (local.get $until) (global.get $clock)) (then (global.set $clock (local.get $until))))
  (call {new} (i32.const 0)))

;; All of them are ready, because nothing blocks.
(func $"wasi:io/poll#poll" (param $list i32) (param $count i32) (result i32)
  (local $index i32)
  ;; WASI requires a trap for an empty list.
  (if (i32.eqz (local.get $count)) (then unreachable))
  (loop $next
    (i32.store (i32.add (local.get $list) (i32.shl (local.get $index) (i32.const 2))) (local.get $index))
    (local.set $index (i32.add (local.get $index) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $index) (local.get $count))))
  (i32.store (i32.const 16) (local.get $list))
  (i32.store (i32.const 20) (local.get $count))
  (i32.const 16))

(func $"wasi:io/poll#[method]pollable.ready" (param $pollable i32) (result i32)
  (i32.const 1))

(func $"wasi:io/poll#[method]pollable.block" (param $pollable i32))

(func $"wasi:cli/stdout#get-stdout" (result i32)
  (call {new} (i32.const 1)))

(func $"wasi:cli/stderr#get-stderr" (result i32)
  (call {new} (i32.const 2)))

(func $"wasi:io/streams#[method]output-stream.check-write" (param $stream i32) (result i32)
  (i64.store (i32.const 24) (i64.const 4096))
  (call $ok))

(func $"wasi:io/streams#[method]output-stream.write" (param $stream i32) (param $at i32) (param $bytes i32) (result i32)
  (call $print (local.get $stream) (local.get $at) (local.get $bytes))
  (call $ok))

(func $"wasi:io/streams#[method]output-stream.blocking-write-and-flush"
  (param $stream i32) (param $at i32) (param $bytes i32) (result i32)
  (call $print (local.get $stream) (local.get $at) (local.get $bytes))
  (call $ok))

;; Does not log an unfinished line, because many programs flush in the middle of a line.
(func $"wasi:io/streams#[method]output-stream.flush" (param $stream i32) (result i32)
  (call $ok))

(func $"wasi:io/streams#[method]output-stream.blocking-flush" (param $stream i32) (result i32)
  (call $ok))

(func $end
  (call $log-line (i32.const 1) (i32.const 1))
  (call $log-line (i32.const 2) (i32.const 1))
  (call $log (i32.const 3) (i32.const 3072) (i32.const 49))
  unreachable)

(func $"wasi:cli/exit#exit" (param $status i32)
  (call $end))

(func $"wasi:cli/exit#exit-with-code" (param $code i32)
  (call $end))
