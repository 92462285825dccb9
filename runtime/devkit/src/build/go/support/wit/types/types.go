// Package types has the WIT types that Go lacks, with the names that the generated bindings use.
package types

const (
	OptionNone = 0
	OptionSome = 1
	ResultOk   = 0
	ResultErr  = 1
)

// Option holds a value or nothing.
type Option[T any] struct {
	value T
	some  bool
}

func Some[T any](value T) Option[T] { return Option[T]{value: value, some: true} }
func None[T any]() Option[T]        { return Option[T]{} }

func (o Option[T]) Tag() uint8 {
	if o.some {
		return OptionSome
	}
	return OptionNone
}

func (o Option[T]) IsSome() bool { return o.some }
func (o Option[T]) IsNone() bool { return !o.some }

// Some returns the value; it panics if there is none.
func (o Option[T]) Some() T {
	if !o.some {
		panic("there is no value")
	}
	return o.value
}

// SomeOr returns the value, or the given one if there is none.
func (o Option[T]) SomeOr(otherwise T) T {
	if o.some {
		return o.value
	}
	return otherwise
}

// Result holds an answer or an error.
type Result[T, E any] struct {
	answer T
	err    E
	failed bool
}

func Ok[T, E any](answer T) Result[T, E] { return Result[T, E]{answer: answer} }
func Err[T, E any](err E) Result[T, E]   { return Result[T, E]{err: err, failed: true} }

func (r Result[T, E]) Tag() uint8 {
	if r.failed {
		return ResultErr
	}
	return ResultOk
}

func (r Result[T, E]) IsOk() bool  { return !r.failed }
func (r Result[T, E]) IsErr() bool { return r.failed }

// Ok returns the answer; it panics if there is an error.
func (r Result[T, E]) Ok() T {
	if r.failed {
		panic("there is no answer")
	}
	return r.answer
}

// Err returns the error; it panics if there is an answer.
func (r Result[T, E]) Err() E {
	if !r.failed {
		panic("there is no error")
	}
	return r.err
}

// Unit is an answer without a value.
type Unit struct{}

type Tuple1[A any] struct{ F0 A }

type Tuple2[A, B any] struct {
	F0 A
	F1 B
}

type Tuple3[A, B, C any] struct {
	F0 A
	F1 B
	F2 C
}

type Tuple4[A, B, C, D any] struct {
	F0 A
	F1 B
	F2 C
	F3 D
}
