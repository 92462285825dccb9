package ansai

import "ansai/bindings/ansai_policy_types"

// What happens to what the plan has done when a step fails.
const (
	UndoApplied = ansai_policy_types.OnFailureUndoApplied
	Stop        = ansai_policy_types.OnFailureStop
)

// Apply decides to apply the steps proposed in this call, in order.
func Apply(onFailure OnFailure) Decision { return ansai_policy_types.MakeDecisionApply(onFailure) }

// ApplyThenReplan decides to apply them, and requests another plan with their results.
func ApplyThenReplan(onFailure OnFailure) Decision {
	return ansai_policy_types.MakeDecisionApplyThenReplan(onFailure)
}

// Wait decides to do nothing yet, and names what the policy waits for.
func Wait(forWhat string) Decision { return ansai_policy_types.MakeDecisionWait(forWhat) }

// Recommend decides to advise a person. Pass the best recommendation first.
func Recommend(advice ...Recommendation) Decision {
	return ansai_policy_types.MakeDecisionRecommend(advice)
}

// GiveUp decides that no available action would help, with the reason.
func GiveUp(why string) Decision { return ansai_policy_types.MakeDecisionGiveUp(why) }
