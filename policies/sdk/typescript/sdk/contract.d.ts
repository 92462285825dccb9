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
  /** The unit of a measure. A share is a `ratio`. If the unit is `other`, the name of the measure states it. */
  export type Unit =
    | "none"
    | "bytes"
    | "milliseconds"
    | "instant"
    | "ratio"
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
  /** How the observed thing relates to another one. */
  export type Relationship =
    /**
     * The fault of the other thing is the cause of this one. The policy must have established it: while the other thing
     * has an open incident, the host may hold this finding back.
     */
    | "caused-by"
    /** It needs the other thing to work: a web server and its database. */
    | "depends-on"
    /** It belongs to the other thing: a table and its database. */
    | "part-of"
    /** The other thing suffers from its fault. */
    | "affects"
    /** Both are the same thing: a container and its unit, a device and its file system. */
    | "same-as"
    | "other";
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
     * smaller is better, 0 is healthy, and it is never negative. It tells whether an attempt helped.
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
  /** How much of a step can be undone. */
  export type Reversibility =
    /** Nothing. */
    | "none"
    /** A part: a package can be downgraded, but what its scripts did stays. */
    | "partly"
    /** All of it. */
    | "fully";
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
    /** How long the step interrupts a service: 0 for not at all, absent if that is unknown. */
    interrupts?: Duration | null;
    /** How long the step is expected to run, if that is known. */
    takes?: Duration | null;
    /** Whether the step can be undone. A check has nothing to undo, and is `fully` reversible. */
    reversible: Reversibility;
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
    /** It failed. A part of it may be applied: see `measures`. */
    | "failed"
    /**
     * It did not begin, and nothing was changed: it is not permitted now, its target changed, another process holds a
     * lock. See `reason`.
     */
    | "refused"
    /** Its turn never came: an earlier step failed or still runs, or ansai is stopping. */
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
    /** Why it was refused or failed, where the host can tell: `busy` and `changed` may go away, `denied` stays. */
    reason?: Refusal | null;
    /** One sentence for a person. */
    detail: string;
    /** What it achieved: freed bytes, restarted processes. */
    measures: Measure[];
  }
  /** One earlier attempt at a finding. */
  export interface Attempt {
    /** The key of the finding. */
    key: string;
    /**
     * Counts the attempts at this finding from 1. The plans of one attempt, made with `apply-then-replan`, have the same
     * number.
     */
    number: number;
    /** When it was planned. */
    at: Instant;
    /** When its last step ended; absent while a step runs, or if that is unknown. */
    ended?: Instant | null;
    /** The stage of the escalation; empty if there are no stages. */
    stage: string;
    /** The state of the finding after it. */
    verified: Status;
    /** The `distance` of the finding before the attempt and after it, as far as the policy reported one. */
    distanceBefore?: number | null;
    distanceAfter?: number | null;
    /** In the order of the plan. */
    steps: StepResult[];
  }
  /** What happens to what the plan has done when a step fails. */
  export type OnFailure =
    /** Undo it, newest step first, as far as it is reversible; also what the failed step itself has done. */
    | "undo-applied"
    /** Keep it and stop. */
    | "stop";
  /** Advice for a person if no step is right: a bigger disk, a second instance, an index. */
  export interface Recommendation {
    /** The thing to change, if it is not that of the finding: the table that needs an index. */
    about?: Subject | null;
    summary: string;
    detail: string;
    measures: Measure[];
  }
  export type Decision =
    /** Apply the steps that this call proposed, in order, then verify. Without a step, this is no attempt. */
    | { tag: "apply"; val: OnFailure }
    /**
     * Apply the steps and verify. If the thing is not healthy then, call `plan` again with the results in
     * `context.attempts`: at most 8 plans in one attempt.
     */
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
 * without breaking any policy. During one evaluation each always returns the same value. Those without a `refusal` always
 * answer; a call beyond the limits of the evaluation ends it.
 */
declare module "ansai:policy/context@0.2.0" {
  import type { Attempt, Instant, Measure, Observation, Refusal, Subject } from "ansai:policy/types@0.2.0";
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
    /** The thing itself, for observations, also while it cannot be reached. */
    about: Subject;
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
  /** What caused this evaluation. `plan` has the trigger of the `detect` that reported the finding. */
  export function triggeredBy(): Trigger;
  /** This host as a whole, for observations that are about no smaller thing. */
  export function host(): Subject;
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
  /**
   * The observations that are open incidents of this instance now, each as it was last unhealthy. Use them for
   * hysteresis.
   */
  export function openIncidents(): Observation[];
  /** The earlier attempts at this finding, oldest first. Empty in `detect`. */
  export function attempts(): Attempt[];
  /**
   * The attempts of this instance at findings about this thing since an instant, oldest first, also those whose
   * incident is closed: for rules such as "at most once a day". At most 100, the latest ones.
   * @throws an error whose `payload` is a Refusal
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
 * in total. The evaluation sees its own writes at once. They are committed if the evaluation succeeds and its trigger
 * is `schedule`, `event` or `follow-up`. Otherwise they are dropped (verification, by hand, replay).
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
   * exact, and so is `count`, the number of samples; median and latest are the mean of the hour.
   */
  export type Reduction =
    | "minimum"
    | "maximum"
    | "mean"
    | "median"
    | "latest"
    | "sum"
    | "count";
  /**
   * Selects the samples from `since` (0 for all) until before `until` (absent for all, including that of this
   * evaluation). If `bucket` is set, it reduces each bucket to one sample, at the time of its last one. Otherwise each
   * hour whose samples are no longer kept one by one is one sample, at the start of the hour.
   */
  export interface Window {
    since: Instant;
    until?: Instant | null;
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
    /**
     * Time from the latest sample until the trend line crosses the limit. Absent if it is beyond the limit already, or
     * does not cross it within 100 years.
     */
    reachesLimitIn?: Duration | null;
  }
  /**
   * Adds the sample of this evaluation to a series.
   * @throws an error whose `payload` is a Refusal
   */
  export function append(name: string, value: number): void;
  /**
   * Returns the samples in the window after reduction, oldest first; the newest 2,000 if there are more.
   * @throws an error whose `payload` is a Refusal
   */
  export function samples(name: string, window: Window): Sample[];
  /**
   * Analyses the samples that `samples` returns. `not-found` if there are none.
   * @throws an error whose `payload` is a Refusal
   */
  export function analyse(name: string, window: Window, limit?: number | null): Trend;
  /**
   * Returns quantiles of the samples that `samples` returns, one for each share, interpolated linearly: 0.5 is the
   * median, 0.95 the 95th percentile. At most 32 shares. `not-found` if there are no samples.
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
   * Asks for another evaluation this long after this one ended, with the trigger `follow-up`, if nothing else causes one
   * before: the next evaluation must ask again. Of several calls, the shortest time counts. At least a second, and at
   * most a day; after each follow-up in a row, the minimum doubles. It has no effect in a verification.
   * @throws an error whose `payload` is a Refusal
   */
  export function lookAgain(after: Duration): void;
  /**
   * Lets the plan go on if this step fails or is refused, because it only captures evidence or prepares something. The
   * plan still ends if nobody can say what the step did. `not-found` if this call of `plan` has not proposed such a step;
   * `denied` in `detect`.
   * @throws an error whose `payload` is a Refusal
   */
  export function mayFail(step: StepRef): void;
}

declare module "ansai:certificate/certificate-probe@0.2.0" {
  import type { Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** A certificate. No text of it is longer than 256 bytes. */
  export interface Certificate {
    /**
     * The kind is `certificate`, the name is the SHA-256 of the certificate as 64 hexadecimal digits: the same in a file
     * and from a server.
     */
    about: Subject;
    /**
     * The names and addresses that it is for: its alternative names, in its order. At most 100; see `omitted-names`. If it
     * has none, the common name of its subject, which clients of today ignore.
     */
    names: string[];
    /** How many of its names are not in `names`. */
    omittedNames: number;
    /** Who issued it: the distinguished name, such as `C=US, O=Let's Encrypt, CN=E7`. */
    issuer: string;
    /** The serial number, as hexadecimal digits. */
    serial: string;
    /** The kind of its key: `ecdsa-p256`, `ecdsa-p384`, `ed25519`, `rsa-2048`, … ; `other` if it is none of these. */
    keyKind: string;
    /** True for a certificate of an authority. */
    isAuthority: boolean;
    notBefore: Instant;
    notAfter: Instant;
  }
  /** Why a client would not trust a chain of certificates. */
  export type Distrust =
    /** The certificate has expired. */
    | "expired"
    /** The certificate is not valid yet, by the clock of this host. */
    | "not-yet-valid"
    /** The certificate is for other names. */
    | "wrong-name"
    /**
     * It was issued by an authority that this host does not know. Where the chain does not say which certificates belong
     * to it, a missing intermediate certificate looks the same.
     */
    | "unknown-issuer"
    /** An intermediate certificate is missing. */
    | "incomplete-chain"
    /** A certificate of an authority in the chain has expired. */
    | "expired-intermediate"
    /** A certificate is not signed by the one that should have issued it, or the server does not have the key. */
    | "bad-signature"
    /** A key or a signature is too weak: RSA below 2,048 bits, SHA-1. */
    | "weak"
    /** Clients refuse it for another reason, such as a constraint of an authority. */
    | "other";
  /** Whether a private key belongs to a certificate. */
  export type Pairing =
    | "matches"
    | "differs"
    /** No key was asked for, it is encrypted, or its kind is not known. */
    | "unknown";
  /** The certificates of a file. */
  export interface Chain {
    /** The kind is `file`, the name is `path`. */
    about: Subject;
    path: string;
    /** In the order of the file: the first one is that of the server. At most 32; see `omitted`. */
    certificates: Certificate[];
    /** How many certificates of the file are not in `certificates`. */
    omitted: number;
    /** Whether the key in `key-path` belongs to the first certificate. No part of a key leaves the host. */
    key: Pairing;
    /**
     * Whether clients would trust it, by the authorities that this host knows and its clock. Names are not checked here.
     * Absent if that is unknown: the list of authorities cannot be read.
     */
    trusted?: boolean | null;
    /** Why they would not: all reasons that were found. */
    distrust: Distrust[];
    /** The same for a person; empty if there is nothing to say. */
    explanation: string;
  }
  /** What the authority of a certificate has to be asked for its renewal information, see `renewal-information-probe`. */
  export interface Inquiry {
    /** The ACME server of the authority, as a grant names it: `acme-v02.api.letsencrypt.org:443`. It is called by HTTPS. */
    address: string;
    /** The path of its directory: `/directory`. */
    directory: string;
    /** The certificate, as RFC 9773 writes it: the key identifier of its authority and its serial number. */
    certificateId: string;
  }
  /** A certificate that a program renews. */
  export interface Lineage {
    /** The kind is `lineage`, the name is `name`. */
    about: Subject;
    /** Its name, for `renew`: `example.org`. */
    name: string;
    /** The program that renews it: `certbot`. */
    manager: string;
    /** The file with its certificates, as servers use it: `/etc/letsencrypt/live/example.org/fullchain.pem`. */
    path: string;
    /** The file with its private key. */
    keyPath: string;
    /** The current certificate. Absent if it cannot be read. */
    current?: Certificate | null;
    /**
     * When it should be renewed: by certbot's `renew_before_expiry` if the operator has set it, else when a third of its
     * life is left, a half for lives below ten days. Absent without `current`. What its authority
     * suggests is not in it: see `inquiry`.
     */
    renewAfter?: Instant | null;
    /** Until when it must be renewed: the end of its life. Absent without `current`. */
    renewBefore?: Instant | null;
    /**
     * How its authority is asked about the current certificate. Absent without `current`, if that does not name the key of
     * its authority, or if certbot's configuration has no address of an ACME server with HTTPS.
     */
    inquiry?: Inquiry | null;
    /** Why the last renewal by ansai failed, as the program said it; empty if it did not fail, or nothing is known. */
    lastFailure: string;
    /** A renewed certificate that is not installed yet: see `renew`. Absent if there is none. */
    staged?: Certificate | null;
  }
  export interface LineagePage {
    /** In byte order of their names. */
    entries: Lineage[];
    /** How many lineages could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
    /** Continues the list after this page. Absent if there is no more. */
    cursor?: string | null;
  }
  /**
   * Shows the certificates of a file: PEM with any number of certificates, or one in DER. `invalid` if the file holds no
   * certificate; `unavailable` if it is too large (above 4 MiB) or damaged.
   * @throws an error whose `payload` is a Refusal
   */
  export function lookFile(path: string, keyPath?: string | null): Chain;
  /**
   * Lists the certificates that certbot manages on this host, at most 64 in one page. `unsupported` if it has no certbot.
   * @throws an error whose `payload` is a Refusal
   */
  export function listLineages(cursor?: string | null): LineagePage;
}

declare module "ansai:certificate/served-certificate-probe@0.2.0" {
  import type { Certificate, Distrust } from "ansai:certificate/certificate-probe@0.2.0";
  import type { Duration, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** What is said before TLS begins. */
  export type Opening =
    /** Nothing: HTTPS, IMAPS and others. */
    | "tls"
    /** `EHLO` and `STARTTLS`. */
    | "smtp"
    /** `STARTTLS` of IMAP. */
    | "imap"
    /** `STLS` of POP3. */
    | "pop3"
    /** The extended operation StartTLS. */
    | "ldap"
    /** `SSLRequest` of PostgreSQL. */
    | "postgresql"
    /** `SSLRequest` of MySQL and MariaDB. */
    | "mysql";
  /** A server. */
  export interface Endpoint {
    /** `HOST:PORT`, or `[ADDRESS]:PORT` for IPv6. */
    address: string;
    /** The name that is asked for (SNI) and that the certificate must be for. Empty: the host of `address`. */
    serverName: string;
    opening: Opening;
  }
  /** The certificates that a server sent. */
  export type Presented =
    /** In the order of the server: the first one is its own. At most 32. */
    | { tag: "certificates"; val: Certificate[] }
    /**
     * None, and why: `timed-out`, `unavailable` (no connection, no TLS), `invalid` (it sent what is no certificate or what
     * is no answer of its protocol), `denied` (an address that needs a grant of its own).
     */
    | { tag: "failed"; val: Refusal };
  /** What a server presents. */
  export interface Served {
    /** The kind is `endpoint`. The name is the address; if the name that is asked for is not its host, `ADDRESS NAME`. */
    about: Subject;
    /** As asked. */
    endpoint: Endpoint;
    presented: Presented;
    /**
     * Whether a client of this host would trust it. Absent if that is unknown: `presented` is `failed`, or the list of
     * authorities of this host cannot be read.
     */
    trusted?: boolean | null;
    /** Why it would not: all reasons that were found. */
    distrust: Distrust[];
    /** The same for a person; empty if there is nothing to say. */
    explanation: string;
    /** The version of TLS: `TLS 1.3`; empty if there was none. */
    protocol: string;
    /** From the first packet until the certificates were there. */
    took: Duration;
  }
  /**
   * Looks at servers, at most 16 at the same time and 256 in one call; the entries have the order of the arguments. A server
   * that does not answer hides no other one. Addresses of this machine (loopback) and of the local link, where clouds have
   * their metadata, need a grant that names the address itself, not a pattern or a name that leads there.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(endpoints: Endpoint[]): Served[];
}

declare module "ansai:certificate/renewal-information-probe@0.2.0" {
  import type { Inquiry } from "ansai:certificate/certificate-probe@0.2.0";
  import type { Duration, Instant, Refusal } from "ansai:policy/types@0.2.0";
  /** When an authority wants a certificate to be renewed. */
  export interface Window {
    start: Instant;
    /** Not before `start`. If it is over, the certificate should be renewed now. */
    end: Instant;
    /** A page that says why: `https://…`, at most 256 bytes of visible ASCII. Empty if the authority names none. */
    explanationUrl: string;
  }
  /** What an authority suggests. */
  export type Suggestion =
    /** A renewal at some time in this window. */
    | { tag: "renew"; val: Window }
    /**
     * No window, and why: `not-found` (it does not know the certificate), `unsupported` (it has no renewal information, or on
     * another server), `invalid` (what it sent is none), `timed-out`, `unavailable`, `denied` (an address that needs a grant
     * that names it), `busy` (it had too many requests of this host, see `ask`).
     */
    | { tag: "nothing"; val: Refusal };
  /** The answer to an inquiry. */
  export interface RenewalInformation {
    /** As asked. */
    inquiry: Inquiry;
    suggestion: Suggestion;
    /**
     * When to ask again. As the authority says, between a minute and a day. If it says nothing: 6 h, or 1 h if it could not
     * be asked.
     */
    askAgainAfter: Duration;
  }
  /**
   * Asks authorities when they want certificates to be renewed (ACME renewal information, RFC 9773), at most 256 in one call;
   * the entries have the order of the arguments. It reads the directory, then the renewal information on the same server,
   * and follows no redirect. Who asks again within a minute gets the same answer again, without a request, unless it was
   * `denied`, `timed-out` or `busy`, or more than 1,024 others came since. A server gets at most 300 requests within a
   * minute, from all policies of this host together; what is beyond that is `busy`. The authority learns the address of
   * this host and the serial number. Addresses of this machine and of the local link need a grant that names them.
   * @throws an error whose `payload` is a Refusal
   */
  export function ask(inquiries: Inquiry[]): RenewalInformation[];
}

declare module "ansai:certificate/certificate-actions@0.2.0" {
  import type { Endpoint } from "ansai:certificate/served-certificate-probe@0.2.0";
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Renews a lineage with the program that manages it, into a place of its own: nothing that is served changes. A
   * certificate that was staged before is replaced. `busy` while the program runs already; `not-found` without such a
   * lineage. One of `max_renewals`, also if it fails: authorities limit how often one may ask. A long step. Undo removes
   * what was staged.
   * @throws an error whose `payload` is a Refusal
   */
  export function renew(lineage: string, reason: string): Preview;
  /**
   * Proposes a check, not a change: the staged certificate is for all names of the installed one, its key belongs to it,
   * it is valid now, and this host trusts it. It is valid for longer than the installed one, or was issued later and has at
   * least half of its life left: an authority may give shorter lives than before. An authority that this host does not know
   * is accepted if the installed one has it, too, and the chain is whole. The step fails if one of these does not hold.
   * `target` is where it would be installed.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkStaged(lineage: string, target: string, reason: string): Preview;
  /**
   * Installs the staged certificate where the target says, in one step: checks it as `check-staged` does, replaces the
   * files, runs the test of the target, and reloads the server. If the test or the reload fails, it puts the previous
   * files back, reloads again, and fails. Undo does the same.
   * @throws an error whose `payload` is a Refusal
   */
  export function install(lineage: string, target: string, reason: string): Preview;
  /**
   * Lets the server of a target read its certificate again, after the test of the target. For a certificate that somebody
   * has renewed and that is not served yet. One of `max_reloads`, also if it fails. If the plan is undone, it acts once more
   * after the files are back.
   * @throws an error whose `payload` is a Refusal
   */
  export function reload(target: string, reason: string): Preview;
  /**
   * Proposes a check, not a change: the step waits until the server presents the certificate in the target's file, and
   * fails if it does not within this time. At most an hour.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkServed(target: string, endpoint: Endpoint, within: Duration, reason: string): Preview;
}

declare module "ansai:container/container-probe@0.2.0" {
  import type { Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** What a container does. */
  export type ContainerState =
    /** It was made, and never started. */
    | "created"
    | "running"
    /** Its processes are stopped; they hold their memory. */
    | "paused"
    /** It ended, and the engine starts it again. */
    | "restarting"
    | "exited"
    /** The engine could not remove it completely. It cannot be started. */
    | "dead"
    | "other";
  /** What the check of a container says that its image or its operator has declared. */
  export type ContainerHealth =
    /** It has no check. */
    | "none"
    /** It was started, and the check has not succeeded yet. */
    | "starting"
    | "healthy"
    | "unhealthy"
    | "other";
  /** The server that runs containers. */
  export interface Engine {
    /** The kind is `target`, the name is the name of the target. */
    about: Subject;
    /** `docker` or `podman`; more can follow. */
    name: string;
    version: string;
    /**
     * The directory that holds images, containers and volumes, as the engine names it. Empty if containerd keeps the images
     * of Docker, because then they are elsewhere.
     */
    store: string;
    /** The mount point of its file system. Absent if this host has no such directory, or if it cannot be told. */
    mount?: string | null;
  }
  export interface Container {
    /** The kind is `container`, the name is the target and the name of the container, with a slash between. */
    about: Subject;
    /** Identifies this run of this container, for actions. Every start makes another one. */
    identity: string;
    /** Without the slash that Docker puts before it. */
    name: string;
    /** The image by which it was made, as it was written then. */
    image: string;
    /** The Compose project and the service in it; empty if it has none. */
    project: string;
    service: string;
    /** The unit of systemd that runs it, if Podman says so; else empty. */
    unit: string;
    /** `KEY=VALUE`, in byte order, without secrets. At most 64. */
    labels: string[];
    /** Compose services of the same project that must run before it. */
    needs: string[];
    state: ContainerState;
    health: ContainerHealth;
    /** How often the engine has restarted it by itself. */
    restarts: number;
    /** The exit code of its last run; 0 while it runs. */
    exitCode: number;
    /** True if the kernel killed it because it reached its limit of memory. */
    oomKilled: boolean;
    /** True if the engine starts it again in some cases by itself. */
    restartsItself: boolean;
    started?: Instant | null;
    /** When its last run ended. Absent while it runs for the first time. */
    finished?: Instant | null;
  }
  export interface ContainerPage {
    /** In byte order of their ids, also those that do not run. */
    entries: Container[];
    /** How many could not be read: they were removed meanwhile, or the engine gave no valid answer. */
    skipped: number;
    /** False if there are more, also if the time was over. */
    complete: boolean;
    /** Continues the list after this page. Absent if there is no more. */
    cursor?: string | null;
  }
  export interface Image {
    /** The kind is `image`, the name is the target and the id, with a slash between. */
    about: Subject;
    id: string;
    /** `REPOSITORY:TAG`, at most 64. Empty if it is dangling: it lost its tag to a newer image, or never had one. */
    tags: string[];
    /** All of its layers, in bytes. Other images can share some. */
    bytes: number;
    /** What no other image shares, in bytes: that much is freed without it. Absent if the engine does not tell. */
    ownBytes?: number | null;
    /** When it was built, which can be long before it was fetched. */
    created?: Instant | null;
    /** True if a container uses it, also one that does not run. */
    used: boolean;
  }
  export interface ImagePage {
    /** In byte order of their ids, without layers that only other images are made of. */
    entries: Image[];
    skipped: number;
    complete: boolean;
    cursor?: string | null;
  }
  export interface Volume {
    /** The kind is `volume`, the name is the target and the name of the volume, with a slash between. */
    about: Subject;
    name: string;
    /** False if the engine made up its name. In doubt it is true. */
    named: boolean;
    /** True if a container uses it, also one that does not run. */
    used: boolean;
    /** The size of its files. Absent if the engine does not tell it quickly. */
    bytes?: number | null;
    created?: Instant | null;
  }
  export interface VolumePage {
    /** In byte order of their names. */
    entries: Volume[];
    skipped: number;
    complete: boolean;
    cursor?: string | null;
  }
  /**
   * Shows the engine. `unavailable` if it does not run, `unsupported` if it is too old or too new.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(target: string): Engine;
  /**
   * Lists containers. At most 64 in one page.
   * @throws an error whose `payload` is a Refusal
   */
  export function listContainers(target: string, cursor?: string | null): ContainerPage;
  /**
   * Lists images. At most 256 in one page.
   * @throws an error whose `payload` is a Refusal
   */
  export function listImages(target: string, cursor?: string | null): ImagePage;
  /**
   * Lists volumes. At most 256 in one page.
   * @throws an error whose `payload` is a Refusal
   */
  export function listVolumes(target: string, cursor?: string | null): VolumePage;
}

declare module "ansai:container/container-actions@0.2.0" {
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Restarts a container: the engine asks it to end, kills it after the time that the container has for that, and starts
   * it. One that has exited is started. `container` is an identity of the probe: if it was started again or ended
   * meanwhile, this is refused with `changed`. `denied` unless both its name and a label are granted, and if somebody has
   * paused it. One of `max_restarts`. Not reversible. What needs it is not restarted with it.
   * @throws an error whose `payload` is a Refusal
   */
  export function restart(target: string, container: string, reason: string): Preview;
  /**
   * Keeps the state of a container and the last lines of its log as evidence for a person. The values of its environment
   * are left out. In the log, those of 6 bytes and more are masked; the step tells how many are not. `unsupported` if all
   * of them take more than 64 KiB. Changes nothing. At least 1 and at most 1,000 lines.
   * @throws an error whose `payload` is a Refusal
   */
  export function capture(target: string, container: string, lines: number, reason: string): Preview;
  /**
   * Proposes a check, not a change: the step waits until the container of this name runs and its own check, if it has one,
   * succeeds. It fails after this time, or when the container has ended and the engine does not start it again. It may be
   * another container than now, as after an update. At most an hour.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkHealthy(target: string, name: string, within: Duration, reason: string): Preview;
}

declare module "ansai:container/container-cleanup-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Removes images that no container uses, also none that is stopped, and that were neither built nor, where the engine
   * tells, tagged within `min-age-hours`: first those without a tag. One that was fetched by its digest has none. Without
   * `dangling-only` also those with one tag, but not the newest `keep-tags` of each repository. The engine is never told
   * to force it. Not reversible; what a registry has can be fetched again. The bytes of the preview are an upper bound
   * where the engine does not say which layers are shared; the step measures what was freed.
   * @throws an error whose `payload` is a Refusal
   */
  export function removeImages(target: string, minAgeHours: number, keepTags: number, danglingOnly: boolean, reason: string): Preview;
  /**
   * Removes volumes with a name that the engine made up, that no container uses, also none that is stopped, and that are
   * older than this. `denied` without `unnamed_volumes`. Volumes with a name are never removed. Not reversible.
   * @throws an error whose `payload` is a Refusal
   */
  export function removeUnnamedVolumes(target: string, minAgeHours: number, reason: string): Preview;
}

declare module "ansai:database/database-probe@0.2.0" {
  import type { Duration, Instant, Measure, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** A server, seen through one target. */
  export interface Server {
    /** The kind is `target`, the name is that of the target. */
    about: Subject;
    /** `postgresql`, `mysql` or `mariadb`. */
    engine: string;
    /** As the server writes it: `15.8 (Debian 15.8-0+deb12u1)`. */
    version: string;
    /** When the server was started. */
    started: Instant;
    /**
     * True if it follows another server, and takes no changes of its own. If ansai may not see whom it follows, true if it
     * takes no changes.
     */
    replica: boolean;
    /** Connections of clients now. */
    connections: number;
    /**
     * The most connections, with those that are reserved. Of MySQL and MariaDB `max_connections`; they let in one administrator
     * more.
     */
    mostConnections: number;
    /** Those of them that ordinary roles do not get. 0 with MySQL and MariaDB. */
    reserved: number;
    /**
     * What an engine counts besides. PostgreSQL: `cache-requests` (blocks since the statistics were reset), `cache-hits`
     * (the ratio of them that were in the cache), `transaction-age` and
     * `multixact-age` of the oldest database (in transactions), `freeze-age` (autovacuum prevents wraparound from this age
     * on), `oldest-snapshot-age` (in transactions), `longest-transaction` (milliseconds), `prepared-transactions`,
     * `deadlocks`, `temporary-bytes`. MySQL and MariaDB: `threads-running` (sessions that work now, with that of ansai),
     * `history-list` (changes that InnoDB cannot purge yet), `longest-transaction` (milliseconds), and since the start
     * `slow-queries`, `cache-hits` (ratio), `refused-connections` (at the limit), `temporary-disk-tables`, and with MariaDB
     * `deadlocks`. What is unknown is not in the list.
     */
    numbers: Measure[];
  }
  /** What a session does for whom. */
  export type Work =
    /** An application or a person. */
    | "client"
    /** It sends changes to a replica or a backup program, or applies those of a source. */
    | "replica"
    /** Processes of the server itself, a `VACUUM`, `OPTIMIZE`, `ALTER` or a rebuild of an index, and ansai. */
    | "maintenance"
    /** It copies data out: pg_dump, `COPY … TO STDOUT`, mysqldump, mariabackup. */
    | "dump"
    /** Unknown: for example, ansai may not see what it does. */
    | "other";
  export interface Session {
    /** The kind is `database-session`, the name is the target, a slash, and the id of the process or connection on the server. */
    about: Subject;
    /** Identifies the session in its current transaction, for actions. */
    identity: string;
    /** The role or user; empty for processes of PostgreSQL itself. */
    user: string;
    /**
     * The name that the client gave itself; MySQL and MariaDB know it only with their performance schema. Control characters
     * are escaped, here and in other names.
     */
    application: string;
    /** The address of the client; empty for a local socket. */
    client: string;
    /** The database; empty for processes of the server. */
    database: string;
    /** `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`, … of every engine. */
    state: string;
    /** What it waits for, such as `Lock: transactionid`; empty if it does not wait. */
    waitsFor: string;
    work: Work;
    /** When it got its state. */
    since?: Instant | null;
    /** When its transaction began, if it has one. */
    inTransactionSince?: Instant | null;
    /** The identities of the sessions whose locks it waits for. A prepared transaction has no session, and is `0`. */
    blockedBy: string[];
  }
  export interface SessionPage {
    /** By process id. */
    entries: Session[];
    /** How many could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
    /** Continues the list after this page. */
    cursor?: string | null;
  }
  /** What follows this server: a connected replica, a replication slot, or this server itself if it is a replica. */
  export interface Replica {
    /** The kind is `replica`, the name is the target, a slash, and `name`. */
    about: Subject;
    /** `connection/NAME`, `slot/NAME`, or `self`; of MySQL and MariaDB with several sources `self/NAME`. */
    name: string;
    /**
     * `streaming`, `catchup`, …; of a slot `active` or `inactive`, with the state of its log, such as `inactive, extended`. Of a
     * replica of MySQL or MariaDB its two threads, the last error, and a delay that is configured: `receiver: Yes, applier: No,
     * error: 1062, delay: 3600 s`.
     */
    state: string;
    /**
     * True if it cannot continue: the log that a slot needs is lost, or this replica has no connection to its server, or does
     * not apply what it receives.
     */
    broken: boolean;
    /** How far it is behind, without a delay that is configured. 0 if it has applied all that it received. */
    lag?: Duration | null;
    /** How long it can be away before it must be copied again. Absent with PostgreSQL, which has a size only. */
    window?: Duration | null;
    /** Log that it has not applied, in bytes. */
    behindBytes?: number | null;
    /** Log that the server keeps for it, in bytes. */
    retainedBytes?: number | null;
  }
  export interface ReplicaPage {
    /** By name. */
    entries: Replica[];
    /** How many could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
    /** Continues the list after this page. */
    cursor?: string | null;
  }
  export interface Index {
    /** The kind is `database-index`, the name is the target, the database, the schema and the index, with slashes between. */
    about: Subject;
    /** Identifies the index, for actions. */
    id: string;
    /** Without its schema. */
    name: string;
    /** Its table, with the schema. */
    table: string;
    /** Its size in bytes. While somebody locks the index, as it was at the last `VACUUM` or `ANALYZE`. */
    bytes: number;
    /** How often it was used since the statistics were reset. */
    scans: number;
    /** False if queries do not use it: its build failed or has not ended. */
    valid: boolean;
    /** True if a rebuild by ansai left it behind: it may be dropped. */
    leftover: boolean;
    /** True if it is being built now. */
    building: boolean;
  }
  export interface IndexPage {
    /** Those of the database of the target, without system catalogues. */
    entries: Index[];
    /** How many could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
    /** Continues the list after this page. */
    cursor?: string | null;
  }
  /**
   * Looks at the server of a target.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(target: string): Server;
  /**
   * Lists all sessions of the server, without the text of their statements.
   * @throws an error whose `payload` is a Refusal
   */
  export function listSessions(target: string, cursor?: string | null): SessionPage;
  /**
   * Lists replicas and replication slots.
   * @throws an error whose `payload` is a Refusal
   */
  export function listReplicas(target: string, cursor?: string | null): ReplicaPage;
  /**
   * Lists the indexes of one database. `unsupported` with MySQL and MariaDB, which have no invalid ones.
   * @throws an error whose `payload` is a Refusal
   */
  export function listIndexes(target: string, cursor?: string | null): IndexPage;
}

declare module "ansai:database/database-session-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Cancels the statement of a session. Its transaction is rolled back if the client does so. A session that is idle in a
   * transaction has no statement: `terminate` it.
   * 
   * Sessions of replicas, maintenance, dumps, superusers, users that may be replicas, and ansai are never touched, nor what
   * ansai cannot examine. The
   * session must be the one of `session`, in the same transaction, and old enough for the grant.
   * @throws an error whose `payload` is a Refusal
   */
  export function cancel(target: string, session: string, reason: string): Preview;
  /**
   * Ends a session. Its transaction is rolled back, and its client is disconnected. The same sessions are spared.
   * @throws an error whose `payload` is a Refusal
   */
  export function terminate(target: string, session: string, reason: string): Preview;
}

/** Texts of statements, which can show what an application does. Values in them are replaced by `?`. */
declare module "ansai:database/database-text-probe@0.2.0" {
  import type { Duration, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** A kind of statement: all those that differ only in their values. */
  export interface Statement {
    /** The kind is `database-statement`, the name is the target, a slash, and `id`. */
    about: Subject;
    /** Identifies the kind of statement until the major version of the server changes. */
    id: string;
    /** The text on one line, without values and comments, at most 1,000 characters. */
    text: string;
    /** The database in which it runs. */
    database: string;
    /** How often it has run since the server began to count. If this is less than before, the server began again. */
    calls: number;
    /** Rows that it returned or changed since then. */
    rows: number;
    /** How long all of these runs took together. */
    total: Duration;
    /** How long the longest of them took. */
    longest?: Duration | null;
  }
  export interface Statements {
    /** Those that took the server the most time come first, at most 256. */
    entries: Statement[];
    /** How many could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
  }
  export interface SessionText {
    /** The kind is `database-session`, as in the list of sessions. */
    about: Subject;
    /**
     * The last statement of the session on one line, without values and comments, at most 1,000 characters. Empty if it ran
     * none.
     */
    text: string;
  }
  /**
   * Lists the statements that took the most time since the server began to count: of PostgreSQL those of the database of the
   * target, with the extension `pg_stat_statements`; of MySQL and MariaDB all, with their performance schema. `unsupported`
   * if the server does not count.
   * @throws an error whose `payload` is a Refusal
   */
  export function listStatements(target: string): Statements;
  /**
   * Shows what a session runs, or ran last. `session` is its `identity` in the list of sessions; `changed` if it ended, or if
   * its transaction did.
   * @throws an error whose `payload` is a Refusal
   */
  export function lookAtSession(target: string, session: string): SessionText;
}

declare module "ansai:disk/disk-probe@0.2.0" {
  import type { Refusal, Subject } from "ansai:policy/types@0.2.0";
  export interface Inodes {
    total: number;
    free: number;
  }
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
    /** True if it is not on a disk of this host: `nfs`, `cifs`, FUSE. `fuseblk` is a disk of this host. */
    remote: boolean;
    /** Its size. */
    totalBytes: number;
    /** What an unprivileged process can still write (`f_bavail` of statvfs). */
    availableBytes: number;
    /** What only root can still write in addition (`f_bfree` - `f_bavail`). */
    reservedBytes: number;
    /** How many inodes it has and how many of them are free; absent if the file system does not count them (btrfs). */
    inodes?: Inodes | null;
  }
  export interface Filesystems {
    /**
     * In byte order of the mount points. A file system with several mount points appears once, with the shortest
     * visible one. An overlay does not appear beside the file system that it writes to. Pseudo file systems (`proc`,
     * `cgroup2`, …) and images that nobody can write to (`squashfs`, …) are not listed.
     */
    entries: Filesystem[];
    /** How many file systems could not be read. `list-unreadable` names them. */
    skipped: number;
  }
  /** A mounted file system that could not be read. */
  export interface UnreadableFilesystem {
    /** The kind is `filesystem`, the name is the mount point. */
    about: Subject;
    /** The mount point. */
    mount: string;
    /** The kernel's name for the type. */
    kind: string;
    /** The mounted device, as the kernel names it. */
    device: string;
    /** True if it is not on a disk of this host. */
    remote: boolean;
    /** `timed-out` or `unavailable`, with the mount that does not answer: this one, or one that it is below. */
    reason: Refusal;
  }
  /**
   * Lists every file system that holds files, and its usage.
   * @throws an error whose `payload` is a Refusal
   */
  export function listFilesystems(): Filesystems;
  /**
   * Lists the file systems that `list-filesystems` skips, in byte order of the mount points. Call it if there are any:
   * one that does not answer hides none of the others, and its usage is unknown.
   * @throws an error whose `payload` is a Refusal
   */
  export function listUnreadable(): UnreadableFilesystem[];
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
  import type { Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /**
   * The size of everything below `path`. A file with several hard links counts once. `oldest` and `newest` are the
   * oldest and the newest mtime of its files; absent if there is no file.
   */
  export interface Usage {
    /** The kind is `directory`, the name is `path`. */
    about: Subject;
    path: string;
    files: number;
    bytes: number;
    oldest?: Instant | null;
    newest?: Instant | null;
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
    /** Patterns of files to leave out; they take precedence over `globs`. */
    exclude: string[];
    /** Leaves out files whose mtime, atime or ctime is younger than this. */
    minAgeHours: number;
    /** Leaves out files with fewer allocated bytes; 0 for none. */
    minBytes: number;
  }
  export interface File {
    path: string;
    /** Allocated bytes, not the apparent size. */
    bytes: number;
    /** The mtime. */
    modified: Instant;
    /** How many hard links the file has. */
    links: number;
    /** True if a process holds the file open. In a page that follows a cursor, this can be 5 seconds old. */
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
  /**
   * A directory and the file system that it is on. The kind of `about` is `filesystem`; its name is the mount point
   * under which `disk-probe.list-filesystems` lists the file system.
   */
  export interface Location {
    about: Subject;
    path: string;
  }
  /** `complete` is false if there are more than 500. */
  export interface Locations {
    entries: Location[];
    complete: boolean;
  }
  /** A process that has a file open or mapped. */
  export interface Holder {
    /** Its unit, if it has one. */
    about?: Subject | null;
    /** The name of its program, as the kernel shows it. */
    process: string;
    pid: number;
    /** Tells it from another process that has the same number later. */
    identity: string;
  }
  /** A deleted file that is still open or mapped; `path` and `mount` are those of the host. `holders` has at most 32 processes; `more-holders` counts the others. */
  export interface DeletedFile {
    path: string;
    bytes: number;
    mount: string;
    holders: Holder[];
    moreHolders: number;
  }
  export interface DeletedFiles {
    entries: DeletedFile[];
    complete: boolean;
    skipped: number;
  }
  /**
   * The files that ansai holds in quarantine on one file system. `first-expires` is when the first of them expires,
   * `last-expires` when the last one does.
   */
  export interface Held {
    mount: string;
    files: number;
    bytes: number;
    firstExpires: Instant;
    lastExpires: Instant;
  }
  /** `skipped` counts the quarantines that could not be read. */
  export interface Quarantines {
    entries: Held[];
    complete: boolean;
    skipped: number;
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
   * Lists the file systems of a directory: first its own, then that of each mount point below it. It asks for the
   * directory itself, not for its path: one file system can have several mount points. Invalid for a directory behind
   * a symbolic link.
   * @throws an error whose `payload` is a Refusal
   */
  export function locate(root: string): Locations;
  /**
   * Lists deleted files below the granted roots that processes still have open or mapped. Their bytes are freed when
   * none of these has them any more. Largest first, at most 500.
   * @throws an error whose `payload` is a Refusal
   */
  export function listDeletedOpen(): DeletedFiles;
  /**
   * Lists ansai's quarantines. Their bytes are freed when the files expire, or at once with
   * `quarantine-actions.reclaim`.
   * @throws an error whose `payload` is a Refusal
   */
  export function listHeld(): Quarantines;
}

/**
 * Each call proposes one step. Some files are never touched, with any arguments: directories, symbolic links,
 * mount points, FIFOs, sockets and devices; files that are open, immutable, setuid, setgid or sticky; files that are
 * locked or below a locked directory, mounted in any mount namespace, or excluded from aging by tmpfiles.d; files with
 * several hard links, on another device, younger than the grant allows, or with times from before the clock was set;
 * and for `remove` and `compress`, files that share their extents with others. `left-out` counts them.
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
    /** Selects only files with at least this many allocated bytes; 0 selects all. */
    minBytes: number;
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
   * Removes files. If the grant has `undo_hours`, and usage of bytes after the step and of inodes is below
   * `hold_below_percent`, the files go to a quarantine on the same file system for that time (`frees-later-bytes`).
   * Otherwise they are unlinked (`frees-now-bytes`).
   * @throws an error whose `payload` is a Refusal
   */
  export function remove(what: Selection, reason: string): Preview;
  /**
   * Replaces each file by `NAME.gz` with the same owner, mode and times. A live log (`NAME.log` without a number or a
   * date) keeps its name: an empty file with the same owner, mode and attributes. Files for whose copies there is no
   * room are left out; refused if that are all. The preview estimates the result from a sample of the content.
   * @throws an error whose `payload` is a Refusal
   */
  export function compress(what: Selection, reason: string): Preview;
  /**
   * Renames `NAME` to `NAME.1`, `NAME.1` to `NAME.2` and so on, keeps at most `keep` of them, and creates an empty
   * file `NAME` with the same owner and mode. Frees only the files beyond `keep`; undo does not restore these.
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
   * Deletes quarantined files, the ones that expire first, until this much is freed; 0 deletes as many as the grant
   * allows. They cannot be restored afterwards.
   * @throws an error whose `payload` is a Refusal
   */
  export function reclaim(mount: string, enoughBytes: number, reason: string): Preview;
}

declare module "ansai:hook/hook-probe@0.2.0" {
  import type { Duration, Measure, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** A value for a parameter of a hook. */
  export interface Parameter {
    /** As in `parameters` of the hook. */
    name: string;
    /** One of the values that the operator lists for it. */
    value: string;
  }
  /** What a hook answered. */
  export interface Answer {
    /** The kind is `hook`, the name is that of the hook. */
    about: Subject;
    /**
     * True if the command exited with 0 or the server answered with a status from 200 to 299; false if the command exited
     * with 1 or 2, or the status is from 500 to 599. A JSON object with `"healthy": false` makes it false. Absent if
     * it is unknown: another code or status, a signal, or a JSON object that cannot be read.
     */
    healthy?: boolean | null;
    /** The exit code of a command; absent if a signal ended it, and for a URL. */
    exitCode?: number | null;
    /** The status of the answer of a server; absent for a command. */
    httpStatus?: number | null;
    /** How long it took. */
    took: Duration;
    /**
     * The fields of the JSON object that it answered with, with their units; empty if it answered with something else.
     * Texts have at most 256 characters, without secrets.
     */
    facts: Measure[];
    /** How many fields of this object are not in `facts`: lists, objects without a value, invalid names, more than 64. */
    skipped: number;
    /**
     * Its `message`, else its first line, else the last line of its standard error; at most 500 characters, without secrets.
     * Empty if there is none.
     */
    message: string;
  }
  /**
   * Asks a hook that only reads (`does = "reads"`). Each parameter of the hook needs exactly one value. `not-found` if
   * there is no such hook; `denied` if it acts, or if a value is not one that the operator lists; `invalid` if a parameter
   * is missing, unknown or given twice; `timed-out` if it did not end within its limit; `unavailable` if it cannot be run
   * or reached.
   * @throws an error whose `payload` is a Refusal
   */
  export function ask(hook: string, parameters: Parameter[]): Answer;
}

declare module "ansai:hook/hook-actions@0.2.0" {
  import type { Parameter } from "ansai:hook/hook-probe@0.2.0";
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Runs a hook that acts (`does = "acts"`), once. The step fails if the command exits with another code than 0, if the
   * status is not from 200 to 299, or if it does not end within its limit. If ansai is killed meanwhile, so is the
   * command, and the outcome is unknown. Fully reversible if the hook has an `undo`, else not. One of `max_runs`.
   * @throws an error whose `payload` is a Refusal
   */
  export function run(hook: string, parameters: Parameter[], reason: string): Preview;
  /**
   * Waits until the hook's check is healthy: its `check`, or the hook itself if it only reads. Fails if it is not
   * healthy within that time, at most an hour; `unsupported` if the hook acts and has no check. It is asked at least
   * once, and at most once a second.
   * @throws an error whose `payload` is a Refusal
   */
  export function check(hook: string, parameters: Parameter[], within: Duration, reason: string): Preview;
}

declare module "ansai:http/http-probe@0.2.0" {
  import type { Duration, Refusal } from "ansai:policy/types@0.2.0";
  export type Method =
    | "get"
    /** As `get`, but the server sends no body. */
    | "head";
  /** What to ask a server. */
  export interface Request {
    /** The name of the target. */
    target: string;
    /**
     * Begins with `/`, in visible ASCII characters, and may have a query after `?`. At most 2,048 bytes. `.` and `..` as
     * parts of it are `invalid`, also percent-encoded.
     */
    path: string;
    method: Method;
    /** A text that the body must have, 1 to 256 bytes. Secrets are masked before it is searched for. */
    contains?: string | null;
  }
  /** Why a server gave no complete answer. */
  export type Cause =
    /** Its name has no address, or no name server answers. */
    | "name-not-resolved"
    /** There is no route to it. */
    | "unreachable"
    /** Nothing listens on its port. */
    | "connection-refused"
    /** It closed the connection before its answer was complete. */
    | "closed"
    /** Its answer was not complete in time. */
    | "timed-out"
    /** Its certificate is not valid for it: expired, of another name, or of an unknown authority; or there is no TLS. */
    | "tls"
    /** What it sent is not HTTP, or its headers are larger than 16 KiB. */
    | "invalid-answer"
    | "other";
  export interface NoAnswer {
    why: Cause;
    /** A sentence for a person, without secrets. */
    detail: string;
  }
  export type Outcome =
    /** It answered with this status. A redirect (300 to 399) is an answer, and is not followed. */
    | { tag: "status"; val: number }
    /** The server was called, and gave no complete answer. */
    | { tag: "no-answer"; val: NoAnswer }
    /**
     * The server was not called: the request is invalid, the target is not granted, its address is not permitted, or
     * earlier calls of it still hang.
     */
    | { tag: "refused"; val: Refusal };
  /** The answer to one request. */
  export interface Answer {
    outcome: Outcome;
    /** From the beginning of the call to its end, in milliseconds. It includes the time for the name and the connection. */
    took: Duration;
    /**
     * From the beginning of the call until the headers of the answer were read, in milliseconds. Absent without an
     * answer.
     */
    firstByte?: Duration | null;
    /** The size of the body as it was read, in bytes. At most 64 KiB are read. */
    bytes: number;
    /** False if there is more of the body than was read. */
    complete: boolean;
    /** Whether the body, as far as it was read, has the text of the request. True if there was no text to search for. */
    contained: boolean;
    /** How long the server asks callers to wait (`Retry-After`), in milliseconds. */
    retryAfter?: Duration | null;
    /**
     * How many requests this caller has left, and how many it has in all, as the server says (`X-RateLimit-Remaining`,
     * `X-RateLimit-Limit` and their variants).
     */
    quotaLeft?: number | null;
    quota?: number | null;
  }
  /**
   * Sends each request once, at the same time, and answers in the same order; at most 256 in one call. A server that does
   * not answer costs only its own entry. No redirect is followed and no proxy is used. Addresses of the metadata service
   * of a cloud are refused.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(requests: Request[]): Answer[];
}

declare module "ansai:http/http-actions@0.2.0" {
  import type { Request } from "ansai:http/http-probe@0.2.0";
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Proposes a check, not a change: the step sends the request until its status is in this range (and its body has the
   * text of the request), and then for `holds` more. It is over when the answer was good for all of that time, and fails if
   * it does not become good within `within`, or does not stay good. Both are at most an hour. The server is first called
   * when the step runs.
   * @throws an error whose `payload` is a Refusal
   */
  export function check(request: Request, leastStatus: number, mostStatus: number, within: Duration, holds: Duration, reason: string): Preview;
}

declare module "ansai:journal/journal-probe@0.2.0" {
  import type { Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  export interface JournalUsage {
    /** The kind is `journal`, the name is its directory. */
    about: Subject;
    /** Allocated bytes of archived and of active files. Only archived files can be vacuumed. */
    archivedBytes: number;
    activeBytes: number;
    archivedFiles: number;
    activeFiles: number;
    /** The mtime of the oldest archived file, if there is one. */
    oldest?: Instant | null;
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

declare module "ansai:mysql/mysql-probe@0.2.0" {
  import type { Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** A table of InnoDB in a file of its own. Partitioned tables and those of other engines are not listed. */
  export interface Table {
    /** The kind is `database-table`, the name is the target, the database and the table, with slashes between. */
    about: Subject;
    /** Identifies the table, for actions. A table that is rebuilt gets another one. */
    id: string;
    /** Its name. Control characters are escaped. */
    name: string;
    /** The database of the target. */
    database: string;
    /** The size of its file, with indexes, in bytes. */
    bytes: number;
    /**
     * Room in its file that nothing uses, in bytes, as the server counts it: whole extents of 1 MiB, so 0 for small tables.
     * Pages that are partly empty do not count.
     */
    freeBytes: number;
    /** Rows, as the statistics estimate them. */
    rows: number;
  }
  export interface TablePage {
    /** Those of the database of the target on which the user of ansai has a privilege, by id. */
    entries: Table[];
    /** How many could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
    /** Continues the list after this page. */
    cursor?: string | null;
  }
  /**
   * Lists the tables of one database.
   * @throws an error whose `payload` is a Refusal
   */
  export function listTables(target: string, cursor?: string | null): TablePage;
}

declare module "ansai:mysql/mysql-actions@0.2.0" {
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Builds a table again (`OPTIMIZE LOCAL TABLE`), so that its file has no unused room. The table stays readable and writable,
   * except for moments at the begin and the end, and the statement does not reach replicas. Waits at most 5 s for its locks.
   * The server, or ansai, ends it after `within`.
   * 
   * Refused while a transaction is older than a minute, and without free space for 1.5 times the table on the file system that
   * the label `mount` of the target names.
   * @throws an error whose `payload` is a Refusal
   */
  export function optimize(target: string, table: string, within: Duration, reason: string): Preview;
}

declare module "ansai:packages/package-cache-probe@0.2.0" {
  import type { Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** The download cache of one package manager. */
  export interface Cache {
    /** The kind is `package-cache`, the name is its directory. */
    about: Subject;
    /** `apt` or `dnf`; more can follow. */
    manager: string;
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
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Empties the cache of downloaded packages with the manager's own command. `unsupported` if this host does not have
   * the manager, `busy` while another process holds its lock. Not reversible, but the packages can be downloaded again.
   * @throws an error whose `payload` is a Refusal
   */
  export function cleanCache(manager: string, reason: string): Preview;
}

declare module "ansai:postgresql/postgresql-probe@0.2.0" {
  import type { Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  export interface Table {
    /** The kind is `database-table`, the name is the target, the database, the schema and the table, with slashes between. */
    about: Subject;
    /** Identifies the table, for actions. */
    id: string;
    /** With its schema: `public.orders`. Control characters are escaped. */
    name: string;
    /** The database of the target. */
    database: string;
    /** The size in bytes, without indexes. While somebody locks the table, as it was at the last `VACUUM` or `ANALYZE`. */
    bytes: number;
    /** Rows that are visible, as the statistics estimate them. */
    live: number;
    /** Rows that were deleted or replaced, and still take room. */
    dead: number;
    /** How many transactions ago its oldest row was frozen; near 2,000 million, the server stops. */
    transactionAge: number;
    /**
     * Room that rows do not need, in bytes, estimated from the statistics. Absent if ansai cannot read them, if there are
     * none, or if the table is smaller than 1 MiB.
     */
    bloatBytes?: number | null;
    /** When it was vacuumed last, by anybody. */
    vacuumed?: Instant | null;
    /** When its statistics were made last, by anybody. */
    analysed?: Instant | null;
  }
  export interface TablePage {
    /** Those of the database of the target, without system catalogues and temporary tables. */
    entries: Table[];
    /** How many could not be read. */
    skipped: number;
    /** False if there are more. */
    complete: boolean;
    /** Continues the list after this page. */
    cursor?: string | null;
  }
  /**
   * Lists the tables of one database.
   * @throws an error whose `payload` is a Refusal
   */
  export function listTables(target: string, cursor?: string | null): TablePage;
}

declare module "ansai:postgresql/postgresql-actions@0.2.0" {
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Makes the room of dead rows usable again (`VACUUM`, never `VACUUM FULL`), and with `analyse` makes new statistics. The
   * table stays readable and writable. Waits at most 5 s for its lock. The server ends it after `within`.
   * @throws an error whose `payload` is a Refusal
   */
  export function vacuum(target: string, table: string, analyse: boolean, within: Duration, reason: string): Preview;
  /**
   * Builds an index again, beside the old one (`REINDEX CONCURRENTLY`); the table stays readable and writable. What a
   * failed build leaves behind is `leftover` in the list of indexes.
   * @throws an error whose `payload` is a Refusal
   */
  export function reindex(target: string, index: string, within: Duration, reason: string): Preview;
  /**
   * Drops an index that a `reindex` of ansai left behind, and no other.
   * @throws an error whose `payload` is a Refusal
   */
  export function dropLeftover(target: string, index: string, reason: string): Preview;
}

declare module "ansai:process/process-probe@0.2.0" {
  import type { Duration, Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** What a list begins with the most of. */
  export type Order =
    /** `resident-bytes` and `swapped-bytes` together. */
    | "memory"
    /** `cpu`. */
    | "cpu"
    /** `open-files`. Every process is counted, which takes longer. */
    | "open-files";
  /** What a process does now. */
  export type ProcessState =
    | "running"
    | "sleeping"
    /** It waits for a device or a file server, and no signal reaches it. */
    | "blocked"
    | "stopped"
    /** It has ended, and its parent has not noticed yet. It has no memory. */
    | "zombie"
    | "other";
  /** A process. Threads of the kernel are not listed. */
  export interface Process {
    /** The unit in which it runs: the kind is `unit`. Absent if it runs in no service and no scope. */
    about?: Subject | null;
    /** Recognizes this process: its number, its start and the boot, for `process-actions.send`. */
    identity: string;
    pid: number;
    /**
     * The name that it has given itself: any text, of at most 15 bytes. Characters that would change a terminal are
     * escaped.
     */
    name: string;
    state: ProcessState;
    /** The number of the user with whose rights it runs. */
    user: number;
    started: Instant;
    /** Memory in RAM. Pages that processes share count for each of them. */
    residentBytes: number;
    /** The part of `resident-bytes` that is no file and not shared: heap and stack. */
    anonymousBytes: number;
    /** Memory in swap. */
    swappedBytes: number;
    /** Processor time since its start, of all its threads. */
    cpu: Duration;
    threads: number;
    /** Open descriptors. Absent if ansai may not count them. */
    openFiles?: number | null;
  }
  export interface ProcessPage {
    /** Those with the most first; the same number in the order of their pids. */
    entries: Process[];
    /** How many processes could not be read, although they run. */
    skipped: number;
    /** False if there are more, also if the time was over. */
    complete: boolean;
    /** Continues the list after this page. Absent if there is no more. */
    cursor?: string | null;
  }
  /**
   * Lists processes, those of one unit (`nginx.service`, in its canonical form) or all. A unit without processes has an
   * empty list. At most 128 in one page. Command lines and environments are not shown, because they can have secrets.
   * @throws an error whose `payload` is a Refusal
   */
  export function listProcesses(by: Order, unit?: string | null, cursor?: string | null): ProcessPage;
}

declare module "ansai:process/cgroup-probe@0.2.0" {
  import type { Duration, Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** Where the numbers of a service come from. */
  export type Accounting =
    /** Version 2 of control groups, with its memory controller. */
    | "unified"
    /** Version 1 of control groups. */
    | "legacy"
    /**
     * The sum over its processes, because the kernel does not count the memory of this service. Pages that processes
     * have shared since a fork count for each of them, so the sum can be too high, and what no process maps is missing.
     */
    | "processes";
  /** Shares of time, from 0 to 1, and the time since the control group was made. */
  export interface Stalled {
    last10Seconds: number;
    last60Seconds: number;
    last300Seconds: number;
    total: Duration;
  }
  /**
   * How long processes waited for memory: `some` is the time in which at least one waited, `full` that in which all
   * waited at once.
   */
  export interface Stall {
    some: Stalled;
    full: Stalled;
  }
  /** What a service uses now, with all its processes. What the kernel does not tell is absent, never 0. */
  export interface Usage {
    /** The kind is `unit`, the name is its canonical one. */
    about: Subject;
    accounting: Accounting;
    /**
     * Identifies this run of the service, as in `service-probe`; each start makes another one. Empty if systemd does
     * not tell.
     */
    invocation: string;
    /**
     * When this run began, by the host's clock of that moment: when systemd started it, else when its oldest process
     * started.
     */
    since?: Instant | null;
    /** All memory that counts against `high-bytes` and `limit-bytes`, caches included. */
    totalBytes?: number | null;
    /** Heap and stack: what a leak makes grow. Without swap. */
    anonymousBytes: number;
    /** Memory that processes share, and files on a tmpfs. */
    sharedBytes?: number | null;
    /** Cached files. The kernel takes this memory back when it needs it. */
    pageCacheBytes?: number | null;
    /** What the kernel keeps for the service: sockets, page tables, names of files. */
    kernelBytes?: number | null;
    swappedBytes?: number | null;
    /** Above this, the kernel slows the service down and takes memory back (`MemoryHigh=`). Absent without such a limit. */
    highBytes?: number | null;
    /**
     * Above this, the kernel kills processes of the service (`MemoryMax=`). Absent without such a limit. A slice above
     * the service can have a lower limit, which is not shown.
     */
    limitBytes?: number | null;
    /** How often the kernel killed a process of it because memory ran out, since the control group was made. */
    oomKills?: number | null;
    /** How often it was slowed down at `high-bytes`, since the control group was made. */
    highHits?: number | null;
    /** How often it was about to exceed `limit-bytes`, since the control group was made. */
    limitHits?: number | null;
    /**
     * Processor time since the control group was made; of the processes that run, if `accounting` is `processes` and the
     * kernel does not count it.
     */
    cpu?: Duration | null;
    /** How long it was held back by `CPUQuota=`, summed over processors. */
    throttled?: Duration | null;
    memoryStall?: Stall | null;
    /** Processes; their threads are not counted. */
    processes: number;
    /** Processes and threads. */
    tasks?: number | null;
  }
  export interface UsagePage {
    /** In byte order of their names. */
    entries: Usage[];
    /** How many services could not be read, although they run. */
    skipped: number;
    /** False if there are more, also if the time was over. */
    complete: boolean;
    /** Continues the list after this page. Absent if there is no more. */
    cursor?: string | null;
  }
  /**
   * Shows one service. `about` is a unit in its canonical form, as probes have it. `not-found` if nothing of it runs;
   * `unsupported` for other kinds, and if this host shows neither control groups nor units of processes.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(about: Subject): Usage;
  /**
   * Lists the services of the system that run and that one of the shell patterns covers, all of them if there is no
   * pattern. Those that the grant does not cover are left out. At most 256 in one page.
   * @throws an error whose `payload` is a Refusal
   */
  export function listUsages(globs: string[], cursor?: string | null): UsagePage;
}

declare module "ansai:process/process-actions@0.2.0" {
  import type { Preview, Refusal } from "ansai:policy/types@0.2.0";
  /** A signal. What a program does when it gets one is in its manual. */
  export type Signal =
    /** Often: read the configuration again. */
    | "hup"
    | "usr1"
    | "usr2"
    /** End. systemd starts the service again only if its `Restart=` says so. */
    | "term";
  /**
   * Sends a signal to one process of a granted service. `process` is the `identity` of the probe. `changed` if another
   * process has its number meanwhile, or if it runs another program, in another unit or for another user. `unsupported` if
   * the process does not handle `hup`, `usr1` or `usr2`: the kernel would end it, or it would ignore the signal. `denied`
   * for the first process, for threads of the kernel, and for ansai and everything in its unit. Not reversible. What the
   * program does then is not known to this step.
   * @throws an error whose `payload` is a Refusal
   */
  export function send(process: string, signal: Signal, reason: string): Preview;
}

declare module "ansai:service/service-probe@0.2.0" {
  import type { Duration, Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** The state of a unit. */
  export type ActiveState =
    /** It runs, or it is a one-shot that counts as active after it has ended. */
    | "active"
    /** It is being started, or systemd waits before it restarts it: then `sub-state` is `auto-restart`. */
    | "activating"
    /** It reads its configuration again. */
    | "reloading"
    /** It is being stopped. */
    | "deactivating"
    /**
     * It does not run, and that is no failure: it was stopped, has ended with success, or was never started. `ended` is
     * `dependency` if it was not started because a unit that it requires failed.
     */
    | "inactive"
    /** It failed, and systemd does not start it again by itself. */
    | "failed"
    | "other";
  /** Whether systemd could read the unit file. */
  export type LoadState =
    | "loaded"
    /** Somebody has masked it: it must not run. */
    | "masked"
    /** There is no such file, but other units name it. */
    | "missing"
    /** The file is invalid or cannot be read. */
    | "broken"
    | "other";
  /** How the service ended last. */
  export type Ended =
    /** It has not failed since it was started last, or since its failure was reset. */
    | "success"
    /** It exited with a code that means failure: `exit-code`. */
    | "exit-code"
    /** A signal ended it: `exit-signal`. */
    | "killed"
    /** A signal ended it, and its memory was written to a file. */
    | "core-dump"
    /** It did not report to the watchdog of systemd in time. */
    | "watchdog"
    /**
     * It was started more than `start-burst` times within `start-interval`. If it had failed before, systemd says how:
     * then compare `restarts` with `start-burst`.
     */
    | "start-limit"
    /** The kernel or systemd-oomd killed it, because memory ran out. */
    | "oom"
    /** It did not start, reload or stop in time. */
    | "timed-out"
    /** systemd could not start it: a missing program, user or directory, or a limit. */
    | "resources"
    /** It was not started, because a unit that it requires failed. */
    | "dependency"
    | "other";
  /** A service. */
  export interface ServiceUnit {
    /** The kind is `unit`, the name is `id`. */
    about: Subject;
    /** The canonical name. An alias is resolved: `sshd.service` can be `ssh.service`. */
    id: string;
    /**
     * Identifies this run of the service, for `restart`. Every start makes another one; empty if it was not started
     * since the boot.
     */
    invocation: string;
    /**
     * The result of its last job (start, stop, restart): `done`, `failed`, `dependency`, `timeout`, `canceled`, … Absent
     * if it is unknown.
     */
    lastJob?: string | null;
    load: LoadState;
    active: ActiveState;
    /** systemd's finer name for the state: `running`, `exited`, `dead`, `auto-restart`, … */
    subState: string;
    ended: Ended;
    /** The exit code of its main process that ended last, if it exited. */
    exitCode?: number | null;
    /** The number of the signal that ended it, if a signal did. */
    exitSignal?: number | null;
    /** True if it is started at boot by its own installation (`enabled`), not only because other units need it. */
    enabled: boolean;
    /** True for `Type=oneshot`: it runs and ends, and `inactive` after success is its healthy state. */
    oneShot: boolean;
    /** True if systemd restarts it in some cases (`Restart=` other than `no`). */
    restartsItself: boolean;
    /** True if no step may touch it, whatever is granted. */
    neverTouch: boolean;
    /** True if it can be told to read its configuration again. */
    canReload: boolean;
    /** When its state changed last; absent if it never has. */
    since?: Instant | null;
    /** How often systemd has restarted it by itself since it was started by somebody, or since its failure was reset. */
    restarts: number;
    /** systemd starts it at most so many times within `start-interval`. Without a limit, one of them is 0. */
    startBurst: number;
    startInterval: Duration;
    /** How long systemd waits before it restarts it. */
    restartDelay: Duration;
    /** Its main process, if it has one now. */
    mainPid?: number | null;
  }
  export interface UnitPage {
    /** In byte order of their ids, without aliases. */
    entries: ServiceUnit[];
    /** How many services could not be read: they have disappeared meanwhile, or systemd gave no valid answer. */
    skipped: number;
    /** False if there are more, also if the time was over. */
    complete: boolean;
    /** Continues the list after this page. Absent if there is no more. */
    cursor?: string | null;
  }
  /** A unit that needs another one. */
  export interface Dependant {
    /** The kind is `unit`, the name is `id`. */
    about: Subject;
    /** The canonical name. It can be a unit of another type than `.service`. */
    id: string;
    active: ActiveState;
    /** How many units are between: 1 if it names the unit itself. */
    distance: number;
  }
  export interface DependantPage {
    /** The nearest first, then in byte order of their ids. */
    entries: Dependant[];
    /** How many could not be read. */
    skipped: number;
    complete: boolean;
    cursor?: string | null;
  }
  /**
   * Shows one service, by its name or an alias, with `.service`. `not-found` if there is none, and nothing names it;
   * `unsupported` if systemd does not manage this host, and for units of other types; `timed-out` if it does not answer.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(name: string): ServiceUnit;
  /**
   * Lists the services that systemd has in memory and that one of the shell patterns covers, all of them if there is no
   * pattern. Those that the grant does not cover are left out. A service that was never started and that nothing needs
   * is not in memory. At most 128 in one page.
   * @throws an error whose `payload` is a Refusal
   */
  export function listUnits(globs: string[], cursor?: string | null): UnitPage;
  /**
   * Lists the units that are stopped or restarted together with a service, because they require it, are bound to it or
   * are a part of it, directly or through others.
   * @throws an error whose `payload` is a Refusal
   */
  export function listDependants(name: string, cursor?: string | null): DependantPage;
}

declare module "ansai:service/service-actions@0.2.0" {
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Starts a service that has failed, that was not started because a dependency failed, or that is enabled and was not
   * started since the boot. The step ends when systemd says that the service is up. `denied` if somebody has masked or
   * stopped it, and if no step may touch it or a unit that depends on it; `busy` while its start limit is used up: the
   * text says for how long. One of `max_restarts`. Not reversible. If it failed at its start limit, use `reset-failed`
   * first.
   * @throws an error whose `payload` is a Refusal
   */
  export function start(unit: string, reason: string): Preview;
  /**
   * Restarts a service. Units that require it are restarted with it. `invocation` is that of the probe: if the service
   * was started again meanwhile, this is refused with `changed`. Otherwise as `start`. Not reversible. If the
   * plan is undone, it is restarted once more after the other steps are undone, so that it reads the old files again.
   * @throws an error whose `payload` is a Refusal
   */
  export function restart(unit: string, invocation: string, reason: string): Preview;
  /**
   * Lets a running service read its configuration again. `unsupported` if it cannot; `busy` if it does not run now.
   * If the plan is undone, it is reloaded once more after the other steps are undone.
   * @throws an error whose `payload` is a Refusal
   */
  export function reload(unit: string, reason: string): Preview;
  /**
   * Makes systemd forget that a service has failed, and how often it was started. `busy` until `start-interval` has
   * passed since the start limit was hit. The preview has no items if it has not failed. Not reversible.
   * @throws an error whose `payload` is a Refusal
   */
  export function resetFailed(unit: string, reason: string): Preview;
  /**
   * Keeps the last lines of the service's log and its state as evidence for a person, without secrets. Changes nothing,
   * and fails if there is no journal: consider `advice.may-fail`. At least 1 and at most 1,000 lines.
   * @throws an error whose `payload` is a Refusal
   */
  export function capture(unit: string, lines: number, reason: string): Preview;
  /**
   * Proposes a check, not a change: the step waits until the service is active, and fails if it is not within this time,
   * or fails meanwhile. A one-shot may also have ended with success. At most an hour.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkActive(unit: string, within: Duration, reason: string): Preview;
}

declare module "ansai:service/service-memory-actions@0.2.0" {
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Sets `MemoryHigh=` of a running service for a time: above it, the kernel slows the service down and takes memory back,
   * but does not kill it. After `lasting`, from a minute to a day, the earlier limit is restored, also if ansai does not
   * run any more; not if somebody has changed it meanwhile. `denied` for less than `min_bytes`, for less than half of what
   * the service uses, and if its limit is that low already; `unsupported` if the kernel does not count its memory
   * (version 2 of control groups). `bytes` is rounded up to whole pages.
   * @throws an error whose `payload` is a Refusal
   */
  export function setHigh(unit: string, bytes: number, lasting: Duration, reason: string): Preview;
  /**
   * Makes the kernel take back this much memory of a running service: it drops cached files and moves idle memory to swap,
   * if there is any. Useful to find out how much a service needs; it can be slower afterwards. `denied` if less than
   * `min_bytes` or less than half of what it uses would remain; `unsupported` if the kernel cannot (before Linux 5.19). Not
   * reversible. The step tells how much was reclaimed, which can be less.
   * @throws an error whose `payload` is a Refusal
   */
  export function reclaim(unit: string, bytes: number, reason: string): Preview;
}

declare module "ansai:sqlite/sqlite-probe@0.2.0" {
  import type { Instant, Refusal, Subject } from "ansai:policy/types@0.2.0";
  /** How closely to look. */
  export type Depth =
    /** Only the header and the sizes. The database is not opened. */
    | "header"
    /** Also each page, but not whether indexes and tables agree (`PRAGMA quick_check`). */
    | "quick"
    /** Everything that SQLite can check (`PRAGMA integrity_check`). Takes several times as long. */
    | "full";
  /** How a database keeps a transaction that is not complete. */
  export type Journal =
    /** In a `-journal` file. */
    | "rollback"
    /** In a `-wal` file, which a checkpoint moves into the database. */
    | "wal"
    /** Neither: a later version of the format. */
    | "other";
  /** What a process does with a database at this moment. */
  export type Hold =
    /** It has the file open and no lock that SQLite takes. */
    | "open"
    /** It reads: a checkpoint cannot empty the `-wal` file, and in a rollback journal nobody can commit. */
    | "reading"
    /** It is in the middle of a write. */
    | "writing"
    /** Nobody else can read or write. */
    | "exclusive";
  /** A process that has the database, its `-wal` or its `-shm` file open. */
  export interface Holder {
    /** Its unit, if it has one. */
    about?: Subject | null;
    /** The name of its program, as the kernel shows it. */
    process: string;
    /** Its number. */
    pid: number;
    /** Tells it from another process that has the same number later. */
    identity: string;
    /** The strongest of its locks. */
    holds: Hold;
  }
  export interface Database {
    /** The kind is `file`, the name is the path. */
    about: Subject;
    /** The size of the file in bytes. */
    bytes: number;
    journal: Journal;
    /** The size of a page in bytes. */
    pageBytes: number;
    /** How many pages the database has. */
    pages: number;
    /** How many of them are unused: what a `vacuum` gives back. As the header says; what is in the `-wal` file is missing. */
    freePages: number;
    /** The size of the `-wal` file in bytes; 0 if there is none. */
    walBytes: number;
    /** When the `-wal` file was written last. */
    walModified?: Instant | null;
    /** When the database itself was written last. */
    modified: Instant;
    /**
     * A `-journal` file with the begin of a transaction: a process writes at this moment, or one has crashed and nobody has
     * opened the database since.
     */
    hotJournal: boolean;
    /** Bytes that are available to the owner on the file system of the database. */
    availableBytes: number;
    /** At most 32 processes, those with the strongest locks first. */
    holders: Holder[];
    /** How many there are besides. */
    moreHolders: number;
    /** False if some processes could not be looked at: there may be more holders. */
    holdersComplete: boolean;
    /** What is wrong, one sentence each; at most 32. Always empty for the depth `header`. */
    problems: string[];
    /** True if there are more problems than these. */
    moreProblems: boolean;
    /** How closely ansai has looked, as asked for. */
    checked: Depth;
  }
  /**
   * Looks at one database. `busy` names who has it locked. `unavailable` if it has a hot journal: only a process that may
   * write can bring it into order. `timed-out` if the check takes longer than a call may; a large database needs the
   * depth `quick`.
   * @throws an error whose `payload` is a Refusal
   */
  export function look(path: string, depth: Depth): Database;
}

/** Each call proposes one step. A step refuses if the file is another one than in the preview, and names who has it locked. */
declare module "ansai:sqlite/sqlite-actions@0.2.0" {
  import type { Duration, Preview, Refusal } from "ansai:policy/types@0.2.0";
  /**
   * Moves the content of the `-wal` file into the database, and empties it. Waits at most 5 s for readers and writers; with
   * one that goes on, the file keeps its size.
   * @throws an error whose `payload` is a Refusal
   */
  export function checkpoint(path: string, reason: string): Preview;
  /**
   * Rewrites the database without its unused pages (`VACUUM`), in one transaction. Nobody can write meanwhile. Needs
   * twice its size on the file system, and a database that passes `quick`. Ended after `within`, at most 6 h; the
   * database is then as before. May give rows of tables without `INTEGER PRIMARY KEY` other numbers (`rowid`), so it fails
   * if there is a virtual table beside one: a full-text index may know rows by these numbers. Cannot be undone.
   * @throws an error whose `payload` is a Refusal
   */
  export function vacuum(path: string, within: Duration, reason: string): Preview;
  /**
   * Copies the database, with all committed transactions of the `-wal` file, page by page into a new file of the same owner
   * that nobody else can read. Damaged pages are copied too. `into` is a directory within the granted roots that only
   * root and the owner can write. Undo removes the copy if nobody has changed it.
   * @throws an error whose `payload` is a Refusal
   */
  export function copy(path: string, into: string, within: Duration, reason: string): Preview;
  /**
   * Copies every row that can be read into a new database, as `copy` does. The damaged database stays as it is. The
   * outcome counts the rows, and the places where rows are lost.
   * @throws an error whose `payload` is a Refusal
   */
  export function recoverCopy(path: string, into: string, within: Duration, reason: string): Preview;
}

declare module "ansai:system/system-probe@0.2.0" {
  import type { Duration, Instant, Refusal } from "ansai:policy/types@0.2.0";
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
    | "io"
    | "irq";
  /** Shares of the last 10, 60 and 300 seconds in which tasks waited, and how long they waited since boot. */
  export interface Stalled {
    last10Seconds: number;
    last60Seconds: number;
    last300Seconds: number;
    total: Duration;
  }
  /**
   * `some` is the time in which at least one task waited, `full` that in which all tasks waited at once. Absent if the
   * kernel does not measure it: `some` of `irq`, and `full` of `cpu` on older kernels.
   */
  export interface Stall {
    some?: Stalled | null;
    full?: Stalled | null;
  }
  /** How much of something is in use, and how much of it the kernel permits. */
  export interface InUse {
    used: number;
    limit: number;
  }
  export interface Restart {
    /** Whether the machine runs something older than what is installed. */
    needed: boolean;
    /** Since when, if that is known. */
    since?: Instant | null;
    /** The packages that ask for it, as far as they are known; at most 64. */
    packages: string[];
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
  /**
   * Open files of all processes together (`fs.file-nr`).
   * @throws an error whose `payload` is a Refusal
   */
  export function openFiles(): InUse;
  /**
   * Threads of all processes together; the limit is the smaller one of `kernel.threads-max` and `kernel.pid_max`.
   * @throws an error whose `payload` is a Refusal
   */
  export function threads(): InUse;
  /**
   * Whether the kernel says that the time of day is kept synchronized. `unsupported` about another machine.
   * @throws an error whose `payload` is a Refusal
   */
  export function clockSynchronized(): boolean;
  /**
   * Whether the machine waits for a restart: a package asked for one, or the modules of the running kernel are gone
   * while those of another kernel are there. `unsupported` if the host has neither.
   * @throws an error whose `payload` is a Refusal
   */
  export function restartNeeded(): Restart;
}
