import { listFilesystems } from "ansai:disk/disk-probe@0.2.0";
import { write } from "ansai:policy/log@0.2.0";
import { affects, count, couldNotTell, giveUp, healthy, number, policy, unhealthy } from "./sdk/ansai";

const about = { kind: "filesystem", name: "/" };
const base = (summary, evidence = []) => [{ key: "k", about, status: healthy, summary, evidence, related: [] }];
const but = (field, value) => [{ ...base("x")[0], [field]: value }];
const circular = {};
circular.itself = circular;
const cases = {
  // The lines of these four are in the test.
  "/throw-error"() {
    throw new TypeError("boo \ud800");
  },
  "/bad-argument"() {
    write("loud", "x");
  }, "/date": () => base(`${Date.now()}`),
  "/new-date": () => base(String(new Date())),
  "/console": () => console.log("x"),
  "/surrogate": () => base("cut \ud83d here"),
  "/surrogate-key": () => but("key", "/mnt/\ud83d"),
  "/fraction": () => base("x", [count("c", 1.5, "bytes")]),
  "/negative": () => base("x", [count("c", -1, "bytes")]),
  "/nan-count": () => base("x", [count("c", NaN, "bytes")]),
  "/two64": () => base("x", [count("c", 2 ** 64, "bytes")]),
  "/bigint": () => base("x", [count("c", 5n, "bytes")]),
  "/infinite": () => base("x", [number("c", Infinity, "ratio")]),
  "/distance": () => but("distance", NaN),
  "/undefined-summary": () => base(undefined),
  "/number-summary": () => base(42),
  "/no-key": () => but("key", undefined),
  "/no-about": () => but("about", null),
  "/hole": () => new Array(1),
  "/bad-status": () => but("status", "sick"),
  "/bad-tag": () => but("status", { tag: "sick" }),
  "/bad-severity": () => but("status", unhealthy("dreadful")),
  "/bad-unit": () => base("x", [count("c", 1, "parsec")]),
  "/null-evidence": () => base("x", null),
  "/bad-relation": () => but("related", [affects(about), { how: "near", about }]),
  "/nothing": () => undefined,
  "/promise": () => Promise.resolve(base("x")),
  "/async-throw": async () => {
    throw new Error("late");
  },
  "/throw-text": () => {
    throw "plain text";
  },
  "/throw-null": () => {
    throw null;
  },
  "/throw-object": () => {
    throw { a: 1 };
  },
  "/throw-circular": () => {
    throw circular;
  },
  "/payload": () => {
    throw Object.assign(new Error("x"), { payload: { tag: "dreadful", val: "x" } });
  },
  "/argument": () => listFilesystems.nothing.more,
  "/timer": () => setTimeout(() => 1, 1),
  "/fetch": () => fetch("https://example.com"),
  "/random": () => base(String(Math.random())),
  "/own": () => {
    throw couldNotTell("no files: nobody said \ud800");
  },
  "/inodes": () => base(listFilesystems().entries.map(({ inodes }) => `${inodes.total} ${typeof inodes.total}`).join()),
};

export const { detect, plan } = policy({
  detect: ({ settings }) => cases[settings.directory](),
  plan: () => giveUp("no"),
});
