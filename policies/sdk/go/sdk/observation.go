package ansai

import (
	"math"
	"strconv"

	"ansai/bindings/ansai_policy_context"
	"ansai/bindings/ansai_policy_types"

	witTypes "ansai/bindings/wit/types"
)

// Types of observations. The WIT of ansai:policy/types describes each field.
type (
	Observation    = ansai_policy_types.Observation
	Subject        = ansai_policy_types.Subject
	Status         = ansai_policy_types.Status
	Severity       = ansai_policy_types.Severity
	Relation       = ansai_policy_types.Relation
	Measure        = ansai_policy_types.Measure
	Unit           = ansai_policy_types.Unit
	Decision       = ansai_policy_types.Decision
	OnFailure      = ansai_policy_types.OnFailure
	Recommendation = ansai_policy_types.Recommendation
	Preview        = ansai_policy_types.Preview
	StepRef        = ansai_policy_types.StepRef
	Attempt        = ansai_policy_types.Attempt
	StepResult     = ansai_policy_types.StepResult
	Refusal        = ansai_policy_types.Refusal
)

// Severities.
const (
	Notice    = ansai_policy_types.SeverityNotice
	Warning   = ansai_policy_types.SeverityWarning
	Critical  = ansai_policy_types.SeverityCritical
	Emergency = ansai_policy_types.SeverityEmergency
)

// Units of evidence.
const (
	None           = ansai_policy_types.UnitNone
	Bytes          = ansai_policy_types.UnitBytes
	Milliseconds   = ansai_policy_types.UnitMilliseconds
	Instant        = ansai_policy_types.UnitInstant // milliseconds since the Unix epoch
	Ratio          = ansai_policy_types.UnitRatio   // also for shares
	PerSecond      = ansai_policy_types.UnitPerSecond
	BytesPerSecond = ansai_policy_types.UnitBytesPerSecond
	Celsius        = ansai_policy_types.UnitCelsius
	OtherUnit      = ansai_policy_types.UnitOther // the name of the measure states it
)

// How much of a step can be undone: Reversible in a Preview.
const (
	NotReversible    = ansai_policy_types.ReversibilityNone
	PartlyReversible = ansai_policy_types.ReversibilityPartly
	FullyReversible  = ansai_policy_types.ReversibilityFully
)

// Host returns the subject of this host as a whole, for observations that are about no smaller thing. Other subjects come
// from the answers of probes and from the targets of the context; a policy never builds one.
func Host() Subject { return ansai_policy_context.Host() }

// Healthy returns the status of a healthy thing.
func Healthy() Status { return ansai_policy_types.MakeStatusHealthy() }

// Unhealthy returns the status of an unhealthy thing.
func Unhealthy(severity Severity) Status { return ansai_policy_types.MakeStatusUnhealthy(severity) }

// Unknown returns the status of a thing that could not be read, with the reason. It neither opens nor closes an incident.
func Unknown(why string) Status { return ansai_policy_types.MakeStatusUnknown(why) }

// Gone returns the status of a thing that no longer exists: it was looked for and not found. It closes the incident.
func Gone() Status { return ansai_policy_types.MakeStatusGone() }

// CausedBy relates an observation to the thing whose fault is the cause of the problem. It is for an established cause
// only: while that thing has an open incident, the host may hold this finding back. Otherwise use DependsOn.
func CausedBy(about Subject) Relation {
	return Relation{How: ansai_policy_types.RelationshipCausedBy, About: about}
}

// DependsOn relates an observation to a thing that it needs to work: a web server to its database.
func DependsOn(about Subject) Relation {
	return Relation{How: ansai_policy_types.RelationshipDependsOn, About: about}
}

// PartOf relates an observation to the thing that it is a part of.
func PartOf(about Subject) Relation {
	return Relation{How: ansai_policy_types.RelationshipPartOf, About: about}
}

// Affects relates an observation to something that the problem affects.
func Affects(about Subject) Relation {
	return Relation{How: ansai_policy_types.RelationshipAffects, About: about}
}

// SameAs relates an observation to another name of the same thing: a container to its unit.
func SameAs(about Subject) Relation {
	return Relation{How: ansai_policy_types.RelationshipSameAs, About: about}
}

// Distance is how far a thing is from healthy, in any unit that stays the same for this key: smaller is better, 0 is
// healthy, and a negative number counts as 0. It tells whether an attempt helped, see Improvement.
func Distance(distance float64) witTypes.Option[float64] {
	if distance < 0 { // Not-a-number stays, so that it is reported.
		distance = 0
	}
	return witTypes.Some(distance)
}

// About names the thing to change in a Recommendation, if it is not that of the finding.
func About(about Subject) witTypes.Option[Subject] { return witTypes.Some(about) }

// Percent returns a share in percent, rounded down to tenths: "85.9 %" of 0.859. ansai shows evidence in the same way.
func Percent(share float64) string {
	// The sum makes up for what a share lost as a float: 0.29 is 28.999… %.
	return strconv.FormatFloat(math.Floor(share*1000+1e-6)/10, 'f', -1, 64) + " %"
}

// Count is evidence with an integer.
func Count(name string, count uint64, unit Unit) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueCount(count), Unit: unit}
}

// Number is evidence with any other number.
func Number(name string, number float64, unit Unit) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueNumber(number), Unit: unit}
}

// Text is evidence with a text.
func Text(name, text string) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueText(text), Unit: None}
}

// Flag is evidence with a boolean.
func Flag(name string, flag bool) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueFlag(flag), Unit: None}
}

// Rearmed implements hysteresis: it lowers a threshold while an incident with this key is open.
func Rearmed(threshold, loweredBy float64, key string) float64 {
	for _, incident := range ansai_policy_context.OpenIncidents() {
		if incident.Key == key {
			return threshold - loweredBy
		}
	}
	return threshold
}
