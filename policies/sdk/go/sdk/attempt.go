package ansai

import "ansai/bindings/ansai_policy_context"

// History returns the attempts of this instance at findings about a thing since an instant (milliseconds since the Unix
// epoch), oldest first, also those whose incident is closed. The error is a *Refused if the history cannot be read.
func History(about Subject, since uint64) ([]Attempt, error) {
	return Answer(ansai_policy_context.History(about, since))
}

// Improvement returns how much nearer to healthy the thing was after the attempt, negative if it was farther away; false
// if one of the distances is unknown.
func Improvement(attempt Attempt) (float64, bool) {
	before, after := attempt.DistanceBefore, attempt.DistanceAfter
	return before.SomeOr(0) - after.SomeOr(0), before.IsSome() && after.IsSome()
}
