// Package policy uses the helpers of the SDK.
package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	ansai "disk-space-go/sdk"

	"ansai/bindings/ansai_files_files_actions"
	"ansai/bindings/ansai_policy_context"
	"ansai/bindings/ansai_policy_types"
)

const (
	files   = "ansai:files/files-actions"
	lastDay = 1_789_999_000_000
)

func unit(name string) ansai.Subject { return ansai.Subject{Kind: "unit", Name: name} }

// earlier describes the one attempt: what it achieved, and whether its step was refused for a reason that may go away.
func earlier() string {
	history, err := ansai.History(unit("web.service"), lastDay)
	if err != nil || len(history) != 1 || len(history[0].Steps) != 1 {
		return "wrong"
	}
	better, _ := ansai.Improvement(history[0])
	reason := history[0].Steps[0].Reason
	var refused *ansai.Refused
	_, err = ansai.History(ansai.Host(), lastDay)
	if reason.IsNone() || !ansai.MayGoAway(reason.Some()) {
		return "wrong"
	}
	if !errors.As(err, &refused) || ansai.MayGoAway(refused.Refusal) {
		return "wrong"
	}
	return fmt.Sprintf("%d earlier, %v better, busy; no history", len(history), better)
}

func summary() string {
	var parts []string
	for _, label := range ansai_policy_context.Labels() {
		parts = append(parts, label.Name+"="+label.Value)
	}
	for _, target := range ansai_policy_context.Targets() {
		hours, _ := ansai.TargetSetting(target.Name, "min_age_hours")
		if _, ok := ansai.TargetSetting(target.Name, "none"); !ok {
			parts = append(parts, target.Name+" "+hours)
		}
	}
	parts = append(parts, earlier())
	parts = append(parts, ansai_policy_context.ScopeList(files, "roots")...)
	most := ansai_policy_context.ScopeBound(files, "max_files").SomeOr(0)
	return strings.Join(append(parts, fmt.Sprintf("%d files", most)), "; ")
}

func Detect() ([]ansai.Observation, error) {
	ansai.AlsoRecommend(ansai.Recommendation{Summary: "too early", Detail: "only a plan can recommend"})
	ansai.LookAgain(90 * time.Second)
	related := []ansai.Relation{ansai.CausedBy(unit("db.service"))}
	for _, target := range ansai_policy_context.Targets() {
		related = append(related, ansai.DependsOn(target.About))
	}
	web := ansai.Observation{
		Key:     "web",
		About:   unit("web.service"),
		Status:  ansai.Gone(),
		Summary: summary(),
		Evidence: []ansai.Measure{
			ansai.Count("since", lastDay, ansai.Instant),
			ansai.Number("rate", 0.5, ansai.BytesPerSecond),
		},
		Related: append(related,
			ansai.PartOf(unit("all.slice")),
			ansai.Affects(unit("proxy.service")),
			ansai.SameAs(unit("www.service")),
		),
		Distance: ansai.Distance(2.5),
	}
	full := ansai.Observation{
		Key:      "full",
		About:    ansai.Host(),
		Status:   ansai.Unhealthy(ansai.Warning),
		Summary:  "full",
		Distance: ansai.Distance(-1),
	}
	return []ansai.Observation{web, full}, nil
}

func Plan(finding ansai.Observation) (ansai.Decision, error) {
	what := ansai_files_files_actions.Selection{Root: "/srv", Globs: []string{"**"}, MinAgeHours: 48}
	preview, err := ansai.Answer(ansai_files_files_actions.Remove(what, finding.Summary))
	if err != nil {
		return ansai.Decision{}, err
	}
	if err := ansai.MayFail(preview.Step); err != nil {
		return ansai.Decision{}, err
	}
	ansai.AlsoRecommend(ansai.Recommendation{About: ansai.About(ansai.Host()), Summary: "a larger disk", Detail: "it grows"})
	ansai.LookAgain(time.Millisecond)
	var refused *ansai.Refused
	if errors.As(ansai.MayFail(7), &refused) && refused.Refusal.Tag() == ansai_policy_types.RefusalNotFound {
		return ansai.Apply(ansai.UndoApplied), nil
	}
	return ansai.Apply(ansai.Stop), nil
}
