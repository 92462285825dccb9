/* Failures, refusals, earlier attempts and decisions. */
#include "policy.h"

#include <stdlib.h>

bool ansai_could_not_tell(ansai_failure_t *failure, ansai_string_t why) {
  failure->tag = ANSAI_POLICY_TYPES_FAILURE_COULD_NOT_TELL;
  failure->val.could_not_tell = why;
  return false;
}

bool ansai_invalid_settings(ansai_failure_t *failure, ansai_string_t why) {
  failure->tag = ANSAI_POLICY_TYPES_FAILURE_INVALID_SETTINGS;
  failure->val.invalid_settings = why;
  return false;
}

ansai_string_t ansai_refused(const ansai_policy_types_refusal_t *refusal) {
  /* Each case has a text, at the same offset. */
  return refusal->val.other;
}

bool ansai_may_go_away(const ansai_policy_types_refusal_t *refusal) {
  return refusal->tag == ANSAI_POLICY_TYPES_REFUSAL_BUSY || refusal->tag == ANSAI_POLICY_TYPES_REFUSAL_CHANGED;
}

bool ansai_improvement(const ansai_policy_types_attempt_t *attempt, double *out) {
  if (!attempt->distance_before.is_some || !attempt->distance_after.is_some) {
    return false;
  }
  *out = attempt->distance_before.val - attempt->distance_after.val;
  return true;
}

ansai_decision_t ansai_apply(ansai_policy_types_on_failure_t on_failure) {
  return (ansai_decision_t){.tag = ANSAI_POLICY_TYPES_DECISION_APPLY, .val.apply = on_failure};
}

ansai_decision_t ansai_apply_then_replan(ansai_policy_types_on_failure_t on_failure) {
  return (ansai_decision_t){.tag = ANSAI_POLICY_TYPES_DECISION_APPLY_THEN_REPLAN,
                            .val.apply_then_replan = on_failure};
}

ansai_decision_t ansai_wait(ansai_string_t for_what) {
  return (ansai_decision_t){.tag = ANSAI_POLICY_TYPES_DECISION_WAIT, .val.wait = for_what};
}

static ansai_decision_t recommend(ansai_policy_types_recommendation_t what) {
  ansai_policy_types_recommendation_t *one = malloc(sizeof *one);
  *one = what;
  return (ansai_decision_t){.tag = ANSAI_POLICY_TYPES_DECISION_RECOMMEND,
                            .val.recommend = {.ptr = one, .len = 1}};
}

ansai_decision_t ansai_recommend(ansai_string_t summary, ansai_string_t detail) {
  return recommend((ansai_policy_types_recommendation_t){.summary = summary, .detail = detail});
}

ansai_decision_t ansai_recommend_about(ansai_policy_types_subject_t about, ansai_string_t summary,
                                       ansai_string_t detail) {
  return recommend((ansai_policy_types_recommendation_t){
      .about = {.is_some = true, .val = about}, .summary = summary, .detail = detail});
}

ansai_decision_t ansai_give_up(ansai_string_t why) {
  return (ansai_decision_t){.tag = ANSAI_POLICY_TYPES_DECISION_GIVE_UP, .val.give_up = why};
}
