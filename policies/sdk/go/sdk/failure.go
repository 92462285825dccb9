package ansai

import (
	"fmt"

	"ansai/bindings/ansai_policy_types"

	witTypes "ansai/bindings/wit/types"
)

// failure is the reason why an evaluation has no answer.
type failure struct {
	kind func(string) ansai_policy_types.Failure
	text string
}

func (f *failure) Error() string { return f.text }

// Failure returns the value for the host.
func (f *failure) Failure() ansai_policy_types.Failure { return f.kind(f.text) }

// CouldNotTell is the error of a policy that could not read what it observes.
func CouldNotTell(format string, values ...any) error {
	return &failure{ansai_policy_types.MakeFailureCouldNotTell, fmt.Sprintf(format, values...)}
}

// InvalidSettings is the error of a policy whose settings are invalid.
func InvalidSettings(format string, values ...any) error {
	return &failure{ansai_policy_types.MakeFailureInvalidSettings, fmt.Sprintf(format, values...)}
}

// Refused is the error of a call that the host refused. Its text is the host's text.
type Refused struct{ Refusal Refusal }

func (r *Refused) Error() string { return text(r.Refusal) }

// MayGoAway returns whether the reason of a refusal may go away by itself: another process holds a lock, or the target
// changed since it was examined. Then wait, or plan again. Any other refusal stays until a person does something.
func MayGoAway(refusal Refusal) bool {
	tag := refusal.Tag()
	return tag == ansai_policy_types.RefusalBusy || tag == ansai_policy_types.RefusalChanged
}

// Answer turns the result of a host function into a value and an error, which is a *Refused.
func Answer[T any](result witTypes.Result[T, Refusal]) (T, error) {
	if result.IsErr() {
		var none T
		return none, &Refused{result.Err()}
	}
	return result.Ok(), nil
}

func text(refusal Refusal) string {
	switch refusal.Tag() {
	case ansai_policy_types.RefusalDenied:
		return refusal.Denied()
	case ansai_policy_types.RefusalNotFound:
		return refusal.NotFound()
	case ansai_policy_types.RefusalUnavailable:
		return refusal.Unavailable()
	case ansai_policy_types.RefusalUnsupported:
		return refusal.Unsupported()
	case ansai_policy_types.RefusalInvalid:
		return refusal.Invalid()
	case ansai_policy_types.RefusalOverBudget:
		return refusal.OverBudget()
	case ansai_policy_types.RefusalTimedOut:
		return refusal.TimedOut()
	case ansai_policy_types.RefusalBusy:
		return refusal.Busy()
	case ansai_policy_types.RefusalChanged:
		return refusal.Changed()
	default:
		return refusal.Other()
	}
}
