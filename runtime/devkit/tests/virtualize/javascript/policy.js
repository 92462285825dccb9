// Uses the parts of StarlingMonkey that need WASI, and reports the results.
import { now } from "ansai:policy/context@0.2.0";

const about = { kind: "wasi", name: "javascript" };
const said = (key, summary) => ({ key, about, status: { tag: "healthy" }, summary: String(summary), evidence: [], related: [] });

export function detect() {
  console.log("looking");
  console.error("not well");
  const elapsed = performance.now();
  const random = [Math.random(), Math.random()];
  console.log(`random ${random} ${crypto.randomUUID()}`);
  return [
    said("clock", Date.now() - Number(now())),
    said("random", random.every((one) => one >= 0 && one < 1) && random[0] !== random[1]),
    said("elapsed", performance.now() > elapsed),
  ];
}

export function plan(finding) {
  return { tag: "give-up", val: `nothing to do about ${finding.key}` };
}
