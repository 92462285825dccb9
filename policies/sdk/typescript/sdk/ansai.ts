/// <reference path="./contract.d.ts" />
// What a policy in TypeScript or JavaScript stands on: a thin layer over the host's interfaces, which are imported as
// they are (`import { listFilesystems } from "ansai:disk/disk-probe@0.1.0"`).

import * as context from "ansai:policy/context@0.1.0";
import type {
  Attempt,
  Decision,
  Failure,
  Measure,
  Observation,
  OnFailure,
  Recommendation,
  Refusal,
  Severity,
  Status,
  Unit,
} from "ansai:policy/types@0.1.0";

export type {
  Attempt,
  Decision,
  Failure,
  Measure,
  Observation,
  OnFailure,
  Outcome,
  Preview,
  Recommendation,
  Refusal,
  Severity,
  Status,
  StepResult,
  Subject,
  Unit,
  Value,
} from "ansai:policy/types@0.1.0";

/** What the host knows about this evaluation. */
export class Evaluation<Settings> {
  #open: Observation[] | undefined;

  /** As the operator set them, defaults filled in: sizes in bytes, durations in milliseconds. */
  readonly settings: Settings = JSON.parse(context.settings()) as Settings;

  /** Milliseconds since the Unix epoch; there is no other clock. */
  get now(): number {
    return context.now();
  }

  /** Empty in `detect`; in `plan`, what was tried for this finding, oldest first. */
  get attempts(): Attempt[] {
    return context.attempts();
  }

  /** The open incident with this key, if there is one. */
  openIncident(key: string): Observation | undefined {
    this.#open ??= context.openIncidents();
    return this.#open.find((incident) => incident.key === key);
  }

  /** A threshold that is lower by `points` while an incident with this key is open, so that it does not flap. */
  threshold(key: string, at: number, points: number): number {
    return this.openIncident(key) === undefined ? at : at - points;
  }
}

/** What a policy does. Both see a fresh component: nothing is remembered from one call to the next. */
export interface Policy<Settings> {
  /** Look, and say how things are. */
  detect(evaluation: Evaluation<Settings>): Observation[];
  /** Propose the steps that would put one finding right, by calling actions. */
  plan(finding: Observation, evaluation: Evaluation<Settings>): Decision;
}

/** The two functions that a policy exports: `export const { detect, plan } = policy<Settings>({ … })`. */
export function policy<Settings = unknown>(
  policy: Policy<Settings>,
): { detect: () => Observation[]; plan: (finding: Observation) => Decision } {
  return {
    detect: () => answered(() => policy.detect(new Evaluation<Settings>())),
    plan: (finding) => answered(() => policy.plan(finding, new Evaluation<Settings>())),
  };
}

/** Thrown to end an evaluation without an answer. */
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

/** Why the host did not answer a call; rethrows what is something else. */
export function refusalOf(error: unknown): Refusal {
  const refusal = refusalIn(error);
  if (refusal === undefined) throw error;
  return refusal;
}

export const healthy: Status = { tag: "healthy" };
export const unhealthy = (severity: Severity): Status => ({ tag: "unhealthy", val: severity });
export const unknown = (why: string): Status => ({ tag: "unknown", val: why });

/** Evidence: whole numbers, numbers, texts, yes or no. */
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

const LONGEST = 1000;

/** Whatever is thrown becomes a failure with words: the engine would only trap. */
function answered<Answer>(answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (error instanceof EvaluationFailed) throw error;
    const refusal = refusalIn(error);
    if (refusal !== undefined) throw couldNotTell(`the host answered ${refusal.tag}: ${refusal.val}`);
    throw new EvaluationFailed({ tag: "other", val: described(error).slice(0, LONGEST) });
  }
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const where = error.stack?.trim().split("\n")[0]?.trim();
  return `${error.name}: ${error.message}${where ? ` (${where})` : ""}`;
}

function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || error instanceof EvaluationFailed || !("payload" in error)) return undefined;
  const payload = error.payload as { tag?: unknown } | null;
  return typeof payload?.tag === "string" ? (payload as Refusal) : undefined;
}
