// Package export_wit_world has the functions that the host calls. They call the policy, and turn errors and panics into
// failures.
package export_wit_world

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"ansai/bindings/ansai_policy_log"
	"ansai/bindings/ansai_policy_types"
	"ansai/bindings/wit/types"

	policy "ansai/policy"
)

type (
	observations = types.Result[[]ansai_policy_types.Observation, ansai_policy_types.Failure]
	decision     = types.Result[ansai_policy_types.Decision, ansai_policy_types.Failure]
)

func Detect() (answer observations) {
	defer recovered(&answer)
	found, err := policy.Detect()
	return result("observations", found, err)
}

func Plan(finding ansai_policy_types.Observation) (answer decision) {
	defer recovered(&answer)
	decided, err := policy.Plan(finding)
	return result("decision", decided, err)
}

// result returns the answer of the policy, or a failure. The name is that of the answer in messages.
func result[T any](name string, answer T, err error) types.Result[T, ansai_policy_types.Failure] {
	if err != nil {
		return types.Err[T](failure(err))
	}
	if problem := unfit(name, reflect.ValueOf(answer)); problem != "" {
		return types.Err[T](ansai_policy_types.MakeFailureOther(problem))
	}
	return types.Ok[T, ansai_policy_types.Failure](answer)
}

// failure returns the failure of an error from the SDK, or else its text.
func failure(err error) ansai_policy_types.Failure {
	var known interface {
		Failure() ansai_policy_types.Failure
	}
	if errors.As(err, &known) {
		failure := known.Failure()
		if problem := unfit("the text of the failure", reflect.ValueOf(failure)); problem != "" {
			return ansai_policy_types.MakeFailureOther(problem + ": " + valid(err.Error()))
		}
		return failure
	}
	return ansai_policy_types.MakeFailureOther(valid(err.Error()))
}

// valid replaces what is not valid UTF-8.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func recovered[T any](answer *types.Result[T, ansai_policy_types.Failure]) {
	if cause := recover(); cause != nil {
		ansai_policy_log.Write(ansai_policy_log.LevelError, valid(string(debug.Stack())))
		text := valid(fmt.Sprintf("the policy panicked: %v%s", cause, where()))
		*answer = types.Err[T](ansai_policy_types.MakeFailureOther(text))
	}
}

// where returns the innermost line of the policy on the stack of a panic: ` (Detect, policy.go line 12)`.
func where() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for panicked := false; ; {
		frame, more := frames.Next()
		generated := strings.HasPrefix(frame.Function, "ansai/bindings/")
		if panicked && !generated && !strings.HasPrefix(frame.Function, "runtime.") {
			_, name, _ := strings.Cut(path.Base(frame.Function), ".")
			return fmt.Sprintf(" (%s, %s line %d)", name, path.Base(frame.File), frame.Line)
		}
		panicked = panicked || frame.Function == "runtime.gopanic" || frame.Function == "runtime.sigpanic"
		if !more {
			return ""
		}
	}
}
