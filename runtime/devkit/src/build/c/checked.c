/* Surrounds a policy in C: an answer that the policy did not give, or that the contract cannot hold, is a failure that
 * names it. Without this, memory that was never written would be an answer, and the host could only end the call. */
#include "ansai.h"

#include <stdlib.h>
#include <string.h>

/* Above every tag of the contract. */
#define NONE 0xff
/* Where a value is: `observations[3].evidence[0].name`. */
#define LONGEST 160

typedef struct {
  char text[LONGEST];
  size_t length;
} place_t;

static void add(place_t *place, const char *text) {
  for (; *text != 0 && place->length < LONGEST; text++) {
    place->text[place->length++] = *text;
  }
}

static void add_index(place_t *place, size_t index) {
  char digits[24];
  size_t length = 0;
  do {
    digits[length++] = (char)('0' + index % 10);
    index /= 10;
  } while (index > 0);
  add(place, "[");
  while (length > 0) {
    char one[2] = {digits[--length], 0};
    add(place, one);
  }
  add(place, "]");
}

static bool failed(const place_t *place, const char *problem, ansai_failure_t *failure) {
  place_t whole = *place;
  add(&whole, problem);
  uint8_t *text = malloc(whole.length);
  memcpy(text, whole.text, whole.length);
  failure->tag = ANSAI_POLICY_TYPES_FAILURE_OTHER;
  failure->val.other = (ansai_string_t){.ptr = text, .len = whole.length};
  return false;
}

static bool is_utf8(ansai_string_t text) {
  for (size_t i = 0; i < text.len;) {
    uint8_t first = text.ptr[i++];
    size_t more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : (first & 0xf0) == 0xe0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 9;
    if (more > text.len - i) {
      return false;
    }
    for (size_t k = 0; k < more; k++) {
      uint8_t next = text.ptr[i++];
      /* Longer than needed, a half of a pair, or above the last character. */
      uint8_t least = k > 0 ? 0x80 : first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
      uint8_t most = k > 0 ? 0xbf : first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
      if (next < least || next > most) {
        return false;
      }
    }
  }
  return true;
}

static bool text(place_t place, const char *field, ansai_string_t value, ansai_failure_t *failure) {
  add(&place, field);
  return is_utf8(value) || failed(&place, " is not valid UTF-8", failure);
}

static bool within(place_t place, const char *field, size_t value, size_t most, ansai_failure_t *failure) {
  add(&place, field);
  return value <= most || failed(&place, " is none of the contract's cases", failure);
}

static bool subject(place_t place, const ansai_policy_types_subject_t *value, ansai_failure_t *failure) {
  add(&place, ".about");
  return text(place, ".kind", value->kind, failure) && text(place, ".name", value->name, failure);
}

static bool measure(place_t place, const ansai_policy_types_measure_t *value, ansai_failure_t *failure) {
  if (!text(place, ".name", value->name, failure) ||
      !within(place, ".unit", value->unit, ANSAI_POLICY_TYPES_UNIT_OTHER, failure) ||
      !within(place, ".value", value->value.tag, ANSAI_POLICY_TYPES_VALUE_FLAG, failure)) {
    return false;
  }
  if (value->value.tag == ANSAI_POLICY_TYPES_VALUE_TEXT) {
    return text(place, ".value", value->value.val.text, failure);
  }
  double number = value->value.tag == ANSAI_POLICY_TYPES_VALUE_NUMBER ? value->value.val.number : 0;
  add(&place, ".value");
  return number - number == 0 || failed(&place, " is not a finite number", failure);
}

static bool measures(place_t place, const char *field, const ansai_policy_types_list_measure_t *list,
                     ansai_failure_t *failure) {
  add(&place, field);
  for (size_t i = 0; i < list->len; i++) {
    place_t one = place;
    add_index(&one, i);
    if (!measure(one, &list->ptr[i], failure)) {
      return false;
    }
  }
  return true;
}

static bool status(place_t place, const ansai_policy_types_status_t *value, ansai_failure_t *failure) {
  if (value->tag == ANSAI_POLICY_TYPES_STATUS_UNHEALTHY) {
    return within(place, ".status", value->val.unhealthy, ANSAI_POLICY_TYPES_SEVERITY_EMERGENCY, failure);
  }
  if (value->tag == ANSAI_POLICY_TYPES_STATUS_UNKNOWN) {
    return text(place, ".status", value->val.unknown, failure);
  }
  return within(place, ".status", value->tag, ANSAI_POLICY_TYPES_STATUS_GONE, failure);
}

static bool observation(place_t place, const ansai_observation_t *value, ansai_failure_t *failure) {
  if (!text(place, ".key", value->key, failure) || !subject(place, &value->about, failure) ||
      !status(place, &value->status, failure) || !text(place, ".summary", value->summary, failure) ||
      !measures(place, ".evidence", &value->evidence, failure)) {
    return false;
  }
  for (size_t i = 0; i < value->related.len; i++) {
    place_t one = place;
    add(&one, ".related");
    add_index(&one, i);
    if (!within(one, ".how", value->related.ptr[i].how, ANSAI_POLICY_TYPES_RELATIONSHIP_OTHER, failure) ||
        !subject(one, &value->related.ptr[i].about, failure)) {
      return false;
    }
  }
  double distance = value->distance.is_some ? value->distance.val : 0;
  add(&place, ".distance");
  return distance - distance == 0 || failed(&place, " is not a finite number", failure);
}

static bool decision(const ansai_decision_t *value, ansai_failure_t *failure) {
  place_t place = {.length = 0};
  add(&place, "decision");
  switch (value->tag) {
    case ANSAI_POLICY_TYPES_DECISION_APPLY:
      return within(place, ".apply", value->val.apply, ANSAI_POLICY_TYPES_ON_FAILURE_STOP, failure);
    case ANSAI_POLICY_TYPES_DECISION_APPLY_THEN_REPLAN:
      return within(place, ".apply-then-replan", value->val.apply_then_replan, ANSAI_POLICY_TYPES_ON_FAILURE_STOP,
                    failure);
    case ANSAI_POLICY_TYPES_DECISION_WAIT:
      return text(place, ".wait", value->val.wait, failure);
    case ANSAI_POLICY_TYPES_DECISION_GIVE_UP:
      return text(place, ".give-up", value->val.give_up, failure);
    case ANSAI_POLICY_TYPES_DECISION_RECOMMEND:
      break;
    default:
      return within(place, "", value->tag, ANSAI_POLICY_TYPES_DECISION_GIVE_UP, failure);
  }
  for (size_t i = 0; i < value->val.recommend.len; i++) {
    const ansai_policy_types_recommendation_t *what = &value->val.recommend.ptr[i];
    place_t one = place;
    add(&one, ".recommend");
    add_index(&one, i);
    if ((what->about.is_some && !subject(one, &what->about.val, failure)) ||
        !text(one, ".summary", what->summary, failure) || !text(one, ".detail", what->detail, failure) ||
        !measures(one, ".measures", &what->measures, failure)) {
      return false;
    }
  }
  return true;
}

/* The failure that the policy gave, if it gave a valid one. */
static bool failure_of(const char *name, ansai_failure_t *failure) {
  place_t place = {.length = 0};
  add(&place, name);
  if (failure->tag > ANSAI_POLICY_TYPES_FAILURE_OTHER) {
    return failed(&place, " returned false without a failure: return ansai_could_not_tell(failure, …)", failure);
  }
  /* Each case has a text, at the same offset. */
  return text(place, ": the text of the failure", failure->val.other, failure) && false;
}

bool ansai_checked_detect(ansai_list_observation_t *found, ansai_failure_t *failure) {
  *found = (ansai_list_observation_t){0};
  *failure = (ansai_failure_t){.tag = NONE};
  if (!exports_ansai_detect(found, failure)) {
    return failure_of("detect", failure);
  }
  for (size_t i = 0; i < found->len; i++) {
    place_t place = {.length = 0};
    add(&place, "observations");
    add_index(&place, i);
    if (!observation(place, &found->ptr[i], failure)) {
      return false;
    }
  }
  return true;
}

bool ansai_checked_plan(ansai_observation_t *finding, ansai_decision_t *decided, ansai_failure_t *failure) {
  *decided = (ansai_decision_t){.tag = NONE};
  *failure = (ansai_failure_t){.tag = NONE};
  if (!exports_ansai_plan(finding, decided, failure)) {
    return failure_of("plan", failure);
  }
  if (decided->tag == NONE) {
    place_t place = {.length = 0};
    return failed(&place, "plan returned true without a decision: set *decision before, or return false", failure);
  }
  return decision(decided, failure);
}
