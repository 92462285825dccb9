/* Answers that the contract cannot hold; the setting `directory` selects one. */
#include "policy.h"

static const uint8_t INVALID[] = {'a', 0xed, 0xa0, 0x80};

static ansai_string_t invalid(void) { return (ansai_string_t){.ptr = (uint8_t *)INVALID, .len = sizeof INVALID}; }

static bool is(const char *name) {
  ansai_string_t directory;
  return ansai_setting_text("directory", &directory) && ansai_same(directory, ansai_text(name));
}

bool exports_ansai_detect(ansai_list_observation_t *found, ansai_failure_t *failure) {
  (void)failure;
  ansai_policy_types_subject_t about = {.kind = ansai_text("test"), .name = ansai_text("k")};
  /* The list is empty without being set. */
  ansai_observation_t *seen = ansai_observe(found, ansai_text("k"), about, ansai_text("x"));
  ansai_unhealthy(seen, ANSAI_POLICY_TYPES_SEVERITY_WARNING);
  ansai_evidence_number(seen, "a", 0.5, ANSAI_POLICY_TYPES_UNIT_RATIO);
  if (is("/detect-key")) seen->key = invalid();
  if (is("/detect-about")) seen->about.name = invalid();
  if (is("/detect-unit")) seen->evidence.ptr[0].unit = 200;
  if (is("/detect-number")) seen->evidence.ptr[0].value.val.number = __builtin_nan("");
  if (is("/detect-evidence")) ansai_evidence_text(seen, "b", invalid());
  if (is("/detect-severity")) ansai_unhealthy(seen, 7);
  if (is("/detect-related")) {
    ansai_affects(seen, about);
    seen->related.ptr[0].how = 77;
  }
  return !is("/detect-no-failure");
}

bool exports_ansai_plan(ansai_observation_t *finding, ansai_decision_t *decision, ansai_failure_t *failure) {
  (void)finding;
  if (is("/no-failure")) return false;
  if (is("/failure-text")) return ansai_could_not_tell(failure, invalid());
  if (is("/text")) *decision = ansai_wait(invalid());
  if (is("/recommended")) *decision = ansai_recommend(ansai_text("a"), invalid());
  if (is("/tag")) decision->tag = 9;
  if (is("/on-failure")) *decision = ansai_apply(5);
  return true;
}
