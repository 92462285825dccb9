package ansai

import (
	"ansai/bindings/ansai_policy_context"
	"ansai/bindings/ansai_policy_types"
)

// What a policy speaks of. The WIT of ansai:policy/types says what each field means.
type (
	Observation    = ansai_policy_types.Observation
	Subject        = ansai_policy_types.Subject
	Status         = ansai_policy_types.Status
	Severity       = ansai_policy_types.Severity
	Measure        = ansai_policy_types.Measure
	Unit           = ansai_policy_types.Unit
	Decision       = ansai_policy_types.Decision
	OnFailure      = ansai_policy_types.OnFailure
	Recommendation = ansai_policy_types.Recommendation
	Preview        = ansai_policy_types.Preview
)

// How bad it is.
const (
	Notice    = ansai_policy_types.SeverityNotice
	Warning   = ansai_policy_types.SeverityWarning
	Critical  = ansai_policy_types.SeverityCritical
	Emergency = ansai_policy_types.SeverityEmergency
)

// Units of evidence.
const (
	None         = ansai_policy_types.UnitNone
	Bytes        = ansai_policy_types.UnitBytes
	Milliseconds = ansai_policy_types.UnitMilliseconds
	Ratio        = ansai_policy_types.UnitRatio
	PerSecond    = ansai_policy_types.UnitPerSecond
	Percent      = ansai_policy_types.UnitPercent
	Celsius      = ansai_policy_types.UnitCelsius
)

// Healthy is the status of what is as it should be.
func Healthy() Status { return ansai_policy_types.MakeStatusHealthy() }

// Unhealthy is the status of what is not.
func Unhealthy(severity Severity) Status { return ansai_policy_types.MakeStatusUnhealthy(severity) }

// Unknown is the status of what could not be told; it neither opens nor closes an incident.
func Unknown(why string) Status { return ansai_policy_types.MakeStatusUnknown(why) }

// Count is evidence that is a whole number.
func Count(name string, count uint64, unit Unit) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueCount(count), Unit: unit}
}

// Number is evidence that is any other number.
func Number(name string, number float64, unit Unit) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueNumber(number), Unit: unit}
}

// Text is evidence in words.
func Text(name, text string) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueText(text), Unit: None}
}

// Flag is evidence that is true or false.
func Flag(name string, flag bool) Measure {
	return Measure{Name: name, Value: ansai_policy_types.MakeValueFlag(flag), Unit: None}
}

// Rearmed is hysteresis: a threshold, lowered by so much while an incident with this key is open.
func Rearmed(threshold, loweredBy float64, key string) float64 {
	for _, incident := range ansai_policy_context.OpenIncidents() {
		if incident.Key == key {
			return threshold - loweredBy
		}
	}
	return threshold
}
