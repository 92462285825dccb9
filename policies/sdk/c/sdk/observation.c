/* Observations and hysteresis. */
#include "policy.h"

#include <stdlib.h>

ansai_policy_types_subject_t ansai_host(void) {
  ansai_policy_types_subject_t host;
  ansai_policy_context_host(&host);
  return host;
}

ansai_observation_t *ansai_observe(ansai_list_observation_t *found, ansai_string_t key,
                                   ansai_policy_types_subject_t about, ansai_string_t summary) {
  found->ptr = realloc(found->ptr, (found->len + 1) * sizeof *found->ptr);
  ansai_observation_t *observation = &found->ptr[found->len++];
  *observation = (ansai_observation_t){
      .key = key,
      .about = about,
      .status = {.tag = ANSAI_POLICY_TYPES_STATUS_HEALTHY},
      .summary = summary,
  };
  return observation;
}

void ansai_unhealthy(ansai_observation_t *observation, ansai_policy_types_severity_t severity) {
  observation->status.tag = ANSAI_POLICY_TYPES_STATUS_UNHEALTHY;
  observation->status.val.unhealthy = severity;
}

void ansai_unknown(ansai_observation_t *observation, ansai_string_t why) {
  observation->status.tag = ANSAI_POLICY_TYPES_STATUS_UNKNOWN;
  observation->status.val.unknown = why;
}

void ansai_gone(ansai_observation_t *observation) {
  observation->status.tag = ANSAI_POLICY_TYPES_STATUS_GONE;
}

void ansai_distance(ansai_observation_t *observation, double distance) {
  observation->distance.is_some = true;
  /* Not-a-number stays, so that the host reports it. */
  observation->distance.val = distance < 0 ? 0 : distance;
}

static void relate(ansai_observation_t *observation, ansai_policy_types_relationship_t how,
                   ansai_policy_types_subject_t about) {
  ansai_policy_types_list_relation_t *related = &observation->related;
  related->ptr = realloc(related->ptr, (related->len + 1) * sizeof *related->ptr);
  related->ptr[related->len++] = (ansai_policy_types_relation_t){.how = how, .about = about};
}

void ansai_caused_by(ansai_observation_t *observation, ansai_policy_types_subject_t about) {
  relate(observation, ANSAI_POLICY_TYPES_RELATIONSHIP_CAUSED_BY, about);
}

void ansai_depends_on(ansai_observation_t *observation, ansai_policy_types_subject_t about) {
  relate(observation, ANSAI_POLICY_TYPES_RELATIONSHIP_DEPENDS_ON, about);
}

void ansai_part_of(ansai_observation_t *observation, ansai_policy_types_subject_t about) {
  relate(observation, ANSAI_POLICY_TYPES_RELATIONSHIP_PART_OF, about);
}

void ansai_affects(ansai_observation_t *observation, ansai_policy_types_subject_t about) {
  relate(observation, ANSAI_POLICY_TYPES_RELATIONSHIP_AFFECTS, about);
}

void ansai_same_as(ansai_observation_t *observation, ansai_policy_types_subject_t about) {
  relate(observation, ANSAI_POLICY_TYPES_RELATIONSHIP_SAME_AS, about);
}

static ansai_policy_types_value_t *add(ansai_observation_t *observation, const char *name,
                                       ansai_policy_types_unit_t unit) {
  ansai_policy_types_list_measure_t *evidence = &observation->evidence;
  evidence->ptr = realloc(evidence->ptr, (evidence->len + 1) * sizeof *evidence->ptr);
  ansai_policy_types_measure_t *measure = &evidence->ptr[evidence->len++];
  *measure = (ansai_policy_types_measure_t){.name = ansai_text(name), .unit = unit};
  return &measure->value;
}

void ansai_evidence_count(ansai_observation_t *observation, const char *name, uint64_t count,
                          ansai_policy_types_unit_t unit) {
  ansai_policy_types_value_t *value = add(observation, name, unit);
  value->tag = ANSAI_POLICY_TYPES_VALUE_COUNT;
  value->val.count = count;
}

void ansai_evidence_number(ansai_observation_t *observation, const char *name, double number,
                           ansai_policy_types_unit_t unit) {
  ansai_policy_types_value_t *value = add(observation, name, unit);
  value->tag = ANSAI_POLICY_TYPES_VALUE_NUMBER;
  value->val.number = number;
}

void ansai_evidence_text(ansai_observation_t *observation, const char *name, ansai_string_t text) {
  ansai_policy_types_value_t *value = add(observation, name, ANSAI_POLICY_TYPES_UNIT_NONE);
  value->tag = ANSAI_POLICY_TYPES_VALUE_TEXT;
  value->val.text = text;
}

double ansai_rearmed(double threshold, double lowered_by, ansai_string_t key) {
  ansai_policy_context_list_observation_t incidents;
  ansai_policy_context_open_incidents(&incidents);
  for (size_t i = 0; i < incidents.len; i++) {
    if (ansai_same(incidents.ptr[i].key, key)) {
      return threshold - lowered_by;
    }
  }
  return threshold;
}
