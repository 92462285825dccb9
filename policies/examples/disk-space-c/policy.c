/* disk-space-c: removes old temporary files when a file system is full. */
#include "policy.h"

/* An incident ends this many percentage points below the warning threshold. */
static const double REARM_POINTS = 5;

typedef struct {
  double warning_percent, critical_percent;
  ansai_string_t directory;
  int64_t min_age_hours;
} settings_t;

static bool read_settings(settings_t *settings, ansai_failure_t *failure) {
  if (!ansai_setting_number("warning_percent", &settings->warning_percent) ||
      !ansai_setting_number("critical_percent", &settings->critical_percent) ||
      !ansai_setting_text("directory", &settings->directory) ||
      !ansai_setting_integer("min_age_hours", &settings->min_age_hours)) {
    return ansai_invalid_settings(failure, ansai_text("a setting is missing or of another kind"));
  }
  return true;
}

/* The used share of what an unprivileged process can have; false if that is nothing. */
static bool used_share(const ansai_disk_disk_probe_filesystem_t *filesystem, double *used) {
  if (filesystem->total_bytes <= filesystem->reserved_bytes) {
    return false;
  }
  uint64_t usable = filesystem->total_bytes - filesystem->reserved_bytes;
  uint64_t available = filesystem->available_bytes < usable ? filesystem->available_bytes : usable;
  *used = (double)(usable - available) / (double)usable;
  return true;
}

static void observe(const ansai_disk_disk_probe_filesystem_t *filesystem, double used, const settings_t *settings,
                    ansai_list_observation_t *found) {
  double percent = used * 100;
  ansai_string_t mount = filesystem->mount;
  ansai_string_t summary = ANSAI_JOIN(mount, ansai_text(" is "), ansai_percent(used), ansai_text(" full"));
  ansai_observation_t *observation = ansai_observe(found, mount, filesystem->about, summary);
  if (percent >= settings->critical_percent) {
    ansai_unhealthy(observation, ANSAI_POLICY_TYPES_SEVERITY_CRITICAL);
  } else if (percent >= ansai_rearmed(settings->warning_percent, REARM_POINTS, mount)) {
    ansai_unhealthy(observation, ANSAI_POLICY_TYPES_SEVERITY_WARNING);
  }
  ansai_evidence_number(observation, "used", used, ANSAI_POLICY_TYPES_UNIT_RATIO);
  ansai_evidence_count(observation, "available", filesystem->available_bytes, ANSAI_POLICY_TYPES_UNIT_BYTES);
}

static bool is_listed(const ansai_disk_disk_probe_filesystems_t *filesystems, ansai_string_t mount) {
  for (size_t i = 0; i < filesystems->entries.len; i++) {
    if (ansai_same(filesystems->entries.ptr[i].mount, mount)) {
      return true;
    }
  }
  return false;
}

/* Closes the incidents of file systems that are no longer mounted. An incomplete list does not prove that. */
static void observe_unmounted(const ansai_disk_disk_probe_filesystems_t *filesystems, ansai_list_observation_t *found) {
  ansai_policy_context_list_observation_t incidents;
  ansai_policy_context_open_incidents(&incidents);
  for (size_t i = 0; i < incidents.len && filesystems->skipped == 0; i++) {
    ansai_string_t mount = incidents.ptr[i].key;
    if (!is_listed(filesystems, mount)) {
      ansai_string_t summary = ANSAI_JOIN(mount, ansai_text(" is no longer mounted"));
      ansai_gone(ansai_observe(found, mount, incidents.ptr[i].about, summary));
    }
  }
}

bool exports_ansai_detect(ansai_list_observation_t *found, ansai_failure_t *failure) {
  settings_t settings;
  if (!read_settings(&settings, failure)) {
    return false;
  }
  ansai_disk_disk_probe_filesystems_t filesystems;
  ansai_disk_disk_probe_refusal_t refusal;
  if (!ansai_disk_disk_probe_list_filesystems(&filesystems, &refusal)) {
    return ansai_could_not_tell(
        failure, ANSAI_JOIN(ansai_text("the file systems could not be listed: "), ansai_refused(&refusal)));
  }
  *found = (ansai_list_observation_t){0};
  for (size_t i = 0; i < filesystems.entries.len; i++) {
    const ansai_disk_disk_probe_filesystem_t *filesystem = &filesystems.entries.ptr[i];
    double used;
    if (!filesystem->read_only && !filesystem->remote && used_share(filesystem, &used)) {
      observe(filesystem, used, &settings, found);
    }
  }
  observe_unmounted(&filesystems, found);
  return true;
}

bool exports_ansai_plan(ansai_observation_t *finding, ansai_decision_t *decision, ansai_failure_t *failure) {
  settings_t settings;
  if (!read_settings(&settings, failure)) {
    return false;
  }
  ansai_policy_context_list_attempt_t attempts;
  ansai_policy_context_attempts(&attempts);
  if (attempts.len > 0) {
    *decision = ansai_give_up(ANSAI_JOIN(ansai_text("removing old temporary files did not bring "), finding->key,
                                         ansai_text(" down")));
    return true;
  }
  ansai_string_t everything = ansai_text("**");
  ansai_files_files_actions_selection_t old_files = {
      .root = settings.directory,
      .globs = {.ptr = &everything, .len = 1},
      .min_age_hours = (uint32_t)settings.min_age_hours,
  };
  ansai_files_files_actions_preview_t preview;
  ansai_files_files_actions_refusal_t refusal;
  if (!ansai_files_files_actions_remove(&old_files, &finding->summary, &preview, &refusal)) {
    *decision = ansai_give_up(ANSAI_JOIN(ansai_text("old files in "), settings.directory,
                                         ansai_text(" cannot be removed: "), ansai_refused(&refusal)));
  } else if (preview.items == 0) {
    *decision = ansai_recommend(ANSAI_JOIN(ansai_text("make "), finding->key, ansai_text(" larger")),
                                ANSAI_JOIN(ansai_text("nothing old is left in "), settings.directory));
  } else {
    *decision = ansai_apply(ANSAI_POLICY_TYPES_ON_FAILURE_STOP);
  }
  return true;
}
