/* Uses the helpers of the SDK. */
#include "policy.h"

static const char *const FILES = "ansai:files/files-actions";
static const uint64_t LAST_DAY = 1789999000000;

static ansai_policy_types_subject_t unit(const char *name) {
  return (ansai_policy_types_subject_t){.kind = ansai_text("unit"), .name = ansai_text(name)};
}

/* Of the one attempt: what it achieved, and whether its step was refused for a reason that may go away. */
static ansai_string_t earlier(void) {
  ansai_policy_types_subject_t about = unit("web.service"), host = ansai_host();
  ansai_policy_context_list_attempt_t history, none;
  ansai_policy_types_refusal_t refusal;
  double better;
  if (!ansai_policy_context_history(&about, LAST_DAY, &history, &refusal) || history.len != 1 ||
      !ansai_improvement(&history.ptr[0], &better) || history.ptr[0].steps.len != 1 ||
      ansai_policy_context_history(&host, LAST_DAY, &none, &refusal) || ansai_may_go_away(&refusal)) {
    return ansai_text("wrong");
  }
  const ansai_policy_types_step_result_t *step = &history.ptr[0].steps.ptr[0];
  bool is_busy = step->reason.is_some && ansai_may_go_away(&step->reason.val);
  return ANSAI_JOIN(ansai_digits(history.len), ansai_text(" earlier, "), ansai_digits((uint64_t)better),
                    ansai_text(is_busy ? " better, busy; no history; " : " better; "));
}

static ansai_string_t summary(void) {
  ansai_string_t text = ansai_text("");
  ansai_policy_context_list_label_t labels;
  ansai_policy_context_labels(&labels);
  for (size_t i = 0; i < labels.len; i++) {
    text = ANSAI_JOIN(text, labels.ptr[i].name, ansai_text("="), labels.ptr[i].value, ansai_text("; "));
  }
  ansai_policy_context_list_target_t targets;
  ansai_policy_context_targets(&targets);
  for (size_t i = 0; i < targets.len; i++) {
    ansai_string_t name = targets.ptr[i].name, setting;
    int64_t hours;
    double number;
    bool flag;
    if (ansai_target_text(name, "min_age_hours", &setting) && ansai_target_integer(name, "min_age_hours", &hours) &&
        ansai_target_number(name, "min_age_hours", &number) && number == (double)hours &&
        !ansai_target_flag(name, "min_age_hours", &flag) && !ansai_target_text(name, "none", &setting)) {
      text = ANSAI_JOIN(text, name, ansai_text(" "), ansai_digits((uint64_t)hours), ansai_text("; "));
    }
  }
  text = ANSAI_JOIN(text, earlier());
  ansai_list_string_t roots = ansai_scope_list(FILES, "roots");
  for (size_t i = 0; i < roots.len; i++) {
    text = ANSAI_JOIN(text, roots.ptr[i], ansai_text("; "));
  }
  uint64_t most = 0;
  if (ansai_scope_bound(FILES, "none", &most) || !ansai_scope_bound(FILES, "max_files", &most) ||
      ansai_setting_list("directory").len != 0) {
    return ansai_text("wrong");
  }
  return ANSAI_JOIN(text, ansai_digits(most), ansai_text(" files"));
}

bool exports_ansai_detect(ansai_list_observation_t *found, ansai_failure_t *failure) {
  (void)failure;
  ansai_also_recommend(ansai_text("too early"), ansai_text("only a plan can recommend"));
  ansai_look_again(90000);
  *found = (ansai_list_observation_t){0};
  ansai_observation_t *web = ansai_observe(found, ansai_text("web"), unit("web.service"), summary());
  ansai_gone(web);
  ansai_evidence_count(web, "since", LAST_DAY, ANSAI_POLICY_TYPES_UNIT_INSTANT);
  ansai_evidence_number(web, "rate", 0.5, ANSAI_POLICY_TYPES_UNIT_BYTES_PER_SECOND);
  ansai_caused_by(web, unit("db.service"));
  ansai_policy_context_list_target_t targets;
  ansai_policy_context_targets(&targets);
  for (size_t i = 0; i < targets.len; i++) {
    ansai_depends_on(web, targets.ptr[i].about);
  }
  ansai_part_of(web, unit("all.slice"));
  ansai_affects(web, unit("proxy.service"));
  ansai_same_as(web, unit("www.service"));
  ansai_distance(web, 2.5);
  ansai_observation_t *full = ansai_observe(found, ansai_text("full"), ansai_host(), ansai_text("full"));
  ansai_distance(full, -1);
  ansai_unhealthy(full, ANSAI_POLICY_TYPES_SEVERITY_WARNING);
  return true;
}

bool exports_ansai_plan(ansai_observation_t *finding, ansai_decision_t *decision, ansai_failure_t *failure) {
  ansai_string_t everything = ansai_text("**");
  ansai_files_files_actions_selection_t what = {
      .root = ansai_text("/srv"), .globs = {.ptr = &everything, .len = 1}, .min_age_hours = 48};
  ansai_files_files_actions_preview_t preview;
  ansai_files_files_actions_refusal_t refusal;
  if (!ansai_files_files_actions_remove(&what, &finding->summary, &preview, &refusal)) {
    return ansai_could_not_tell(failure, ansai_refused(&refusal));
  }
  ansai_also_recommend_about(ansai_host(), ansai_text("a larger disk"), ansai_text("it grows"));
  ansai_look_again(1);
  bool is_right = ansai_may_fail(preview.step) && !ansai_may_fail(7);
  *decision =
      ansai_apply(is_right ? ANSAI_POLICY_TYPES_ON_FAILURE_UNDO_APPLIED : ANSAI_POLICY_TYPES_ON_FAILURE_STOP);
  return true;
}
