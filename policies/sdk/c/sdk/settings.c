/* Settings and grants. The host passes a string unchanged, and everything else as JSON. */
#include "policy.h"

bool ansai_setting_text(const char *path, ansai_string_t *out) {
  ansai_string_t name = ansai_text(path);
  return ansai_policy_context_setting(&name, out);
}

bool ansai_target_text(ansai_string_t target, const char *path, ansai_string_t *out) {
  ansai_string_t name = ansai_text(path);
  return ansai_policy_context_target_setting(&target, &name, out);
}

ansai_list_string_t ansai_setting_list(const char *path) {
  ansai_string_t name = ansai_text(path);
  ansai_list_string_t list;
  ansai_policy_context_setting_list(&name, &list);
  return list;
}

ansai_list_string_t ansai_scope_list(const char *capability, const char *field) {
  ansai_string_t of = ansai_text(capability), name = ansai_text(field);
  ansai_list_string_t list;
  ansai_policy_context_scope_list(&of, &name, &list);
  return list;
}

bool ansai_scope_bound(const char *capability, const char *field, uint64_t *out) {
  ansai_string_t of = ansai_text(capability), name = ansai_text(field);
  return ansai_policy_context_scope_bound(&of, &name, out);
}

static bool read_flag(ansai_string_t text, bool *out) {
  if (ansai_same(text, ansai_text("true")) || ansai_same(text, ansai_text("false"))) {
    *out = text.len == 4;
    return true;
  }
  return false;
}

/* A JSON number in parts: digits * 10^exponent. */
typedef struct {
  bool negative;
  uint64_t digits;
  int exponent;
} decimal_t;

typedef struct {
  const uint8_t *at, *end;
} rest_t;

static bool is_next(rest_t *rest, uint8_t character) {
  if (rest->at < rest->end && *rest->at == character) {
    rest->at++;
    return true;
  }
  return false;
}

/* Drops digits after the nineteenth; returns how many were read. */
static size_t read_digits(rest_t *rest, decimal_t *number, bool fraction) {
  size_t count = 0;
  for (; rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9'; rest->at++, count++) {
    bool has_room = number->digits < 1000000000000000000u;
    if (has_room) {
      number->digits = number->digits * 10 + (uint64_t)(*rest->at - '0');
    }
    if (has_room && fraction) {
      number->exponent--;
    } else if (!has_room && !fraction) {
      number->exponent++;
    }
  }
  return count;
}

static bool read_exponent(rest_t *rest, decimal_t *number) {
  if (!is_next(rest, 'e') && !is_next(rest, 'E')) {
    return true;
  }
  bool negative = is_next(rest, '-');
  if (!negative) {
    is_next(rest, '+');
  }
  decimal_t exponent = {0};
  if (read_digits(rest, &exponent, false) == 0 || exponent.digits > 10000) {
    return false;
  }
  number->exponent += negative ? -(int)exponent.digits : (int)exponent.digits;
  return true;
}

static bool read_decimal(ansai_string_t text, decimal_t *number) {
  rest_t rest = {.at = text.ptr, .end = text.ptr + text.len};
  *number = (decimal_t){.negative = is_next(&rest, '-')};
  if (read_digits(&rest, number, false) == 0) {
    return false;
  }
  if (is_next(&rest, '.') && read_digits(&rest, number, true) == 0) {
    return false;
  }
  return read_exponent(&rest, number) && rest.at == rest.end;
}

static bool read_number(ansai_string_t text, double *out) {
  decimal_t number;
  if (!read_decimal(text, &number)) {
    return false;
  }
  /* Powers of ten up to 10^22 are exact, so a single division or multiplication rounds only once. */
  double value = (double)number.digits;
  double power = 1;
  int steps = number.exponent < 0 ? -number.exponent : number.exponent;
  for (int i = 0; i < steps && i < 400; i++) {
    power *= 10;
  }
  value = number.digits == 0 ? 0 : number.exponent < 0 ? value / power : value * power;
  *out = number.negative ? -value : value;
  return true;
}

static bool read_integer(ansai_string_t text, int64_t *out) {
  decimal_t number;
  if (!read_decimal(text, &number)) {
    return false;
  }
  for (; number.exponent < 0; number.exponent++) {
    if (number.digits % 10 != 0) {
      return false;
    }
    number.digits /= 10;
    if (number.digits == 0) {
      number.exponent = -1;
    }
  }
  for (; number.exponent > 0 && number.digits > 0; number.exponent--) {
    if (number.digits > INT64_MAX / 10) {
      return false;
    }
    number.digits *= 10;
  }
  if (number.digits > INT64_MAX) {
    return false;
  }
  *out = number.negative ? -(int64_t)number.digits : (int64_t)number.digits;
  return true;
}

bool ansai_setting_number(const char *path, double *out) {
  ansai_string_t text;
  return ansai_setting_text(path, &text) && read_number(text, out);
}

bool ansai_setting_integer(const char *path, int64_t *out) {
  ansai_string_t text;
  return ansai_setting_text(path, &text) && read_integer(text, out);
}

bool ansai_setting_flag(const char *path, bool *out) {
  ansai_string_t text;
  return ansai_setting_text(path, &text) && read_flag(text, out);
}

bool ansai_target_number(ansai_string_t target, const char *path, double *out) {
  ansai_string_t text;
  return ansai_target_text(target, path, &text) && read_number(text, out);
}

bool ansai_target_integer(ansai_string_t target, const char *path, int64_t *out) {
  ansai_string_t text;
  return ansai_target_text(target, path, &text) && read_integer(text, out);
}

bool ansai_target_flag(ansai_string_t target, const char *path, bool *out) {
  ansai_string_t text;
  return ansai_target_text(target, path, &text) && read_flag(text, out);
}
