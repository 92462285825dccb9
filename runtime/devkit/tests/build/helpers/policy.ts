// Uses the helpers of the SDK. Without type annotations, it is JavaScript too.
import { remove } from "ansai:files/files-actions@0.2.0";
import { scopeBound, scopeList } from "ansai:policy/context@0.2.0";
import {
  affects,
  apply,
  causedBy,
  count,
  dependsOn,
  gone,
  improvement,
  mayGoAway,
  number,
  partOf,
  policy,
  refusalOf,
  sameAs,
  unhealthy,
} from "./sdk/ansai";

const FILES = "ansai:files/files-actions";
const LAST_DAY = 1_789_999_000_000;

const unit = (name = "web.service") => ({ kind: "unit", name });

export const { detect, plan } = policy({
  detect(evaluation) {
    evaluation.recommend("too early", "only a plan can recommend");
    evaluation.lookAgain(90_000);
    // The one attempt: what it achieved, and whether its step was refused for a reason that may go away.
    const earlier = evaluation.history(unit(), LAST_DAY);
    const [attempt] = earlier;
    const reason = attempt?.steps[0]?.reason;
    const busy = reason && mayGoAway(reason) ? "busy" : "wrong";
    let history = "wrong";
    try {
      evaluation.history(evaluation.host, LAST_DAY);
    } catch (error) {
      if (!mayGoAway(refusalOf(error))) history = "no history";
    }
    const parts = [
      ...evaluation.labels.map(({ name, value }) => `${name}=${value}`),
      ...evaluation.targets.map(({ name }) => `${name} ${evaluation.targetSetting(name, "min_age_hours")}`),
      `${earlier.length} earlier, ${attempt && improvement(attempt)} better, ${busy}`,
      history,
      ...scopeList(FILES, "roots"),
      `${scopeBound(FILES, "max_files")} files`,
    ];
    return [
      {
        key: "web",
        about: unit(),
        status: gone,
        summary: parts.join("; "),
        evidence: [count("since", LAST_DAY, "instant"), number("rate", 0.5, "bytes-per-second")],
        related: [
          causedBy(unit("db.service")),
          ...evaluation.targets.map(({ about }) => dependsOn(about)),
          partOf(unit("all.slice")),
          affects(unit("proxy.service")),
          sameAs(unit("www.service")),
        ],
        distance: 2.5,
      },
      {
        key: "full",
        about: evaluation.host,
        status: unhealthy("warning"),
        summary: "full",
        evidence: [],
        related: [],
        distance: 0,
      },
    ];
  },

  plan(finding, evaluation) {
    const what = { root: "/srv", globs: ["**"], exclude: [], minAgeHours: 48, minBytes: 0, maxFiles: 0, enoughBytes: 0 };
    evaluation.mayFail(remove(what, finding.summary).step);
    evaluation.recommend("a larger disk", "it grows", evaluation.host);
    evaluation.lookAgain(1);
    try {
      evaluation.mayFail(7);
    } catch (error) {
      if (refusalOf(error).tag === "not-found") return apply("undo-applied");
    }
    return apply("stop");
  },
});
