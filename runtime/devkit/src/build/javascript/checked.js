// Surrounds a policy: what crosses the boundary is checked against the contract, because the engine's glue would trap or
// change the value; every exception becomes a failure with its line; and what has no meaning here says what to use.

const LONGEST = 1000;
// The largest value of each integer type, as the nearest number that is not larger.
const RANGES = {
  u8: [0, 2 ** 8 - 1],
  u16: [0, 2 ** 16 - 1],
  u32: [0, 2 ** 32 - 1],
  u64: [0, 2 ** 64 - 2048],
  s8: [-(2 ** 7), 2 ** 7 - 1],
  s16: [-(2 ** 15), 2 ** 15 - 1],
  s32: [-(2 ** 31), 2 ** 31 - 1],
  s64: [-(2 ** 63), 2 ** 63 - 1024],
};
const NO_CLOCK = "a policy has no clock of its own: use `evaluation.now`";
const NO_WAITING = "a policy cannot wait: use `evaluation.lookAgain`";
const NO_NETWORK = "a policy has no network: call a probe of the host";
const NO_SYSTEM = "a policy sees only what the probes of the host answer";
const INSTEAD = {
  console: 'use `write` of "ansai:policy/log@0.2.0"',
  print: 'use `write` of "ansai:policy/log@0.2.0"',
  performance: NO_CLOCK,
  setTimeout: NO_WAITING,
  setInterval: NO_WAITING,
  setImmediate: NO_WAITING,
  fetch: NO_NETWORK,
  XMLHttpRequest: NO_NETWORK,
  WebSocket: NO_NETWORK,
  process: NO_SYSTEM,
  Deno: NO_SYSTEM,
  Bun: NO_SYSTEM,
  std: NO_SYSTEM,
  os: NO_SYSTEM,
  require: "use `import`; `ansai build` bundles what is imported",
  crypto: "a policy has no random numbers",
  TextEncoder: "texts cross the boundary as strings",
  TextDecoder: "texts cross the boundary as strings",
};

/** Errors of host functions. Their payload is a refusal, also if a failure would look the same. */
const refused = new WeakSet();
const RealDate = Date;
const camel = (name) => name.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** A host function whose arguments are checked and whose answer is what the contract says. */
export function imported(host, name, { params, ok }) {
  const called = camel(name);
  const call = host[called];
  params.forEach(([, type]) => prepare(type));
  prepare(ok);
  return (...given) => {
    params.forEach(([param, type], at) => demand(type, given[at], `${called}: ${camel(param)}`));
    try {
      return arrived(ok, call(...given));
    } catch (error) {
      if (error instanceof Error && "payload" in error) refused.add(error);
      throw error;
    }
  };
}

/** A function of the policy. */
export function exported(name, policy, { params, ok, err }) {
  params.forEach(([, type]) => prepare(type));
  prepare(ok);
  const root = named(ok);
  return (...given) => {
    try {
      const answer = policy(...given.map((value, at) => arrived(params[at][1], value)));
      if (typeof answer?.then === "function") {
        throw new TypeError(`${name} returns a promise: remove \`async\`; host functions answer at once`);
      }
      demand(ok, answer, root);
      return answer;
    } catch (error) {
      throw failed(error, err);
    }
  };
}

const named = (type) => (type.list ? `${named(type.list)}s` : camel(type.name ?? "answer"));

/** Adds to a type what a check needs. It runs while the component is built. */
function prepare(type) {
  if (type === null || typeof type === "string" || type.big !== undefined) return;
  const below = type.option ?? type.list;
  if (below !== undefined) prepare(below);
  for (const part of type.record ?? type.variant ?? []) {
    if (type.record) part[0] = camel(part[0]);
    prepare(part[1]);
  }
  if (type.variant) type.cases = new Map(type.variant);
  type.big = hasBig(below ?? null) || (type.record ?? type.variant ?? []).some(([, of]) => hasBig(of));
}

/** Whether values of a type may hold an integer above 2^63. */
const hasBig = (type) => type === "u64" || (type !== null && type.big === true);

/** Throws if a value is not of a type. */
function demand(type, value, path) {
  const misfit = mismatch(type, value);
  if (misfit !== undefined) throw new TypeError(`${path}${misfit.path} is ${shown(misfit.value)}; it must be ${misfit.wanted}`);
}

/** What does not fit, and where; undefined if everything fits. The path is only made for what does not. */
function mismatch(type, value) {
  if (type === null) return undefined;
  if (typeof type === "string") return mismatchOfPrimitive(type, value);
  if (type.option) return value === null || value === undefined ? undefined : mismatch(type.option, value);
  if (type.enum) return type.enum.includes(value) ? undefined : misfit(value, `one of ${words(type.enum)}`);
  if (type.list) {
    if (!Array.isArray(value)) return misfit(value, "a list");
    // Not `forEach`, which skips holes.
    for (let at = 0; at < value.length; at++) {
      const found = mismatch(type.list, value[at]);
      if (found !== undefined) return below(found, `[${at}]`);
    }
  } else if (type.record) {
    if (!isObject(value)) return misfit(value, "an object");
    for (const [field, of] of type.record) {
      const found = mismatch(of, value[field]);
      if (found !== undefined) return below(found, `.${field}`);
    }
  } else if (type.variant) {
    const tags = () => words(type.variant.map(([tag]) => tag));
    if (!isObject(value)) return misfit(value, `an object with a \`tag\` of ${tags()}`);
    const of = type.cases.get(value.tag);
    if (of === undefined) return below(misfit(value.tag, `one of ${tags()}`), ".tag");
    const found = mismatch(of, value.val);
    if (found !== undefined) return below(found, ".val");
  }
  return undefined;
}

function mismatchOfPrimitive(type, value) {
  if (type === "string") {
    if (typeof value !== "string") return misfit(value, "a string");
    if (!value.isWellFormed()) return misfit(value, "valid Unicode; it was cut in the middle of a character");
  } else if (type === "bool") {
    if (typeof value !== "boolean") return misfit(value, "true or false");
  } else if (type === "f64" || type === "f32") {
    if (!Number.isFinite(value)) return misfit(value, "a finite number");
  } else {
    const [least, most] = RANGES[type];
    if (!Number.isInteger(value) || value < least || value > most) {
      return misfit(value, `an integer from ${least} to ${type === "u64" ? "2^64 - 1" : type === "s64" ? "2^63 - 1" : most}`);
    }
  }
  return undefined;
}

const misfit = (value, wanted) => ({ path: "", value, wanted });

function below(misfit, part) {
  misfit.path = part + misfit.path;
  return misfit;
}
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const words = (list) => list.map((one) => `"${one}"`).join(", ");

function shown(value) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60).toWellFormed()}…` : value);
    case "bigint":
      return `the BigInt ${value}`;
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "a list" : "an object";
    default:
      return String(value);
  }
}

/** What the host gave: the glue returns integers from 2^63 on as negative numbers. */
function arrived(type, value) {
  if (value === null || value === undefined || !hasBig(type)) return value;
  if (type === "u64") return value < 0 ? value + 2 ** 64 : value;
  if (type.option) return arrived(type.option, value);
  if (type.list) {
    for (let at = 0; at < value.length; at++) value[at] = arrived(type.list, value[at]);
  } else if (type.record) {
    for (const [field, of] of type.record) if (hasBig(of)) value[field] = arrived(of, value[field]);
  } else if (type.variant) {
    value.val = arrived(type.cases.get(value.tag) ?? null, value.val);
  }
  return value;
}

/** The error that the glue turns into a failure. */
function failed(error, type) {
  let payload = isObject(error) ? error.payload : undefined;
  if (typeof payload?.tag !== "string" || typeof payload.val !== "string") {
    payload = { tag: "other", val: described(error) };
  } else if (refused.has(error)) {
    payload = { tag: "could-not-tell", val: `the host answered ${payload.tag}: ${payload.val}` };
  } else if (!type.variant.some(([tag]) => tag === payload.tag)) {
    payload = { tag: "other", val: `${shown(payload.tag)} is not one of ${words(type.variant.map(([tag]) => tag))}` };
  }
  const val = payload.val.slice(0, Math.max(LONGEST, payload.tag === "other" ? 0 : payload.val.length)).toWellFormed();
  return Object.assign(new Error(val), { payload: { tag: payload.tag, val } });
}

function described(error) {
  if (!(error instanceof Error)) return `${thrown(error)} was thrown; throw an Error, which knows its line`;
  const missing = /^'?([\w$]+)'? is not defined$/.exec(error.message)?.[1];
  const instead = missing !== undefined && Object.hasOwn(INSTEAD, missing) ? `: ${INSTEAD[missing]}` : "";
  return `${error.name}: ${error.message}${instead}${where(String(error.stack ?? ""))}`;
}

function thrown(value) {
  if (!isObject(value) && !Array.isArray(value)) return shown(value);
  try {
    return String(JSON.stringify(value)).slice(0, 200);
  } catch {
    return shown(value);
  }
}

/** The innermost line of the policy itself. `ansai build` adds the table that leads from the bundle to the sources. */
function where(stack) {
  const { files, lines } = globalThis[Symbol.for("ansai.lines")] ?? { files: [], lines: [] };
  for (const frame of stack.split("\n")) {
    const [, name, at] = /^\s*at (\S+) \(.*?:(\d+)(?::\d+)?\)\s*$/.exec(frame) ?? [];
    const file = files[lines[2 * (at - 1)]];
    if (file !== undefined && file !== "") return ` (${name === "<anonymous>" ? "" : `${name}, `}${file} line ${lines[2 * at - 1]})`;
  }
  return "";
}

function absent(what, instead) {
  throw new TypeError(`${what} is not available: ${instead}`);
}

// The engine would trap.
RealDate.now = () => absent("Date.now", NO_CLOCK);
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) =>
    given.length === 0 ? absent("new Date()", NO_CLOCK) : Reflect.construct(target, given, newTarget),
  apply: () => absent("Date()", NO_CLOCK),
});
RealDate.prototype.constructor = globalThis.Date;
// It would return the same numbers in every evaluation.
Math.random = () => absent("Math.random", "a policy has no random numbers, so that an evaluation can be repeated");
// It would never run.
globalThis.queueMicrotask = () => absent("queueMicrotask", NO_WAITING);
