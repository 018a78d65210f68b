package traceability

import (
	"fmt"
	"slices"
	"strings"
)

// inList is "($n, $n+1, …)" with its arguments, for one statement.
func inList(from int, values []string) (string, []any) {
	var b strings.Builder
	var args []any
	for i, v := range values {
		fmt.Fprintf(&b, ", $%d", from+i)
		args = append(args, v)
	}
	return "(" + strings.TrimPrefix(b.String(), ", ") + ")", args
}

// chunks cuts a list into pieces that one statement takes.
func chunks(all []string) [][]string { return slices.Collect(slices.Chunk(all, 400)) }
