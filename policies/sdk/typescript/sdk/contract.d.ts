// Generated from the WIT contract: not to be edited.

/** Vocabulary shared by the host and every policy. */
declare module "ansai:policy/types@0.1.0" {
  /** Milliseconds since the Unix epoch, UTC. */
  export type Instant = number;
  /** Milliseconds. */
  export type Duration = number;
  /**
   * What a statement is about, in canonical form: `filesystem` + `/var`, `unit` + `nginx.service`,
   * `certificate` + `sha256:…`, `table` + `main/public.orders`. Two policies that speak of one thing use the
   * same subject: incidents, budgets and leases meet there.
   */
  export interface Subject {
    kind: string;
    name: string;
  }
  export type Unit =
    | "none"
    | "bytes"
    | "milliseconds"
    | "ratio"
    | "per-second"
    | "percent"
    | "celsius"
    | "other";
  export type Value =
    | { tag: "count"; val: number }
    | { tag: "number"; val: number }
    | { tag: "text"; val: string }
    | { tag: "flag"; val: boolean };
  /** Evidence that people, dashboards and the host's arithmetic can use. */
  export interface Measure {
    name: string;
    value: Value;
    unit: Unit;
  }
  export type Severity =
    | "notice"
    | "warning"
    | "critical"
    | "emergency";
  /** An open incident closes only on an explicit `healthy` for its key; a key that is missing is `unknown`. */
  export type Status =
    | { tag: "healthy" }
    | { tag: "unhealthy"; val: Severity }
    | { tag: "unknown"; val: string };
  /** One statement about one thing. */
  export interface Observation {
    /** Stable over time: the same fault has the same key. At most 200 bytes; unique within an answer. */
    key: string;
    about: Subject;
    status: Status;
    /** One sentence for a person, without a full stop. */
    summary: string;
    /** Most important first. */
    evidence: Measure[];
    /** What else is touched: the unit behind a port, the mount below a directory. May be empty. */
    related: Subject[];
  }
  /** Why a call was not answered. Complete from the start: a new case would break every interface. */
  export type Refusal =
    /** The operator's grant does not cover this call; says which grant is nearest. */
    | { tag: "denied"; val: string }
    /** What was named does not exist. */
    | { tag: "not-found"; val: string }
    /** It exists or may exist, and could not be read now (permission, server down, I/O error). */
    | { tag: "unavailable"; val: string }
    /** This host has no such thing (no journal, another package manager). */
    | { tag: "unsupported"; val: string }
    /** An argument makes no sense; says which and why. */
    | { tag: "invalid"; val: string }
    /** A limit of this evaluation was reached (calls, bytes, proposals). */
    | { tag: "over-budget"; val: string }
    | { tag: "timed-out"; val: string }
    /** Locked or in use by somebody else. */
    | { tag: "busy"; val: string }
    /** The target is no longer what it was. */
    | { tag: "changed"; val: string }
    | { tag: "other"; val: string };
  /** Why an evaluation has no answer at all. */
  export type Failure =
    | { tag: "could-not-tell"; val: string }
    | { tag: "invalid-settings"; val: string }
    | { tag: "other"; val: string };
  /** A step that was proposed in this call of `plan`: later proposals may refer to it. */
  export type StepRef = number;
  /** Candidates that a step leaves alone, by reason: held open, too young, several links, another device, … */
  export interface LeftOut {
    reason: string;
    items: number;
    bytes: number;
  }
  /** What a proposed step would do, found out by the host without doing it. */
  export interface Preview {
    step: StepRef;
    about: Subject;
    /** How many things it touches (files, rows, units), 0 for a check. */
    items: number;
    /** What the host gets back at once, net of overlap with earlier steps of this plan, hard links and open files. */
    freesNowBytes: number;
    /** What comes back only after a hold: quarantined files, for instance. */
    freesLaterBytes: number;
    /** How long something would not answer because of it; 0 for nothing. */
    interrupts: Duration;
    reversible: boolean;
    /** Set when the host undoes the step by itself after this long unless verification answers `healthy`. */
    undoneAfter?: Duration | null;
    /** False when the search for targets was cut short: there may be more. */
    complete: boolean;
    /** Up to ten targets, for a person. */
    sample: string[];
    leftOut: LeftOut[];
  }
  export type Outcome =
    | "done"
    | "reverted"
    | "failed"
    | "refused"
    | "simulated"
    | "unknown"
    | "other";
  /** What became of a step. `action` is `ansai:files/files-actions.remove` and the like. */
  export interface StepResult {
    action: string;
    about: Subject;
    outcome: Outcome;
    detail: string;
    measures: Measure[];
  }
  /** One earlier try at the same finding. `verified` is how the finding stood after it. */
  export interface Attempt {
    at: Instant;
    stage: string;
    verified: Status;
    steps: StepResult[];
  }
  /** What a failed step does to the steps before it. */
  export type OnFailure =
    /** Undo them, newest first, as far as they are reversible. */
    | "undo-applied"
    /** Leave them and go no further. */
    | "stop";
  /** Advice for a person where no step is right: a bigger disk, a second instance, an index. */
  export interface Recommendation {
    summary: string;
    detail: string;
    measures: Measure[];
  }
  export type Decision =
    /** Apply what was proposed in this call, in order; then verify. */
    | { tag: "apply"; val: OnFailure }
    /** Apply, then ask for a further plan with the results in `context.attempts`. */
    | { tag: "apply-then-replan"; val: OnFailure }
    /** Nothing needs doing yet: says what is waited for. Counts as no attempt; what was proposed is dropped. */
    | { tag: "wait"; val: string }
    /** Nothing for the host to do: a person gets these, best first. */
    | { tag: "recommend"; val: Recommendation[] }
    /** Nothing that this policy may do would help: a person is told why. */
    | { tag: "give-up"; val: string };
}

/**
 * What the host knows about this evaluation. Functions, so that it can grow without breaking anybody. None of
 * them can fail, and each answers the same throughout one evaluation.
 */
declare module "ansai:policy/context@0.1.0" {
  import type { Attempt, Duration, Instant, Measure, Observation } from "ansai:policy/types@0.1.0";
  /** Why this evaluation happens. */
  export type Trigger =
    | { tag: "schedule" }
    | { tag: "event"; val: Measure[] }
    | { tag: "verification" }
    | { tag: "by-hand" };
  /** Weekday 0 is Monday. */
  export interface WallClock {
    minuteOfDay: number;
    weekday: number;
    utcOffsetMinutes: number;
  }
  /** When the evaluation began. There is no other clock. */
  export function now(): Instant;
  /** The host's local time, for what people call night. */
  export function localTime(): WallClock;
  /** When this instance was last evaluated to an end, if it was: gaps matter to rates. */
  export function lastEvaluated(): Instant | null;
  /** Why this evaluation happens. */
  export function triggeredBy(): Trigger;
  /** Settings as JSON: defaults filled in, sizes in bytes, durations in milliseconds. */
  export function settings(): string;
  /**
   * One setting by its dotted path (`thresholds.warning`), for languages without a JSON reader: text as it is,
   * everything else as JSON.
   */
  export function setting(path: string): string | null;
  /** The scopes in force as JSON, `{"ansai:files/files-probe": {"roots": […]}}`. What is not granted is absent. */
  export function scopes(): string;
  /**
   * `host-name`, `os-id`, `os-version`, `kernel`, `architecture`, `cpus`, `memory-bytes`, `boot-time`,
   * `container`; a fact that could not be had is absent.
   */
  export function hostFacts(): Measure[];
  /** Observations that are open incidents now: what hysteresis needs. */
  export function openIncidents(): Observation[];
  /** Empty in `detect`; in `plan`, what was tried for this finding, oldest first. */
  export function attempts(): Attempt[];
  /** The stage of the escalation ladder that this plan is for; empty when there is no ladder. */
  export function stage(): string;
}

/** Lines for the operator's log. At most 200 of 1 KiB in one evaluation: more is cut, and counted. */
declare module "ansai:policy/log@0.1.0" {
  export type Level =
    | "debug"
    | "info"
    | "warn"
    | "error";
  /** Writes one line. */
  export function write(level: Level, message: string): void;
}

/**
 * A small durable key-value store of this policy instance: 256 keys of at most 256 bytes, 64 KiB a value,
 * 1 MiB in all. Writes are seen at once by the same evaluation, committed when it succeeds on a schedule or an
 * event, and dropped otherwise (verification, by hand, replay).
 */
declare module "ansai:policy/store@0.1.0" {
  import type { Refusal } from "ansai:policy/types@0.1.0";
  /**
   * The value of a key, if there is one.
   * @throws an error whose `payload` is a Refusal
   */
  export function get(key: string): string | null;
  /**
   * Writes a value, over another where there is one.
   * @throws an error whose `payload` is a Refusal
   */
  export function set(key: string, value: string): void;
  /**
   * Removing what is not there is fine.
   * @throws an error whose `payload` is a Refusal
   */
  export function remove(key: string): void;
  /**
   * In byte order.
   * @throws an error whose `payload` is a Refusal
   */
  export function keys(prefix: string): string[];
}

/**
 * Time series of this policy instance, analysed by the host. One sample per series and evaluation, stamped
 * `now` (a second one replaces the first); committed as in `store`. 64 series; samples are kept for 30 days,
 * and where there are more than 2,000, one per hour: its minimum.
 */
declare module "ansai:policy/series@0.1.0" {
  import type { Duration, Instant, Refusal } from "ansai:policy/types@0.1.0";
  export interface Sample {
    at: Instant;
    value: number;
  }
  export type Reduction =
    | "minimum"
    | "maximum"
    | "mean"
    | "median"
    | "latest";
  /** Which samples to look at: since an instant (0 for all), reduced to one per `bucket` where that is given. */
  export interface Window {
    since: Instant;
    bucket?: Duration | null;
    reduce: Reduction;
  }
  export interface Trend {
    /** Points after reduction. */
    samples: number;
    span: Duration;
    latest: number;
    minimum: number;
    maximum: number;
    mean: number;
    median: number;
    /** Theil-Sen slope per hour and the two-sided Mann-Kendall p-value (1 with fewer than four samples). */
    slopePerHour: number;
    pValue: number;
    /**
     * Largest CUSUM excursion of the samples from their mean, in standard deviations times the root of their
     * number: above 1.36 a lasting shift is likely (5 %). 0 when all samples are equal.
     */
    cusum: number;
    /** Time from the latest sample until the trend line crosses the limit, if it does. */
    reachesLimitIn?: Duration | null;
  }
  /**
   * Adds this evaluation's sample to a series.
   * @throws an error whose `payload` is a Refusal
   */
  export function append(name: string, value: number): void;
  /**
   * Oldest first, this evaluation's own sample included; at most 2,000 points.
   * @throws an error whose `payload` is a Refusal
   */
  export function samples(name: string, window: Window): Sample[];
  /**
   * `not-found` for a series without a sample.
   * @throws an error whose `payload` is a Refusal
   */
  export function analyse(name: string, window: Window, limit?: number | null): Trend;
  /**
   * Forgets what came before: after a restart of the thing measured, say.
   * @throws an error whose `payload` is a Refusal
   */
  export function reset(name: string): void;
}

declare module "ansai:disk/disk-probe@0.1.0" {
  import type { Refusal, Subject } from "ansai:policy/types@0.1.0";
  export interface Filesystem {
    /** `filesystem` + mount point. */
    about: Subject;
    mount: string;
    /** `ext4`, `tmpfs`, `nfs4`, … as the kernel names it. */
    kind: string;
    device: string;
    readOnly: boolean;
    /** Not on a disk of this host: `nfs`, `cifs`, FUSE. */
    remote: boolean;
    totalBytes: number;
    /** What an unprivileged process can still write (statvfs f_bavail). */
    availableBytes: number;
    /** What only root can still write on top of that (f_bfree - f_bavail). */
    reservedBytes: number;
    /** Both 0 where the file system does not count inodes (btrfs). */
    totalInodes: number;
    freeInodes: number;
  }
  export interface Filesystems {
    /**
     * By mount point, in byte order. A file system mounted several times appears once, at its shortest mount
     * point; pseudo file systems (`proc`, `cgroup2`, overlays of images, …) are left out.
     */
    entries: Filesystem[];
    /** How many could not be read, so that an incomplete answer never looks complete. */
    skipped: number;
  }
  /**
   * Every file system that holds files, with how full it is.
   * @throws an error whose `payload` is a Refusal
   */
  export function listFilesystems(): Filesystems;
}

declare module "ansai:disk/disk-actions@0.1.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.1.0";
  /**
   * A check, not a change: when its turn comes, the step fails unless this much is available on the file
   * system mounted there. Use it between steps that need room or must have made some.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkAvailable(mount: string, atLeastBytes: number, reason: string): Preview;
}

declare module "ansai:files/files-probe@0.1.0" {
  import type { Instant, Refusal } from "ansai:policy/types@0.1.0";
  /** Everything below `path`, the files of one inode counted once. */
  export interface Usage {
    path: string;
    files: number;
    bytes: number;
    oldestHours: number;
    newestHours: number;
  }
  export interface Usages {
    /** Largest first, within this page. */
    entries: Usage[];
    /** False when there is more than this: behind `cursor`, or in `skipped` directories that could not be read. */
    complete: boolean;
    skipped: number;
    /** Ask again with it for the rest. */
    cursor?: string | null;
  }
  export interface FileQuery {
    root: string;
    /** Shell patterns for the path below the root (`*.log`, `**\/*.gz`); empty for every file. */
    globs: string[];
    /** Younger by mtime, atime or ctime does not count. */
    minAgeHours: number;
  }
  export interface File {
    path: string;
    /** Allocated, not apparent. */
    bytes: number;
    modified: Instant;
    links: number;
    /** Held open by some process now. */
    open: boolean;
  }
  export interface Files {
    /** Oldest first by mtime, within this page. */
    entries: File[];
    /** As in `usages`; `skipped` counts files too whose path is longer than 4095 bytes. */
    complete: boolean;
    skipped: number;
    cursor?: string | null;
  }
  export interface DeletedFile {
    process: string;
    pid: number;
    path: string;
    bytes: number;
    mount: string;
  }
  export interface DeletedFiles {
    entries: DeletedFile[];
    complete: boolean;
    skipped: number;
  }
  /** What ansai itself holds in quarantine on one file system. */
  export interface Held {
    mount: string;
    files: number;
    bytes: number;
    oldestUntil: Instant;
    newestUntil: Instant;
  }
  /**
   * Directories exactly `depth` levels below `root` (0 is the root itself), with all that is in them. At most
   * 500 a page, which follow each other in the order of the file system. One that was not seen to its end when time
   * was over comes again in the next page with the rest: add them up.
   * @throws an error whose `payload` is a Refusal
   */
  export function largestDirectories(root: string, depth: number, cursor?: string | null): Usages;
  /**
   * Regular files that match. At most 500 a page, which follow each other in the order of the file system.
   * @throws an error whose `payload` is a Refusal
   */
  export function listFiles(what: FileQuery, cursor?: string | null): Files;
  /**
   * The same as one sum, and the sum of the rest with its `cursor`: add them up.
   * @throws an error whose `payload` is a Refusal
   */
  export function measureFiles(what: FileQuery, cursor?: string | null): Usages;
  /**
   * Files that were removed while a process holds them open, below the granted roots: their bytes come back
   * when that process closes them. Largest first, at most 500.
   * @throws an error whose `payload` is a Refusal
   */
  export function listDeletedOpen(): DeletedFiles;
  /**
   * Bytes that come back by themselves, or at once with `reclaim-held`.
   * @throws an error whose `payload` is a Refusal
   */
  export function listHeld(): Held[];
}

/**
 * Each call proposes one step. Never touched, whatever the arguments: directories, symbolic links, mount
 * points, FIFOs, sockets, devices; files that are held open or locked, have several links, are setuid, setgid
 * or sticky, immutable, on another device, or younger than the grant allows. They are counted in `left-out`.
 */
declare module "ansai:files/files-actions@0.1.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.1.0";
  export interface Selection {
    root: string;
    /** Shell patterns for the path below the root; at least one. */
    globs: string[];
    /** Patterns that win over `globs`. */
    exclude: string[];
    /** Older than this by mtime, atime and ctime. */
    minAgeHours: number;
    /** Oldest first by mtime, at most this many; 0 for as many as the grant allows. */
    maxFiles: number;
    /** Oldest first, until what comes back adds up to this (the last file may go past it); 0 for no such end. */
    enoughBytes: number;
    /**
     * Looks only at what is behind this cursor of `files-probe` for the same root: for a root of which one call sees
     * no more than a part (`preview.complete`).
     */
    cursor?: string | null;
  }
  /**
   * Removes files. They wait in a quarantine on the same file system for the grant's `undo_hours` where the
   * level after it allows (`frees-later-bytes`); else they are unlinked (`frees-now-bytes`).
   * @throws an error whose `payload` is a Refusal
   */
  export function remove(what: Selection, reason: string): Preview;
  /**
   * Replaces each file by `NAME.gz` with the same owner, mode and times. Refused where there is no room for
   * the largest of them. The preview estimates from a sample of the content.
   * @throws an error whose `payload` is a Refusal
   */
  export function compress(what: Selection, reason: string): Preview;
  /**
   * Renames `NAME` to `NAME.1`, `NAME.1` to `NAME.2` …, keeps at most `keep` of them, and puts an empty
   * file with the same owner and mode in its place. Frees nothing but what falls off the end.
   * @throws an error whose `payload` is a Refusal
   */
  export function rotate(what: Selection, keep: number, reason: string): Preview;
  /**
   * Gives up quarantined files, those with the earliest end first, until this much came back. They cannot be
   * restored afterwards.
   * @throws an error whose `payload` is a Refusal
   */
  export function reclaimHeld(mount: string, enoughBytes: number, reason: string): Preview;
}

declare module "ansai:system/system-probe@0.1.0" {
  import type { Duration, Refusal } from "ansai:policy/types@0.1.0";
  export interface LoadAverage {
    one: number;
    five: number;
    fifteen: number;
    cpus: number;
  }
  /** Time spent since boot, summed over all processors. */
  export interface CpuTime {
    user: Duration;
    system: Duration;
    idle: Duration;
    ioWait: Duration;
    steal: Duration;
  }
  export interface MemoryState {
    totalBytes: number;
    /** What can be had without swapping (MemAvailable). */
    availableBytes: number;
    freeBytes: number;
    swapTotalBytes: number;
    swapFreeBytes: number;
  }
  export type Pressured =
    | "cpu"
    | "memory"
    | "io";
  /** Share of time in which some, or all, tasks waited, over 10, 60 and 300 seconds. */
  export interface Stall {
    some: [number, number, number];
    full: [number, number, number];
  }
  /**
   * Load averages over 1, 5 and 15 minutes, and how many processors there are.
   * @throws an error whose `payload` is a Refusal
   */
  export function load(): LoadAverage;
  /**
   * Shares come from two samples: keep the last one in a series.
   * @throws an error whose `payload` is a Refusal
   */
  export function cpu(): CpuTime;
  /**
   * How much memory and swap there is, and how much of it can be had.
   * @throws an error whose `payload` is a Refusal
   */
  export function memory(): MemoryState;
  /**
   * `unsupported` where the kernel has no pressure information.
   * @throws an error whose `payload` is a Refusal
   */
  export function pressure(what: Pressured): Stall;
  /**
   * Time since boot.
   * @throws an error whose `payload` is a Refusal
   */
  export function uptime(): Duration;
}

declare module "ansai:journal/journal-probe@0.1.0" {
  import type { Instant, Refusal } from "ansai:policy/types@0.1.0";
  export interface JournalUsage {
    /** Allocated. Only archived files can be vacuumed. */
    archivedBytes: number;
    activeBytes: number;
    archivedFiles: number;
    activeFiles: number;
    /** Modification time of the oldest archived file; 0 when there is none. */
    oldest: Instant;
    /** The file system it is on: its mount point. */
    mount: string;
    skipped: number;
  }
  /**
   * Of the persistent journal. `unsupported` where there is none.
   * @throws an error whose `payload` is a Refusal
   */
  export function usage(): JournalUsage;
}

declare module "ansai:journal/journal-actions@0.1.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.1.0";
  /**
   * Removes archived journal files, oldest first, until all of the journal takes at most this much. Never
   * less than the grant's `min_keep_bytes`. Not reversible.
   * @throws an error whose `payload` is a Refusal
   */
  export function vacuum(keepBytes: number, reason: string): Preview;
}

declare module "ansai:packages/packages-probe@0.1.0" {
  import type { Refusal } from "ansai:policy/types@0.1.0";
  export type Manager =
    | "apt"
    | "dnf"
    | "other";
  export interface Cache {
    manager: Manager;
    path: string;
    /** Packages that were downloaded and can be downloaded again. */
    bytes: number;
    files: number;
    /** The file system it is on: its mount point. */
    mount: string;
  }
  export interface Caches {
    entries: Cache[];
    skipped: number;
  }
  /**
   * One per package manager found; none is an empty list.
   * @throws an error whose `payload` is a Refusal
   */
  export function listCaches(): Caches;
}

declare module "ansai:packages/packages-actions@0.1.0" {
  import type { Manager } from "ansai:packages/packages-probe@0.1.0";
  import type { Preview, Refusal } from "ansai:policy/types@0.1.0";
  /**
   * Empties the cache of downloaded packages by the manager's own command. `busy` while another process holds
   * its lock. Not reversible, but the packages can be downloaded again.
   * @throws an error whose `payload` is a Refusal
   */
  export function cleanCache(manager: Manager, reason: string): Preview;
}
