/* Advice: what a policy says in addition to its answer. */
#include "policy.h"

/* Milliseconds: the shortest and the longest time until a follow-up. */
static const uint64_t SOONEST = 1000, LATEST = 86400000;

/* Advice that the host refuses is lost, but the evaluation keeps its answer. */
static void warn(const char *lost, const ansai_policy_types_refusal_t *refusal) {
  ansai_string_t line = ANSAI_JOIN(ansai_text(lost), ansai_text(": "), ansai_refused(refusal));
  ansai_policy_log_write(ANSAI_POLICY_LOG_LEVEL_WARN, &line);
}

static void recommend(ansai_policy_types_recommendation_t what) {
  ansai_policy_types_refusal_t refusal;
  if (!ansai_policy_advice_recommend(&what, &refusal)) {
    warn("the recommendation is lost", &refusal);
  }
}

void ansai_also_recommend(ansai_string_t summary, ansai_string_t detail) {
  recommend((ansai_policy_types_recommendation_t){.summary = summary, .detail = detail});
}

void ansai_also_recommend_about(ansai_policy_types_subject_t about, ansai_string_t summary, ansai_string_t detail) {
  recommend((ansai_policy_types_recommendation_t){
      .about = {.is_some = true, .val = about}, .summary = summary, .detail = detail});
}

void ansai_look_again(uint64_t milliseconds) {
  uint64_t after = milliseconds < SOONEST ? SOONEST : milliseconds > LATEST ? LATEST : milliseconds;
  ansai_policy_types_refusal_t refusal;
  if (!ansai_policy_advice_look_again(after, &refusal)) {
    warn("there is no follow-up", &refusal);
  }
}

bool ansai_may_fail(ansai_policy_types_step_ref_t step) {
  ansai_policy_types_refusal_t refusal;
  return ansai_policy_advice_may_fail(step, &refusal);
}
