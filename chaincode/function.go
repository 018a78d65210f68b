package chaincode

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Command makes a function that may write. Its wire name is the type of its
// argument: func(tx, trace.Capture) is "trace.Capture". The caller needs one
// of the roles; no role means anybody with a certificate.
func Command[C, R any](run func(*Tx, C) (R, error), roles ...string) Function {
	return function(run, false, roles)
}

// Query makes a function that only reads, and may read private state.
func Query[C, R any](run func(*Tx, C) (R, error), roles ...string) Function {
	return function(run, true, roles)
}

func function[C, R any](run func(*Tx, C) (R, error), query bool, roles []string) Function {
	f := Function{
		Name: nameOf(reflect.TypeFor[C]()), Query: query, Roles: roles,
		run: func(tx *Tx, body []byte) ([]byte, error) {
			var c C
			if err := decode(body, &c); err != nil {
				return nil, err
			}
			reply, err := run(tx, c)
			if err != nil {
				return nil, err
			}
			b, err := json.Marshal(reply)
			if err != nil {
				return nil, fmt.Errorf("encode the reply of %s: %w", tx.call.Name, err)
			}
			return b, nil
		},
	}
	if _, ok := any(*new(C)).(Confidential); ok && !query {
		f.confidential = func(_ *Contracts, body []byte) bool {
			var c C
			return decode(body, &c) == nil && any(c).(Confidential).Confidential()
		}
	}
	return f
}
