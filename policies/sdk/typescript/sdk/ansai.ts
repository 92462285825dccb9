/// <reference path="./contract.d.ts" />
// The SDK for policies in TypeScript and JavaScript: a thin layer over the host's interfaces. Import those directly
// (`import { listFilesystems } from "ansai:disk/disk-probe@0.2.0"`).

import * as advice from "ansai:policy/advice@0.2.0";
import * as context from "ansai:policy/context@0.2.0";
import { write } from "ansai:policy/log@0.2.0";
import type { Label, Target } from "ansai:policy/context@0.2.0";
import type {
  Attempt,
  Decision,
  Failure,
  Measure,
  Observation,
  OnFailure,
  Recommendation,
  Refusal,
  Relation,
  Severity,
  Status,
  StepRef,
  Subject,
  Unit,
} from "ansai:policy/types@0.2.0";

export type { Label, Occurrence, Target, Trigger } from "ansai:policy/context@0.2.0";
export type {
  Attempt,
  Decision,
  Failure,
  Lasting,
  LeftOut,
  Measure,
  Observation,
  OnFailure,
  Outcome,
  Preview,
  Recommendation,
  Refusal,
  Relation,
  Relationship,
  Reversibility,
  Severity,
  Status,
  StepRef,
  StepResult,
  Subject,
  Unit,
  Value,
} from "ansai:policy/types@0.2.0";

/** Milliseconds: the shortest and the longest time until a follow-up. */
const SOONEST = 1_000;
const LATEST = 86_400_000;

/** The host during one evaluation. */
export class Evaluation<Settings> {
  #open: Observation[] | undefined;

  /** The operator's settings, with defaults filled in. Sizes are bytes, durations are milliseconds. */
  readonly settings: Settings = JSON.parse(context.settings()) as Settings;

  /** The current time in milliseconds since the Unix epoch. There is no other clock. */
  get now(): number {
    return context.now();
  }

  /** In `plan`: earlier attempts at this finding, oldest first. Empty in `detect`. */
  get attempts(): Attempt[] {
    return context.attempts();
  }

  /**
   * The attempts of this instance at findings about a thing since an instant (milliseconds since the Unix epoch),
   * oldest first, also those whose incident is closed.
   * @throws the host's refusal if the history cannot be read, see `refusalOf`
   */
  history(about: Subject, since: number): Attempt[] {
    return context.history(about, since);
  }

  /**
   * This host as a whole, for observations that are about no smaller thing. Other subjects come from the answers of
   * probes and from `targets`; a policy never builds one.
   */
  get host(): Subject {
    return context.host();
  }

  /** The labels that the operator gave this host. */
  get labels(): Label[] {
    return context.labels();
  }

  /**
   * The targets that this instance may use, such as database servers. Each has its subject as `about`, for observations
   * also while it cannot be reached.
   */
  get targets(): Target[] {
    return context.targets();
  }

  /**
   * One setting by its dotted path, with the value that the operator set for this target if there is one. A string is
   * returned as it is, every other value as JSON.
   */
  targetSetting(target: string, path: string): string | undefined {
    return context.targetSetting(target, path) ?? undefined;
  }

  /** The open incidents. */
  get openIncidents(): Observation[] {
    this.#open ??= context.openIncidents();
    return this.#open;
  }

  /** The open incident with this key, if there is one. */
  openIncident(key: string): Observation | undefined {
    return this.openIncidents.find((incident) => incident.key === key);
  }

  /** Hysteresis: returns `at`, reduced by `points` while an incident with this key is open. */
  threshold(key: string, at: number, points: number): number {
    return this.openIncident(key) === undefined ? at : at - points;
  }

  /**
   * In `plan`: recommends something to a person, in addition to the decision. `about` is the thing to change, if it is
   * not that of the finding.
   */
  recommend(summary: string, detail: string, about?: Subject, measures: Measure[] = []): void {
    advised("the recommendation is lost", () => advice.recommend({ about, summary, detail, measures }));
  }

  /**
   * Asks for another evaluation this long after this one ended, between a second and a day, if nothing else causes one
   * before. Then that evaluation must ask again.
   */
  lookAgain(milliseconds: number): void {
    const after = Math.min(Math.max(Math.round(milliseconds), SOONEST), LATEST);
    advised("there is no follow-up", () => advice.lookAgain(after));
  }

  /**
   * In `plan`: lets the plan go on if this step fails or is refused, because it only captures evidence or prepares
   * something.
   * @throws the refusal `not-found` if this call of `plan` has not proposed the step
   */
  mayFail(step: StepRef): void {
    advice.mayFail(step);
  }
}

/** A policy. Each call of a function starts a fresh component, which remembers nothing from earlier calls. */
export interface Policy<Settings> {
  /** Observes the host: returns one observation for each thing that the policy checks. */
  detect(evaluation: Evaluation<Settings>): Observation[];
  /** Proposes the steps that repair one finding, by calling actions. */
  plan(finding: Observation, evaluation: Evaluation<Settings>): Decision;
}

/**
 * The two functions that a policy exports: `export const { detect, plan } = policy<Settings>({ … })`. `ansai build` makes
 * a failure of every exception, and of every value that the contract cannot hold.
 */
export function policy<Settings = unknown>(
  policy: Policy<Settings>,
): { detect: () => Observation[]; plan: (finding: Observation) => Decision } {
  return {
    detect: () => policy.detect(new Evaluation<Settings>()),
    plan: (finding) => policy.plan(finding, new Evaluation<Settings>()),
  };
}

/** Throw this to end an evaluation without an answer. */
export class EvaluationFailed extends Error {
  readonly payload: Failure;

  constructor(payload: Failure) {
    super(payload.val);
    this.payload = payload;
  }
}

export const couldNotTell = (why: string): EvaluationFailed => new EvaluationFailed({ tag: "could-not-tell", val: why });
export const invalidSettings = (why: string): EvaluationFailed =>
  new EvaluationFailed({ tag: "invalid-settings", val: why });

/** Returns the host's refusal of a call; throws any other error again. */
export function refusalOf(error: unknown): Refusal {
  const refusal = refusalIn(error);
  if (refusal === undefined) throw error;
  return refusal;
}

/**
 * Whether the reason of a refusal may go away by itself: another process holds a lock, or the target changed since it was
 * examined. Then wait, or plan again. Any other refusal stays until a person does something.
 */
export const mayGoAway = (refusal: Refusal): boolean => refusal.tag === "busy" || refusal.tag === "changed";

/**
 * How much nearer to healthy the thing was after the attempt, negative if it was farther away; undefined if one of the
 * distances is unknown.
 */
export function improvement({ distanceBefore, distanceAfter }: Attempt): number | undefined {
  const before = distanceBefore ?? undefined;
  const after = distanceAfter ?? undefined;
  return before === undefined || after === undefined ? undefined : before - after;
}

export const healthy: Status = { tag: "healthy" };
export const unhealthy = (severity: Severity): Status => ({ tag: "unhealthy", val: severity });
export const unknown = (why: string): Status => ({ tag: "unknown", val: why });
/** For a thing that no longer exists: it was looked for and not found. It closes the incident. */
export const gone: Status = { tag: "gone" };

/**
 * A relation to an established cause: while that thing has an open incident, the host may hold this finding back.
 * Otherwise use `dependsOn`.
 */
export const causedBy = (about: Subject): Relation => ({ how: "caused-by", about });
/** Relations to what it needs to work, to what it is a part of, to what suffers from its fault, and to the same thing. */
export const dependsOn = (about: Subject): Relation => ({ how: "depends-on", about });
export const partOf = (about: Subject): Relation => ({ how: "part-of", about });
export const affects = (about: Subject): Relation => ({ how: "affects", about });
export const sameAs = (about: Subject): Relation => ({ how: "same-as", about });

/** A share in percent, rounded down to tenths: "85.9 %" of 0.859. ansai shows evidence in the same way. */
export function percent(share: number): string {
  // The sum makes up for what a share lost as a float: 0.29 is 28.999… %.
  return `${Math.floor(share * 1000 + 1e-6) / 10} %`;
}

/** Evidence: an integer, any other number, a text, or a boolean. */
export const count = (name: string, value: number, unit: Unit = "none"): Measure => ({
  name,
  value: { tag: "count", val: value },
  unit,
});
export const number = (name: string, value: number, unit: Unit = "none"): Measure => ({
  name,
  value: { tag: "number", val: value },
  unit,
});
export const text = (name: string, value: string): Measure => ({
  name,
  value: { tag: "text", val: value },
  unit: "none",
});
export const flag = (name: string, value: boolean): Measure => ({
  name,
  value: { tag: "flag", val: value },
  unit: "none",
});

export const apply = (onFailure: OnFailure): Decision => ({ tag: "apply", val: onFailure });
export const applyThenReplan = (onFailure: OnFailure): Decision => ({ tag: "apply-then-replan", val: onFailure });
export const wait = (forWhat: string): Decision => ({ tag: "wait", val: forWhat });
export const recommend = (...recommendations: Recommendation[]): Decision => ({
  tag: "recommend",
  val: recommendations,
});
export const giveUp = (why: string): Decision => ({ tag: "give-up", val: why });

/** Advice that the host refuses is lost, but the evaluation keeps its answer. */
function advised(lost: string, advise: () => void): void {
  try {
    advise();
  } catch (error) {
    const refusal = refusalOf(error);
    write("warn", `${lost}: ${refusal.tag}: ${refusal.val}`);
  }
}

function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || error instanceof EvaluationFailed || !("payload" in error)) return undefined;
  const payload = error.payload as { tag?: unknown } | null;
  return typeof payload?.tag === "string" ? (payload as Refusal) : undefined;
}
