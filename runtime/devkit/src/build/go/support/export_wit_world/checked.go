package export_wit_world

import (
	"fmt"
	"math"
	"reflect"
	"unicode/utf8"
)

// unfit returns what of a value the contract cannot hold, with its place: a text that is not valid UTF-8, or a number that
// is not finite. It is empty if there is nothing.
func unfit(place string, value reflect.Value) string {
	switch value.Kind() {
	case reflect.String:
		if !utf8.ValidString(value.String()) {
			return place + " is not valid UTF-8"
		}
	case reflect.Float64:
		if math.IsNaN(value.Float()) || math.IsInf(value.Float(), 0) {
			return place + " is not a finite number"
		}
	case reflect.Slice:
		for i := range value.Len() {
			if problem := unfit(fmt.Sprintf("%s[%d]", place, i), value.Index(i)); problem != "" {
				return problem
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			inner := place
			// The types of the bindings for cases and options have fields without a name of the contract.
			if field := value.Type().Field(i); field.IsExported() {
				inner += "." + field.Name
			}
			if problem := unfit(inner, value.Field(i)); problem != "" {
				return problem
			}
		}
	case reflect.Interface, reflect.Pointer:
		if !value.IsNil() {
			return unfit(place, value.Elem())
		}
	}
	return ""
}
