// Generated from the WIT contract: not to be edited.

/** The types that the host and every policy share. */
declare module "ansai:policy/types@0.2.0" {
  /** Milliseconds since the Unix epoch, UTC. */
  export type Instant = number;
  /** Milliseconds. */
  export type Duration = number;
  /**
   * The thing that a statement is about, in canonical form: `filesystem` + `/var`, `unit` + `nginx.service`,
   * `certificate` + `sha256:…`, `table` + `main/public.orders`. Policies that report on the same thing use the same
   * subject; the host uses it to connect incidents, budgets and leases.
   */
  export interface Subject {
    kind: string;
    name: string;
  }
  export type Unit =
    | "none"
    | "bytes"
    | "milliseconds"
    | "instant"
    | "ratio"
    | "percent"
    | "per-second"
    | "bytes-per-second"
    | "celsius"
    | "other";
  export type Value =
    | { tag: "count"; val: number }
    | { tag: "number"; val: number }
    | { tag: "text"; val: string }
    | { tag: "flag"; val: boolean };
  /** Evidence with a unit, for people, dashboards and calculations of the host. */
  export interface Measure {
    name: string;
    value: Value;
    unit: Unit;
  }
  /**
   * The severity orders the queue and the notices. It never permits anything: only the operator decides what an
   * emergency may do.
   */
  export type Severity =
    | "notice"
    | "warning"
    | "critical"
    | "emergency";
  /**
   * The state of a thing. An open incident closes only on an explicit `healthy` or `gone` for its key; a key that is
   * missing from the answer is `unknown`.
   */
  export type Status =
    | { tag: "healthy" }
    | { tag: "unhealthy"; val: Severity }
    /** It cannot be determined. The text is a sentence that says why. */
    | { tag: "unknown"; val: string }
    /**
     * It no longer exists on this host: an unmounted file system, a removed container. It must have been looked for,
     * and not found; if the probe failed, the state is `unknown`.
     */
    | { tag: "gone" };
  /** How the observed thing relates to another one: it is `caused-by` it, it is a `part-of` it, or it `affects` it. */
  export type Relationship =
    | "caused-by"
    | "part-of"
    | "affects";
  export interface Relation {
    how: Relationship;
    about: Subject;
  }
  /** One statement about one thing. */
  export interface Observation {
    /** Identifies the fault: the same fault always has the same key. At most 200 bytes, and unique within an answer. */
    key: string;
    /** The thing that is observed. */
    about: Subject;
    /** Its state. */
    status: Status;
    /** One sentence for a person, without a full stop. */
    summary: string;
    /** Most important first. */
    evidence: Measure[];
    /**
     * Other things that matter to it: the unit that uses a port, the mount that holds a directory, the server that is
     * down. May be empty.
     */
    related: Relation[];
    /**
     * How far it is from healthy, in a unit of the policy's choice, the same for every observation of this key:
     * smaller is better, 0 is healthy. The host compares it before and after a step to see whether it helped.
     */
    distance?: number | null;
  }
  /** Why a call has no answer. The list of cases is final: a new case would break every interface. */
  export type Refusal =
    /** The operator's grant does not cover this call. The text names the nearest grant. */
    | { tag: "denied"; val: string }
    /** The named thing does not exist. */
    | { tag: "not-found"; val: string }
    /** It could not be read now: no permission, server down, I/O error. */
    | { tag: "unavailable"; val: string }
    /** This host does not have the feature: no journal, another package manager. */
    | { tag: "unsupported"; val: string }
    /** An argument is invalid. The text says which one and why. */
    | { tag: "invalid"; val: string }
    /** A limit of this evaluation is reached: calls, bytes, proposals. */
    | { tag: "over-budget"; val: string }
    /** The call did not finish in time. */
    | { tag: "timed-out"; val: string }
    /** Another process holds a lock or uses it. */
    | { tag: "busy"; val: string }
    /** The target changed since it was examined. */
    | { tag: "changed"; val: string }
    /** Any other reason. */
    | { tag: "other"; val: string };
  /** Why an evaluation has no answer. */
  export type Failure =
    /** Unknown: something that the answer depends on could not be read. */
    | { tag: "could-not-tell"; val: string }
    /** The settings make no sense together. */
    | { tag: "invalid-settings"; val: string }
    /** Any other reason. */
    | { tag: "other"; val: string };
  /** Identifies a step that this call of `plan` proposed. Later proposals can refer to it. */
  export type StepRef = number;
  /** Candidates that a step skips, by reason: held open, too young, several links, another device, … */
  export interface LeftOut {
    reason: string;
    items: number;
    bytes: number;
  }
  /** How long the effect of a step lasts. */
  export type Lasting =
    /** Until somebody changes it again. */
    | { tag: "for-good" }
    /** The host undoes the step after this time unless verification finds the thing healthy before. */
    | { tag: "until-verified"; val: Duration }
    /** The host undoes the step after this time in any case. */
    | { tag: "for-a-time"; val: Duration };
  /** What a proposed step would do. The host determines it without doing anything. */
  export interface Preview {
    /** Identifies the step. */
    step: StepRef;
    /** The thing that the step changes or checks. */
    about: Subject;
    /** How many files, rows or units it changes; 0 for a check. */
    items: number;
    /** Bytes that are freed at once, without what earlier steps of this plan, hard links and open files account for. */
    freesNowBytes: number;
    /** Bytes that are freed later, for example when the quarantine expires. */
    freesLaterBytes: number;
    /** How long the step interrupts a service; 0 for not at all. */
    interrupts: Duration;
    /** True if the step can be undone. */
    reversible: boolean;
    /** How long its effect lasts. */
    lasting: Lasting;
    /** Free space that the step needs while it runs, in bytes; 0 if it needs none. */
    needsBytes: number;
    /** The mount point of the file system that the bytes of this preview are about. */
    mount?: string | null;
    /** False if the search for targets stopped early: there may be more. */
    complete: boolean;
    /** Up to ten targets, for a person. */
    sample: string[];
    /** What the step skips. */
    leftOut: LeftOut[];
  }
  /** What became of a step. */
  export type Outcome =
    /** It is applied. */
    | "done"
    /** It runs on by itself, and nobody waits for it. */
    | "running"
    /** It is applied, and the host undoes it unless verification finds the thing healthy in time. */
    | "provisional"
    /** It was applied and undone. */
    | "reverted"
    | "failed"
    /** The host did not permit it. */
    | "refused"
    /** Its turn never came, because an earlier step failed. */
    | "skipped"
    /** The host is in observe mode: the step was planned, not applied. */
    | "simulated"
    /** Nobody can say whether it is applied. */
    | "unknown"
    | "other";
  /** The result of a step. */
  export interface StepResult {
    /** The step, as the preview of that plan identified it. */
    step: StepRef;
    /** The action, such as `ansai:files/files-actions.remove`. */
    action: string;
    /** The arguments as JSON, as they were proposed; empty if they are longer than 16 KiB. */
    arguments: string;
    /** The thing that it changed or checked. */
    about: Subject;
    outcome: Outcome;
    /** One sentence for a person. */
    detail: string;
    /** What it achieved: freed bytes, restarted processes. */
    measures: Measure[];
  }
  /** One earlier attempt at a finding. */
  export interface Attempt {
    /** The key of the finding. */
    key: string;
    /** When it started. */
    at: Instant;
    /** The stage of the escalation; empty if there are no stages. */
    stage: string;
    /** The state of the finding after it. */
    verified: Status;
    /** In the order of the plan. */
    steps: StepResult[];
  }
  /** What happens to the earlier steps when a step fails. */
  export type OnFailure =
    /** Undo them, newest first, as far as they are reversible. */
    | "undo-applied"
    /** Keep them and stop. */
    | "stop";
  /** Advice for a person if no step is right: a bigger disk, a second instance, an index. */
  export interface Recommendation {
    summary: string;
    detail: string;
    measures: Measure[];
  }
  export type Decision =
    /** Apply the steps that this call proposed, in order, then verify. */
    | { tag: "apply"; val: OnFailure }
    /** Apply the steps, then call `plan` again with the results in `context.attempts`. */
    | { tag: "apply-then-replan"; val: OnFailure }
    /** Do nothing yet; the text says what the policy waits for. This is no attempt, and proposed steps are dropped. */
    | { tag: "wait"; val: string }
    /** Do nothing and give these recommendations to a person, best first. */
    | { tag: "recommend"; val: Recommendation[] }
    /** No action available: nothing that this policy may do would help. Notify a person with this reason. */
    | { tag: "give-up"; val: string };
}

/**
 * What the host knows about this evaluation. These are functions, not fields of a record, so that more can follow
 * without breaking any policy. They cannot fail, and during one evaluation each always returns the same value.
 */
declare module "ansai:policy/context@0.2.0" {
  import type { Attempt, Instant, Measure, Observation, Subject } from "ansai:policy/types@0.2.0";
  /** Something that happened, and that the schedule of this policy waits for. */
  export interface Occurrence {
    /** The kind of event: `unit-failed`, `file-changed`, … */
    what: string;
    /** The thing that it happened to. */
    about: Subject;
    /** When it happened, or first happened if it did so several times. */
    at: Instant;
    /** More about it. `times` says how often it happened, if more than once. */
    facts: Measure[];
  }
  /** What caused this evaluation. */
  export type Trigger =
    | { tag: "schedule" }
    /** These events, oldest first. */
    | { tag: "event"; val: Occurrence[] }
    /** An earlier evaluation asked for it with `advice.look-again`. */
    | { tag: "follow-up" }
    /** A plan was applied, and its finding is looked at again. */
    | { tag: "verification" }
    /** A person asked for it. */
    | { tag: "by-hand" };
  /** A name and a value that the operator attached to a host or a target: `role` and `web`. */
  export interface Label {
    name: string;
    value: string;
  }
  /**
   * A server or another thing that the operator named in the configuration, and that probes and actions accept by its
   * name. A policy sees neither its address nor its secret.
   */
  export interface Target {
    name: string;
    kind: string;
    labels: Label[];
  }
  /** Local time. Weekday 0 is Monday. */
  export interface WallClock {
    minuteOfDay: number;
    weekday: number;
    utcOffsetMinutes: number;
  }
  /** When the evaluation started. There is no other clock. */
  export function now(): Instant;
  /** The host's local time, for rules such as "only at night". */
  export function localTime(): WallClock;
  /** When the last evaluation of this instance completed, if there was one. Rates need this gap. */
  export function lastEvaluated(): Instant | null;
  /** What caused this evaluation. */
  export function triggeredBy(): Trigger;
  /** The settings as JSON, with defaults filled in, sizes in bytes and durations in milliseconds. */
  export function settings(): string;
  /**
   * One setting by its dotted path (`thresholds.warning`), for languages without a JSON reader. A string is returned
   * as it is, every other value as JSON.
   */
  export function setting(path: string): string | null;
  /** The elements of a setting that is a list, each as `setting` returns it; empty if there is no such list. */
  export function settingList(path: string): string[];
  /** The targets that this instance may use, in byte order of their names. */
  export function targets(): Target[];
  /** One setting for this target: its own value if the operator set one, otherwise that of `setting`. */
  export function targetSetting(target: string, path: string): string | null;
  /**
   * The scopes in force as JSON: `{"ansai:files/files-probe": [{"roots": […]}]}`. The value of an interface is a list of
   * tables, in the operator's order; one of them must permit a whole call. It has no entry for an interface that is not
   * granted.
   */
  export function scopes(): string;
  /**
   * The values of a list in the scopes of a capability (`ansai:files/files-probe`, `roots`), each once; empty if there
   * is none.
   */
  export function scopeList(capability: string, field: string): string[];
  /**
   * A bound in the scopes of a capability (`ansai:files/files-actions`, `max_files`), from the first table that has it.
   * Sizes are bytes; a switch is 0 or 1.
   */
  export function scopeBound(capability: string, field: string): number | null;
  /**
   * `host-name`, `os-id`, `os-version`, `kernel`, `architecture`, `cpus`, `memory-bytes`, `boot-time` and `container`.
   * A fact that is unknown is absent.
   */
  export function hostFacts(): Measure[];
  /** The labels of this host, in byte order of their names. */
  export function labels(): Label[];
  /** The observations that are open incidents now. Use them for hysteresis. */
  export function openIncidents(): Observation[];
  /** The earlier attempts at this finding, oldest first. Empty in `detect`. */
  export function attempts(): Attempt[];
  /**
   * The attempts of this instance at findings about this thing since an instant, oldest first, also those whose
   * incident is closed: for rules such as "at most once a day". At most 100, the latest ones.
   */
  export function history(about: Subject, since: Instant): Attempt[];
  /** The stage of the escalation that this plan is for; empty if there are no stages. */
  export function stage(): string;
}

/**
 * Lines for the operator's log. At most 200 lines of 1 KiB in one evaluation; the host cuts what exceeds this, and
 * counts it.
 */
declare module "ansai:policy/log@0.2.0" {
  export type Level =
    | "debug"
    | "info"
    | "warn"
    | "error";
  /** Writes one line. */
  export function write(level: Level, message: string): void;
}

/**
 * A small durable key-value store of this policy instance: at most 256 keys of 256 bytes, 64 KiB per value and 1 MiB
 * in total. The evaluation sees its own writes at once. They are committed if the evaluation succeeds and a schedule
 * or an event caused it. Otherwise they are dropped (verification, by hand, replay).
 */
declare module "ansai:policy/store@0.2.0" {
  import type { Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Returns the value of a key, if there is one.
   * @throws an error whose `payload` is a Refusal
   */
  export function get(key: string): string | null;
  /**
   * Writes a value and replaces an earlier one.
   * @throws an error whose `payload` is a Refusal
   */
  export function set(key: string, value: string): void;
  /**
   * Removes a key. A key that does not exist is no error.
   * @throws an error whose `payload` is a Refusal
   */
  export function remove(key: string): void;
  /**
   * Lists the keys with this prefix, in byte order.
   * @throws an error whose `payload` is a Refusal
   */
  export function keys(prefix: string): string[];
}

/**
 * Time series of this policy instance, analysed by the host. A series takes one sample per evaluation, at the time
 * `now`; a second one replaces the first. Samples are committed as in `store`. The limit `series` says how many series
 * an instance has at most; the default is 64. The host keeps the newest 2,000 samples one by one, or those of the last
 * 48 hours if these are more, at most 6,000. Of older samples it keeps the minimum, maximum, sum and count of each
 * hour, for 400 days.
 */
declare module "ansai:policy/series@0.2.0" {
  import type { Duration, Instant, Refusal } from "ansai:policy/types@0.2.0";
  export interface Sample {
    at: Instant;
    value: number;
  }
  /**
   * How samples are combined. In hours whose samples are no longer kept one by one, minimum, maximum, mean and sum are
   * exact; median and latest are the mean of the hour.
   */
  export type Reduction =
    | "minimum"
    | "maximum"
    | "mean"
    | "median"
    | "latest"
    | "sum";
  /**
   * Selects samples since an instant (0 for all). If `bucket` is set, it reduces each bucket to one sample. Otherwise
   * each hour whose samples are no longer kept one by one is one sample, at the start of the hour.
   */
  export interface Window {
    since: Instant;
    bucket?: Duration | null;
    reduce: Reduction;
  }
  export interface Trend {
    /** How many samples there are after reduction. */
    samples: number;
    /** Time from the first to the latest sample. */
    span: Duration;
    latest: number;
    minimum: number;
    maximum: number;
    mean: number;
    median: number;
    /** The Theil-Sen slope per hour. */
    slopePerHour: number;
    /** The two-sided Mann-Kendall p-value; 1 with fewer than four samples. */
    pValue: number;
    /**
     * The largest CUSUM excursion of the samples from their mean, divided by the standard deviation times the square
     * root of their number. Above 1.36 a lasting shift is likely (5 %). 0 if all samples are equal.
     */
    cusum: number;
    /** Time from the latest sample until the trend line crosses the limit, if it does. */
    reachesLimitIn?: Duration | null;
  }
  /**
   * Adds the sample of this evaluation to a series.
   * @throws an error whose `payload` is a Refusal
   */
  export function append(name: string, value: number): void;
  /**
   * Returns the samples, oldest first, including that of this evaluation; the newest 2,000 if there are more.
   * @throws an error whose `payload` is a Refusal
   */
  export function samples(name: string, window: Window): Sample[];
  /**
   * Analyses the newest 2,000 samples of a series. `not-found` if it has none.
   * @throws an error whose `payload` is a Refusal
   */
  export function analyse(name: string, window: Window, limit?: number | null): Trend;
  /**
   * Returns quantiles of the samples, one for each share, interpolated linearly: 0.5 is the median, 0.95 the 95th
   * percentile. At most 32 shares. `not-found` if the series has no samples.
   * @throws an error whose `payload` is a Refusal
   */
  export function quantiles(name: string, window: Window, shares: number[]): number[];
  /**
   * Deletes the earlier samples, for example after a restart of the measured process.
   * @throws an error whose `payload` is a Refusal
   */
  export function reset(name: string): void;
}

/** What a policy can say in addition to its answer. It counts only if the evaluation has an answer. */
declare module "ansai:policy/advice@0.2.0" {
  import type { Duration, Recommendation, Refusal, StepRef } from "ansai:policy/types@0.2.0";
  /**
   * Recommends something to a person, also if steps are proposed. At most 16 in one evaluation; only in `plan`.
   * @throws an error whose `payload` is a Refusal
   */
  export function recommend(what: Recommendation): void;
  /**
   * Asks for another evaluation after this time, with the trigger `follow-up`. The schedule goes on; the shortest time
   * counts. At least a second, and at most a day; after each follow-up in a row, the minimum doubles.
   * @throws an error whose `payload` is a Refusal
   */
  export function lookAgain(after: Duration): void;
  /**
   * Lets the plan go on if this step fails, because it only captures evidence or prepares something. `not-found` if
   * this call of `plan` has not proposed such a step.
   * @throws an error whose `payload` is a Refusal
   */
  export function mayFail(step: StepRef): void;
}

declare module "ansai:disk/disk-probe@0.2.0" {
  import type { Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** A mounted file system that holds files. */
  export interface Filesystem {
    /** The kind is `filesystem`, the name is the mount point. */
    about: Subject;
    /** The mount point. */
    mount: string;
    /** The kernel's name for the type: `ext4`, `tmpfs`, `nfs4`, … */
    kind: string;
    /** The mounted device, as the kernel names it. */
    device: string;
    /** True if it is mounted read-only. */
    readOnly: boolean;
    /** True if it is not on a disk of this host: `nfs`, `cifs`, FUSE. */
    remote: boolean;
    /** Its size. */
    totalBytes: number;
    /** What an unprivileged process can still write (`f_bavail` of statvfs). */
    availableBytes: number;
    /** What only root can still write in addition (`f_bfree` - `f_bavail`). */
    reservedBytes: number;
    /** How many inodes it has; 0 if the file system does not count inodes (btrfs). */
    totalInodes: number;
    /** How many inodes are free; 0 if the file system does not count inodes. */
    freeInodes: number;
  }
  export interface Filesystems {
    /**
     * In byte order of the mount points. A file system with several mount points appears once, with the shortest
     * one. Pseudo file systems (`proc`, `cgroup2`, overlays of images, …) are not listed.
     */
    entries: Filesystem[];
    /** How many file systems could not be read. */
    skipped: number;
  }
  /**
   * Lists every file system that holds files, and its usage.
   * @throws an error whose `payload` is a Refusal
   */
  export function listFilesystems(): Filesystems;
}

declare module "ansai:disk/disk-check-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Proposes a check, not a change: the step fails if less than `at-least-bytes` is available on the file system
   * mounted at `mount` when the step runs. Use it before steps that need space or after steps that free it.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkAvailable(mount: string, atLeastBytes: number, reason: string): Preview;
}

declare module "ansai:files/files-probe@0.2.0" {
  import type { Instant, Refusal } from "ansai:policy/types@0.2.0";
  /** The size of everything below `path`. A file with several hard links counts once. */
  export interface Usage {
    path: string;
    files: number;
    bytes: number;
    oldestHours: number;
    newestHours: number;
  }
  export interface Usages {
    /** Largest first within this page. */
    entries: Usage[];
    /** False if there is more: after `cursor`, or in `skipped` directories. */
    complete: boolean;
    /** How many directories could not be read. */
    skipped: number;
    /** Pass it to the next call to get the rest. */
    cursor?: string | null;
  }
  /** Which files to report. */
  export interface FileQuery {
    /** An absolute directory. */
    root: string;
    /** Shell patterns for the path below the root (`*.log`, `**\/*.gz`); an empty list matches every file. */
    globs: string[];
    /** Leaves out files whose mtime, atime or ctime is younger than this. */
    minAgeHours: number;
  }
  export interface File {
    path: string;
    /** Allocated bytes, not the apparent size. */
    bytes: number;
    /** The mtime. */
    modified: Instant;
    /** How many hard links the file has. */
    links: number;
    /** True if a process holds the file open now. */
    open: boolean;
  }
  export interface Files {
    /** Oldest mtime first within this page. */
    entries: File[];
    /** False if there is more: after `cursor`, or in what was `skipped`. */
    complete: boolean;
    /** How many directories could not be read, plus how many files have a path longer than 4095 bytes. */
    skipped: number;
    /** Pass it to the next call to get the rest. */
    cursor?: string | null;
  }
  /** A deleted file that the process `process` with the number `pid` still holds open. */
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
  /**
   * The files that ansai holds in quarantine on one file system. `oldest-until` is when the first of them expires,
   * `newest-until` when the last one does.
   */
  export interface Held {
    mount: string;
    files: number;
    bytes: number;
    oldestUntil: Instant;
    newestUntil: Instant;
  }
  /**
   * Lists the directories exactly `depth` levels below `root` (0 is the root itself) with the size of everything in
   * them. A page has at most 500 entries; pages follow the order of the file system. A directory that the call did
   * not finish appears again in the next page with the rest: add the numbers.
   * @throws an error whose `payload` is a Refusal
   */
  export function largestDirectories(root: string, depth: number, cursor?: string | null): Usages;
  /**
   * Lists the regular files that match. A page has at most 500 entries; pages follow the order of the file system.
   * @throws an error whose `payload` is a Refusal
   */
  export function listFiles(what: FileQuery, cursor?: string | null): Files;
  /**
   * The sum over all matching files. If there is a `cursor`, call again and add the sums.
   * @throws an error whose `payload` is a Refusal
   */
  export function measureFiles(what: FileQuery, cursor?: string | null): Usages;
  /**
   * Lists deleted files below the granted roots that a process still holds open. Their bytes are freed when that
   * process closes them. Largest first, at most 500.
   * @throws an error whose `payload` is a Refusal
   */
  export function listDeletedOpen(): DeletedFiles;
  /**
   * Lists ansai's quarantines. Their bytes are freed when the files expire, or at once with
   * `quarantine-actions.reclaim`.
   * @throws an error whose `payload` is a Refusal
   */
  export function listHeld(): Held[];
}

/**
 * Each call proposes one step. Some files are never touched, with any arguments: directories, symbolic links,
 * mount points, FIFOs, sockets and devices; files that are open, locked, immutable, setuid, setgid or sticky; files
 * with several hard links, on another device, or younger than the grant allows. `left-out` counts them.
 */
declare module "ansai:files/files-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /** Which files a step applies to. */
  export interface Selection {
    /** An absolute directory. */
    root: string;
    /** Shell patterns for the path below the root; at least one. */
    globs: string[];
    /** Patterns of files to leave out; they take precedence over `globs`. */
    exclude: string[];
    /** Selects only files whose mtime, atime and ctime are all older than this. */
    minAgeHours: number;
    /** Selects at most this many files, oldest mtime first; 0 selects as many as the grant allows. */
    maxFiles: number;
    /** Selects files, oldest first, until they free this much (the last file may exceed it); 0 means no such limit. */
    enoughBytes: number;
    /**
     * Starts at this cursor of `files-probe` for the same root. Use it if one call cannot see the whole root
     * (`complete` of the preview is false).
     */
    cursor?: string | null;
  }
  /**
   * Removes files. If the grant has `undo_hours` and usage after the step is below `hold_below_percent`, the files
   * go to a quarantine on the same file system for that time (`frees-later-bytes`). Otherwise they are unlinked
   * (`frees-now-bytes`).
   * @throws an error whose `payload` is a Refusal
   */
  export function remove(what: Selection, reason: string): Preview;
  /**
   * Replaces each file by `NAME.gz` with the same owner, mode and times. Refused if there is no space for the
   * largest of them. The preview estimates the result from a sample of the content.
   * @throws an error whose `payload` is a Refusal
   */
  export function compress(what: Selection, reason: string): Preview;
  /**
   * Renames `NAME` to `NAME.1`, `NAME.1` to `NAME.2` and so on, keeps at most `keep` of them, and creates an empty
   * file `NAME` with the same owner and mode. Frees only the files beyond `keep`.
   * @throws an error whose `payload` is a Refusal
   */
  export function rotate(what: Selection, keep: number, reason: string): Preview;
}

/**
 * A capability of its own, because it ends what the grant of `files-actions` promised: that a removed file can be
 * restored for `undo_hours`.
 */
declare module "ansai:files/quarantine-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Deletes quarantined files, the ones that expire first, until this much is freed. They cannot be restored
   * afterwards.
   * @throws an error whose `payload` is a Refusal
   */
  export function reclaim(mount: string, enoughBytes: number, reason: string): Preview;
}

declare module "ansai:journal/journal-probe@0.2.0" {
  import type { Instant, Refusal } from "ansai:policy/types@0.2.0";
  export interface JournalUsage {
    /** Allocated bytes of archived and of active files. Only archived files can be vacuumed. */
    archivedBytes: number;
    activeBytes: number;
    archivedFiles: number;
    activeFiles: number;
    /** The mtime of the oldest archived file; 0 if there is none. */
    oldest: Instant;
    /** The mount point of its file system. */
    mount: string;
    /** How many files or directories could not be read, or are no regular files. */
    skipped: number;
  }
  /**
   * Shows the size of the persistent journal. `unsupported` if this host has none.
   * @throws an error whose `payload` is a Refusal
   */
  export function usage(): JournalUsage;
}

declare module "ansai:journal/journal-vacuum-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Removes archived journal files, oldest first, until the whole journal takes at most `keep-bytes`. It never goes
   * below the grant's `min_keep_bytes`. Not reversible.
   * @throws an error whose `payload` is a Refusal
   */
  export function vacuum(keepBytes: number, reason: string): Preview;
}

declare module "ansai:packages/package-cache-probe@0.2.0" {
  import type { Refusal } from "ansai:policy/types@0.2.0";
  export type Manager =
    | "apt"
    | "dnf"
    | "other";
  /** The download cache of one package manager. */
  export interface Cache {
    manager: Manager;
    /** The directory. */
    path: string;
    /** Downloaded packages, which can be downloaded again. */
    bytes: number;
    files: number;
    /** The mount point of its file system. */
    mount: string;
  }
  export interface Caches {
    entries: Cache[];
    skipped: number;
  }
  /**
   * Lists one cache for each package manager of this host; an empty list if there is none.
   * @throws an error whose `payload` is a Refusal
   */
  export function listCaches(): Caches;
}

declare module "ansai:packages/package-cache-actions@0.2.0" {
  import type { Manager } from "ansai:packages/package-cache-probe@0.2.0";
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Empties the cache of downloaded packages with the manager's own command. `busy` while another process holds
   * the manager's lock. Not reversible, but the packages can be downloaded again.
   * @throws an error whose `payload` is a Refusal
   */
  export function cleanCache(manager: Manager, reason: string): Preview;
}

declare module "ansai:system/system-probe@0.2.0" {
  import type { Duration, Refusal } from "ansai:policy/types@0.2.0";
  export interface LoadAverage {
    one: number;
    five: number;
    fifteen: number;
    cpus: number;
  }
  /** Time since boot, summed over all processors. */
  export interface CpuTime {
    user: Duration;
    system: Duration;
    idle: Duration;
    ioWait: Duration;
    steal: Duration;
  }
  export interface MemoryState {
    totalBytes: number;
    /** What can be allocated without swapping (`MemAvailable`). */
    availableBytes: number;
    freeBytes: number;
    swapTotalBytes: number;
    swapFreeBytes: number;
  }
  export type Pressured =
    | "cpu"
    | "memory"
    | "io";
  /** Share of time in which some tasks waited, and in which all tasks waited, over 10, 60 and 300 seconds. */
  export interface Stall {
    some: [number, number, number];
    full: [number, number, number];
  }
  /**
   * Load averages over 1, 5 and 15 minutes, and the number of processors.
   * @throws an error whose `payload` is a Refusal
   */
  export function load(): LoadAverage;
  /**
   * How long the processors spent in each state. For shares, compare with the previous sample: keep it in a series.
   * @throws an error whose `payload` is a Refusal
   */
  export function cpu(): CpuTime;
  /**
   * How much memory and swap there is, and how much of it is available.
   * @throws an error whose `payload` is a Refusal
   */
  export function memory(): MemoryState;
  /**
   * Pressure stall information of one resource. `unsupported` if the kernel has none.
   * @throws an error whose `payload` is a Refusal
   */
  export function pressure(what: Pressured): Stall;
  /**
   * Time since boot.
   * @throws an error whose `payload` is a Refusal
   */
  export function uptime(): Duration;
}
