package ansai

import "ansai/bindings/ansai_policy_types"

// What a failed step does to the steps before it.
const (
	UndoApplied = ansai_policy_types.OnFailureUndoApplied
	Stop        = ansai_policy_types.OnFailureStop
)

// Apply decides for the steps that were proposed in this call, in order.
func Apply(onFailure OnFailure) Decision { return ansai_policy_types.MakeDecisionApply(onFailure) }

// ApplyThenReplan decides for them, and asks for a further plan with their results.
func ApplyThenReplan(onFailure OnFailure) Decision {
	return ansai_policy_types.MakeDecisionApplyThenReplan(onFailure)
}

// Wait decides that nothing needs doing yet, and says what is waited for.
func Wait(forWhat string) Decision { return ansai_policy_types.MakeDecisionWait(forWhat) }

// Recommend decides to advise a person, best first.
func Recommend(advice ...Recommendation) Decision {
	return ansai_policy_types.MakeDecisionRecommend(advice)
}

// GiveUp decides that nothing that this policy may do would help, and says why.
func GiveUp(why string) Decision { return ansai_policy_types.MakeDecisionGiveUp(why) }
