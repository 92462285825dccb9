// Package export_wit_world has the functions that the host calls. They call the policy, and turn errors and panics into
// failures.
package export_wit_world

import (
	"errors"
	"fmt"
	"path"
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
	return result(policy.Detect())
}

func Plan(finding ansai_policy_types.Observation) (answer decision) {
	defer recovered(&answer)
	return result(policy.Plan(finding))
}

func result[T any](answer T, err error) types.Result[T, ansai_policy_types.Failure] {
	if err != nil {
		return types.Err[T](failure(err))
	}
	return types.Ok[T, ansai_policy_types.Failure](answer)
}

// failure returns the failure of an error from the SDK, or else its text.
func failure(err error) ansai_policy_types.Failure {
	var known interface {
		Failure() ansai_policy_types.Failure
	}
	if errors.As(err, &known) {
		return known.Failure()
	}
	return ansai_policy_types.MakeFailureOther(err.Error())
}

func recovered[T any](answer *types.Result[T, ansai_policy_types.Failure]) {
	if cause := recover(); cause != nil {
		ansai_policy_log.Write(ansai_policy_log.LevelError, string(debug.Stack()))
		*answer = types.Err[T](ansai_policy_types.MakeFailureOther(fmt.Sprintf("the policy panicked: %v%s", cause, where())))
	}
}

// where returns the innermost line of the policy on the stack of a panic: ` (Detect, policy.go line 12)`.
func where() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for panicked := false; ; {
		frame, more := frames.Next()
		own := !strings.HasPrefix(frame.Function, "runtime.")
		if panicked && own && !strings.Contains(frame.Function, "export_wit_world.") {
			_, name, _ := strings.Cut(path.Base(frame.Function), ".")
			return fmt.Sprintf(" (%s, %s line %d)", name, path.Base(frame.File), frame.Line)
		}
		panicked = panicked || frame.Function == "runtime.gopanic" || frame.Function == "runtime.sigpanic"
		if !more {
			return ""
		}
	}
}
