import { listFilesystems } from "ansai:disk/disk-probe@0.2.0";
import { remove } from "ansai:files/files-actions@0.2.0";
import {
  apply,
  couldNotTell,
  count,
  giveUp,
  gone,
  healthy,
  number,
  percent,
  policy,
  recommend,
  refusalOf,
  unhealthy,
} from "./sdk/ansai";

/**
 * The settings of settings.schema.json.
 * @typedef {{ warning_percent: number, critical_percent: number, directory: string, min_age_hours: number }} Settings
 * @typedef {import("./sdk/ansai").Evaluation<Settings>} Evaluation
 * @typedef {import("ansai:disk/disk-probe@0.2.0").Filesystem} Filesystem
 * @typedef {import("ansai:disk/disk-probe@0.2.0").Filesystems} Filesystems
 */

/** An incident ends this many percentage points below the warning threshold. */
const REARM_POINTS = 5;

/** @type {import("./sdk/ansai").Policy<Settings>} */
const healing = {
  detect(evaluation) {
    const listed = filesystems();
    const watched = listed.entries
      .filter((filesystem) => !filesystem.readOnly && !filesystem.remote && usable(filesystem) > 0)
      .map((filesystem) => observe(filesystem, evaluation));
    return [...watched, ...unmounted(listed, evaluation)];
  },

  plan(finding, { attempts, settings }) {
    if (attempts.length > 0) return giveUp(`removing old temporary files did not bring ${finding.key} down`);
    const { directory, min_age_hours } = settings;
    try {
      const what = {
        root: directory,
        globs: ["**"],
        exclude: [],
        minAgeHours: min_age_hours,
        minBytes: 0,
        maxFiles: 0,
        enoughBytes: 0,
      };
      if (remove(what, finding.summary).items > 0) return apply("stop");
    } catch (error) {
      return giveUp(`old files in ${directory} cannot be removed: ${refusalOf(error).val}`);
    }
    const detail = `nothing old is left in ${directory}`;
    return recommend({ summary: `make ${finding.key} larger`, detail, measures: [] });
  },
};

export const { detect, plan } = policy(healing);

function filesystems() {
  try {
    return listFilesystems();
  } catch (error) {
    throw couldNotTell(`the file systems could not be listed: ${refusalOf(error).val}`);
  }
}

/**
 * Closes the incidents of file systems that are no longer mounted. An incomplete list does not prove that.
 * @param {Filesystems} listed
 * @param {Evaluation} evaluation
 */
function unmounted({ entries, skipped }, evaluation) {
  if (skipped > 0) return [];
  const mounts = new Set(entries.map((filesystem) => filesystem.mount));
  return evaluation.openIncidents
    .filter(({ key }) => !mounts.has(key))
    .map(({ key, about }) => {
      return { key, about, status: gone, summary: `${key} is no longer mounted`, evidence: [], related: [] };
    });
}

/**
 * The number of bytes that an unprivileged process can have.
 * @param {Filesystem} filesystem
 */
function usable(filesystem) {
  return filesystem.totalBytes - filesystem.reservedBytes;
}

/**
 * @param {Filesystem} filesystem
 * @param {Evaluation} evaluation
 */
function observe(filesystem, evaluation) {
  const { about, mount, availableBytes } = filesystem;
  const most = usable(filesystem);
  const used = (most - Math.min(availableBytes, most)) / most;
  return {
    key: mount,
    about,
    status: judge(mount, used * 100, evaluation),
    summary: `${mount} is ${percent(used)} full`,
    evidence: [number("used", used, "ratio"), count("available", availableBytes, "bytes")],
    related: [],
  };
}

/**
 * @param {string} mount
 * @param {number} usedPercent
 * @param {Evaluation} evaluation
 */
function judge(mount, usedPercent, evaluation) {
  const { warning_percent, critical_percent } = evaluation.settings;
  if (usedPercent >= critical_percent) return unhealthy("critical");
  const warning = evaluation.threshold(mount, warning_percent, REARM_POINTS);
  return usedPercent >= warning ? unhealthy("warning") : healthy;
}
