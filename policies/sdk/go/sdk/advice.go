package ansai

import (
	"fmt"
	"time"

	"ansai/bindings/ansai_policy_advice"
	"ansai/bindings/ansai_policy_log"
)

// The shortest and the longest time until a follow-up.
const (
	soonest = time.Second
	latest  = 24 * time.Hour
)

// AlsoRecommend recommends something to a person, in addition to the decision of Plan.
func AlsoRecommend(what Recommendation) {
	if _, err := Answer(ansai_policy_advice.Recommend(what)); err != nil {
		warn("the recommendation is lost: %v", err)
	}
}

// LookAgain asks for another evaluation this long after this one ended, between a second and a day, if nothing else causes
// one before. Then that evaluation must ask again.
func LookAgain(after time.Duration) {
	after = min(max(after, soonest), latest)
	if _, err := Answer(ansai_policy_advice.LookAgain(uint64(after.Milliseconds()))); err != nil {
		warn("there is no follow-up: %v", err)
	}
}

// MayFail lets a plan go on if this step fails or is refused, because it only captures evidence or prepares something. The
// error is a *Refused if this call of Plan has not proposed the step.
func MayFail(step StepRef) error {
	_, err := Answer(ansai_policy_advice.MayFail(step))
	return err
}

// warn logs advice that the host refused; the evaluation keeps its answer.
func warn(format string, err error) {
	ansai_policy_log.Write(ansai_policy_log.LevelWarn, fmt.Sprintf(format, err))
}
