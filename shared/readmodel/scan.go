package readmodel

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// Querier is what rows are read from: a DB or a Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// All reads every row into a T. A struct takes each column into the field whose
// tag `db:"column"` names it, embedded structs included, or, when no field has
// a tag, its fields in order. Any other T takes the only column.
func All[T any](ctx context.Context, q Querier, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	fields, err := fieldsFor(reflect.TypeFor[T](), columns)
	if err != nil {
		return nil, err
	}
	var all []T
	targets := make([]any, len(columns))
	for rows.Next() {
		all = append(all, *new(T))
		row := reflect.ValueOf(&all[len(all)-1]).Elem()
		for i := range targets {
			if fields == nil {
				targets[i] = row.Addr().Interface()
			} else {
				targets[i] = row.FieldByIndex(fields[i]).Addr().Interface()
			}
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

// One reads the first row into a T, as All does; sql.ErrNoRows when there is
// none.
func One[T any](ctx context.Context, q Querier, query string, args ...any) (T, error) {
	all, err := All[T](ctx, q, query, args...)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return *new(T), err
	}
	return all[0], nil
}

// fieldsFor finds the field of each column, or nil when T is one value.
func fieldsFor(t reflect.Type, columns []string) ([][]int, error) {
	if isValue(t) {
		if len(columns) != 1 {
			return nil, fmt.Errorf("read %d columns into one %s: take a struct", len(columns), t)
		}
		return nil, nil
	}
	shape := shapeOf(t)
	if len(shape.byTag) == 0 && len(shape.inOrder) != len(columns) {
		return nil, fmt.Errorf("read %d columns into the %d fields of %s: the numbers must agree, or tags name the columns",
			len(columns), len(shape.inOrder), t)
	}
	if len(shape.byTag) == 0 {
		return shape.inOrder, nil
	}
	fields := make([][]int, len(columns))
	for i, column := range columns {
		var ok bool
		if fields[i], ok = shape.byTag[column]; !ok {
			return nil, fmt.Errorf("read column %q into %s: no field has the tag db:%q", column, t, column)
		}
	}
	return fields, nil
}

func isValue(t reflect.Type) bool {
	return t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[sql.Scanner]())
}

// shape is where a struct's columns go.
type shape struct {
	byTag   map[string][]int
	inOrder [][]int
}

var shapes sync.Map // of reflect.Type

func shapeOf(t reflect.Type) shape {
	if known, ok := shapes.Load(t); ok {
		return known.(shape)
	}
	s := shape{byTag: map[string][]int{}}
	for _, field := range reflect.VisibleFields(t) {
		if !field.IsExported() || field.Anonymous {
			continue
		}
		s.inOrder = append(s.inOrder, field.Index)
		if column := field.Tag.Get("db"); column != "" {
			s.byTag[column] = field.Index
		}
	}
	shapes.Store(t, s)
	return s
}
