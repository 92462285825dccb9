package ansai

import (
	"encoding/json"
	"fmt"

	"ansai/bindings/ansai_policy_context"
)

// Settings reads the settings into a struct with `json` tags. The defaults of the schema are filled in, sizes are
// bytes, and durations are milliseconds. The error is a failure of the kind "invalid settings".
func Settings(into any) error {
	if err := json.Unmarshal([]byte(ansai_policy_context.Settings()), into); err != nil {
		return InvalidSettings("%v", err)
	}
	return nil
}

// TargetSetting returns one setting by its dotted path, with the value that the operator set for this target if there is
// one; false if there is neither. A string is returned as it is, every other value as JSON.
func TargetSetting(target, path string) (string, bool) {
	value := ansai_policy_context.TargetSetting(target, path)
	return value.SomeOr(""), value.IsSome()
}

// Scope reads the granted tables of an interface ("ansai:files/files-actions") into a slice of structs with `json` tags,
// in the operator's order, and returns whether the interface is granted. One table must permit a whole call.
func Scope(name string, tables any) (bool, error) {
	var scopes map[string]json.RawMessage
	if err := json.Unmarshal([]byte(ansai_policy_context.Scopes()), &scopes); err != nil {
		return false, fmt.Errorf("scopes: %w", err)
	}
	scope, granted := scopes[name]
	if !granted {
		return false, nil
	}
	if err := json.Unmarshal(scope, tables); err != nil {
		return true, fmt.Errorf("scope of %s: %w", name, err)
	}
	return true, nil
}
